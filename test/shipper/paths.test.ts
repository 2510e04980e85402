/** Settings of single files on real files: which are shipped, how they are read, and what changes while they are. */
import { appendFileSync, type BigIntStats, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import iconv from 'iconv-lite'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeText } from '../../pipeline/encoding.ts'
import type { GenerationRow } from '../../shipper/checkpoint.ts'
import { Files } from '../../shipper/files.ts'
import { unlearnt } from '../../shipper/learn.ts'
import { createPathRules } from '../../shipper/path-rules.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import type { Tail } from '../../shipper/tail.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { type RememberingBus, rememberingBus, startTestShipper, testConfig } from './harness.ts'

let folder: ReturnType<typeof temporaryFolder>
let bus: RememberingBus
let shipper: Shipper | undefined

beforeEach(() => {
  folder = temporaryFolder('paths')
  bus = rememberingBus()
})

afterEach(async () => {
  await shipper?.close(100)
  folder.cleanUp()
})

async function start(...args: string[]): Promise<void> {
  shipper = (await startTestShipper(folder.path, bus, args)).shipper
}

async function stop(): Promise<void> {
  await shipper?.close()
  shipper = undefined
}

function reload(...args: string[]): void {
  shipper?.reload(testConfig(folder.path, args))
}

const pathOf = (name: string): string => join(folder.path, 'logs', name)

function write(name: string, text: string | Buffer): void {
  mkdirSync(dirname(pathOf(name)), { recursive: true })
  appendFileSync(pathOf(name), text)
}

const texts = (): string[] => bus.records.map((record) => record.message).sort()
const arrived = (...expected: string[]) =>
  waitFor(() => expect(texts()).toEqual([...expected].sort()), 5000, `exactly ${expected.join(', ')}`)

test('what is excluded, or not included, is not shipped; names in GBK are matched as they are shown', async () => {
  write('shop/0/logs/a.log', 'a\n')
  write('shop/0/logs/a.tmp', 'tmp\n')
  write('shop/0/logs/a.pid', '17\n')
  write('other/0/logs/a.log', 'other\n')
  const named = Buffer.concat([Buffer.from(`${pathOf('shop/0/logs')}/`), iconv.encode('订单.log', 'gbk')])
  writeFileSync(named, 'gbk name\n')
  await start('--include', 'shop/**', '--exclude', '*.tmp', '--exclude', '*单.log')
  write('shop/0/logs/b.log', 'b\n')
  // The default is replaced, as any default is.
  await arrived('a', '17', 'b')
})

test('settings of paths: encoding, zone, layout, events', async () => {
  write('erp/0/logs/a.log', iconv.encode('2026-11-22 10:00:00 ERROR 库\n', 'gbk'))
  write('erp/0/logs/wide.log', encodeText('一\n二\n', 'utf-16be'))
  write('docker/4f/x-json.log', '{"log":"in","stream":"stdout","time":"2026-11-22T10:00:00Z"}\n')
  write('node/0/off.log', 'a\n  b\n')
  await start(
    '--paths',
    JSON.stringify([
      { match: 'erp/**', encoding: 'gbk', timezone: 'Asia/Shanghai', layout: '{instance}/{app}/{dir}' },
      { match: 'wide.log', encoding: 'utf-16be' },
      { match: 'docker/**', multiline: 'docker' },
      { match: 'off.log', multiline: 'off' },
    ]),
  )
  await arrived('2026-11-22 10:00:00 ERROR 库', '一', '二', 'in', 'a', '  b')
  const of = (message: string) => bus.records.find((record) => record.message.endsWith(message))
  expect(of('库')).toMatchObject({ time: '2026-11-22T02:00:00.000000Z', app: '0', instance: 'erp', dir: '/logs' })
  expect(of('库')).toMatchObject({ encoding: 'gb18030' })
  expect(of('一')).toMatchObject({ encoding: 'utf-16be', bytes: 4 })
  expect(of('in')).toMatchObject({ time: '2026-11-22T10:00:00.000000Z' })
})

test('a file that rotation gives an excluded name is read to its end, also by the next process', async () => {
  write('a/0/l/a.log', 'one\n')
  write('a/0/l/b.log.1', 'never seen\n')
  await start('--exclude', '*.1')
  await arrived('one')
  renameSync(pathOf('a/0/l/a.log'), pathOf('a/0/l/a.log.1'))
  write('a/0/l/a.log.1', 'two\n')
  await arrived('one', 'two')
  await stop()
  write('a/0/l/a.log.1', 'three\n')
  await start('--exclude', '*.1')
  await arrived('one', 'two', 'three')
})

