/**
 * Reads partitions from given offsets: one loop for each broker that leads some of them. Compressed batches are unpacked
 * one after the other, so that what is held is bounded however well they were packed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import type { ConnectionPool } from '@platformatic/kafka'
import { messageOf } from '../../pipeline/errors.ts'
import { backoffMs } from '../../pipeline/retry.ts'
import type { Cluster } from './cluster.ts'
import { kafkaCodes } from './fault.ts'
import { codecs, type ReceivedBatch, receivedBatches } from './record-batch.ts'
import { type FetchedPartition, type FetchPlace, fetchRecords } from './wire.ts'

const waitMsMax = 500
const fetchBytesMax = 4 * 1024 * 1024
const partitionBytesMax = 1024 * 1024
const retryBackoff = { firstMs: 100, mostMs: 2000 }

/** A record batch, unpacked. */
export interface Unpacked {
  readonly records: Buffer
  readonly count: number
  readonly baseOffset: number
  /** Messages before it were read already. */
  readonly from: number
}

/** Where one loop's messages go; the loop waits for it. */
export interface Sink {
  /** Before what an answer brought: `ends` says where its partitions end now. May move places on. */
  answering?(ends: ReadonlyMap<FetchPlace, number>): void
  /** `end`: where reading goes on behind the batch. */
  batch(place: FetchPlace, batch: Unpacked, end: number): Promise<void>
  /** All that one answer brought was given to `batch`. */
  answered(): Promise<void>
}

export interface ReaderEvents {
  readonly sink: (signal: AbortSignal) => Sink
  /** Messages that the topic no longer had when they were to be read. */
  readonly lost: (place: FetchPlace, messages: number) => void
  /** Once when reading begins to fail, and with undefined when it goes on. */
  readonly trouble: (why: unknown) => void
}

export class Reader {
  readonly #cluster: Cluster
  readonly #pool: ConnectionPool
  readonly #events: ReaderEvents
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #failures = 0

  /** `places` are moved on as they are read. */
  constructor(cluster: Cluster, places: readonly FetchPlace[], events: ReaderEvents) {
    this.#cluster = cluster
    this.#events = events
    this.#pool = cluster.pool()
    this.#running = this.#run(places)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    // The long poll ends with its connection.
    await this.#cluster.release(this.#pool).catch(() => {})
    await this.#running
  }

  async #run(places: readonly FetchPlace[]): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#readUntilMoved(places)
        continue
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (this.#failures++ === 0) this.#events.trouble(error)
      }
      for (const { topic } of places) this.#cluster.refresh(topic)
      await sleep(backoffMs(this.#failures, retryBackoff), undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  /** One loop a leader; when one of them fails all end, and the leaders are asked for anew. */
  async #readUntilMoved(places: readonly FetchPlace[]): Promise<void> {
    const groups = new Map<number, FetchPlace[]>()
    for (const place of places) {
      const leader = (await this.#cluster.leaders(place.topic))[place.partition] ?? -1
      if (leader < 0) throw new Error(`partition ${place.partition} of ${place.topic} has no leader`)
      groups.set(leader, [...(groups.get(leader) ?? []), place])
    }
    const failed = new AbortController()
    const signal = AbortSignal.any([failed.signal, this.#stop.signal])
    const loops = [...groups].map(([node, group]) =>
      this.#loop(node, group, signal).catch((error: unknown) => {
        failed.abort()
        throw error
      }),
    )
    const ended = await Promise.allSettled(loops)
    const first = ended.find((one) => one.status === 'rejected')
    if (first !== undefined) throw first.reason
  }

  async #loop(node: number, places: readonly FetchPlace[], signal: AbortSignal): Promise<void> {
    const sink = this.#events.sink(signal)
    // A place that was read last goes last: a busy partition must not starve the others.
    let turn = [...places]
    while (!signal.aborted) {
      const connection = await this.#cluster.connection(node, this.#pool)
      const limits = { waitMsMax, bytesMax: fetchBytesMax, partitionBytesMax }
      const answers = await fetchRecords(connection, { places: turn, ...limits })
      if (this.#failures > 0) this.#events.trouble(undefined)
      this.#failures = 0
      const found = answers.flatMap((answer) => {
        const place = turn.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition)
        return place === undefined ? [] : [{ place, answer }]
      })
      sink.answering?.(new Map(found.map(({ place, answer }) => [place, answer.endOffset])))
      for (const { place, answer } of found) if (!signal.aborted) await this.#take(sink, place, answer, signal)
      if (!signal.aborted) await sink.answered()
      const read = new Set(found.filter(({ answer }) => answer.records.length > 0).map(({ place }) => place))
      turn = [...turn.filter((place) => !read.has(place)), ...read]
    }
  }

  async #take(sink: Sink, place: FetchPlace, answer: FetchedPartition, signal: AbortSignal): Promise<void> {
    if (answer.code === kafkaCodes.offsetOutOfRange) return this.#outOfRange(place)
    if (answer.code !== kafkaCodes.none) throw new Error(`Kafka’s error ${answer.code} for ${place.topic}`)
    for (const batch of receivedBatches(answer.records)) {
      if (signal.aborted) return
      if (batch.lastOffset < place.offset) continue
      const { baseOffset, count } = batch
      if (!batch.isControl) {
        const unpacked = { records: await unpack(batch), count, baseOffset, from: place.offset }
        await sink.batch(place, unpacked, batch.lastOffset + 1)
      }
      if (signal.aborted) return
      place.offset = batch.lastOffset + 1
    }
  }

  /** Retention took what was not read yet; or the topic was made anew, and begins again. */
  async #outOfRange(place: FetchPlace): Promise<void> {
    const [first, last] = await Promise.all([this.#edge(place, 'earliest'), this.#edge(place, 'latest')])
    if (place.offset < first) this.#events.lost(place, first - place.offset)
    if (place.offset < first || place.offset > last) place.offset = first
  }

  async #edge(place: FetchPlace, edge: 'earliest' | 'latest'): Promise<number> {
    const edges = await this.#cluster.edges(place.topic, edge)
    return edges.find(({ partition }) => partition === place.partition)?.offset ?? 0
  }
}

const unpackZstd = promisify(zstdDecompress)
const unpackGzip = promisify<Buffer, Buffer>(gunzip)

/** Throws for a codec that nobody here writes. */
async function unpack({ codec, records }: ReceivedBatch): Promise<Buffer> {
  if (codec === codecs.none) return records
  try {
    if (codec === codecs.zstd) return await unpackZstd(records, { chunkSize: 1024 * 1024 })
    if (codec === codecs.gzip) return await unpackGzip(records)
  } catch (error) {
    throw new Error(`a record batch cannot be unpacked: ${messageOf(error)}`, { cause: error })
  }
  const name = Object.entries(codecs).find(([, number]) => number === codec)?.[0] ?? codec
  throw new Error(`a record batch is compressed with ${name}: have its producer use zstd, gzip or nothing`)
}
