/** `shiplog replay --rejects`: what the store refused comes in once that is mended, and a second run repeats nothing. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readTopic } from '../bus/read-topic.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { ask, newPrefix, removeAll } from '../store/elasticsearch-place.ts'
import { exportAll, runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess[]
let closings: (() => Promise<unknown>)[]
beforeEach(() => {
  folder = temporaryFolder('replay')
  running = []
  closings = []
  mkdirSync(join(folder.path, 'logs/shop/shop-0'), { recursive: true })
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.kill()))
  for (const closing of closings) await closing()
  folder.cleanUp()
})

async function start(args: readonly string[], stage: string): Promise<ShiplogProcess> {
  const started = await startShiplog(args, stage)
  running.push(started)
  return started
}

test('on one machine: into the embedded store, while no other process has it', { timeout: 60_000 }, async () => {
  const args = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data'), '--retention-days', '0']
  mkdirSync(join(folder.path, 'data'))
  const rejects = join(folder.path, 'data/rejects.ndjson')
  const records = recordsIn([batch(0, 5)])
  writeFileSync(rejects, `${records.map((record) => JSON.stringify({ reason: 'odd', record })).join('\n')}\n{"reason"`)

  const up = await start(args, 'up')
  const beside = await runCli(['replay', '--rejects', ...args])
  expect(beside).toMatchObject({ code: 1, stderr: expect.stringContaining('Stop that process') })
  expect(await up.stop()).toBe(0)

  const first = await runCli(['replay', '--rejects', ...args])
  expect(first).toEqual({
    code: 0,
    stdout: '5 records were sent again\n',
    stderr: '1 of the rejects are no records, and stay where they are\n',
  })
  appendFileSync(rejects, `\n${JSON.stringify({ reason: 'odd', record: recordsIn([batch(5, 1)])[0] })}\n`)
  expect((await runCli(['replay', '--rejects', ...args])).stdout).toBe('1 records were sent again\n')
  expect((await runCli(['replay', '--rejects', ...args])).stdout).toBe('0 records were sent again\n')
  expect((await runCli(['replay', '--rejects', '--from-start', ...args])).stdout).toBe('6 records were sent again\n')
  const { url } = await start(args, 'up')
  expect(await exportAll(url, { cluster: 'prod' })).toEqual(recordsIn([batch(0, 5), batch(5, 1)]))
})

test('what is not to be replayed is usage', async () => {
  expect(await runCli(['replay'])).toMatchObject({ code: 2, stderr: expect.stringContaining('replay --rejects') })
  expect(await runCli(['replay', 'rejects'])).toMatchObject({ code: 2 })
  expect(await runCli(['replay', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--from-start') })
})

const why = whySkipped('kafka') ?? whySkipped('elasticsearch')

describe.skipIf(why !== undefined)('on Kafka and Elasticsearch', () => {
  test('through the topic, to the indexer that runs', { timeout: 400_000 }, async () => {
    const [kafka, elasticsearch] = [await serviceUrl('kafka'), await serviceUrl('elasticsearch')]
    const prefix = newPrefix().replaceAll('-', '')
    closings.push(() => removeAll(elasticsearch, prefix))
    const bus = ['--bus', kafka, '--topic', prefix, '--topic-replicas', '1', '--log-level', 'error']
    const store = ['--store', elasticsearch, '--store-index-prefix', prefix, '--store-replicas', '0']
    const common = [...bus, ...store, '--retention-days', '0', '--data', join(folder.path, 'data')]
    // Somebody made the day by hand: what lies behind the first 127 bytes of a file is refused.
    const index = `${prefix}-default-2026.11.22`
    const time = { type: 'date_nanos' }
    const mappings = { dynamic: false, properties: { offset: { type: 'byte' }, time, readAt: time } }
    await ask(elasticsearch, 'PUT', `/${index}`, { settings: { number_of_replicas: 0 }, mappings })
    const line = (i: number): string => `2026-11-22 10:00:00.${100 + i} INFO line ${i}`
    const lines = Array.from({ length: 50 }, (_, i) => line(i))
    writeFileSync(join(folder.path, 'logs/shop/shop-0/a.log'), `${lines.join('\n')}\n`)

    const { url } = await start(common, 'query-api')
    await start(common, 'indexer')
    await start([...bus, '--root', join(folder.path, 'logs'), '--data', join(folder.path, 'shipper')], 'shipper')
    const refused = async () =>
      (await readTopic(kafka, `${prefix}.rejects`).catch(() => [])).map(
        ({ value }) => (JSON.parse(value) as { record: { message: string } }).record.message,
      )
    const offsetOf = (i: number): number => lines.slice(0, i).join('\n').length + (i === 0 ? 0 : 1)
    const expected = lines.filter((_, i) => offsetOf(i) > 127)
    await waitFor(async () => (await refused()).length >= expected.length, 30_000)
    expect(await refused()).toEqual(expected)

    // Still not mended: it comes back.
    expect(await runCli(['replay', '--rejects', ...bus])).toMatchObject({ code: 0, stderr: '' })
    await waitFor(async () => (await refused()).length >= 2 * expected.length, 30_000)
    // The day is made anew by the first record that comes, as the template says.
    await ask(elasticsearch, 'DELETE', `/${index}`)
    const replayed = await runCli(['replay', '--rejects', ...bus])
    expect(replayed).toEqual({ code: 0, stdout: `${expected.length} records were sent again\n`, stderr: '' })
    await waitFor(async () => (await exportAll(url)).length >= expected.length, 30_000)
    expect((await exportAll(url)).map(({ message }) => message)).toEqual(expected)
    expect((await runCli(['replay', '--rejects', ...bus])).stdout).toBe('0 records were sent again\n')
  })
})
