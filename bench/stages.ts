/**
 * The flow on real servers (KAFKA_URL and ELASTICSEARCH_URL): shipper, two indexers and query API as processes of their own, with a
 * topic and indices of their own. Files → searchable, and how long a line takes from its write to a search, alone and in company.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { removeAll } from '../test/store/elasticsearch-place.ts'
import { type ShiplogProcess, startShiplog, waitFor } from '../test/system/process.ts'
import { dayOfLines, writeCorpus } from './corpus.ts'
import { benchFreshness, startLoad } from './flow.ts'
import { cpuSecondsOf, memoryOf, metricOf, report } from './measure.ts'

/** Of the corpus; in company: lines of one more file. */
const lines = Number(process.env.BENCH_LINES ?? 300_000)
const loadLinesPerSecond = 5000
const freshAim = 'aim p50 ≤ 1500'

export async function benchStages(kafka: string, elasticsearch: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  const name = `bench${process.pid}`
  const running: ShiplogProcess[] = []
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const corpus = writeCorpus(root, { ...dayOfLines(Date.now()), lines, instances: 2 })
    console.log(
      `\n${corpus.lines} lines, ${corpus.files.length} files, Kafka and Elasticsearch, node ${process.version}\n`,
    )
    const bus = ['--bus', kafka, '--topic', name, '--topic-replicas', '1', '--log-level', 'warn']
    const store = ['--store', elasticsearch, '--store-index-prefix', name, '--store-replicas', '0']
    const common = [...bus, ...store, '--retention-days', '0', '--requests-per-minute-max', '10000000']
    const start = async (stage: string, args: readonly string[]): Promise<ShiplogProcess> => {
      const started = await startShiplog(args, stage)
      running.push(started)
      return started
    }
    const { url } = await start('query-api', [...common, '--data', join(folder, 'api')])
    const indexers = [await start('indexer', common), await start('indexer', common)]
    const shipper = await start('shipper', [...bus, '--root', root, '--data', join(folder, 'data')])
    const started = performance.now()
    const written = async (): Promise<number> =>
      (await Promise.all(indexers.map((one) => metricOf(one.url, 'shiplog_events_written_total')))).reduce(
        (a, b) => a + b,
      )
    await waitFor(async () => (await written()) >= corpus.events, 600_000, 'all events in Elasticsearch')
    const seconds = (performance.now() - started) / 1000
    report('files → Kafka → Elasticsearch', `${Math.round(corpus.lines / seconds)} lines/s`)
    const processes = { shipper, 'indexer one': indexers[0], 'indexer two': indexers[1] }
    for (const [what, one] of Object.entries(processes)) {
      if (one === undefined) continue
      const cpu = `${((cpuSecondsOf(one.pid) * 1e6) / corpus.lines).toFixed(1)} µs a line of all`
      report(`  ${what}`, `${cpu}, ${memoryOf(one.pid).peak.toFixed(0)} MB`)
    }
    await sleep(2000)
    const live = join(root, 'order-service/order-service-0/logs/live.log')
    await benchFreshness(url, live, freshAim)
    const stopLoad = startLoad(join(root, 'order-service/order-service-1/logs/load.log'), loadLinesPerSecond)
    await sleep(2000)
    console.log(`with ${loadLinesPerSecond} lines/s in another file:`)
    await benchFreshness(url, live, freshAim, 'busy')
    stopLoad()
  } finally {
    for (const one of running.reverse()) await one.stop()
    await removeAll(elasticsearch, name)
    await removeTopics(kafka, name)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function removeTopics(kafka: string, name: string): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: kafka.slice('kafka://'.length).split(',') })
  const topics = (await admin.listTopics()).filter((topic) => topic === name || topic.startsWith(`${name}.`))
  if (topics.length > 0) await admin.deleteTopics({ topics })
  await admin.close()
}
