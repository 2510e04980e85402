/**
 * A member of a consumer group: Kafka says which partitions are its own, a Reader reads them from where the group has
 * committed (or from the beginning, so that neither a new partition nor an expired commit loses anything), and what was
 * handled is committed.
 *
 * A rebalance in the middle of a batch: what is being handled is told by its signal, its partitions begin again at the
 * commit, here or at another member. That repeats events and never skips one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, type GroupAssignment } from '@platformatic/kafka'
import type { Logger } from 'pino'
import type { BusHandlers, Subscription } from '../../pipeline/bus.ts'
import { messageOf, type ShiplogError } from '../../pipeline/errors.ts'
import { retryForever } from '../../pipeline/retry.ts'
import type { Cluster } from './cluster.ts'
import { createDelivery } from './delivery.ts'
import { kafkaFault } from './fault.ts'
import { Reader } from './reader.ts'
import type { KeyedMessage } from './rejects.ts'
import { filesSuffix } from './topics.ts'
import type { FetchPlace } from './wire.ts'

/** A member that says nothing for so long has died: its partitions go to others. */
const sessionMs = 15_000
const heartbeatMs = 1000
/** Others wait so long for a member to join anew. */
const rebalanceMs = 30_000
const backoff = { firstMs: 100, mostMs: 2000 }

export interface GroupParts {
  readonly cluster: Cluster
  readonly group: string
  readonly handlers: BusHandlers
  /** The topics to read; asked again every `topicsIntervalMs`. */
  readonly topics: () => Promise<readonly string[]>
  readonly topicsIntervalMs: number
  readonly keepPoison: (topic: string, messages: readonly KeyedMessage[]) => Promise<void>
  /** Messages that the topics no longer had when they were to be read. */
  readonly lost: (messages: number) => void
  /** Why reading is held up now, or undefined. */
  readonly trouble: (why: ShiplogError | undefined) => void
  readonly log: Logger
}

export function joinGroup(parts: GroupParts): Subscription {
  const member = new Member(parts)
  member.begin()
  return member
}

class Member implements Subscription {
  readonly #parts: GroupParts
  readonly #consumer: Consumer
  readonly #stop = new AbortController()
  /** Partitions of each topic at the last look. */
  #known = new Map<string, number>()
  #joining: Promise<void> | undefined
  #looking: Promise<void> | undefined
  /** Assignments take effect one after the other. */
  #assigning: Promise<void> = Promise.resolve()
  #reader: Reader | undefined
  #handled = new Map<string, FetchPlace>()
  #committing: Promise<void> | undefined

