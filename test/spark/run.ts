/**
 * `npm run test:spark`: the example job for real. A shipper fills a real Kafka with the sample logs, some records are put
 * there a second time, as after a crash; the job reads to the end of the topic. Then more records come twice, it runs
 * again from its checkpoint, and what it wrote is compared with what is on the topic.
 */
import { deepStrictEqual } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LogRecord } from '../../pipeline/record.ts'
import { publishText, readTopic, type TopicMessage } from '../bus/read-topic.ts'
import { startKafka } from '../services/kafka.ts'
import { temporaryFolder } from '../system/process.ts'
import { runPython } from './spark.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const topic = 'logs'
const repeated = 500

const folder = temporaryFolder('spark')
const kafka = await startKafka(join(folder.path, 'kafka'))
const broker = kafka.url.replace('kafka://', '')
try {
  const root = join(folder.path, 'logs')
  cpSync(join(repository, 'test/fixtures/samples/order-service'), join(root, 'order-service'), { recursive: true })
  cpSync(join(repository, 'test/fixtures/samples/billing'), join(root, 'billing'), { recursive: true })
  await ship(root)
  const first = await readTopic(kafka.url, topic)
  console.log(`${first.length} records are on the topic`)
  await publishText(kafka.url, topic, valuesOf(first.slice(0, repeated)))
  await job()
  await compare(first, 'after the first run')

  cpSync(join(repository, 'test/fixtures/samples/2048'), join(root, '2048'), { recursive: true })
  await ship(root)
  const second = await readTopic(kafka.url, topic)
  await publishText(kafka.url, topic, valuesOf(second.slice(-repeated)))
  await job()
  await compare(second, 'after the second run')
} finally {
  await kafka.stop()
  folder.cleanUp()
}

/** Runs a shipper until nothing new comes. */
async function ship(root: string): Promise<void> {
  const args = ['shipper', '--bus', kafka.url, '--root', root, '--data', join(folder.path, 'data')]
  const cli = join(repository, 'pipeline/cli.ts')
  const more = [
    '--listen',
    '127.0.0.1:0',
    '--line-idle-ms',
    '100',
    '--timezone',
    'Asia/Shanghai',
    '--log-level',
    'warn',
  ]
  const child = spawn(process.execPath, [cli, ...args, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  let before = -1
  for (let now = 0; now !== before || now === 0; await sleep(1500)) {
    before = now
    const metrics = await (await fetch(`${line.toString().trim()}/metrics`)).text()
    now = Number(/^shiplog_events_acknowledged_total (\d+)/m.exec(metrics)?.[1])
  }
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

function valuesOf(messages: readonly TopicMessage[]): string[] {
  return messages.map(({ value }) => value)
}

async function job(): Promise<void> {
  const began = performance.now()
  await runPython([
    ...[join(repository, 'examples/spark/errors_and_archive.py'), '--brokers', broker, '--topic', topic, '--once'],
    ...['--archive', uri('archive'), '--counts', uri('counts'), '--checkpoint', uri('checkpoint')],
  ])
  console.log(`the job took ${Math.round((performance.now() - began) / 1000)} s`)
}

function uri(name: string): string {
  return `file:${join(folder.path, name)}`
}

async function compare(messages: readonly TopicMessage[], when: string): Promise<void> {
  const records = new Map<string, LogRecord>()
  for (const { value } of messages) {
    const record = JSON.parse(value) as LogRecord
    records.set(record.id, record)
  }
  const expected: Record<string, { records: number; errors: number }> = {}
  for (const { cluster, app, level } of records.values()) {
    const one = (expected[`${cluster}/${app}`] ??= { records: 0, errors: 0 })
    one.records++
    if (level === 'error' || level === 'fatal') one.errors++
  }
  const out = await runPython([join(repository, 'test/spark/totals.py'), uri('archive'), uri('counts')])
  const { archive, errors, brokenMinutes } = JSON.parse(out.trim().split('\n').at(-1) as string) as {
    archive: Record<string, { records: number; ids: number; errors: number; misplaced: number }>
    errors: Record<string, number>
    brokenMinutes: number
  }
  const archived = Object.entries(archive).map(([app, one]) => [app, { records: one.records, errors: one.errors }])
  deepStrictEqual(Object.fromEntries(archived), expected, `the archive ${when}`)
  for (const [app, one] of Object.entries(archive))
    deepStrictEqual([app, one.ids, one.misplaced], [app, one.records, 0])
  for (const [app, one] of Object.entries(expected)) deepStrictEqual([app, errors[app] ?? 0], [app, one.errors])
  deepStrictEqual(brokenMinutes, 0)
  console.log(`${when}: ${records.size} records, each once, the error counts are those of the topic`)
}
