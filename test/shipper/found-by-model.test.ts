/**
 * What the model (test/model) found, each as a story of its own. The moments that only a run with its own clock meets
 * exactly are in the model; here stand those that real files can be brought to.
 */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { agrees, signatureOf } from '../../shipper/identity.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined
let registry: Awaited<ReturnType<typeof startTestShipper>>['registry']

beforeEach(() => {
  folder = temporaryFolder('found')
  bus = rememberingBus()
})

afterEach(async () => {
  bus.gate = () => {}
  await shipper?.close(100)
  folder.cleanUp()
})

async function start(...args: string[]): Promise<void> {
  ;({ shipper, registry } = await startTestShipper(folder.path, bus, args))
}

const path = () => join(folder.path, 'logs/shop/shop-0/logs/a.log')

function text(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `2026-11-22 10:00:00.000 INFO line ${from + i}\n`).join('')
}

function write(from: number, count: number, to = path()): void {
  mkdirSync(dirname(to), { recursive: true })
  appendFileSync(to, text(from, count))
}

const lines = (count: number) => text(0, count).trimEnd().split('\n').sort()
const sorted = () => bus.records.map((record) => record.message).sort()
const arrived = (count: number) =>
  waitFor(() => bus.records.length >= count, 8000, `${count} events (there are ${bus.records.length})`)

async function lostBytes(): Promise<number> {
  return Number(/^shiplog_bytes_lost_total (\d+)/m.exec(await registry.metrics())?.[1])
}

/** What is in the checkpoint for the file of this name. */
function rowOf(name: string): Record<string, unknown> | undefined {
  const db = new DatabaseSync(join(folder.path, 'data/shipper/checkpoint.db'), { readOnly: true })
  const rows = db.prepare('SELECT * FROM generation').all()
  db.close()
  return rows.find((row) => String(row.path).endsWith(name))
}

/** A bus that takes nothing until it is released. */
function hold(): () => void {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  bus.gate = () => released
  return () => {
    bus.gate = () => {}
    release()
  }
}

/** Leaves on the disk what a crash would: the first window is written ahead and was not acknowledged. */
async function crashBeforePublish(): Promise<void> {
  let isUnderWay = false
  bus.gate = () => {
    isUnderWay = true
    return Promise.reject(new Error('no answer'))
  }
  await start()
  await waitFor(() => isUnderWay)
  await shipper?.close(0)
  bus.gate = () => {}
}

test('two files that nobody has read, one the copy of the other: the older is the original, the copy comes to nothing', async () => {
  write(0, 5)
  copyFileSync(path(), `${path()}.1`)
  write(5, 5)
  // The copy would be read first by its name in the listing, and wait in vain for an original without a signature.
  await start('--copy-wait-ms', '3000')
  await arrived(10)
  truncateSync(path())
  write(10, 1)
  await arrived(11)
  // The copy has fewer lines than were read: it is known, and passed over.
  await waitFor(async () => /shiplog_bytes_behind 0\n/.test(await registry.metrics()), 8000, 'the copy is known')
  expect(sorted()).toEqual(lines(11))
})

// Its offsets were taken for those of the original, which the store has already: what was written there was lost.
test('a file that passed for the copy of an emptied one, and then goes on by itself, is read whole', async () => {
  write(0, 5)
  await start('--copy-wait-ms', '300')
  await arrived(5)
  copyFileSync(path(), `${path()}.1`)
  write(5, 5)
  await arrived(10)
  truncateSync(path())
  await waitFor(() => [...bus.states.values()].some(({ path: shown }) => shown.endsWith('a.log.1')), 8000, 'the copy')
  write(20, 3, `${path()}.1`)
  await waitFor(() => bus.records.some(({ message }) => message.endsWith('line 22')), 8000, 'what came behind the copy')
  const { generation } = bus.records.find(({ message }) => message.endsWith('line 22')) ?? {}
  const own = bus.records.filter((record) => record.generation === generation)
  expect(own.map(({ message }) => message)).toEqual(`${text(0, 5)}${text(20, 3)}`.trimEnd().split('\n'))
  expect(own[0]?.offset).toBe(0)
})

