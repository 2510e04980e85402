/**
 * The bus on Kafka: events as JSON messages on `--topic`, one a record (docs/record.md), so that Spark jobs and everyone
 * else read the same; file states on `<topic>.files` (compacted), what was refused on `<topic>.rejects`.
 */
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import { type Bus, type FileState, fileStateKey, type Rejected, type Subscription } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { EventBatch } from '../pipeline/event-batch.ts'
import { type KafkaLogin, kafkaAddress } from './kafka/address.ts'
import { Cluster } from './kafka/cluster.ts'
import { kafkaFault } from './kafka/fault.ts'
import { follow } from './kafka/follow.ts'
import { joinGroup } from './kafka/group.ts'
import { Producer } from './kafka/producer.ts'
import { type KeyedMessage, rejectedMessages, sendableOf } from './kafka/rejects.ts'
import { replayRejects } from './kafka/replay.ts'
import { filesSuffix, rejectsSuffix, topicTemplate } from './kafka/topics.ts'

export interface KafkaBusOptions {
  /** `kafka://h:9092,h2:9092` */
  readonly url: string
  readonly login?: KafkaLogin
  /** May hold `{cluster}` and `{app}`. */
  readonly topic: string
  /** Partitions and replicas of topics that are made here; −1 replicas = what the brokers say. */
  readonly topicPartitions: number
  readonly topicReplicas: number
  /** How often new topics and partitions are looked for. */
  readonly topicsIntervalMs?: number
  /** Someone who follows live and is further behind is moved to the end, events. */
  readonly followEventsMax?: number
  readonly log: Logger
  readonly registry: Registry
}

export interface KafkaBus extends Bus {
  /** Why the bus cannot be read now, or undefined. */
  trouble(): string | undefined
}

