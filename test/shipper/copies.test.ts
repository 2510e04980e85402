/** Rotation that makes new files of old ones: copytruncate and gzip. Both go on as the incarnation that they copy. */
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
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined
let registry: Awaited<ReturnType<typeof startTestShipper>>['registry']

beforeEach(() => {
  folder = temporaryFolder('copytruncate')
  bus = rememberingBus()
})

afterEach(async () => {
  await shipper?.close(100)
  folder.cleanUp()
})

async function start(...args: string[]): Promise<void> {
  ;({ shipper, registry } = await startTestShipper(folder.path, bus, args))
}

const path = () => join(folder.path, 'logs/shop/shop-0/logs/a.log')

function write(from: number, count: number, to = path()): void {
  mkdirSync(dirname(to), { recursive: true })
  appendFileSync(to, text(from, count))
}

function text(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `2026-11-22 10:00:00.000 INFO line ${from + i}\n`).join('')
}

function copytruncate(suffix = '.1'): void {
  copyFileSync(path(), path() + suffix)
  truncateSync(path())
}

const lines = (count: number) => text(0, count).trimEnd().split('\n').sort()
const sorted = () => bus.records.map((record) => record.message).sort()
const arrived = (count: number) =>
  waitFor(() => bus.records.length >= count, 8000, `${count} events (there are ${bus.records.length})`)

async function lostBytes(): Promise<number> {
  return Number(/^shiplog_bytes_lost_total (\d+)/m.exec(await registry.metrics())?.[1])
}

test('a copy of what was read is not read again, and the emptied file goes on', async () => {
  write(0, 50)
  await start()
  await arrived(50)
  copytruncate()
  write(50, 10)
  await arrived(60)
  // The copy has been judged when it is known under its new name.
  await waitFor(
    () => [...bus.states.values()].some((state) => state.path.endsWith('a.log.1')),
    8000,
    'the copy is known',
  )
  expect(sorted()).toEqual(lines(60))
  expect(await lostBytes()).toBe(0)
})

