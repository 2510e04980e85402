/**
 * A Kafka cluster as the adapter sees it: its topics with their leaders, made where they are missing, and connections.
 * The client (connections, login, metadata) is @platformatic/kafka; docs/decisions says why.
 */
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Admin,
  type Connection,
  type ConnectionOptions,
  ConnectionPool,
  createTopicsV7,
  findErrorBy,
  ListOffsetTimestamps,
} from '@platformatic/kafka'
import { ShiplogError } from '../../pipeline/errors.ts'
import type { KafkaAddress } from './address.ts'
import { kafkaFault, refused } from './fault.ts'
import type { FetchPlace } from './wire.ts'

/** What leads each partition of a topic; −1 while nobody does. */
export type Leaders = readonly number[]

export interface TopicSettings {
  /** Of topics that are made here. */
  readonly partitions: number
  /** −1 = what the brokers say. */
  readonly replicas: number
}

/** As long as eventBytesMax of text that JSON writes sixfold, and some. */
const messageBytesMax = 8 * 1024 * 1024
const createMsMax = 5000
const metadataAgeMsMax = 60_000
/** A topic that was just made has leaders so soon. */
const leaderTries = 50
const leaderWaitMs = 100

export class Cluster {
  readonly #admin: Admin
  readonly #options: ConnectionOptions
  readonly #address: KafkaAddress
  readonly #settings: TopicSettings
  readonly #leaders = new Map<string, { leaders: Leaders; atMs: number }>()
  readonly #asking = new Map<string, Promise<Leaders>>()
  readonly #pools = new Set<ConnectionPool>()

  constructor(address: KafkaAddress, settings: TopicSettings) {
    this.#address = address
    this.#settings = settings
    this.#options = {
      connectTimeout: 5000,
      requestTimeout: 30_000,
      maxInflights: 64,
      // An address is no server name; its certificate is checked without one, too.
      ...(address.tls === undefined
        ? {}
        : { tls: address.tls, tlsServerName: !address.brokers.some(({ host }) => isIP(host) !== 0) }),
      ...(address.sasl === undefined ? {} : { sasl: address.sasl }),
    }
    this.#admin = new Admin({ ...this.clientOptions, retries: 2, retryDelay: 200, metadataMaxAge: 0 })
    keepErrors(this.#admin.connections)
  }

