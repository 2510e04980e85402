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
const leaderWaitMs = 1000
/** Batches are unpacked into memory of at least this size. */
const unpackBytes = 1024 * 1024

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
  /** `end`: where reading goes on behind the batch. Its records' memory is gone once this resolves. */
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
    const leaderless: FetchPlace[] = []
    for (const place of places) {
      const leader = (await this.#cluster.leaders(place.topic))[place.partition] ?? -1
      if (leader < 0) leaderless.push(place)
      else groups.set(leader, [...(groups.get(leader) ?? []), place])
    }
    const failed = new AbortController()
    const signal = AbortSignal.any([failed.signal, this.#stop.signal])
    const loops = [...groups].map(([node, group]) => this.#loop(node, group, signal))
    // The others are read meanwhile.
    const [place] = leaderless
    if (place !== undefined) loops.push(this.#waitForLeader(place, signal))
    for (const loop of loops) loop.catch(() => failed.abort())
    const ended = await Promise.allSettled(loops)
    const first = ended.find((one) => one.status === 'rejected')
    if (first !== undefined) throw first.reason
  }

  async #waitForLeader({ topic, partition }: FetchPlace, signal: AbortSignal): Promise<void> {
    const error = new Error(`partition ${partition} of ${topic} has no leader`)
    if (this.#failures++ === 0) this.#events.trouble(error)
    await sleep(leaderWaitMs, undefined, { signal }).catch(() => {})
    throw error
  }

  async #loop(node: number, places: readonly FetchPlace[], signal: AbortSignal): Promise<void> {
    const sink = this.#events.sink(signal)
    // Everything before these was handed over. What was only gathered when the loop ends is read again.
    const settled = new Map(places.map((place) => [place, place.offset]))
    // A place that was read last goes last: a busy partition must not starve the others.
    let turn = [...places]
    try {
      while (!signal.aborted) {
        const connection = await this.#cluster.connection(node, this.#pool)
        const limits = { waitMsMax, bytesMax: fetchBytesMax, partitionBytesMax }
        const answers = await fetchRecords(connection, { places: turn, ...limits })
        const found = answers.flatMap((answer) => {
          const place = turn.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition)
          return place === undefined ? [] : [{ place, answer }]
        })
        const error = await this.#takeAll(sink, found, settled, signal)
        if (signal.aborted) return
        for (const place of places) settled.set(place, place.offset)
        if (error !== undefined) throw error
        if (this.#failures > 0) this.#events.trouble(undefined)
        this.#failures = 0
        const read = new Set(found.filter(({ answer }) => answer.records.length > 0).map(({ place }) => place))
        turn = [...turn.filter((place) => !read.has(place)), ...read]
      }
    } finally {
      for (const [place, offset] of settled) place.offset = offset
    }
  }

  /** Gives all that an answer brought to the sink. What is wrong with one partition is told when the others are read. */
  async #takeAll(
    sink: Sink,
    found: readonly { readonly place: FetchPlace; readonly answer: FetchedPartition }[],
    settled: Map<FetchPlace, number>,
    signal: AbortSignal,
  ): Promise<unknown> {
    let wrong: unknown
    sink.answering?.(new Map(found.map(({ place, answer }) => [place, answer.endOffset])))
    for (const { place, answer } of found) {
      try {
        if (answer.code === kafkaCodes.offsetOutOfRange) {
          await this.#outOfRange(place)
          // What was lost is counted once.
          settled.set(place, place.offset)
        } else if (answer.code !== kafkaCodes.none) throw new Error(`Kafka’s error ${answer.code} for ${place.topic}`)
        else await this.#take(sink, place, answer.records, signal)
      } catch (error) {
        wrong ??= error
      }
      if (signal.aborted) return wrong
    }
    await sink.answered()
    return wrong
  }

  async #take(sink: Sink, place: FetchPlace, set: Buffer, signal: AbortSignal): Promise<void> {
    for (const batch of receivedBatches(set)) {
      if (batch.lastOffset < place.offset) continue
      const { baseOffset, count } = batch
      if (!batch.isControl) {
        const records = await unpack(batch)
        await sink.batch(place, { records, count, baseOffset, from: place.offset }, batch.lastOffset + 1)
        // A megabyte for each batch: left to the garbage collector it would run all the time. Less may be shared memory.
        if (records.buffer.byteLength >= unpackBytes) (records.buffer as ArrayBuffer).transfer(0)
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
  // Copied: what it is taken from holds the other batches too.
  if (codec === codecs.none) return Buffer.from(records)
  try {
    if (codec === codecs.zstd) return await unpackZstd(records, { chunkSize: unpackBytes })
    if (codec === codecs.gzip) return await unpackGzip(records)
  } catch (error) {
    throw new Error(`a record batch cannot be unpacked: ${messageOf(error)}`, { cause: error })
  }
  const name = Object.entries(codecs).find(([, number]) => number === codec)?.[0] ?? codec
  throw new Error(`a record batch is compressed with ${name}: have its producer use zstd, gzip or nothing`)
}
