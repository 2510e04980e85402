/** The ledger: what was lost, what is not read, and how far each file is; also behind a restart and a crash. */
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FileState } from '../../pipeline/bus.ts'
import { batchOf } from '../../pipeline/event-batch.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import { ZoneWatch, zoneText } from '../../shipper/zone-watch.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined
let registry: Awaited<ReturnType<typeof startTestShipper>>['registry']

beforeEach(() => {
  folder = temporaryFolder('ledger')
  bus = rememberingBus()
})
afterEach(async () => {
  await shipper?.close(100)
  shipper = undefined
  folder.cleanUp()
})

async function start(gate: RememberingBus['gate'] = () => {}): Promise<void> {
  bus = rememberingBus()
  bus.gate = gate
  ;({ shipper, registry } = await startTestShipper(folder.path, bus, ['--copy-wait-ms', '100']))
}

const path = (name = 'a.log') => join(folder.path, 'logs/shop/shop-0/logs', name)
const line = (n: number) => `2026-11-22 10:00:00.000 INFO line ${n}\n`
function write(from: number, count: number, to = path()): void {
  mkdirSync(dirname(to), { recursive: true })
  appendFileSync(to, Array.from({ length: count }, (_, i) => line(from + i)).join(''))
}
const states = () => [...bus.states.values()]
const told = async (is: (state: FileState) => boolean, what: string): Promise<FileState> => {
  await waitFor(() => states().some(is), 8000, `${what}: ${JSON.stringify(states())}`)
  return states().find(is) as FileState
}
async function lostBytes(): Promise<number> {
  return Number(/^shiplog_bytes_lost_total (\d+)/m.exec(await registry.metrics())?.[1])
}

test('what was truncated before it was read is counted once, with when and why, also behind restarts', async () => {
  write(0, 10)
  await start()
  await waitFor(() => bus.records.length === 10)
  await shipper?.close()
  write(10, 5)
  const unread = 5 * line(10).length
  // It is read and written ahead, but never acknowledged: what is lost when the file is emptied.
  let held = false
  await start(() => {
    held = true
    return new Promise(() => {})
  })
  await waitFor(() => held)
  await shipper?.close(50)
  truncateSync(path())
  const before = Date.now() * 1000
  await start()
  const state = await told(({ lost }) => lost > 0, 'the loss')
  expect(state.lost).toBeGreaterThan(0)
  expect(state.lost).toBeLessThanOrEqual(unread)
  expect(state).toMatchObject({ state: 'gone', loss: { cause: 'truncated', atLeast: true } })
  expect(state.loss?.first).toBeGreaterThanOrEqual(before)
  expect(await lostBytes()).toBe(state.lost)
  for (let restart = 0; restart < 2; restart++) {
    await shipper?.close()
    await start()
    expect(await lostBytes()).toBe(state.lost)
  }
})

test('a file that is deleted before it was opened has an entry of its own', async () => {
  // The store is away, so that only as much is read as may be held.
  ;({ shipper, registry } = await startTestShipper(folder.path, bus, [
    ...['--in-flight-bytes-max', '1024', '--copy-wait-ms', '100'],
  ]))
  bus.gate = () => new Promise(() => {})
  write(0, 100)
  await waitFor(async () => /shiplog_events_read_total [1-9]/.test(await registry.metrics()))
  write(0, 3, path('b.log'))
  await waitFor(async () => /shiplog_files 2/.test(await registry.metrics()))
  await waitFor(
    async () => Number(/shiplog_bytes_behind (\d+)/.exec(await registry.metrics())?.[1]) >= 3 * line(0).length,
  )
  rmSync(path('b.log'))
  const state = await told(({ lost }) => lost > 0, 'the loss')
  expect(state).toMatchObject({ state: 'gone', lost: 3 * line(0).length, loss: { cause: 'deleted' } })
  expect(state.generation).toMatch(/^[0-9a-z]{26}$/)
  const { lost } = state
  await shipper?.close(50)
  await start()
  expect(await lostBytes()).toBe(lost)
})