  constructor(parts: GroupParts) {
    this.#parts = parts
    this.#consumer = new Consumer({
      ...parts.cluster.clientOptions,
      groupId: parts.group,
      autocommit: false,
      sessionTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: rebalanceMs,
      retries: 3,
      retryDelay: 200,
    })
    this.#consumer.connections.on('connecting', ({ connection }) => connection.on('error', () => {}))
    this.#consumer.on('consumer:group:join', ({ assignments }) => this.#assign(assignments ?? []))
    // The client gives up a membership after some attempts; the group is joined anew then.
    this.#consumer.on('error', (error) => {
      this.#parts.log.debug(`the group is joined again: ${messageOf(error)}`)
      void this.#join()
    })
  }

  begin(): void {
    this.#looking = this.#look()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#looking
    await this.#joining
    await this.#assigning
    await this.#reader?.close()
    await this.#commit()
    await this.#consumer.close(true).catch((error: unknown) => {
      this.#parts.log.debug(
        `cannot leave the group: ${messageOf(error)}; its partitions go to others in ${sessionMs} ms`,
      )
    })
  }

  // ── topics and membership ──

  /** Looks for new topics and partitions on a timer, and joins the group (again) when there are any. */
  async #look(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        if (await this.#learnTopics()) await this.#join()
        await sleep(this.#parts.topicsIntervalMs, undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        this.#tell(error)
        await sleep(backoff.mostMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** True when something came. */
  async #learnTopics(): Promise<boolean> {
    const { cluster } = this.#parts
    const known = new Map<string, number>()
    for (const topic of await this.#parts.topics()) {
      cluster.refresh(topic)
      const { length } = await cluster.leaders(topic)
      if (length > 0) known.set(topic, length)
    }
    const changed = [...known].some(([topic, length]) => this.#known.get(topic) !== length)
    this.#known = known
    return changed && known.size > 0
  }

  #join(): Promise<void> {
    this.#joining ??= this.#joinOnce().finally(() => {
      this.#joining = undefined
    })
    return this.#joining
  }

  async #joinOnce(): Promise<void> {
    const { signal } = this.#stop
    for (const topic of this.#known.keys()) if (!this.#consumer.topics.has(topic)) this.#consumer.topics.track(topic)
    const join = async (): Promise<void> => {
      await this.#consumer.joinGroup({})
    }
    await retryForever(join, { signal, backoff, onRetry: (error) => this.#tell(error) }).catch((error: unknown) => {
      if (!signal.aborted) this.#tell(error)
    })
  }

  // ── reading ──

  #assign(assignments: readonly GroupAssignment[]): void {
    this.#assigning = this.#assigning
      .then(() => this.#read(assignments))
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#tell(error)
      })
  }

  async #read(assignments: readonly GroupAssignment[]): Promise<void> {
    await this.#reader?.close()
    this.#reader = undefined
    const { signal } = this.#stop
    if (signal.aborted) return
    await this.#commit()
    // What could not be committed may be another member's by now.
    this.#handled.clear()
    const { cluster, log } = this.#parts
    const places = await retryForever(() => this.#places(assignments), {
      signal,
      backoff,
      onRetry: (error) => this.#tell(error),
    })
    log.info({ partitions: places.length }, `reading ${places.length} partitions of the bus`)
    this.#parts.trouble(undefined)
    if (places.length === 0) return
    this.#reader = new Reader(cluster, places, {
      sink: (readerSignal) =>
        createDelivery({ ...this.#parts, handled: (handled) => this.#note(handled) }, readerSignal),
      lost: (place, messages) => {
        // Of states only the newest counts, and that one is always there.
        if (place.topic.endsWith(filesSuffix)) return
        this.#parts.lost(messages)
        log.error(
          { topic: place.topic, partition: place.partition, messages },
          `${messages} messages of ${place.topic} were deleted before they were read: raise its retention`,
        )
      },
      trouble: (why) => (why === undefined ? this.#parts.trouble(undefined) : this.#tell(why)),
    })
  }

  /** Where each partition goes on: at the commit, else at its beginning. */
  async #places(assignments: readonly GroupAssignment[]): Promise<FetchPlace[]> {
    if (assignments.length === 0) return []
    const committed = await this.#consumer.listCommittedOffsets({ topics: [...assignments] })
    const places: FetchPlace[] = []
    for (const { topic, partitions } of assignments) {
      const starts = await this.#parts.cluster.edges(topic, 'earliest')
      for (const partition of partitions) {
        const commit = Number(committed.get(topic)?.[partition] ?? -1)
        const start = starts.find((edge) => edge.partition === partition)?.offset ?? 0
        places.push({ topic, partition, offset: commit >= 0 ? commit : start })
      }
    }
    return places
  }

  // ── committing ──

  #note(places: readonly FetchPlace[]): void {
    for (const place of places) this.#handled.set(`${place.partition}/${place.topic}`, place)
    void this.#commit()
  }

  /** One commit at a time takes along all that was handled meanwhile. */
  async #commit(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing
    if (this.#handled.size === 0) return
    this.#committing = this.#commitOnce().finally(() => {
      this.#committing = undefined
    })
    await this.#committing
  }

  async #commitOnce(): Promise<void> {
    const places = this.#handled
    this.#handled = new Map()
    const offsets = [...places.values()].map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: BigInt(offset),
      leaderEpoch: -1,
    }))
    try {
      await this.#consumer.commit({ offsets })
    } catch (error) {
      // Nothing is lost: what is not committed is read again. The next commit takes it along.
      this.#parts.log.debug(`cannot commit yet: ${messageOf(error)}`)
      for (const [name, place] of places) if (!this.#handled.has(name)) this.#handled.set(name, place)
    }
  }

  #tell(error: unknown): void {
    this.#parts.trouble(kafkaFault(error, 'cannot read the bus', `group ${this.#parts.group}`))
  }
}
