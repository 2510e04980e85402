import {
  appendFileSync,
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import iconv from 'iconv-lite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shippers: Shipper[]

beforeEach(() => {
  folder = temporaryFolder('shipper')
  bus = rememberingBus()
  shippers = []
})

afterEach(async () => {
  await Promise.all(shippers.map((shipper) => shipper.close(100)))
  folder.cleanUp()
})

async function start(args: readonly string[] = [], target = bus, path = folder.path) {
  const started = await startTestShipper(path, target, args)
  shippers.push(started.shipper)
  return started
}

async function stop(): Promise<void> {
  await Promise.all(shippers.splice(0).map((shipper) => shipper.close()))
}

function pathOf(name: string): string {
  return join(folder.path, 'logs', name)
}

function write(name: string, text: string | Buffer): void {
  mkdirSync(dirname(pathOf(name)), { recursive: true })
  appendFileSync(pathOf(name), text)
}

const log = 'shop/shop-0/logs/a.log'
const messages = () => bus.messages('a.log')
const arrived = (count: number) =>
  waitFor(() => bus.records.length >= count, 5000, `${count} events (there are ${bus.records.length})`)

function stamped(from: number, count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `2026-11-22 10:00:00.${String(from + i).padStart(3, '0')} INFO line ${from + i}\n`,
  ).join('')
}

test('a file is shipped with its place, offsets, times and levels', async () => {
  write(log, '2026-11-22 10:00:00.123 INFO one\n2026-11-22 10:00:01.000 ERROR 连接失败\r\nno stamp\n')
  await start(['--host', 'h1'])
  await arrived(2)
  const [one, two] = bus.records as [LogRecord, LogRecord]
  expect(one).toMatchObject({
    v: 1,
    cluster: 'prod',
    app: 'shop',
    instance: 'shop-0',
    host: 'h1',
    dir: '/logs',
    file: 'a.log',
    time: '2026-11-22T10:00:00.123000Z',
    timeFrom: 'line',
    level: 'info',
    offset: 0,
    bytes: 33,
    message: '2026-11-22 10:00:00.123 INFO one',
  })
  expect(two).toMatchObject({
    offset: 33,
    level: 'error',
    message: '2026-11-22 10:00:01.000 ERROR 连接失败\nno stamp',
    bytes: 53,
  })
  // One line end is CR LF and the other is not: only the bytes themselves tell which.
  expect(Buffer.from(two.raw as string, 'base64').toString()).toBe(`${two.message.replace('\n', '\r\n')}\n`)
  expect(one.id).toBe(`${one.generation}-0`)
})

test('new folders and files appear by themselves', async () => {
  await start()
  write('new/new-0/deep/er/b.log', 'hello\n')
  await arrived(1)
  expect(bus.records[0]).toMatchObject({ app: 'new', dir: '/deep/er', timeFrom: 'read' })
  write('new/new-0/deep/er/c.log', 'more\n')
  await arrived(2)
})

test('rename rotation: every line once, in order, under the name that its file was born with', async () => {
  write(log, stamped(0, 50))
  await start()
  await arrived(50)
  write(log, stamped(50, 10))
  renameSync(pathOf(log), `${pathOf(log)}.1`)
  appendFileSync(`${pathOf(log)}.1`, stamped(60, 10))
  write(log, stamped(70, 10))
  await arrived(80)
  expect(new Set(bus.records.map((record) => record.file))).toEqual(new Set(['a.log']))
  expect([...messages()].sort()).toEqual(stamped(0, 80).trimEnd().split('\n'))
  const generations = [...new Set(bus.records.map((record) => record.generation))]
  expect(generations).toHaveLength(2)
  // Older incarnations sort first, although both begin with stamps of the same second.
  expect([...generations].sort()).toEqual(generations)
})

test('a truncated file goes on as a new incarnation', async () => {
  write(log, stamped(0, 20))
  await start()
  await arrived(20)
  truncateSync(pathOf(log))
  write(log, stamped(20, 5))
  await arrived(25)
  expect(messages()).toEqual(stamped(0, 25).trimEnd().split('\n'))
  expect(bus.records[20]).toMatchObject({ offset: 0 })
  expect(new Set(bus.records.map((record) => record.id)).size).toBe(25)
})

test('a file that was truncated and is longer than before by the next look is known by its first bytes', async () => {
  write(log, stamped(0, 5))
  await start()
  await arrived(5)
  writeFileSync(pathOf(log), stamped(100, 30))
  await arrived(35)
  expect(messages()).toEqual([...stamped(0, 5).trimEnd().split('\n'), ...stamped(100, 30).trimEnd().split('\n')])
})