  /** What the client's own classes take. */
  get clientOptions(): ConnectionOptions & { clientId: string; bootstrapBrokers: { host: string; port: number }[] } {
    return { ...this.#options, clientId: 'shiplog', bootstrapBrokers: [...this.#address.brokers] }
  }

  /** Connections of one's own, for requests that wait: others would wait behind them. Closed with the cluster. */
  pool(): ConnectionPool {
    const pool = new ConnectionPool('shiplog', this.#options)
    keepErrors(pool)
    this.#pools.add(pool)
    return pool
  }

  release(pool: ConnectionPool): Promise<void> {
    this.#pools.delete(pool)
    return pool.close()
  }

  /** What leads the partitions of a topic, as far as known; asked for anew once `refresh` was called. */
  async leaders(topic: string): Promise<Leaders> {
    const known = this.#leaders.get(topic)
    if (known !== undefined && performance.now() - known.atMs < metadataAgeMsMax) return known.leaders
    const asking = this.#asking.get(topic) ?? this.#ask(topic)
    this.#asking.set(topic, asking)
    return asking.finally(() => this.#asking.delete(topic))
  }

  async #ask(topic: string): Promise<Leaders> {
    try {
      const { topics } = await this.#admin.metadata({ topics: [topic], forceUpdate: true })
      const leaders = (topics.get(topic)?.partitions ?? []).map(({ leader }) => leader)
      this.#leaders.set(topic, { leaders, atMs: performance.now() })
      return leaders
    } catch (error) {
      if (isUnknownTopic(error)) return []
      throw kafkaFault(error, `cannot look up topic ${topic}`, `topic ${topic}`)
    }
  }

  refresh(topic: string): void {
    this.#leaders.delete(topic)
  }

  /** As `leaders`, for a topic that is made when it is missing; `configs` are those of the topic then. */
  async ensure(
    topic: string,
    partitions = this.#settings.partitions,
    configs: Record<string, string> = {},
  ): Promise<Leaders> {
    const known = await this.leaders(topic)
    if (known.length > 0) return known
    await this.#create(topic, partitions, configs)
    for (let i = 0; i < leaderTries; i++) {
      this.refresh(topic)
      const leaders = await this.leaders(topic)
      if (leaders.length > 0 && leaders.every((leader) => leader >= 0)) return leaders
      await sleep(leaderWaitMs)
    }
    throw new ShiplogError('BUS_UNAVAILABLE', `topic ${topic} was made and has no leader yet`, { retryable: true })
  }

  /** Rejects as `ensure` does where the topic may not be made; makes nothing. */
  checkCreate(topic: string): Promise<void> {
    return this.#create(topic, this.#settings.partitions, {}, true)
  }

  /** What a broker understands: the highest version of each request. */
  async requests(): Promise<readonly { readonly apiKey: number; readonly maxVersion: number }[]> {
    try {
      return await this.#admin.listApis()
    } catch (error) {
      throw kafkaFault(error, 'cannot ask a broker what it understands', 'the brokers')
    }
  }

  async #create(
    topic: string,
    partitions: number,
    configs: Record<string, string>,
    validateOnly = false,
  ): Promise<void> {
    const all = { 'max.message.bytes': String(messageBytesMax), ...configs }
    const listed = Object.entries(all).map(([name, value]) => ({ name, value }))
    const { replicas } = this.#settings
    try {
      if (!validateOnly) await this.#admin.createTopics({ topics: [topic], partitions, replicas, configs: listed })
      else {
        const wanted = { name: topic, numPartitions: partitions, replicationFactor: replicas, assignments: [] }
        const connection = await this.anyConnection()
        // The client's own call knows no dry run.
        await createTopicsV7.api.async(connection, [{ ...wanted, configs: listed }], createMsMax, true)
      }
    } catch (error) {
      // Somebody else made it just now.
      if (error instanceof Error && findErrorBy(error, 'apiId', 'TOPIC_ALREADY_EXISTS') !== null) return
      const fault = kafkaFault(error, `topic ${topic} is missing and cannot be made`, `topic ${topic}`)
      if (fault.code !== 'BUS_REFUSED') throw fault
      throw refused(
        fault.message,
        `Make it: kafka-topics.sh --create --topic ${topic} --partitions ${partitions} --config max.message.bytes=${messageBytesMax}. ${fault.hint}`,
        error,
      )
    }
  }

  async topics(): Promise<readonly string[]> {
    try {
      return await this.#admin.listTopics()
    } catch (error) {
      throw kafkaFault(error, 'cannot list the topics', 'the topics')
    }
  }

  /** The first offset that is still there, or the one behind the last, for each partition of a topic. */
  async edges(topic: string, edge: 'earliest' | 'latest'): Promise<FetchPlace[]> {
    const timestamp = edge === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST
    const leaders = await this.leaders(topic)
    const partitions = leaders.map((_, partitionIndex) => ({ partitionIndex, timestamp }))
    try {
      const listed = await this.#admin.listOffsets({ topics: [{ name: topic, partitions }] })
      return listed.flatMap(({ partitions: found }) =>
        found.map(({ partitionIndex, offset }) => ({ topic, partition: partitionIndex, offset: Number(offset) })),
      )
    } catch (error) {
      this.refresh(topic)
      throw kafkaFault(error, `cannot ask for the offsets of ${topic}`, `topic ${topic}`)
    }
  }

  /** What a group has committed of a topic. */
  async committed(group: string, topic: string, partitions: number): Promise<FetchPlace[]> {
    const partitionIndexes = Array.from({ length: partitions }, (_, i) => i)
    try {
      const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }]
      const [found] = await this.#admin.listConsumerGroupOffsets({ groups })
      return (found?.topics ?? [])
        .flatMap((one) => one.partitions)
        .map(({ partitionIndex, committedOffset }) => ({
          topic,
          partition: partitionIndex,
          offset: Number(committedOffset),
        }))
        .filter(({ offset }) => offset >= 0)
    } catch (error) {
      throw kafkaFault(error, `cannot ask how far ${group} is`, `group ${group}`)
    }
  }

  /** Commits for a group that has no members. */
  async commit(group: string, places: readonly FetchPlace[]): Promise<void> {
    const byTopic = Map.groupBy(places, ({ topic }) => topic)
    const topics = [...byTopic].map(([name, ofTopic]) => ({
      name,
      partitionOffsets: ofTopic.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) })),
    }))
    try {
      await this.#admin.alterConsumerGroupOffsets({ groupId: group, topics })
    } catch (error) {
      throw kafkaFault(error, `cannot keep how far ${group} is`, `group ${group}`)
    }
  }

  /** A connection to a broker by its number; with a pool of one's own from there. */
  async connection(node: number, pool = this.#admin.connections): Promise<Connection> {
    const broker = this.#admin.currentMetadata?.brokers.get(node)
    if (broker === undefined)
      throw new ShiplogError('BUS_UNAVAILABLE', `broker ${node} is not known`, { retryable: true })
    return pool.get({ host: broker.host, port: broker.port })
  }

  /** Any broker. */
  anyConnection(): Promise<Connection> {
    const known = [...(this.#admin.currentMetadata?.brokers.values() ?? [])].map(({ host, port }) => ({ host, port }))
    return this.#admin.connections.getFirstAvailable([...known, ...this.#address.brokers])
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#pools].map((pool) => pool.close()))
    await this.#admin.close()
  }
}

/** A socket may fail more than once; what it meant is told to whoever waited for an answer. */
function keepErrors(pool: ConnectionPool): void {
  pool.on('connecting', ({ connection }) => connection.on('error', () => {}))
}

function isUnknownTopic(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return findErrorBy(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null || error.message.startsWith('Unknown topic')
}
