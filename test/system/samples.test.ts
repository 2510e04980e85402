/**
 * The logs of real programs through the whole pipeline: every byte comes back by `raw` export, every event is found,
 * Chinese inside a sentence too, whatever encoding it was written in.
 */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blanksBetween, type SampleFile, sampleFiles } from '../shipper/samples.ts'
import {
  count,
  exportBytes,
  exportText,
  runCli,
  type ShiplogProcess,
  search,
  startShiplog,
  temporaryFolder,
  waitFor,
} from './process.ts'

const samples = fileURLToPath(new URL('../fixtures/samples/', import.meta.url))
const folder = temporaryFolder('samples')
const root = join(folder.path, 'logs')
let shiplog: ShiplogProcess

beforeAll(async () => {
  for (const { path } of sampleFiles) cpSync(join(samples, path), join(root, path), { preserveTimestamps: true })
  shiplog = await startShiplog([
    '--root',
    root,
    '--data',
    join(folder.path, 'data'),
    '--timezone',
    'Asia/Shanghai',
    '--line-idle-ms',
    '100',
    '--retention-days',
    '0',
    '--log-level',
    'warn',
  ])
  const events = sampleFiles.reduce((sum, file) => sum + eventsOf(file), 0)
  await waitFor(async () => (await count(shiplog.url)) >= events, 15_000, `${events} events in the store`)
})

afterAll(async () => {
  await shiplog?.kill()
  folder.cleanUp()
})

/** klog's preamble is an event, and blank lines between two events are records: no line is dropped. */
const eventsOf = (sample: SampleFile): number =>
  sample.events + (sample.preamble_lines === undefined ? 0 : 1) + blanksBetween(sample)

const fileOf = (sample: SampleFile): Record<string, string> => ({
  app: sample.app,
  instance: sample.instance,
  dir: `/${sample.directory}`,
  file: sample.path.slice(sample.path.lastIndexOf('/') + 1),
})

test.each(sampleFiles)(
  '$path comes back byte for byte, and has as many events as the manifest says',
  async (sample) => {
    const bytes = Buffer.from(await exportBytes(shiplog.url, { ...fileOf(sample), format: 'raw' }))
    expect(bytes.equals(readFileSync(join(samples, sample.path)))).toBe(true)
    expect(await count(shiplog.url, fileOf(sample))).toBe(eventsOf(sample))
  },
)

test.each([
  ['GBK', '库存不足', 'erp-gbk.log'],
  ['UTF-8', '清理过期会话', 'scheduler.log'],
  ['UTF-16 without a byte order mark', '温度', 'utf16le-nobom.log'],
  ['GB18030', '状态', 'gb18030-emoji.log'],
])('Chinese inside a sentence is found: %s', async (_encoding, word, file) => {
  const records = await search(shiplog.url, { q: word, file })
  expect(records.length).toBeGreaterThan(0)
  for (const record of records) expect(record.message).toContain(word)
})

test('the command line finds and exports the same', async () => {
  const server = ['--server', shiplog.url, '--from', '2026-01-01']
  const found = await runCli(['search', '"connection refused"', '--app', '2048', ...server, '--limit', '3'])
  expect(found.code).toBe(0)
  expect(found.stdout.trim().split('\n')).toHaveLength(3)
  expect((await runCli(['search', 'nosuchwordanywhere', ...server])).code).toBe(1)
  const bad = await runCli(['search', '(', ...server])
  expect(bad.code).toBe(2)
  expect(bad.stderr).not.toBe('')
  const out = join(folder.path, 'out.txt')
  expect((await runCli(['export', 'level:error', '--app', 'order-service', '--out', out, ...server])).code).toBe(0)
  expect(readFileSync(out, 'utf8')).toBe(
    await exportText(shiplog.url, { q: 'level:error', app: 'order-service', format: 'txt' }),
  )
})