test('what was truncated before it was read is counted', async () => {
  let held = 0
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  bus.gate = () => {
    held++
    return released
  }
  write(log, stamped(0, 2000))
  const { registry } = await start([
    '--read-bytes-max',
    '4096',
    '--event-bytes-max',
    '1024',
    '--in-flight-bytes-max',
    '1024',
    '--copy-wait-ms',
    '100',
  ])
  await waitFor(() => held > 0)
  truncateSync(pathOf(log))
  // What is on its way counts as read; only what nobody finds in a copy is lost.
  release()
  await waitFor(
    async () => /shiplog_bytes_lost_total [1-9]/.test(await registry.metrics()),
    5000,
    'the loss is counted',
  )
  await waitFor(() => [...bus.states.values()].some((state) => state.lost > 0), 5000, 'the loss is reported')
})

test('a restart goes on where it was: nothing again, nothing left out', async () => {
  write(log, stamped(0, 30))
  await start()
  await arrived(30)
  await stop()
  write(log, stamped(30, 10))
  renameSync(pathOf(log), `${pathOf(log)}.1`)
  write(log, stamped(40, 10))
  await start()
  await arrived(50)
  await stop()
  expect([...messages()].sort()).toEqual(stamped(0, 50).trimEnd().split('\n'))
  expect(bus.records).toHaveLength(50)
})

test('a crash between publish and acknowledgement: the same events come again, with the same ids and contents', async () => {
  const crashed = join(folder.path, 'crashed')
  bus.gate = () => {
    // The disk as a crash at this moment, before the acknowledgement, would leave it.
    rmSync(crashed, { recursive: true, force: true })
    cpSync(join(folder.path, 'data'), join(crashed, 'data'), { recursive: true })
  }
  write(log, stamped(0, 10))
  await start()
  await arrived(10)
  write(log, `${stamped(10, 7)}a line that is not fin`)
  await waitFor(() => bus.records.length === 18, 5000, 'the unfinished line was taken as well')
  await stop()
  // Meanwhile the file grew: what was published before the crash must not change with it.
  write(log, `ished\n${stamped(17, 3)}`)
  cpSync(join(folder.path, 'logs'), join(crashed, 'logs'), { recursive: true, preserveTimestamps: true })
  const again = rememberingBus()
  rmSync(join(folder.path, 'data'), { recursive: true })
  cpSync(join(crashed, 'data'), join(folder.path, 'data'), { recursive: true })
  await start([], again)
  await waitFor(() => again.messages('a.log').includes(stamped(19, 1).trimEnd()), 5000, 'the rest')
  const before = new Map(bus.records.map((record) => [record.id, record]))
  let repeated = 0
  for (const record of again.records) {
    const first = before.get(record.id)
    if (first === undefined) continue
    repeated++
    expect(record).toEqual(first)
  }
  expect(repeated).toBeGreaterThan(0)
  const ids = new Set([...bus.records, ...again.records].map((record) => record.id))
  const whole = [...new Map([...bus.records, ...again.records].map((record) => [record.id, record])).values()]
  expect(ids.size).toBe(whole.length)
  expect(
    whole
      .sort((a, b) => a.offset - b.offset)
      .map((record) => record.message)
      .join('\n'),
  ).toContain('line 19')
})

test('a last line without newline waits, is taken when it stays quiet, and its end continues it', async () => {
  write(log, 'first\nhalf a ')
  await start(['--line-idle-ms', '300'])
  await arrived(1)
  write(log, 'line\nlast without')
  await arrived(2)
  expect(messages()).toEqual(['first', 'half a line'])
  await arrived(3)
  write(log, ' newline\nnext\n')
  await arrived(5)
  expect(messages().slice(2)).toEqual(['last without', ' newline', 'next'])
  expect(bus.records[3]).toMatchObject({ continues: bus.records[2]?.id })
  expect(bus.records[4]).not.toHaveProperty('continues')
})

test('an event waits for its lines; what comes after it was let go is linked to it', async () => {
  const head = '2026-11-22 10:00:00.000 ERROR failed\n'
  write(log, `${stamped(0, 2)}${head}`)
  await start(['--event-idle-ms', '300'])
  await arrived(2)
  expect(messages()).toEqual(stamped(0, 2).trimEnd().split('\n'))
  write(log, '\tat a.B.c(D.java:1)\n')
  await arrived(3)
  expect(messages()[2]).toBe(`${head}\tat a.B.c(D.java:1)`)
  write(log, `\n\tat a.B.main(D.java:9)\n${stamped(3, 1)}`)
  await arrived(5)
  expect(messages().slice(3)).toEqual(['\n\tat a.B.main(D.java:9)', stamped(3, 1).trimEnd()])
  expect(bus.records[3]).toMatchObject({ continues: bus.records[2]?.id, time: bus.records[2]?.time, level: 'error' })
})