test('what was not read before the truncation is read from the copy, as the same incarnation', async () => {
  let hold = Promise.resolve()
  let release = (): void => {}
  bus.gate = () => hold
  write(0, 20)
  await start('--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '4096')
  await arrived(20)
  hold = new Promise((resolve) => (release = resolve))
  write(20, 2000)
  await waitFor(() => shipper !== undefined)
  copytruncate()
  write(2020, 10)
  await waitFor(async () => /shiplog_files 2/.test(await registry.metrics()), 5000, 'both files are seen')
  hold = Promise.resolve()
  release()
  await arrived(2030)
  expect(sorted()).toEqual(lines(2030))
  expect(await lostBytes()).toBe(0)
  const generations = new Set(
    bus.records.filter((record) => record.message < text(2020, 1)).map((record) => record.generation),
  )
  expect(generations.size).toBeLessThanOrEqual(2)
})

test('copytruncate while the shipper is down', async () => {
  write(0, 30)
  await start()
  await arrived(30)
  await shipper?.close()
  write(30, 30)
  copytruncate()
  write(60, 5)
  await start()
  await arrived(65)
  expect(sorted()).toEqual(lines(65))
  expect(await lostBytes()).toBe(0)
})

test('a crash between the truncation and the finding of the copy', async () => {
  write(0, 30)
  await start()
  await arrived(30)
  write(30, 10)
  truncateSync(path())
  write(40, 5)
  await arrived(35)
  await shipper?.close()
  // The copy turns up only now; what it holds beyond the 30 lines, or the 40, is read from it.
  const already = bus.records.length
  writeFileSync(`${path()}.1`, text(0, 40))
  await start()
  await arrived(45)
  expect(already).toBeLessThanOrEqual(45)
  expect(sorted()).toEqual(lines(45))
  expect(await lostBytes()).toBe(0)
})

test('a backup made by hand is a file of its own, and so is a file with the same beginning', async () => {
  write(0, 20)
  await start('--copy-wait-ms', '500')
  await arrived(20)
  copyFileSync(path(), `${path()}.backup`)
  appendFileSync(`${path()}.backup`, text(20, 1))
  await waitFor(() => bus.messages('a.log.backup').length === 21, 5000, 'the backup is shipped after the wait')
  expect(bus.messages('a.log')).toHaveLength(20)
})

test('the writer keeps its place: the hole that it leaves at the head is not shipped', async () => {
  write(0, 3000)
  await start()
  await arrived(3000)
  copytruncate()
  const hole = Buffer.alloc(200_000)
  writeFileSync(path(), Buffer.concat([hole, Buffer.from(text(3000, 2))]))
  await arrived(3002)
  expect(
    bus
      .messages('a.log')
      .slice(3000)
      .map((message) => message.replaceAll('\0', '')),
  ).toEqual(text(3000, 2).trimEnd().split('\n'))
  expect(bus.records[3000]).toMatchObject({ offset: hole.length })
})

function pack(from: string): void {
  writeFileSync(`${from}.gz`, gzipSync(readFileSync(from)))
  unlinkSync(from)
}

const known = (name: string) =>
  waitFor(() => [...bus.states.values()].some((state) => state.path.endsWith(name)), 8000, `${name} is known`)

test('rename and gzip of a file that was read: nothing comes again', async () => {
  write(0, 50)
  await start()
  await arrived(50)
  renameSync(path(), `${path()}.1`)
  write(50, 10)
  await arrived(60)
  pack(`${path()}.1`)
  await known('a.log.1.gz')
  expect(sorted()).toEqual(lines(60))
})

test('rename and gzip while the shipper is down: what was not read is read from the archive', async () => {
  write(0, 50)
  await start()
  await arrived(50)
  await shipper?.close()
  write(50, 3000)
  renameSync(path(), `${path()}.1`)
  pack(`${path()}.1`)
  write(3050, 10)
  await start('--read-bytes-max', '8192', '--event-bytes-max', '1024')
  await arrived(3060)
  expect(sorted()).toEqual(lines(3060))
  expect(new Set(bus.records.map((record) => record.file))).toEqual(new Set(['a.log']))
  expect(new Set(bus.records.map((record) => record.generation)).size).toBe(2)
  await shipper?.close()
  // What was read of the archive is remembered, too.
  write(3060, 1)
  await start()
  await arrived(3061)
  expect(sorted()).toEqual(lines(3061))
})

test('copytruncate with gzip at once', async () => {
  write(0, 50)
  await start()
  await arrived(50)
  write(50, 20)
  copytruncate()
  pack(`${path()}.1`)
  write(70, 5)
  await arrived(75)
  await known('a.log.1.gz')
  expect(sorted()).toEqual(lines(75))
  expect(await lostBytes()).toBe(0)
})

test('an archive that nobody has seen is read under the name of what was packed; beside its plain file it is read once', async () => {
  write(0, 40, `${path()}.2`)
  pack(`${path()}.2`)
  write(40, 20, `${path()}.1`)
  writeFileSync(`${path()}.1.gz`, gzipSync(readFileSync(`${path()}.1`)))
  write(60, 5)
  await start('--copy-wait-ms', '300')
  await arrived(65)
  expect(bus.messages('a.log.2')).toEqual(text(0, 40).trimEnd().split('\n'))
  // Long enough for the archive beside the plain file to be judged as well.
  await sleep(2500)
  expect(sorted()).toEqual(lines(65))
})

test('an archive that is not whole is not read, and read once it is', async () => {
  const whole = gzipSync(Buffer.from(text(0, 2000)))
  mkdirSync(dirname(path()), { recursive: true })
  writeFileSync(`${path()}.1.gz`, whole.subarray(0, whole.length / 2))
  await start()
  await sleep(1500)
  expect(bus.records).toHaveLength(0)
  appendFileSync(`${path()}.1.gz`, whole.subarray(whole.length / 2))
  await arrived(2000)
  expect(sorted()).toEqual(lines(2000))
})
