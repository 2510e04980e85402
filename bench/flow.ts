/**
 * The whole flow on the embedded default (with KAFKA_URL and ELASTICSEARCH_URL on those: stages.ts), from outside: files → searchable, search over HTTP at rest and under load,
 * export, size on disk, memory. Everything talks to a real process on 127.0.0.1 and ends with it.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../demo/random.ts'
import { type ShiplogProcess, startShiplog, waitFor } from '../test/system/process.ts'
import { dayOfLines, freshLine, rareWord, writeCorpus } from './corpus.ts'
import { cpuSecondsOf, memoryOf, report, spread, spreadOf, timeRuns } from './measure.ts'

const loadLinesPerSecond = 20_000

export async function benchFlow(): Promise<void> {
  const { KAFKA_URL: kafka, ELASTICSEARCH_URL: elasticsearch } = process.env
  if (kafka !== undefined && elasticsearch !== undefined) {
    const { benchStages } = await import('./stages.ts')
    return benchStages(kafka, elasticsearch)
  }
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  let shiplog: ShiplogProcess | undefined
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const day = dayOfLines(Date.now())
    const corpus = writeCorpus(root, day)
    console.log(
      `\n${corpus.lines} lines, ${mb(corpus.bytes)} MB, ${(corpus.bytes / corpus.lines).toFixed(0)} bytes a line, ${corpus.files.length} files, node ${process.version}\n`,
    )

    const started = performance.now()
    shiplog = await startShiplog([
      '--root',
      root,
      '--data',
      join(folder, 'data'),
      '--retention-days',
      '0',
      '--requests-per-minute-max',
      '10000000',
      '--log-level',
      'warn',
    ])
    const { url, pid } = shiplog
    await waitFor(async () => (await written(url)) >= corpus.events, 300_000, 'all events in the store')
    const seconds = (performance.now() - started) / 1000
    report(
      'file → searchable, process start included',
      `${Math.round(corpus.lines / seconds)} lines/s`,
      'aim ≥ 100,000',
    )
    report('CPU of it', `${((cpuSecondsOf(pid) * 1e6) / corpus.lines).toFixed(1)} µs a line`)
    await sleep(1000)
    report(
      'store on disk',
      `${(folderBytes(join(folder, 'data', 'store')) / corpus.bytes).toFixed(2)} bytes a raw byte`,
      'aim ≤ 1.2',
    )
    report('memory, peak of ingestion', `${memoryOf(pid).peak.toFixed(0)} MB`, 'aim ≤ 350')

    await searches(url, 'at rest', 'aim p95 ≤ 10')
    const live = join(root, 'order-service/order-service-0/logs/live.log')
    const stopLoad = startLoad(live)
    await sleep(1000)
    await searches(url, `with ${loadLinesPerSecond} lines/s`, 'aim p95 ≤ 30')
    stopLoad()

    await benchExport(url)
    await benchFreshness(url, live)
    await benchLive(url, live)

    // Counted before there is anything to read: it is read while it is being written.
    const before = await written(url)
    const backFill = writeCorpus(root, {
      ...day,
      lines: day.lines / 5,
      instances: 4,
      seed: 2,
      prefix: 'old-',
    })
    await waitFor(async () => (await written(url)) >= before + backFill.events, 120_000, 'the back-fill in the store')
    await searches(url, 'after an out-of-order back-fill', 'aim p95 ≤ 10')

    report('memory, peak of everything', `${memoryOf(pid).peak.toFixed(0)} MB`, 'aim ≤ 350')
    await sleep(11_000)
    const cpu = cpuSecondsOf(pid)
    await sleep(5000)
    report('CPU when idle', `${((cpuSecondsOf(pid) - cpu) * 20).toFixed(1)} % of a core`)
  } finally {
    await shiplog?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function searches(url: string, when: string, aim: string): Promise<void> {
  console.log(`\nsearch over HTTP, ${when}`)
  const newest: readonly (readonly [string, Record<string, string>])[] = [
    ['newest 100, rare word', { q: rareWord }],
    ['newest 100, frequent word', { q: 'order' }],
    ['newest 100, two words + app + range', { q: 'order sku', app: 'order-service', from: 'now-12h', to: 'now-2h' }],
    ['newest 100, nothing typed', {}],
  ]
  for (const [what, query] of newest)
    report(what, spread(await timeRuns(100, 50, () => get(url, 'search', query))), aim)
  report('newest 100, *rror*', spread(await timeRuns(20, 2, () => get(url, 'search', { q: '*rror*' }))), 'aim ≤ 150')
  report(
    'histogram of a keyword',
    spread(await timeRuns(20, 2, () => get(url, 'histogram', { q: 'order' }))),
    'aim ≤ 80',
  )
  report('histogram without a keyword', spread(await timeRuns(20, 2, () => get(url, 'histogram', {}))))
}

async function get(url: string, what: string, query: Record<string, string>): Promise<unknown> {
  const defaults = what === 'search' ? { limit: '100' } : { to: 'now' }
  const answer = await fetch(
    `${url}/api/v1/${what}?${new URLSearchParams({ cluster: 'default', from: 'now-1d', ...defaults, ...query })}`,
  )
  if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Everything there is, in each format for which one query is enough; gzip off. */
