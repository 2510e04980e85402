/**
 * Publishes: events become record batches of our own, one request in flight for each partition, acknowledged by every
 * replica that is in sync.
 *
 * Idempotence. A batch bears the producer's id and its number in the partition. While it is not known whether a batch
 * arrived, exactly its bytes are sent again, and a broker that has them says so. When that is given up, the partition
 * takes a new producer id before it sends anything else: under the old one other events could pass for those.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { initProducerIdV4, murmur2 } from '@platformatic/kafka'
import { ShiplogError } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import { type Source, sourceKey } from '../../pipeline/record.ts'
import { backoffMs } from '../../pipeline/retry.ts'
import type { Cluster } from './cluster.ts'
import { kafkaCodes, kafkaFault, refused } from './fault.ts'
import { codecs, headerBytes, headerOf, RecordsWriter } from './record-batch.ts'
import { type ProduceAnswer, produce } from './wire.ts'

/**
 * Records of one batch before they are compressed. Below the limit of a broker that nobody has configured (1 MiB),
 * whatever compression makes of it; and what a reader has to unpack at once.
 */
const batchBytesMax = 1_000_000
/** Writers, and so batches that are being written or compressed at once. */
const writersMax = 4
/** A batch is given up after so long; the caller then publishes again. */
const deliveryMsMax = 10_000
const brokerTimeoutMs = 20_000
const retryBackoff = { firstMs: 50, mostMs: 1000 }
/** Level 1: of the levels that the flow can afford the one that packs best (docs/decisions). */
const compression = { chunkSize: 256 * 1024, params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const compress = promisify(zstdCompress)

const fresh: ReadonlySet<number> = new Set([
  kafkaCodes.outOfOrderSequence,
  kafkaCodes.invalidProducerEpoch,
  kafkaCodes.invalidProducerIdMapping,
  kafkaCodes.unknownProducerId,
])
const tooLarge: ReadonlySet<number> = new Set([kafkaCodes.messageTooLarge, kafkaCodes.recordListTooLarge])
const forbidden: Readonly<Record<number, string>> = {
  [kafkaCodes.topicAuthorizationFailed]: 'TOPIC_AUTHORIZATION_FAILED',
  [kafkaCodes.clusterAuthorizationFailed]: 'CLUSTER_AUTHORIZATION_FAILED',
  [kafkaCodes.invalidRecord]: 'INVALID_RECORD',
}

interface ProducerId {
  readonly id: bigint
  readonly epoch: number
}

interface Partition {
  readonly topic: string
  readonly index: number
  producer: ProducerId | undefined
  /** Number of the next record under this producer id. */
  sequence: number
  /** The end of the queue. */
  last: Promise<unknown>
}

/** Records that go together, which can be halved. */
export interface Sendable {
  readonly count: number
  /** Writes records [from, …) until `writer` holds `bytesMax` or `to` is reached; at least one. Returns how far it came. */
  write(writer: RecordsWriter, from: number, to: number, bytesMax: number): number
}

export class Producer {
  readonly #cluster: Cluster
  readonly #partitions = new Map<string, Partition>()
  readonly #writers: RecordsWriter[] = Array.from({ length: writersMax }, () => new RecordsWriter())
  readonly #waiting: ((writer: RecordsWriter) => void)[] = []
  #current: ProducerId | undefined
  #asking: Promise<ProducerId> | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The partition that Kafka's own clients choose for the key of a source. */
  async partitionOf(topic: string, source: Source): Promise<number> {
    const leaders = await this.#cluster.ensure(topic)
    return partitionOfKey(Buffer.from(sourceKey(source)), leaders.length)
  }

  /** Resolves when all of it is durable. What was still on its way is over when it rejects. */
  async publish(
    topicOf: (source: Source) => string,
    batches: readonly EventBatch[],
    signal: AbortSignal,
  ): Promise<void> {
    const groups = new Map<Partition, EventBatch[]>()
    for (const batch of batches) {
      const partition = await this.#placeOf(topicOf(batch.origin.source), batch)
      const group = groups.get(partition)
      if (group === undefined) groups.set(partition, [batch])
      else group.push(batch)
    }
    await allDone([...groups].map(([partition, group]) => this.#enqueue(partition, eventsOf(group), signal)))
  }

  /** Records that are no events, of a topic that is there; resolves when they are durable. */
  async send(topic: string, partition: number, records: Sendable, signal: AbortSignal): Promise<void> {
    await this.#enqueue(this.#partition(topic, partition), records, signal)
  }

  async #placeOf(topic: string, { origin }: EventBatch): Promise<Partition> {
    const { length } = await this.#cluster.ensure(topic)
    // A topic that was made anew may have fewer partitions than the one where the file began.
    const kept = origin.partition !== undefined && origin.partition < length
    return this.#partition(topic, kept ? (origin.partition as number) : partitionOfKey(keyOf(origin.source), length))
  }

  #partition(topic: string, index: number): Partition {
    const name = `${index}/${topic}`
    let partition = this.#partitions.get(name)
    if (partition === undefined) {
      partition = { topic, index, producer: undefined, sequence: 0, last: Promise.resolve() }
      this.#partitions.set(name, partition)
    }
    return partition
  }

  /** One after the other in a partition, so that its files stay in order. */
  #enqueue(partition: Partition, records: Sendable, signal: AbortSignal): Promise<void> {
    const sent = partition.last.then(() => this.#sendAll(partition, records, signal))
    partition.last = sent.catch(() => {})
    return sent
  }

  /** Writes and compresses the next batch while the one before it is on its way. */
  async #sendAll(partition: Partition, records: Sendable, signal: AbortSignal): Promise<void> {
    let flying: Promise<void> = Promise.resolve()
    try {
      for (let from = 0; from < records.count; ) {
        const packed = await this.#pack(records, from, records.count)
        await flying
        signal.throwIfAborted()
        flying = this.#deliver(partition, records, packed, signal)
        flying.catch(() => {})
        from = packed.to
      }
    } finally {
      await flying
    }
  }

  async #pack(records: Sendable, from: number, most: number): Promise<Packed> {
    const writer = this.#writers.pop() ?? (await new Promise<RecordsWriter>((resolve) => this.#waiting.push(resolve)))
    try {
      writer.reset()
      const to = records.write(writer, from, most, batchBytesMax)
      return { from, to, records: await compress(writer.view(), compression) }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#writers.push(writer)
      else next(writer)
    }
  }

  async #deliver(partition: Partition, records: Sendable, packed: Packed, signal: AbortSignal): Promise<void> {
    const { from, to } = packed
    const answer = await this.#sendUntilAnswered(partition, packed, signal)
    if (answer.code === kafkaCodes.none || answer.code === kafkaCodes.duplicateSequence) {
      partition.sequence = (partition.sequence + to - from) % 2 ** 31
      return
    }
    const { topic } = partition
    if (!tooLarge.has(answer.code)) {
      throw kafkaFault(
        new Error(answer.message ?? `Kafka’s error ${answer.code}`),
        `cannot write to topic ${topic}`,
        topic,
      )
    }
    if (to - from === 1) {
      const bytes = headerBytes + packed.records.length
      throw refused(
        `topic ${topic} takes no record of ${bytes} bytes`,
        `Raise max.message.bytes of ${topic} beyond that (and the brokers’ replica.fetch.max.bytes), or lower --event-bytes-max for what is not yet read.`,
      )
    }
    // Nothing of it was taken, so the halves go on under the same numbers.
    for (let next = from; next < to; ) {
      const half = await this.#pack(records, next, Math.min(to, next + Math.ceil((to - from) / 2)))
      await this.#deliver(partition, records, half, signal)
      next = half.to
    }
  }

  /** The broker's answer; what says nothing of the records (no leader, no connection) is tried again here for a while. */
  async #sendUntilAnswered(partition: Partition, packed: Packed, signal: AbortSignal): Promise<ProduceAnswer> {
    const { topic } = partition
    const startedMs = performance.now()
    for (let attempt = 0; ; attempt++) {
      let why: unknown
      try {
        signal.throwIfAborted()
        const answer = await this.#send(partition, packed)
        if (answer.code === kafkaCodes.none || answer.code === kafkaCodes.duplicateSequence) return answer
        if (tooLarge.has(answer.code)) return answer
        const refusal = forbidden[answer.code]
        if (refusal !== undefined) {
          throw refused(`topic ${topic}: Kafka says ${refusal}`, hintOf(answer.code, topic), answer.message)
        }
        if (fresh.has(answer.code)) this.#forget(partition)
        why = new Error(answer.message ?? `Kafka’s error ${answer.code}`)
      } catch (error) {
        why = error
      }
      this.#cluster.refresh(topic)
      const isOver = performance.now() - startedMs > deliveryMsMax
      if (signal.aborted || isOver || (why instanceof ShiplogError && why.code === 'BUS_REFUSED')) {
        this.#forget(partition)
        throw kafkaFault(why, `cannot write to topic ${topic}`, `topic ${topic}`)
      }
      await sleep(backoffMs(attempt, retryBackoff), undefined, { signal }).catch(() => {})
    }
  }

  async #send(partition: Partition, { from, to, records }: Packed): Promise<ProduceAnswer> {
    const { topic, index } = partition
    const leader = (await this.#cluster.leaders(topic))[index] ?? -1
    const connection = await this.#cluster.connection(leader)
    if (partition.producer === undefined) {
      partition.producer = await this.#producerId()
      partition.sequence = 0
    }
    const header = headerOf(records, {
      count: to - from,
      codec: codecs.zstd,
      timestampMs: Date.now(),
      producerId: partition.producer.id,
      producerEpoch: partition.producer.epoch,
      sequence: partition.sequence,
    })
    return produce(connection, { topic, partition: index, header, records, timeoutMs: brokerTimeoutMs })
  }

  /** Also for the others: an id that one partition doubts is not given to another. */
  #forget(partition: Partition): void {
    if (partition.producer === this.#current) this.#current = undefined
    partition.producer = undefined
  }

  async #producerId(): Promise<ProducerId> {
    if (this.#current !== undefined) return this.#current
    this.#asking ??= this.#askForId().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #askForId(): Promise<ProducerId> {
    const connection = await this.#cluster.anyConnection()
    const { producerId, producerEpoch } = await initProducerIdV4.api.async(connection, null, 60_000, -1n, -1)
    this.#current = { id: producerId, epoch: producerEpoch }
    return this.#current
  }
}

