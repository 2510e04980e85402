/**
 * Stages as processes of their own on a broker of their own, which is killed like everything else: exact accounting of
 * what was written, what lies on the topic and what a search finds.
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKafkaBus } from '../../bus/kafka.ts'
import { createRandom } from '../../demo/random.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { kafkaOptions } from '../bus/kafka-options.ts'
import { readTopic } from '../bus/read-topic.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { count, exportAll, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const schema = JSON.parse(readFileSync(new URL('../../docs/record.schema.json', import.meta.url), 'utf8')) as object
const isRecord = new Ajv2020({ strict: false }).compile(schema)

// Always a Kafka of its own: one that others use cannot be killed.
// A minute of brokers that start and stop: `npm run test:faults` has them, `npm test` the kills of the stages (faults.test.ts).
const isAsked = process.env.FAULTS === 'all'

describe.skipIf(!isAsked || whyNoServers() !== undefined)('on a Kafka that is killed', () => {
  const folder = temporaryFolder('kafka-system')
  const processes: ShiplogProcess[] = []
  let kafka: KafkaService

  beforeAll(async () => {
    kafka = await startKafka(join(folder.path, 'kafka'))
  }, 120_000)
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await kafka?.stop('SIGKILL')
    folder.cleanUp()
  }, 60_000)

  async function start(args: readonly string[], command: string): Promise<ShiplogProcess> {
    const started = await startShiplog(args, command)
    processes.push(started)
    return started
  }

  test.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])(
    'a broker that ends by %s and comes back while events are published: each is there, in order, once',
    { timeout: 120_000 },
    async (signal) => {
      const options = kafkaOptions(kafka.url)
      const bus = createKafkaBus(options)
      let published = 0
      let given = 0
      let stopping = false
      const publishing = (async () => {
        while (!stopping) {
          const batches = [batch(published, 50, 'one'), batch(published, 50, 'two')]
          for (;;) {
            try {
              await bus.publish(batches)
              break
            } catch {
              // Given up after a while, as a shipper sees it: published again, which may repeat events.
              given++
            }
          }
          published += 50
        }
      })()
      await waitFor(() => published >= 500, 30_000)
      await kafka.stop(signal)
      await sleep(300)
      const before = published
      await kafka.start()
      await waitFor(() => published >= before + 500, 60_000)
      stopping = true
      await publishing
      await bus.close()
      const ids = (await readTopic(kafka.url, options.topic)).map(({ value }) => {
        const { file, id } = JSON.parse(value) as LogRecord
        return `${file} ${id}`
      })
      for (const file of ['one', 'two']) {
        const wanted = recordsIn([batch(0, published, file)]).map(({ id }) => `${file} ${id}`)
        const found = ids.filter((id) => id.startsWith(file))
        // A Set keeps the order of the first ones.
        expect([...new Set(found)]).toEqual(wanted)
        if (given === 0) expect(found).toEqual(wanted)
      }
    },
  )

  test('kill -9 of shippers and of the broker: written = on the topic = found, the same id is the same content', {
    timeout: 240_000,
  }, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
    console.log(`seed ${seed} (SEED=${seed} repeats the moments of the kills)`)
    const random = createRandom(seed)
    const root = join(folder.path, 'logs')
    const paths = ['shop/shop-0/logs/a.log', 'billing/b-0/c.log', '2048/2048-0/nginx/error.log']
    const written = new Map<string, string[]>(paths.map((path) => [path, []]))
    for (const path of paths) mkdirSync(join(root, path, '..'), { recursive: true })
    let writing = true
    const writer = (async () => {
      while (writing) {
        for (const [path, lines] of written) {
          const fresh = Array.from(
            { length: 10 },
            (_, i) => `${new Date().toISOString()} INFO line ${lines.length + i} of ${path} 连接 ${random.below(1e9)}`,
          )
          lines.push(...fresh)
          appendFileSync(join(root, path), `${fresh.join('\n')}\n`)
        }
        await sleep(20)
      }
    })()

    const topic = 'killed'
    const common = ['--bus', kafka.url, '--topic', topic, '--topic-replicas', '1', '--log-level', 'warn']
    const shipperArgs = [...common, '--root', root, '--data', join(folder.path, 'shipper')]
    // Down before anyone starts: a machine boots before its broker does.
    await kafka.stop()
    let shipper = await start(shipperArgs, 'shipper')
    const { url } = await start(
      [...common, '--root', join(folder.path, 'none'), '--data', join(folder.path, 'up')],
      'up',
    )
    await waitFor(async () => (await healthOf(shipper.url)).includes('cannot publish'), 20_000)
    await kafka.start()
    for (let i = 0; i < 3; i++) {
      // Only what is in the middle of its work has something to lose.
      await waitFor(async () => (await acknowledged(shipper.url)) > 0, 30_000, 'something acknowledged')
      await sleep(random.below(300))
      await shipper.kill()
      if (i === 1) {
        await kafka.stop('SIGKILL')
        shipper = await start(shipperArgs, 'shipper')
        await sleep(random.below(500))
        await kafka.start()
      } else shipper = await start(shipperArgs, 'shipper')
    }
    writing = false
    await writer
    const total = [...written.values()].reduce((sum, lines) => sum + lines.length, 0)
    await waitFor(async () => (await count(url)) >= total, 90_000, `${total} events in the store`)

    const messages = await readTopic(kafka.url, topic)
    const byId = new Map<string, string>()
    for (const { value } of messages) {
      const record = JSON.parse(value) as LogRecord
      if (!isRecord(record)) expect.fail(JSON.stringify(isRecord.errors))
      const known = byId.get(record.id)
      if (known !== undefined) expect(value).toBe(known)
      byId.set(record.id, value)
    }
    console.log(`${total} lines, ${messages.length - byId.size} of them repeated on the topic`)
    expect(byId.size).toBe(total)
    const records = await exportAll(url)
    expect(records.length).toBe(total)
    for (const [path, lines] of written) {
      const file = path.slice(path.lastIndexOf('/') + 1)
      const found = records.filter((record) => record.file === file).sort((a, b) => a.offset - b.offset)
      expect(found.map(({ message }) => message)).toEqual(lines)
    }
    await waitFor(async () => !(await healthOf(shipper.url)).includes('degraded'), 20_000)
    expect(await shipper.stop()).toBe(0)
  })
})

async function acknowledged(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^shiplog_events_acknowledged_total (\d+)/m.exec(text)?.[1] ?? 0)
}

async function healthOf(url: string): Promise<string> {
  return (await fetch(`${url}/health`)).text()
}