/** Connects when it is first used. Throws CONFIG_INVALID. */
export function createKafkaBus(options: KafkaBusOptions): KafkaBus {
  const { topicsIntervalMs = 10_000, followEventsMax = 50_000, log } = options
  const template = topicTemplate(options.topic)
  const settings = { partitions: options.topicPartitions, replicas: options.topicReplicas }
  const cluster = new Cluster(kafkaAddress(options.url, options.login), settings)
  const producer = new Producer(cluster)
  const lostMessages = new Counter({
    name: 'shiplog_bus_messages_lost_total',
    help: 'messages that Kafka deleted by its retention before they were read',
    registers: [options.registry],
  })
  const stop = new AbortController()
  const working = new Set<Promise<unknown>>()
  const subscriptions = new Set<Subscription>()
  let trouble: string | undefined

  function track<T>(work: Promise<T>): Promise<T> {
    working.add(work)
    const done = (): void => void working.delete(work)
    work.then(done, done)
    return work
  }

  /** Runs with a signal that also ends when the bus is closed; what is thrown is a ShiplogError. */
  async function attempt<T>(doing: string, work: (signal: AbortSignal) => Promise<T>, given?: AbortSignal): Promise<T> {
    if (stop.signal.aborted) throw new ShiplogError('CLOSED', 'the bus is closed')
    const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal])
    try {
      return await track(work(signal))
    } catch (error) {
      if (signal.aborted)
        throw new ShiplogError('ABORTED', `${doing}: it was given up`, { retryable: true, cause: error })
      throw kafkaFault(error, doing, `topic ${options.topic}`)
    }
  }

  /** Pipelines with topics of their own on one Kafka are strangers to each other. */
  function groupOf(name: string): string {
    return `shiplog-${name}-${options.topic.replace(/[{}]/g, '_')}`
  }

  /** To a topic of one partition that is made when it is missing. */
  async function send(
    topic: string,
    messages: readonly KeyedMessage[],
    configs?: Record<string, string>,
  ): Promise<void> {
    await attempt(`cannot write to topic ${topic}`, async (signal) => {
      await cluster.ensure(topic, 1, configs)
      await producer.send(topic, 0, sendableOf(messages), signal)
    })
  }

  /** The topics that events lie in. */
  async function eventTopics(): Promise<string[]> {
    if (template.only === undefined) return (await cluster.topics()).filter(template.matches)
    await cluster.ensure(template.only)
    return [template.only]
  }

  async function subscribedTopics(): Promise<string[]> {
    const topics = await eventTopics()
    const all = new Set(await cluster.topics())
    return [...topics, ...topics.map((topic) => `${topic}${filesSuffix}`).filter((topic) => all.has(topic))]
  }

  /** Keeps a subscription until it is closed, so that the bus closes what is left. */
  function keep(subscription: Subscription): Subscription {
    const kept: Subscription = {
      close() {
        subscriptions.delete(kept)
        return subscription.close()
      },
    }
    subscriptions.add(kept)
    return kept
  }

  return {
    publish: (batches, signal) =>
      attempt('cannot publish', (both) => producer.publish(template.topicOf, batches, both), signal),
    partitionOf: (source) =>
      attempt('cannot look up the topic', () => producer.partitionOf(template.topicOf(source), source)),
    async report(states) {
      const byTopic = Map.groupBy(states, ({ source }) => `${template.topicOf(source)}${filesSuffix}`)
      const compacted = { 'cleanup.policy': 'compact' }
      for (const [topic, group] of byTopic) await send(topic, group.map(stateMessage), compacted)
    },
    async reject(rejected) {
      const topicOf = ({ batch }: Rejected): string => `${template.topicOf(batch.origin.source)}${rejectsSuffix}`
      for (const [topic, group] of Map.groupBy(rejected, topicOf))
        await send(topic, group.flatMap(rejectedMessages), keptLong)
    },
    replay: ({ fromStart = false, signal: given } = {}) =>
      attempt(
        'cannot send the rejects again',
        async (signal) => {
          const known = new Set(await cluster.topics())
          const topics = (await eventTopics()).map((topic) => `${topic}${rejectsSuffix}`)
          const publish = (batches: readonly EventBatch[]) => producer.publish(template.topicOf, batches, signal)
          const there = topics.filter((topic) => known.has(topic))
          return replayRejects({ cluster, group: groupOf('replay'), topics: there, fromStart, publish }, signal)
        },
        given,
      ),
    async subscribe(group, handlers) {
      if (stop.signal.aborted) throw new ShiplogError('CLOSED', 'the bus is closed')
      return keep(
        joinGroup({
          cluster,
          group: groupOf(group),
          handlers,
          topics: subscribedTopics,
          topicsIntervalMs,
          keepPoison: (topic, messages) => send(`${topic}${rejectsSuffix}`, messages, keptLong),
          lost: (messages) => lostMessages.inc(messages),
          trouble: (why) => {
            if (why !== undefined && why.message !== trouble)
              log.error({ hint: why.hint }, `${why.message}. Trying again; nothing is lost.`)
            if (why === undefined && trouble !== undefined) log.info('the bus can be read again')
            trouble = why?.message
          },
          log,
        }),
      )
    },
    follow: async (follower, from) =>
      keep(
        await attempt('cannot follow', () =>
          follow({ cluster, topics: eventTopics, topicsIntervalMs, followEventsMax, log }, follower, from),
        ),
      ),
    trouble: () => trouble,
    async close() {
      await Promise.allSettled([...subscriptions].map((subscription) => subscription.close()))
      // What is on its way may still arrive; a broker that does not answer is not waited for longer than that.
      const timer = setTimeout(() => stop.abort(), closeMsMax)
      await Promise.allSettled(working)
      clearTimeout(timer)
      stop.abort()
      producer.close()
      await cluster.close()
    },
  }
}

const closeMsMax = 5000
/** As long as events are, unless somebody says otherwise; brokers delete after a week. Of a topic of rejects that is made here. */
const keptLong = { 'retention.ms': String(30 * 86_400_000) }

function stateMessage(state: FileState): KeyedMessage {
  return { key: Buffer.from(fileStateKey(state)), value: Buffer.from(JSON.stringify(state)) }
}