interface Packed {
  readonly from: number
  readonly to: number
  /** Compressed. */
  readonly records: Buffer
}

/** Consecutive batches as one row of events. */
function eventsOf(batches: readonly EventBatch[]): Sendable {
  const count = batches.reduce((sum, batch) => sum + batch.count, 0)
  return {
    count,
    write(writer, from, to, bytesMax) {
      let first = 0
      let at = from
      for (const batch of batches) {
        const end = Math.min(to, first + batch.count)
        if (at < end) {
          const key = keyOf(batch.origin.source)
          for (; at < end; at++) {
            const before = writer.bytes
            writer.appendEvent(batch, at - first, key)
            if (writer.bytes <= bytesMax || writer.count === 1) continue
            writer.backTo(before)
            return at
          }
        }
        first += batch.count
      }
      return to
    },
  }
}

function keyOf(source: Source): Buffer {
  return Buffer.from(sourceKey(source))
}

function partitionOfKey(key: Buffer, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count
}

function hintOf(code: number, topic: string): string {
  if (code === kafkaCodes.invalidRecord)
    return `A rule of topic ${topic} forbids the records: look at its configuration.`
  return code === kafkaCodes.clusterAuthorizationFailed
    ? 'Allow this user IdempotentWrite on the cluster.'
    : `Allow this user Write on topic ${topic}.`
}

/** Waits for all of them; rejects with the first failure then. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