test('excluded while it runs, a file is left where it was; included again, it goes on there', async () => {
  write('a/0/l/a.log', 'one\n')
  write('a/0/l/b.log', 'b1\n')
  await start()
  await arrived('one', 'b1')
  reload('--exclude', 'a.log')
  write('a/0/l/a.log', 'two\n')
  write('a/0/l/b.log', 'b2\n')
  write('a/0/l/c.log', 'c\n')
  await arrived('one', 'b1', 'b2', 'c')
  await waitFor(() => [...bus.states.values()].some((state) => state.reason === 'excluded'))
  reload()
  await arrived('one', 'b1', 'b2', 'c', 'two')
  reload('--exclude', 'a.log')
  write('a/0/l/a.log', 'three\n')
  await stop()
  // The next process knows where it was, too, also behind one that was told from the start.
  await start('--exclude', 'a.log')
  write('a/0/l/b.log', 'b3\n')
  await arrived('one', 'b1', 'b2', 'c', 'two', 'b3')
  await stop()
  await start()
  await arrived('one', 'b1', 'b2', 'c', 'two', 'b3', 'three')
  expect(new Set(bus.records.map((record) => record.generation)).size).toBe(3)
})

test('other settings hold behind what was read, and a window that is repeated keeps its own', async () => {
  const line = (second: number) => `2026-11-22 10:00:0${second} INFO line\n`
  write('a/0/l/a.log', line(1))
  await start()
  await waitFor(() => bus.records.length === 1)
  // Published, never acknowledged: what the checkpoint has written ahead is read again by the next process.
  const unheard: string[] = []
  bus.gate = (batches) => {
    for (const { origin, text } of batches) unheard.push(`${origin.generation} ${Buffer.from(text).toString()}`)
    return Promise.reject(Object.assign(new Error('down'), { retryable: true }))
  }
  write('a/0/l/a.log', line(2))
  await waitFor(() => unheard.length > 0)
  reload('--timezone', 'Asia/Shanghai')
  await shipper?.close(50)
  bus.gate = () => {}
  await start('--timezone', 'Asia/Shanghai')
  await waitFor(() => bus.records.length === 2)
  write('a/0/l/a.log', line(3))
  await waitFor(() => bus.records.length === 3)
  reload('--timezone', 'Europe/Berlin')
  write('a/0/l/a.log', line(4))
  await waitFor(() => bus.records.length === 4)
  expect(bus.records.map((record) => record.time.slice(11, 19))).toEqual([
    '10:00:01',
    '10:00:02',
    '02:00:03',
    '09:00:04',
  ])
})

test('what cannot be used is refused and changes nothing', async () => {
  await start()
  expect(() => reload('--layout', '{nope}')).toThrow(/nope/)
  write('a/0/l/a.log', 'one\n')
  await arrived('one')
  expect(bus.records[0]).toMatchObject({ app: 'a', instance: '0' })
})

// It was set aside without it, and read again with another end under the same ids.
test('a file that is set aside keeps the window that is still to be repeated', () => {
  const found = { path: 'a/0/l/a.log', identity: '7:7', stat: { mtimeNs: 0n } as BigIntStats }
  const listing = { files: new Map([[found.path, found]]), unreadable: new Map<string, string>(), folders: 1 }
  const row: GenerationRow = {
    generation: '01jdaaaaaaaaaaaaaaaaaaaaaa',
    source: { cluster: 'prod', app: 'a', instance: '0', host: 'h', dir: '/l', file: 'a.log' },
    path: found.path,
    identity: found.identity,
    signature: { bytes: 0, crc: 0 },
    blocks: [],
    position: { offset: 0, previousTime: undefined, open: undefined },
    reading: unlearnt({ timezone: 'UTC', eventBytesMax: 1024, eventLinesMax: 10, multiline: 'auto' }, 0),
    window: { to: 10, readAt: 1 },
    lost: 0,
    loss: undefined,
    live: true,
    updatedAt: 0,
  }
  const files = new Files([row], {
    rules: createPathRules(testConfig(folder.path)),
    limits: { unpackFolder: folder.path, readBytesMax: 4096, lineIdleMs: 1, eventIdleMs: 1 },
    log: pino({ level: 'silent' }),
  })
  files.take(listing)
  const [tail] = files.judgeBy(createPathRules(testConfig(folder.path, ['--exclude', 'a.log'])))
  files.setAside(tail as Tail)
  expect([...files.absent]).toMatchObject([{ generation: row.generation, window: row.window }])
  // Beyond the week after which what cannot be found is forgotten, too.
  files.take(listing)
  expect(files.forgetOld(Date.now() + 30 * 86_400_000)).toEqual([])
  files.judgeBy(createPathRules(testConfig(folder.path)))
  files.take(listing)
  expect([...files.tails.values()].map((again) => again.replay)).toEqual([row.window])
})
