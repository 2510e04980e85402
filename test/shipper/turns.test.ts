/** Backlog and live files, and what deleted files may hold. */
import { appendFileSync, mkdirSync, unlinkSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined

beforeEach(() => {
  folder = temporaryFolder('turns')
  bus = rememberingBus()
})

afterEach(async () => {
  bus.gate = () => {}
  await shipper?.close(100)
  folder.cleanUp()
})

function pathOf(name: string): string {
  return join(folder.path, 'logs/shop', name)
}

function write(name: string, from: number, count: number): void {
  mkdirSync(dirname(pathOf(name)), { recursive: true })
  const lines = Array.from({ length: count }, (_, i) => `2026-11-22 10:00:00.000 INFO line ${from + i} of ${name}\n`)
  appendFileSync(pathOf(name), lines.join(''))
}

const small = ['--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '65536']

test('old backlog is read oldest first, and a live file is not kept waiting by it', async () => {
  const names = ['s-0/c.log', 's-1/a.log', 's-2/b.log']
  for (const [i, name] of names.entries()) {
    write(name, 0, 3000)
    utimesSync(pathOf(name), 1_700_000_000 + i * 3600, 1_700_000_000 + i * 3600)
  }
  write('live/live.log', 0, 1)
  let lines = 1
  // Each publish of backlog lets one more live line be written.
  bus.gate = (batches) => {
    if (batches.some((batch) => batch.origin.source.file !== 'live.log') && lines < 20)
      write('live/live.log', lines++, 1)
  }
  const { shipper: started } = await startTestShipper(folder.path, bus, small)
  shipper = started
  await waitFor(() => bus.records.length === 9000 + lines, 15_000)
  // The last event of a file waits for more lines: it may come behind others.
  const seen = bus.records.filter(({ message }) => !message.includes('line 2999 '))
  const files = seen.map((record) => record.file)
  const endOf = (file: string): number => files.lastIndexOf(file)
  expect(endOf('c.log')).toBeLessThan(endOf('a.log'))
  expect(endOf('a.log')).toBeLessThan(endOf('b.log'))
  // Long before the backlog ends the live lines are there.
  expect(endOf('live.log')).toBeLessThan(endOf('b.log') * 0.75)
})

test('over deletedOpenBytesMax the oldest of the deleted files is closed, and what it owed is counted', async () => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const names = ['s-0/a.log', 's-1/b.log']
  for (const name of names) write(name, 0, 1)
  const { shipper: started, registry } = await startTestShipper(folder.path, bus, [
    ...small,
    '--deleted-open-bytes-max',
    '200000',
  ])
  shipper = started
  const lost = async (): Promise<number> =>
    Number(/^shiplog_bytes_lost_total (\d+)/m.exec(await registry.metrics())?.[1])
  await waitFor(() => bus.records.length === 2)
  bus.gate = () => released
  for (const name of names) write(name, 1, 3000)
  await waitFor(async () => !/shiplog_bytes_behind 0\n/.test(await registry.metrics()))
  unlinkSync(pathOf('s-0/a.log'))
  await waitFor(async () => (await lost()) === 0 && /shiplog_files 2/.test(await registry.metrics()))
  unlinkSync(pathOf('s-1/b.log'))
  await waitFor(async () => (await lost()) > 0, 8000, 'the older is given up')
  release()
  // One of the two is read to its end through its handle.
  await waitFor(() => bus.messages('b.log').length === 3001 || bus.messages('a.log').length === 3001, 8000)
  await waitFor(() => [...bus.states.values()].some((state) => state.lost > 0))
  const whole = [bus.messages('a.log'), bus.messages('b.log')].filter((messages) => messages.length === 3001)
  expect(whole).toHaveLength(1)
})
