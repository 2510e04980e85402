/**
 * Files → a real Kafka, from outside: the shipper as a process of its own (stamps, levels and multi-line on, acks=all,
 * idempotent, zstd), and rsyslog with omkafka beside it where both are installed. Every message is counted on the topic.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'
import { onPath, whyNoServers } from '../test/services/java.ts'
import { startKafka } from '../test/services/kafka.ts'
import { type ShiplogProcess, startShiplog, waitFor } from '../test/system/process.ts'
import { type Corpus, dayOfLines, writeCorpus } from './corpus.ts'
import { cpuSecondsOf, memoryOf, report } from './measure.ts'

const runs = Number(process.env.BENCH_RUNS ?? 3)
const partitions = 12
/** Ours, and those of rsyslog's own package. */
const omkafkaFolders = ['/usr/lib/x86_64-linux-gnu/rsyslog', '/usr/lib/aarch64-linux-gnu/rsyslog', '/usr/lib64/rsyslog']

export async function benchShip(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  const why = process.env.KAFKA_URL === undefined ? whyNoServers() : undefined
  if (why !== undefined) throw new Error(`no Kafka can be started here (${why}); name one by KAFKA_URL`)
  const kafka = process.env.KAFKA_URL === undefined ? await startKafka(join(folder, 'kafka')) : undefined
  const url = process.env.KAFKA_URL ?? (kafka?.url as string)
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const corpus = writeCorpus(root, dayOfLines(Date.now()))
    const megabytes = (corpus.bytes / 1e6).toFixed(0)
    console.log(
      `\nfiles → Kafka: ${corpus.lines} lines, ${megabytes} MB, ${corpus.files.length} files, node ${process.version}\n`,
    )
    for (let run = 1; run <= runs; run++) await shipOnce(url, root, join(folder, `data-${run}`), corpus, run)
    await rsyslogOnce(url, join(folder, 'rsyslog'), corpus)
  } finally {
    await kafka?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function shipOnce(url: string, root: string, data: string, corpus: Corpus, run: number): Promise<void> {
  const topic = `bench-${process.pid}-${run}`
  const admin = await topicOf(url, topic)
  const started = performance.now()
  const args = [
    '--root',
    root,
    '--data',
    data,
    '--bus',
    url,
    '--topic',
    topic,
    '--timezone',
    'UTC',
    '--log-level',
    'warn',
  ]
  const shiplog: ShiplogProcess = await startShiplog(args, 'shipper')
  try {
    const ready = performance.now()
    const startCpu = cpuSecondsOf(shiplog.pid)
    await waitFor(async () => (await messagesOn(admin, topic)) >= corpus.events, 300_000, 'every event on the topic')
    const ended = performance.now()
    const cpu = cpuSecondsOf(shiplog.pid)
    const speed = (since: number): string => `${Math.round((corpus.lines / (ended - since)) * 1000)} lines/s`
    const perLine = (seconds: number): string => `${((seconds * 1e6) / corpus.lines).toFixed(2)} µs a line`
    report(`shiplog, run ${run}: speed`, speed(ready), 'aim ≥ 550,000')
    report('  CPU', perLine(cpu - startCpu), 'aim ≤ 2.2')
    report('  … process start included', `${speed(started)}, ${perLine(cpu)}`)
    report('  memory, peak', `${memoryOf(shiplog.pid).peak.toFixed(0)} MB`, 'aim ≤ 200')
    const messages = await messagesOn(admin, topic)
    report('  messages on the topic', `${messages} of ${corpus.events} events`)
  } finally {
    await shiplog.stop()
    await admin.deleteTopics({ topics: [topic] })
    await admin.close()
  }
}

/** The peer that operators know, on the same files and broker: JSON, acks=all, lz4. */
async function rsyslogOnce(url: string, folder: string, corpus: Corpus): Promise<void> {
  const [rsyslogd] = [...onPath('rsyslogd'), ...['/usr/sbin/rsyslogd'].filter((path) => existsSync(path))]
  if (rsyslogd === undefined || !omkafkaFolders.some((path) => existsSync(join(path, 'omkafka.so')))) {
    console.log('rsyslog with omkafka is not installed: no figures beside it')
    return
  }
  const topic = `bench-${process.pid}-rsyslog`
  const admin = await topicOf(url, topic)
  mkdirSync(folder)
  const config = join(folder, 'rsyslog.conf')
  writeFileSync(config, rsyslogConfig(url, topic, folder, corpus.files))
  const checked = spawnSync(rsyslogd, ['-N1', '-f', config], { encoding: 'utf8' })
  if (checked.status !== 0) throw new Error(`rsyslog refuses its configuration: ${checked.stderr}`)
  const started = performance.now()
  const daemon: ChildProcess = spawn(rsyslogd, ['-n', '-f', config, '-i', join(folder, 'pid')], { stdio: 'ignore' })
  try {
    // It drops blank lines; nearly all is enough for a rate, and a stalled run must end.
    const wanted = corpus.lines * 0.98
    await waitFor(async () => (await messagesOn(admin, topic)) >= wanted, 120_000, 'rsyslog’s lines on the topic')
    const seconds = (performance.now() - started) / 1000
    const messages = await messagesOn(admin, topic)
    const pid = daemon.pid as number
    report('rsyslog imfile → omkafka: speed', `${Math.round(messages / seconds)} lines/s`)
    report('  CPU', `${((cpuSecondsOf(pid) * 1e6) / messages).toFixed(2)} µs a line`)
    report('  memory, peak', `${memoryOf(pid).peak.toFixed(0)} MB`)
  } finally {
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
    await admin.deleteTopics({ topics: [topic] })
    await admin.close()
  }
}

function rsyslogConfig(url: string, topic: string, folder: string, files: readonly string[]): string {
  const broker = url.slice('kafka://'.length)
  const inputs = files.map(
    (file, i) => `input(type="imfile" File="${file}" Tag="t${i}" ruleset="kafka" addMetadata="off")`,
  )
  return `global(workDirectory="${folder}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="json" type="list" option.jsonf="on") {
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="tag" name="syslogtag" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
main_queue(queue.size="200000" queue.dequeueBatchSize="4096")
ruleset(name="kafka" queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="4096" queue.workerThreads="1") {
  action(type="omkafka" broker=["${broker}"] topic="${topic}" template="json" partitions.auto="on"
    confParam=["compression.codec=lz4", "acks=all", "linger.ms=5", "batch.num.messages=10000", "queue.buffering.max.messages=500000"])
}
${inputs.join('\n')}
`
}

async function topicOf(url: string, topic: string): Promise<Admin> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: url.slice('kafka://'.length).split(',') })
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  return admin
}

async function messagesOn(admin: Admin, topic: string): Promise<number> {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: ListOffsetTimestamps.LATEST,
  }))
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: asked }] })
  return (listed?.partitions ?? []).reduce((sum, { offset }) => sum + Number(offset), 0)
}
