/** What others see on the topic, and what a broker may answer: on the Kafka that the run shares. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Admin } from '@platformatic/kafka'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Registry } from 'prom-client'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKafkaBus, type KafkaBus, type KafkaBusOptions } from '../../bus/kafka.ts'
import type { FileState } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batchOf, type EventBatch } from '../../pipeline/event-batch.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { waitFor } from '../system/process.ts'
import { kafkaOptions } from './kafka-options.ts'
import { publishText, readTopic, readTopicOtherwise } from './read-topic.ts'

const schema = JSON.parse(readFileSync(new URL('../../docs/record.schema.json', import.meta.url), 'utf8')) as object
const isRecord = new Ajv2020({ strict: false }).compile(schema)

/** Text that compression cannot make smaller. */
function noise(from: number, count: number, bytes: number): EventBatch {
  const { origin } = batch(0, 1)
  const events = Array.from({ length: count }, (_, i) => ({
    message: Buffer.from(randomBytes(bytes / 2).toString('hex')),
    offset: (from + i) * 100,
    bytes: 100,
    time: 1e15,
  }))
  return batchOf(origin, events)
}

describe.skipIf(whySkipped('kafka') !== undefined)('on a real Kafka', () => {
  let url: string
  let options: KafkaBusOptions
  let bus: KafkaBus
  let admin: Admin

  beforeAll(async () => {
    url = await serviceUrl('kafka')
  }, 120_000)
  beforeEach(() => {
    options = kafkaOptions(url)
    bus = createKafkaBus(options)
    admin = new Admin({ clientId: 'test', bootstrapBrokers: url.slice('kafka://'.length).split(',') })
  })
  afterEach(async () => {
    await bus.close()
    await admin.close()
  })

  const idsOf = (messages: readonly { value: string }[]): string[] =>
    messages.map(({ value }) => (JSON.parse(value) as LogRecord).id)

  test.each([
    ['kcat', readTopic],
    ['kafkajs', readTopicOtherwise],
  ])(
    '%s reads every record, each valid by the schema, keyed by its source, stamped when it was published',
    async (_, read) => {
      const before = Date.now()
      const published = [batch(0, 2000, 'one.log'), batch(0, 500, '日志.log'), noise(0, 20, 100_000)]
      await bus.publish(published)
      const messages = await read(url, options.topic)
      const records = messages.map(({ value }) => JSON.parse(value) as LogRecord)
      for (const record of records) if (!isRecord(record)) expect.fail(JSON.stringify(isRecord.errors))
      for (const file of ['one.log', '日志.log', 'f']) {
        const ofFile = messages.filter((_message, i) => records[i]?.file === file)
        expect(new Set(ofFile.map(({ partition }) => partition)).size, 'one file, one partition').toBe(1)
        expect(new Set(ofFile.map(({ key }) => key))).toEqual(new Set([`prod/a/i/d/${file}`]))
        expect(records.filter((record) => record.file === file)).toEqual(
          recordsIn(published).filter((record) => record.file === file),
        )
      }
      for (const { timestampMs } of messages) {
        expect(timestampMs).toBeGreaterThanOrEqual(before)
        expect(timestampMs).toBeLessThanOrEqual(Date.now())
      }
    },
  )

  test('a topic that takes only small batches gets them, every event once and in order', async () => {
    await makeTopic('20000')
    const events = noise(0, 400, 1000)
    await bus.publish([events])
    expect(idsOf(await readTopic(url, options.topic))).toEqual(recordsIn([events]).map(({ id }) => id))
  })

  test('one event that no batch of the topic can hold says what to raise; once raised it goes', async () => {
    await makeTopic('20000')
    const large = noise(0, 1, 60_000)
    await expect(bus.publish([large])).rejects.toMatchObject({
      code: 'BUS_REFUSED',
      retryable: true,
      hint: expect.stringContaining('max.message.bytes'),
    })
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: 2,
          resourceName: options.topic,
          configs: [{ name: 'max.message.bytes', configOperation: 0, value: '200000' }],
        },
      ],
      validateOnly: false,
    })
    await waitFor(async () => (await bus.publish([large]).catch(() => 'not yet')) === undefined)
    expect(idsOf(await readTopic(url, options.topic))).toEqual(recordsIn([large]).map(({ id }) => id))
  })

  test('a file stays in the partition where it began when partitions are added', async () => {
    const { source } = batch(0, 1).origin
    const partition = await bus.partitionOf?.(source)
    const placed = (one: EventBatch): EventBatch => ({
      ...one,
      origin: { ...one.origin, ...(partition === undefined ? {} : { partition }) },
    })
    await bus.publish([placed(batch(0, 10))])
    await admin.createPartitions({ topics: [{ name: options.topic, count: 11 }] })
    const later = createKafkaBus({ ...options, registry: new Registry() })
    await waitFor(async () => (await partitionsOf(options.topic)) === 11)
    await later.publish([placed(batch(10, 10))])
    await later.close()
    const messages = await readTopic(url, options.topic)
    expect(new Set(messages.map((message) => message.partition))).toEqual(new Set([partition]))
    expect(idsOf(messages)).toEqual(recordsIn([batch(0, 20)]).map(({ id }) => id))
  })

  test('a message that is no record is kept among the rejects, and those behind it come', async () => {
    await bus.publish([batch(0, 3)])
    await publishText(url, options.topic, ['{"v":1,"no":"record"}', 'no JSON'])
    await bus.publish([batch(3, 3)])
    const seen: LogRecord[] = []
    await bus.subscribe('indexer', {
      events: async (batches) => void seen.push(...recordsIn(batches)),
      files: async () => {},
    })
    await waitFor(() => seen.length >= 6, 15_000)
    expect(seen).toEqual(recordsIn([batch(0, 3), batch(3, 3)]))
    await waitFor(async () => (await readTopic(url, `${options.topic}.rejects`).catch(() => [])).length >= 2)
    const kept = (await readTopic(url, `${options.topic}.rejects`)).map(({ value }) => JSON.parse(value))
    expect(kept.map(({ value }) => Buffer.from(value, 'base64').toString()).sort()).toEqual([
      'no JSON',
      '{"v":1,"no":"record"}',
    ])
    for (const { reason, from } of kept) {
      expect(reason).toMatch(/no JSON|is no text|id/)
      expect(from).toMatch(new RegExp(`^${options.topic}/\\d/\\d+$`))
    }
  })

  test('a replay sends what was no record to an older version, and leaves what is none', async () => {
    const [record] = recordsIn([batch(5, 1)])
    const poison = (value: string) => JSON.stringify({ reason: 'v', from: 'a/0/0', value: btoa(value) })
    await bus.reject([{ batch: batch(0, 2), reason: 'odd' }])
    await publishText(url, `${options.topic}.rejects`, [
      poison(JSON.stringify({ ...record, more: 1 })),
      poison('no JSON'),
      'nothing that Shiplog wrote',
    ])
    expect(await bus.replay()).toEqual({ records: 3, unreadable: 2, lost: 0 })
    expect(idsOf(await readTopic(url, options.topic))).toEqual(
      recordsIn([batch(0, 2), batch(5, 1)]).map(({ id }) => id),
    )
    await admin.deleteRecords({
      topics: [{ name: `${options.topic}.rejects`, partitions: [{ partition: 0, offset: 4n }] }],
    })
    expect(await bus.replay({ fromStart: true })).toEqual({ records: 0, unreadable: 1, lost: 0 })
  })

  test('a handler that fails in a way that looks final gets the events again all the same', async () => {
    const seen: LogRecord[] = []
    let failures = 2
    await bus.publish([batch(0, 3, 'one'), batch(0, 3, 'two'), batch(0, 3, 'three')])
    await bus.subscribe('indexer', {
      events: async (batches) => {
        if (failures-- > 0) throw new ShiplogError('STORE_DAMAGED', 'final')
        seen.push(...recordsIn(batches))
      },
      files: async () => {},
    })
    await waitFor(() => new Set(seen.map(({ file, id }) => file + id)).size >= 9, 15_000)
    expect(failures).toBeLessThan(0)
  })

  test('states that cannot be kept yet do not have the events handled again', async () => {
    const { source } = batch(0, 1).origin
    const counts = { size: 1, read: 1, acknowledged: 1, lost: 0 }
    const state = (i: number, updatedAt: number): FileState => ({
      ...{
        source,
        generation: `01jd8rq4e2k5v9x7m3n6p8t0w${i}`,
        path: `f${i}`,
        state: 'following',
        ...counts,
        updatedAt,
      },
    })
    await bus.publish([batch(0, 5)])
    for (let i = 0; i < 9; i++) await bus.report([state(i, 1), state(i, 2)])
    let handled = 0
    let attempts = 0
    const kept: FileState[] = []
    await bus.subscribe('indexer', {
      events: async (batches) => batches.forEach(({ count }) => void (handled += count)),
      files: async (states) => {
        // Every other request fails: never would all of them succeed in a row.
        if (attempts++ % 2 === 0) throw new ShiplogError('STORE_UNAVAILABLE', 'busy', { retryable: true })
        kept.push(...states)
      },
    })
    await waitFor(() => kept.length >= 9 && handled >= 5, 15_000)
    expect(handled).toBe(5)
    expect(kept.map(({ path }) => path).sort()).toEqual(Array.from({ length: 9 }, (_, i) => `f${i}`))
    expect(kept.every(({ updatedAt }) => updatedAt === 2)).toBe(true)
  })

  test('what retention took before it was read is counted, and what is left comes', async () => {
    const { source } = batch(0, 1).origin
    const partition = (await bus.partitionOf?.(source)) as number
    const first = await countUntil(bus, 0)
    await bus.publish([batch(0, 10)])
    await waitFor(() => first.seen() >= 10, 15_000)
    await first.close()
    await bus.publish([batch(10, 90)])
    await admin.deleteRecords({
      topics: [{ name: options.topic, partitions: [{ partition, offset: 70n }] }],
    })
    const second = await countUntil(bus, 0)
    await waitFor(() => second.seen() >= 30, 15_000)
    expect(second.seen()).toBe(30)
    expect(await options.registry.metrics()).toMatch(/shiplog_bus_messages_lost_total 60/)
    await second.close()
  })

  test('partitions move to a member that joins in the middle of a batch, and back; nothing is skipped', async () => {
    const files = Array.from({ length: 12 }, (_, i) => `file-${i}`)
    const other = createKafkaBus({ ...options, registry: new Registry() })
    const ids = new Set<string>()
    const handled = { one: 0, two: 0 }
    const subscribe = (which: 'one' | 'two') =>
      (which === 'one' ? bus : other).subscribe('indexer', {
        events: async (batches) => {
          // So that some batch is always being handled.
          await new Promise((resolve) => setTimeout(resolve, 20))
          for (const one of batches) {
            handled[which] += one.count
            for (const record of recordsIn([one])) ids.add(`${record.file}/${record.id}`)
          }
        },
        files: async () => {},
      })
    const one = await subscribe('one')
    let published = 0
    const publishSome = async (): Promise<void> => {
      await bus.publish(files.map((file) => batch(published, 20, file)))
      published += 20
    }
    await waitFor(async () => {
      await publishSome()
      return handled.one > 0
    }, 15_000)
    const two = await subscribe('two')
    await waitFor(async () => {
      await publishSome()
      return handled.two > 0
    }, 15_000)
    await one.close()
    for (let i = 0; i < 5; i++) await publishSome()
    await waitFor(() => ids.size >= published * files.length, 20_000)
    expect(ids.size).toBe(published * files.length)
    await two.close()
    await other.close()
  })

  test('topics by cluster: those that come later are found on a timer', async () => {
    const prefix = `by-${randomBytes(4).toString('hex')}-`
    const byCluster = createKafkaBus({ ...options, topic: `${prefix}{cluster}`, registry: new Registry() })
    const of = (cluster: string): EventBatch => {
      const one = batch(0, 3)
      return { ...one, origin: { ...one.origin, source: { ...one.origin.source, cluster } } }
    }
    const clusters = new Set<string>()
    await byCluster.publish([of('first')])
    await byCluster.subscribe('indexer', {
      events: async (batches) => batches.forEach(({ origin }) => void clusters.add(origin.source.cluster)),
      files: async () => {},
    })
    await waitFor(() => clusters.has('first'), 15_000)
    await byCluster.publish([of('second')])
    await waitFor(() => clusters.has('second'), 15_000)
    expect(await admin.listTopics()).toEqual(expect.arrayContaining([`${prefix}first`, `${prefix}second`]))
    await byCluster.close()
  })

  async function makeTopic(messageBytesMax: string): Promise<void> {
    const configs = [{ name: 'max.message.bytes', value: messageBytesMax }]
    await admin.createTopics({ topics: [options.topic], partitions: 1, replicas: 1, configs })
  }

  async function partitionsOf(topic: string): Promise<number> {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
    return topics.get(topic)?.partitionsCount ?? 0
  }
})

async function countUntil(bus: KafkaBus, start: number): Promise<{ seen: () => number; close: () => Promise<void> }> {
  let seen = start
  const subscription = await bus.subscribe('indexer', {
    events: async (batches) => {
      for (const { count } of batches) seen += count
    },
    files: async () => {},
  })
  return { seen: () => seen, close: () => subscription.close() }
}