test('each file says where it stands', async () => {
  write(0, 3)
  write(0, 2, path('old.log'))
  await start()
  const at = (file: string) => states().find(({ source }) => source.file === file)
  await told(({ state, source }) => source.file === 'a.log' && state === 'following', 'it is written')
  renameSync(path('old.log'), path('old.log.1'))
  await told(({ state, source }) => source.file === 'old.log' && state === 'rotated', 'it is rotated')
  expect(at('old.log')).toMatchObject({ lost: 0, acknowledged: 2 * line(0).length })
  bus.gate = () => new Promise(() => {})
  write(3, 5)
  await told(({ state, source }) => source.file === 'a.log' && state === 'behind', 'it is behind')
  expect(at('a.log')).toMatchObject({ size: 8 * line(0).length, acknowledged: 3 * line(0).length })
  rmSync(path('old.log.1'))
  await told(({ state, source }) => source.file === 'old.log' && state === 'gone', 'it is gone')
})

test('what is there and not shipped has an entry with why, until it is shipped or gone', async () => {
  mkdirSync(dirname(path()), { recursive: true })
  symlinkSync('/etc/hostname', path('link.log'))
  writeFileSync(path('packed.log.gz'), 'this is nothing packed, and long enough')
  writeFileSync(join(folder.path, 'logs/stray.log'), line(0))
  await start()
  const link = await told(({ path: shown }) => shown.endsWith('link.log'), 'the link')
  expect(link).toMatchObject({ state: 'skipped', reason: expect.stringContaining('symbolic link') })
  expect(link).not.toHaveProperty('generation')
  const packed = await told(({ path: shown }) => shown.endsWith('.gz'), 'the archive')
  expect(packed).toMatchObject({ state: 'unreadable', reason: 'no gzip file, whatever its name says' })
  const stray = await told(({ source }) => source.file === 'stray.log', 'the stray file')
  expect(stray).toMatchObject({ source: { app: 'unknown' }, warning: 'outside the layout: shipped as app unknown' })

  rmSync(path('link.log'))
  await told(({ path: shown, state }) => shown.endsWith('link.log') && state === 'gone', 'the link is gone')
  rmSync(path('packed.log.gz'))
  await told(({ path: shown, state }) => shown.endsWith('.gz') && state === 'gone', 'the archive is gone')
})

const second = 1_000_000
const hour = 3600 * second
const noon = Date.UTC(2026, 10, 22, 12) * 1000
const seen = (offUs: number, readAt: number, timeFrom = 0) => ({
  readAt,
  batch: batchOf(
    {
      source: { cluster: 'c', app: 'a', instance: 'i', host: 'h', dir: '/', file: 'f' },
      generation: '',
      encoding: '',
      readAt,
    },
    [{ message: new Uint8Array(), offset: 0, bytes: 0, time: readAt - offUs, timeFrom }],
  ),
})
const after = (offs: readonly number[], apart = second, timeFrom = 0): string | undefined => {
  const watch = new ZoneWatch()
  return zoneText(offs.reduce((_, off, i) => watch.note(seen(off, noon + i * apart, timeFrom)), 0))
}

test.each([
  ['stamps that agree', [0, 0, 0, 0], undefined],
  ['lines that are late', [9, 40, 55, 20].map((s) => s * second), undefined],
  ['eight hours behind', [8, 8, 8].map((h) => h * hour + second), 'zone looks 8 h off'],
  ['eight hours ahead', [-8, -8, -8].map((h) => h * hour + second), 'zone looks 8 h off'],
  ['five and a half', [5.5, 5.5, 5.5].map((h) => h * hour), 'zone looks 5.5 h off'],
  ['half an hour', [0.5, 0.5, 0.5].map((h) => h * hour), 'zone looks 30 min off'],
  ['too few looks', [8 * hour, 8 * hour], undefined],
  ['a backlog that is caught up with', [9 * hour, 8.2 * hour, 7.1 * hour, 6.4 * hour], undefined],
  ['not the same twice', [8 * hour, 7 * hour, 8 * hour, 7 * hour], undefined],
  ['mended', [8 * hour, 8 * hour, 8 * hour, 0, 0, 0], undefined],
])('%s', (_, offs, expected) => {
  expect(after(offs)).toBe(expected)
})

test('one moment says nothing, and neither do times that were not in the line', () => {
  expect(after([8 * hour, 8 * hour, 8 * hour, 8 * hour], 1000)).toBe(undefined)
  expect(after([8 * hour, 8 * hour, 8 * hour], second, 1)).toBe(undefined)
})