test('the last event of a file that is deleted at once is not forgotten', async () => {
  write(log, stamped(0, 1))
  await start(['--event-idle-ms', '600', '--rescan-interval-ms', '50'])
  await arrived(1)
  write(log, stamped(1, 3))
  await arrived(3)
  unlinkSync(pathOf(log))
  await arrived(4)
  expect(messages()).toEqual(stamped(0, 4).trimEnd().split('\n'))
})

test('a program that begins to write in another way in the middle of its file is followed', async () => {
  const old = Array.from({ length: 70 }, (_, i) => `22-Nov-2026 10:00:00.${100 + i} INFO [main] a.B.c start ${i}\n`)
  write(log, `${old.join('')}${stamped(0, 400)}`)
  await start()
  await arrived(470)
  expect(messages()).toEqual(`${old.join('')}${stamped(0, 400)}`.trimEnd().split('\n'))
  await stop()
  write(log, stamped(400, 3))
  await start()
  await arrived(473)
  expect(bus.records.slice(470).map((record) => record.message)).toEqual(stamped(400, 3).trimEnd().split('\n'))
})

test('a line over the bound becomes linked records, and nothing of it is dropped', async () => {
  const long = `2026-11-22 10:00:00.000 ERROR ${'连接x'.repeat(1000)}`
  write(log, `${long}\n${stamped(1, 1)}`)
  await start(['--event-bytes-max', '1024'])
  await waitFor(() => messages().at(-1)?.endsWith('line 1'))
  const parts = bus.records.slice(0, -1)
  expect(parts.map((record) => record.message).join('')).toBe(long)
  expect(parts.length).toBeGreaterThan(5)
  for (const part of parts.slice(1))
    expect(part).toMatchObject({ continues: parts[0]?.id, time: parts[0]?.time, level: 'error' })
})

test('a bus that is down: it is tried again, reading waits, nothing is lost', async () => {
  let failures = 0
  bus.gate = () => {
    if (failures++ < 4) throw new ShiplogError('BUS_UNAVAILABLE', 'down', { retryable: true })
  }
  write(log, stamped(0, 100))
  const { shipper } = await start()
  await waitFor(() => shipper.trouble()?.includes('down'))
  await waitFor(() => bus.records.length === 100, 5000)
  expect(shipper.trouble()).toBeUndefined()
  expect(messages()).toEqual(stamped(0, 100).trimEnd().split('\n'))
})

test('back-pressure: a bus that does not answer stops the reading at inFlightBytesMax', async () => {
  let held = 0
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  bus.gate = (batches) => {
    held += batches.reduce((sum, batch) => sum + batch.text.length, 0)
    return released
  }
  for (let i = 0; i < 40; i++) write(`shop/shop-${i}/a.log`, stamped(0, 400))
  await start(['--read-bytes-max', '8192', '--event-bytes-max', '1024', '--in-flight-bytes-max', '65536'])
  await waitFor(() => held > 0)
  // Readers that were under way when the bound was reached may end their turn: four of them, 8 KiB each.
  expect(held).toBeLessThanOrEqual(65_536 + 4 * 8192)
  release()
  await arrived(40 * 400)
  expect(bus.records).toHaveLength(40 * 400)
})

test('more files than may be open: all are read, each in order', async () => {
  for (let i = 0; i < 60; i++) write(`shop/shop-${i}/a.log`, stamped(0, 5))
  await start(['--open-files-max', '8'])
  await arrived(300)
  for (let i = 0; i < 60; i++) write(`shop/shop-${i}/a.log`, stamped(5, 5))
  await arrived(600)
  for (let i = 0; i < 60; i++) {
    const mine = bus.records.filter((record) => record.instance === `shop-${i}`).map((record) => record.message)
    expect(mine).toEqual(stamped(0, 10).trimEnd().split('\n'))
  }
})

test('a deleted file is read to its end through the open handle', async () => {
  write(log, stamped(0, 5))
  await start()
  await arrived(5)
  write(log, stamped(5, 5))
  unlinkSync(pathOf(log))
  await arrived(10)
  expect(messages()).toEqual(stamped(0, 10).trimEnd().split('\n'))
})

test('bytes that are no UTF-8 are kept as they are', async () => {
  const bytes = Buffer.concat([
    Buffer.from('good\nbad '),
    Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    Buffer.from(' end\r\n'),
  ])
  write(log, bytes)
  await start()
  await arrived(2)
  const bad = bus.records[1] as LogRecord
  expect(bad.bytes).toBe(bytes.length - 5)
  expect(Buffer.from(bad.raw as string, 'base64')).toEqual(bytes.subarray(5))
})

