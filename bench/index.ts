/**
 * The store in the real Elasticsearch: writing against a raw `_bulk` loop over the same records, searching against the raw
 * query, and a whole scan as NDJSON. Each write is a process of its own (index-writer.ts), so that its CPU and memory are
 * the store's; raw and store take turns, so that both meet the same noise.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { originAt } from '../pipeline/event-batch.ts'
import { parseQuery } from '../pipeline/query-parser.ts'
import { createRecordJsonWriter } from '../pipeline/record-json.ts'
import { openElasticsearchStore } from '../store/elasticsearch/store.ts'
import { startElasticsearch } from '../test/services/elasticsearch.ts'
import { dayOfLines, rareWord, writeCorpus } from './corpus.ts'
import type { WriterReport } from './index-writer.ts'
import { report, spread, timeRuns } from './measure.ts'

const rounds = 3
/** How often the file of one kind is written to measure its CPU. */
const cpuRepeats = 8
const hour = 3_600_000

export async function benchIndex(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  const given = process.env.ELASTICSEARCH_URL
  const service = given === undefined ? await startElasticsearch(join(folder, 'elasticsearch')) : undefined
  const url = given ?? (service?.url as string)
  const prefix = `bench${process.pid}`
  try {
    const day = dayOfLines(Date.now())
    // Within one UTC day: one index, as the raw loop has.
    const fromMs = Math.floor(day.fromMs / (24 * hour)) * 24 * hour
    const corpus = writeCorpus(join(folder, 'logs'), { ...day, fromMs, toMs: fromMs + 20 * hour, instances: 1 })
    console.log(`\n${corpus.lines} lines, ${(corpus.bytes / 1e6).toFixed(0)} MB, Elasticsearch at ${url}\n`)
    const run = (how: string, cluster: string, files: readonly string[]): Promise<WriterReport> =>
      write(url, prefix, how, cluster, fromMs, files)

    // The server compiles what it runs.
    await run('raw', 'warm-up', corpus.files)
    const speeds = { raw: [] as number[], store: [] as number[] }
    for (let round = 1; round <= rounds; round++) {
      for (const how of ['raw', 'store'] as const) {
        const cluster = `${how}-${round}`
        const { events, seconds, cpuSeconds, peakMb } = await run(how, cluster, corpus.files)
        speeds[how].push(events / seconds)
        const what = `${how === 'raw' ? 'raw _bulk loop' : 'store.write'}, round ${round}`
        report(`${what}: ${events} records`, `${Math.round(events / seconds)} records/s`)
        if (how === 'store') {
          report(`${what}: CPU`, `${((cpuSeconds * 1e6) / events).toFixed(2)} µs a record`)
          report(`${what}: memory, peak`, `${peakMb.toFixed(0)} MB`, 'aim ≤ 250')
        }
      }
    }
    const best = (values: readonly number[]): number => Math.max(...values)
    report(
      'store against raw, best of each',
      `${((best(speeds.store) / best(speeds.raw)) * 100).toFixed(0)} %`,
      'aim ≥ 90',
    )
    for (const [what, pattern, aim] of [
      ['lines without fields', /billing/, 3],
      ['JSON lines', /gateway/, 5],
    ] as const) {
      const file = corpus.files.find((path) => pattern.test(path)) as string
      // Often enough that what a process costs by itself does not count.
      const files = Array.from({ length: cpuRepeats }, () => file)
      const { events, cpuSeconds } = await run('store', `cpu-${aim}`, files)
      report(`${what}: CPU`, `${((cpuSeconds * 1e6) / events).toFixed(2)} µs a record`, `aim ≤ ${aim}`)
    }
    await fetch(`${url}/${prefix}-*/_forcemerge?max_num_segments=5`, { method: 'POST' })
    await fetch(`${url}/${prefix}-*/_refresh`, { method: 'POST' })
    await searches(url, prefix, 'store-1')
    await exportAll(url, prefix, 'store-1')
  } finally {
    if (given !== undefined) await removeAll(url, prefix)
    await service?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function write(
  url: string,
  prefix: string,
  how: string,
  cluster: string,
  fromMs: number,
  files: readonly string[],
): Promise<WriterReport> {
  const script = fileURLToPath(new URL('./index-writer.ts', import.meta.url))
  const args = [script, url, prefix, how, cluster, String(fromMs), ...files]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 })
  return JSON.parse(stdout) as WriterReport
}

async function searches(url: string, prefix: string, cluster: string): Promise<void> {
  const store = await openElasticsearchStore({ url, prefix, settings: { replicas: 0 } })
  const { partitions } = await store.stats()
  const index = `${prefix}-${cluster}-${partitions.find((one) => one.cluster === cluster)?.partition.replaceAll('-', '.')}`
  console.log('')
  for (const word of [rareWord, 'order']) {
    const body = JSON.stringify({
      size: 101,
      track_total_hits: false,
      sort: [{ time: 'desc' }, { generation: 'desc' }, { offset: 'desc' }],
      query: { bool: { filter: [{ term: { message: word } }] } },
    })
    const headers = { 'content-type': 'application/json' }
    const raw = async () => (await fetch(`${url}/${index}/_search`, { method: 'POST', headers, body })).json()
    const where = parseQuery(word)
    const query = { cluster, filters: {}, where, from: 0, to: Number.POSITIVE_INFINITY, order: 'desc' } as const
    report(`newest 100, “${word}”: raw query`, spread(await timeRuns(100, 30, raw)))
    const aim = 'aim p95 ≤ raw + 5'
    report(`newest 100, “${word}”: store`, spread(await timeRuns(100, 30, () => store.search(query, 100))), aim)
  }
  await store.close()
}

async function exportAll(url: string, prefix: string, cluster: string): Promise<void> {
  const store = await openElasticsearchStore({ url, prefix, settings: { replicas: 0 } })
  const json = createRecordJsonWriter()
  const query = { cluster, filters: {}, where: undefined, from: 0, to: Number.POSITIVE_INFINITY, order: 'asc' } as const
  let records = 0
  const cpu = process.cpuUsage()
  const started = performance.now()
  for await (const batch of store.scan(query)) {
    for (let i = 0; i < batch.count; i++) json.append(batch, i, originAt(batch, i))
    json.out.reset()
    records += batch.count
  }
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  report(`\nexport of ${records} records as NDJSON`, `${Math.round(records / seconds)} records/s`, 'aim ≥ 80,000')
  report('CPU of it, this side', `${((user + system) / records).toFixed(2)} µs a record`)
  await store.close()
}

async function removeAll(url: string, prefix: string): Promise<void> {
  const answer = await fetch(`${url}/_resolve/index/${prefix}-*`)
  const { indices } = (await answer.json()) as { indices: { name: string }[] }
  for (const { name } of indices) await fetch(`${url}/${name}`, { method: 'DELETE' })
  await fetch(`${url}/_index_template/${prefix}`, { method: 'DELETE' })
}