test.each([
  ['with a copy: it is read from there, and nothing is counted', true],
  ['and no copy turns up: counted, although no event of it has an id', false],
])('emptied before anything was read of it, %s', async (_what, isCopied) => {
  // Another file fills what may be in flight, so this one waits for its turn.
  const release = hold()
  write(0, 400, join(folder.path, 'logs/shop/shop-9/big.log'))
  const small = ['--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '1024']
  await start(...small, '--copy-wait-ms', '500')
  write(0, 20)
  await waitFor(async () => /shiplog_files 2/.test(await registry.metrics()))
  // It is in the number of bytes behind: its size was seen.
  const behind = async (): Promise<number> => Number(/^shiplog_bytes_behind (\d+)/m.exec(await registry.metrics())?.[1])
  await waitFor(async () => (await behind()) > 0 && bus.records.length === 0)
  if (isCopied) copyFileSync(path(), `${path()}.1`)
  truncateSync(path())
  if (isCopied) await waitFor(async () => /shiplog_files 3/.test(await registry.metrics()))
  release()
  const mine = () => bus.records.filter((record) => record.instance === 'shop-0').length
  if (isCopied) await waitFor(() => mine() === 20, 8000)
  else await waitFor(async () => (await lostBytes()) > 0, 8000, 'the loss is counted')
  expect(await lostBytes()).toBe(isCopied ? 0 : text(0, 20).length)
})

test('a copy that is shorter than the signature of its original is known by the first bytes that both have', () => {
  const original = Buffer.from(text(0, 20))
  const signature = signatureOf(original)
  expect(agrees(signature, original.subarray(0, 459))).toBe(true)
  expect(agrees(signature, Buffer.from(text(100, 10)))).toBe(false)
  // Too short to tell, and what format 1 stored first has no such marks.
  expect(agrees(signature, original.subarray(0, 20))).toBe(false)
  expect(agrees({ bytes: signature.bytes, crc: signature.crc }, original.subarray(0, 459))).toBe(false)
})

test('half an archive that stood still for a while is judged again when it is whole', async () => {
  write(0, 300)
  await start('--copy-wait-ms', '100')
  await arrived(300)
  const whole = gzipSync(readFileSync(path()))
  writeFileSync(`${path()}.1.gz`, whole.subarray(0, whole.length / 2))
  // Long enough to be taken for whole, and, as its content is that of no other file then, for a file of its own.
  await waitFor(async () => /shiplog_files 2/.test(await registry.metrics()))
  const halfSince = performance.now()
  await waitFor(() => performance.now() - halfSince > 1500)
  appendFileSync(`${path()}.1.gz`, whole.subarray(whole.length / 2))
  unlinkSync(path())
  await waitFor(
    () => [...bus.states.values()].some((state) => state.path.endsWith('.gz')),
    8000,
    'the archive is known',
  )
  expect(sorted()).toEqual(lines(300))
})

test('a window that a crash left is still written ahead when its file was found under another name and not yet read', async () => {
  write(0, 5)
  await crashBeforePublish()
  const before = rowOf('a.log')?.window
  expect(before).toMatch(/"to":\d+/)
  renameSync(path(), `${path()}.1`)
  writeFileSync(`${path()}.1.gz`, gzipSync(readFileSync(`${path()}.1`)))
  unlinkSync(`${path()}.1`)
  // The archive is adopted; its window is read again exactly so, and no second crash may take it away before.
  await crashBeforePublish()
  expect(JSON.parse(String(rowOf('a.log.1.gz')?.window))).toMatchObject(JSON.parse(String(before)) as object)
  await start()
  await arrived(5)
  expect(sorted()).toEqual(lines(5))
})

test('a file with a window that a crash left is gone at the next start: what it owed is counted', async () => {
  write(0, 5)
  await crashBeforePublish()
  unlinkSync(path())
  await start('--copy-wait-ms', '100')
  await waitFor(async () => (await lostBytes()) > 0, 8000, 'the loss is counted')
  expect(await lostBytes()).toBeLessThanOrEqual(text(0, 5).length)
  expect(rowOf('a.log')?.lost).toBe(await lostBytes())
})

test('written over by a longer file: what is counted is what the old one had, not what the new one has', async () => {
  write(0, 5)
  await start('--copy-wait-ms', '100')
  await arrived(5)
  await shipper?.close()
  writeFileSync(path(), text(100, 500))
  await start('--copy-wait-ms', '100')
  await arrived(505)
  const endMs = performance.now()
  await waitFor(() => performance.now() - endMs > 600)
  expect(await lostBytes()).toBe(0)
})

test('an emptied file whose copy was not found before a restart still owes the window that a crash left', async () => {
  write(0, 5)
  await crashBeforePublish()
  writeFileSync(path(), text(100, 50))
  await start('--copy-wait-ms', '10000')
  await arrived(50)
  await shipper?.close()
  await start('--copy-wait-ms', '100')
  await waitFor(async () => (await lostBytes()) > 0, 8000, 'the loss is counted')
  expect(await lostBytes()).toBeLessThanOrEqual(text(0, 5).length)
})

function pack(from: string): void {
  writeFileSync(`${from}.gz`, gzipSync(readFileSync(from)))
  unlinkSync(from)
}

const pass = (ms: number) => {
  const until = performance.now() + ms
  return waitFor(() => performance.now() >= until, ms + 1000)
}

// All of it was counted as lost, although its original was read to its end through the open handle.
test('an archive that is taken away before its turn came is no loss of its own', async () => {
  write(0, 5)
  await start('--copy-wait-ms', '100', '--in-flight-bytes-max', '65536')
  await arrived(5)
  const release = hold()
  write(5, 5)
  await pass(200)
  renameSync(path(), `${path()}.1`)
  pack(`${path()}.1`)
  await pass(1500)
  unlinkSync(`${path()}.1.gz`)
  await pass(600)
  release()
  await arrived(10)
  await pass(600)
  expect(await lostBytes()).toBe(0)
  expect(sorted()).toEqual(lines(10))
})

// What was owed when the process began was counted, although it had been found and read meanwhile.
test('what was missing, was found packed and read, and is taken away then, is no loss', async () => {
  write(0, 5)
  await crashBeforePublish()
  renameSync(path(), `${path()}.1`)
  pack(`${path()}.1`)
  await start('--copy-wait-ms', '800')
  await arrived(5)
  unlinkSync(`${path()}.1.gz`)
  await pass(3200)
  expect(await lostBytes()).toBe(0)
  expect(sorted()).toEqual(lines(5))
})

// It had to be quiet for copyWaitMs first, which a busy file never is.
test('a file that is written all the time and begins with the banner of another is read at once', async () => {
  const banner = 'starting the shop, version 1.0.0\n'
  const other = join(dirname(path()), 'b.log')
  mkdirSync(dirname(path()), { recursive: true })
  writeFileSync(path(), banner)
  await start('--copy-wait-ms', '60000')
  await arrived(1)
  writeFileSync(other, banner)
  let written = 0
  const writing = setInterval(() => write(written++, 1, other), 20)
  try {
    await arrived(3)
  } finally {
    clearInterval(writing)
  }
})

// Both were judged before either was adopted, and two files went on as one incarnation.
test('of two copies of an emptied file one goes on as it, and the other is a file of its own', async () => {
  write(0, 50)
  await start('--copy-wait-ms', '200')
  await arrived(50)
  write(50, 20)
  copyFileSync(path(), `${path()}.1`)
  copyFileSync(path(), `${path()}.bak`)
  truncateSync(path())
  await arrived(70)
  await pass(800)
  const ids = bus.records.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})