test('an unreadable checkpoint stops the start with a remedy and is left as it is', async () => {
  mkdirSync(join(folder.path, 'data/shipper'), { recursive: true })
  writeFileSync(
    join(folder.path, 'data/shipper/checkpoint.db'),
    'this is no database at all, whatever its name says\n'.repeat(50),
  )
  const failure = await start().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ShiplogError)
  expect(failure).toMatchObject({ code: 'STATE_UNREADABLE', hint: expect.stringContaining('Restore') })
})

test('a file that is renamed while its handle is closed, and whose name a smaller file took, goes on and is not read again', async () => {
  for (let i = 0; i < 12; i++) write(`shop/shop-${i}/a.log`, stamped(0, 20))
  await start(['--open-files-max', '4', '--rescan-interval-ms', '5000'])
  await arrived(12 * 20)
  for (let i = 0; i < 12; i++) {
    renameSync(pathOf(`shop/shop-${i}/a.log`), pathOf(`shop/shop-${i}/a.log.1`))
    write(`shop/shop-${i}/a.log`, stamped(20, 2))
  }
  await arrived(12 * 22)
  for (let i = 0; i < 12; i++) appendFileSync(pathOf(`shop/shop-${i}/a.log.1`), stamped(30, 1))
  await arrived(12 * 23)
  expect(bus.records).toHaveLength(12 * 23)
  expect(new Set(bus.records.map((record) => record.file))).toEqual(new Set(['a.log']))
})

test('a root that is away for a while and comes back: nothing is read again', async () => {
  write(log, stamped(0, 10))
  await start(['--rescan-interval-ms', '50'])
  await arrived(10)
  renameSync(join(folder.path, 'logs'), join(folder.path, 'away'))
  await sleep(400)
  appendFileSync(join(folder.path, 'away', log), stamped(10, 1))
  renameSync(join(folder.path, 'away'), join(folder.path, 'logs'))
  write(log, stamped(11, 1))
  await arrived(12)
  expect(messages()).toEqual(stamped(0, 12).trimEnd().split('\n'))
})

test('an app whose folder is away for a while and comes back goes on where it was', async () => {
  write(log, stamped(0, 10))
  write('other/other-0/b.log', 'x\n')
  await start(['--rescan-interval-ms', '50'])
  await arrived(11)
  renameSync(pathOf('shop'), join(folder.path, 'shop-away'))
  await waitFor(() => [...bus.states.values()].some((state) => state.state === 'gone'), 5000, 'it is reported as gone')
  renameSync(join(folder.path, 'shop-away'), pathOf('shop'))
  write(log, stamped(10, 1))
  await arrived(12)
  expect(messages()).toEqual(stamped(0, 11).trimEnd().split('\n'))
})

test('a root that is a link is listed anew when apps come', async () => {
  mkdirSync(join(folder.path, 'real'))
  symlinkSync(join(folder.path, 'real'), join(folder.path, 'logs'))
  await start()
  // Older than the grain of the clock: from here on an unchanged folder is not read again.
  await sleep(2200)
  write('late/late-0/a.log', 'hello\n')
  await arrived(1)
})

test('a remembered file that this version cannot read on stops the start instead of beginning again', async () => {
  write(log, stamped(0, 3))
  await start()
  await arrived(3)
  await stop()
  const db = new DatabaseSync(join(folder.path, 'data/shipper/checkpoint.db'))
  db.exec(`UPDATE generation SET reading = replace(reading, '"format":"', '"format":"future-')`)
  db.close()
  expect(await start().catch((error: unknown) => error)).toMatchObject({ code: 'STATE_UNREADABLE' })
})

test('UTF-16 that stops in the middle of a character, and GB18030 over the bound, are not torn', async () => {
  const utf16 = Buffer.from('\ufeff2026-11-22 10:00:00 第一行\n第二行', 'utf16le')
  write('enc/enc-0/u.log', utf16.subarray(0, -1))
  const chinese = iconv.encode(`2026-11-22 10:00:00 ${'连接失败，已切换。'.repeat(200)}\n`, 'gb18030')
  write('enc/enc-0/g.log', chinese)
  await start(['--event-bytes-max', '1024'])
  await waitFor(() => bus.messages('u.log').length >= 1 && bus.messages('g.log').join('').endsWith('换。'))
  write('enc/enc-0/u.log', Buffer.concat([utf16.subarray(-1), Buffer.from('!\n', 'utf16le')]))
  await waitFor(() => bus.messages('u.log').join('').endsWith('!'))
  expect(bus.messages('u.log').join('|').replaceAll(/[|\n]/g, '')).toBe('2026-11-22 10:00:00 第一行第二行!')
  expect(iconv.encode(`${bus.messages('g.log').join('')}\n`, 'gb18030').equals(chinese)).toBe(true)
})
