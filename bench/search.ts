/** Searching ten million lines (BENCH_LINES) in the embedded store, over HTTP: pages, histograms, patterns, fields. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ShiplogProcess, startShiplog, waitFor } from '../test/system/process.ts'
import { dayOfLines, rareWord, writeCorpus } from './corpus.ts'
import { metricOf, report, spread, timeRuns } from './measure.ts'

const lines = Number(process.env.BENCH_LINES ?? 10_000_000)

export async function benchSearch(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  let shiplog: ShiplogProcess | undefined
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const corpus = writeCorpus(root, { ...dayOfLines(Date.now()), lines })
    const options = ['--retention-days', '0', '--requests-per-minute-max', '10000000', '--log-level', 'warn']
    shiplog = await startShiplog(['--root', root, '--data', join(folder, 'data'), ...options])
    const { url } = shiplog
    await waitFor(
      async () => (await metricOf(url, 'shiplog_events_written_total')) >= corpus.events,
      1_800_000,
      'all events in the store',
    )
    console.log(`\n${corpus.lines} lines, ${corpus.events} events, ${(corpus.bytes / 1e6).toFixed(0)} MB\n`)
    const ask = async (path: string, query: Record<string, string>): Promise<unknown> => {
      const answer = await fetch(
        `${url}/api/v1/${path}?${new URLSearchParams({ cluster: 'default', from: 'now-1d', ...query })}`,
      )
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      return answer.json()
    }
    for (const [what, query] of Object.entries({
      'a rare word': { q: rareWord },
      'a frequent word': { q: 'order' },
      'two words and an app': { q: 'order sku', app: 'order-service' },
      'a word that is not there': { q: 'nosuchwordanywhere' },
      'nothing typed': {},
    })) {
      const page = { limit: '100', ...query }
      report(`newest 100, ${what}`, spread(await timeRuns(100, 10, () => ask('search', page))), 'aim p95 ≤ 30')
    }
    const open = { to: 'now' }
    report('histogram without a keyword', spread(await timeRuns(30, 3, () => ask('histogram', open))), 'aim p95 ≤ 300')
    report(
      'histogram of a frequent word',
      spread(await timeRuns(10, 2, () => ask('histogram', { ...open, q: 'order' }))),
    )
    for (const [what, path, query] of [
      ['patterns of a frequent word', 'patterns', { q: 'order' }],
      ['patterns of everything', 'patterns', {}],
      ['the same, compared with the range before', 'patterns', { from: 'now-8h', compare: 'previous' }],
      ['fields of everything', 'fields', {}],
    ] as const) {
      const { total, sample } = (await ask(path, query)) as { total: number; sample: { lines: number } }
      await metricOf(url, 'nodejs_eventloop_lag_max_seconds')
      const took = await timeRuns(5, 0, () => ask(path, query))
      const lag = (await metricOf(url, 'nodejs_eventloop_lag_max_seconds')) * 1000
      report(`${what}: ${sample.lines} of ${total} lines`, spread(took), 'aim p95 ≤ 3000')
      report('  longest hold of the event loop', `${lag.toFixed(0)} ms`, 'aim ≤ 20')
    }
  } finally {
    await shiplog?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