async function benchExport(url: string): Promise<void> {
  console.log('')
  // A line of NDJSON is a record; in the others a record of several lines has as many.
  let records = 0
  for (const format of ['ndjson', 'txt', 'csv']) {
    const started = performance.now()
    const answer = await fetch(
      `${url}/api/v1/export?${new URLSearchParams({ cluster: 'default', from: 'now-2d', format })}`,
      { headers: { 'accept-encoding': 'identity' } },
    )
    if (!answer.ok) throw new Error(`export: ${answer.status} ${await answer.text()}`)
    let lines = 0
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++
    }
    const seconds = (performance.now() - started) / 1000
    if (format === 'ndjson') records = lines
    report(`export of ${records} records, ${format}`, `${Math.round(records / seconds)} records/s`, 'aim ≥ 250,000')
  }
}

/** From the write of a line until a search finds it. */
export async function benchFreshness(url: string, path: string, aim = 'aim p50 ≤ 300', tag = ''): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < 30; i++) {
    const word = `fresh${tag}${process.pid}x${i}`
    await sleep(200)
    const started = performance.now()
    appendFileSync(path, stampedLine(word))
    for (;;) {
      const { records } = (await get(url, 'search', { q: word })) as { records: unknown[] }
      if (records.length > 0) break
      await sleep(2)
    }
    times.push(performance.now() - started)
  }
  report('line written → found by search', spread(spreadOf(times)), aim)
}

/** From the write to the moment at which a client that follows live has the line. */
async function benchLive(url: string, path: string): Promise<void> {
  const leave = new AbortController()
  const answer = await fetch(`${url}/api/v1/tail?cluster=default&lines=0`, { signal: leave.signal })
  const decoder = new TextDecoder()
  let received = ''
  const reading = (async () => {
    for await (const chunk of answer.body ?? []) received += decoder.decode(chunk, { stream: true })
  })().catch(() => {})
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const word = `live${i}marker`
    const started = performance.now()
    appendFileSync(path, stampedLine(word))
    while (!received.includes(word)) await sleep(1)
    times.push(performance.now() - started)
  }
  leave.abort()
  await reading
  report('line written → live tail', spread(spreadOf(times)), 'aim p50 ≤ 350')
}

function stampedLine(word: string): string {
  const stamp = new Date().toISOString().replace('T', ' ').replace('Z', '').replace('.', ',')
  return `${stamp} INFO [main] a.B - ${word}\n`
}

export function startLoad(path: string, linesPerSecond = loadLinesPerSecond): () => void {
  const random = createRandom(3)
  const started = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * linesPerSecond - sent
    appendFileSync(path, Array.from({ length: Math.min(due, linesPerSecond) }, () => freshLine(random)).join(''))
    sent += due
  }, 20)
  return () => clearInterval(timer)
}

async function written(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^shiplog_events_written_total (\d+)/m.exec(text)?.[1] ?? 0)
}

function folderBytes(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
