/** Wrapped files on the disk: what waits and is let go, and a process that ends between publishing and remembering. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EventBatch, recordOf } from '../../pipeline/event-batch.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined

beforeEach(() => {
  folder = temporaryFolder('wrapper')
  bus = rememberingBus()
})

afterEach(async () => {
  await shipper?.close(100)
  folder.cleanUp()
})

async function start(): Promise<void> {
  shipper = (await startTestShipper(folder.path, bus)).shipper
}

let written = ''
function write(...lines: readonly (readonly ['stdout' | 'stderr', string])[]): void {
  const path = join(folder.path, 'logs/docker/4f2e/4f2e-json.log')
  mkdirSync(dirname(path), { recursive: true })
  for (const [stream, log] of lines) {
    const line = `${JSON.stringify({ log, stream, time: '2026-11-22T10:00:00.123456789Z' })}\n`
    written += line
    appendFileSync(path, line)
  }
}

const said = (records: readonly LogRecord[]) => records.map(({ message, continues }) => [message, continues])
const arrived = (count: number) => waitFor(() => bus.records.length >= count, 5000, `${count} records`)
const bytesOf = (records: readonly LogRecord[]) =>
  Buffer.concat(records.map((record) => Buffer.from(record.raw as string, 'base64'))).toString()

beforeEach(() => {
  written = ''
})

test('what is let go in the middle, of a trace and of a text in pieces, is linked by stream', async () => {
  write(['stdout', 'java.lang.Error: x\n'], ['stdout', '\tat a.B.c(D.java:1)\n'], ['stderr', 'half'])
  await start()
  await arrived(2)
  write(['stdout', '\tat a.B.d(D.java:2)\n'], ['stderr', ' whole\n'], ['stderr', 'next\n'])
  await arrived(5)
  const [trace, half] = bus.records as [LogRecord, LogRecord]
  expect(said(bus.records)).toEqual([
    ['java.lang.Error: x\n\tat a.B.c(D.java:1)', undefined],
    ['half', undefined],
    ['\tat a.B.d(D.java:2)', trace.id],
    [' whole', half.id],
    ['next', undefined],
  ])
  expect(trace).toMatchObject({ time: '2026-11-22T10:00:00.123456Z', timeFrom: 'line' })
  expect(bytesOf(bus.records)).toBe(written)
})

test('a window that was published and not acknowledged is published again just so, with what came since behind it', async () => {
  write(['stdout', 'java.lang.Error: x\n'], ['stderr', 'w\n'], ['stdout', 'half'])
  await start()
  await arrived(3)
  const unheard: LogRecord[] = []
  const recordsOf = (batches: readonly EventBatch[]): LogRecord[] =>
    batches.flatMap((batch) => Array.from({ length: batch.count }, (_, i) => recordOf(batch, i, batch.origin)))
  bus.gate = (batches) => {
    unheard.push(...recordsOf(batches))
    return Promise.reject(Object.assign(new Error('down'), { retryable: true }))
  }
  write(['stdout', ' whole\n'], ['stderr', '  more\n'])
  await waitFor(() => unheard.length > 0)
  await shipper?.close(50)
  bus.gate = () => {}
  write(['stdout', '\tat a.B.c(D.java:1)\n'], ['stderr', 'end\n'])
  await start()
  await arrived(7)
  const [, warning, half] = bus.records as [LogRecord, LogRecord, LogRecord]
  expect(said(bus.records.slice(3))).toEqual([
    [' whole', half.id],
    ['  more', warning.id],
    ['\tat a.B.c(D.java:1)', half.id],
    ['end', undefined],
  ])
  for (const record of unheard) expect(bus.records.find(({ id }) => id === record.id)).toEqual(record)
  expect(bytesOf(bus.records)).toBe(written)
})
