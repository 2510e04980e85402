/**
 * Live events from all partitions, without a group: the topic itself is the bounded place where a follower's events wait.
 * One that stays behind by more than `followEventsMax` is moved to the end and told how many it missed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Follower, Subscription } from '../../pipeline/bus.ts'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { Cluster } from './cluster.ts'
import { EventReader } from './event-reader.ts'
import { Reader, type Sink } from './reader.ts'
import { readRecords } from './record-batch.ts'
import type { FetchPlace } from './wire.ts'

/** Given to a follower at once: message bytes as they lie on the topic. */
const deliveryBytesMax = 1024 * 1024

export interface FollowParts {
  readonly cluster: Cluster
  /** The topics of events that are there now; asked again every `topicsIntervalMs`. */
  readonly topics: () => Promise<readonly string[]>
  readonly topicsIntervalMs: number
  /** A follower that is further behind is moved to the end, events. */
  readonly followEventsMax: number
  readonly log: Logger
}

export async function follow(parts: FollowParts, follower: Follower, from: string | undefined): Promise<Subscription> {
  const { places, missed } = await startOf(parts, from)
  const line = new FollowLine(parts, follower, places)
  if (missed > 0) follower.missed(missed)
  line.begin()
  return line
}

class FollowLine implements Subscription {
  readonly #parts: FollowParts
  readonly #follower: Follower
  readonly #places: FetchPlace[]
  /** Where each place goes on behind what the follower was given. */
  readonly #given = new Map<FetchPlace, number>()
  readonly #readers: Reader[] = []
  readonly #stop = new AbortController()
  #looking: Promise<void> | undefined
  /** Loops of several brokers call the follower one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor(parts: FollowParts, follower: Follower, places: FetchPlace[]) {
    this.#parts = parts
    this.#follower = follower
    this.#places = places
    for (const place of places) this.#given.set(place, place.offset)
  }

  begin(): void {
    this.#read(this.#places)
    this.#looking = this.#lookForNew()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#looking, ...this.#readers.map((reader) => reader.close())])
    await this.#turn
  }

  #read(places: readonly FetchPlace[]): void {
    if (places.length === 0) return
    const { cluster, log } = this.#parts
    this.#readers.push(
      new Reader(cluster, places, {
        sink: (signal) => this.#sink(signal),
        lost: (_place, messages) => this.#follower.missed(messages),
        trouble: (why) => {
          if (why !== undefined) log.warn(`live tail waits for the bus: ${messageOf(why)}`)
        },
      }),
    )
  }

  #sink(signal: AbortSignal): Sink {
    const reader = new EventReader()
    const ends = new Map<FetchPlace, number>()
    const give = async (): Promise<void> => {
      const { events } = reader
      const batches = reader.take()
      for (const [place, end] of ends) this.#given.set(place, end)
      ends.clear()
      if (batches.length === 0 || signal.aborted) return
      try {
        await this.#follower.events(batches, this.#position())
      } catch {
        this.#follower.missed(events)
      }
    }
    const inTurn = (): Promise<void> => {
      const turn = this.#turn.then(give)
      this.#turn = turn.catch(() => {})
      return turn
    }
    return {
      batch: async (place, { records, count, baseOffset, from }, end) => {
        readRecords(records, count, (delta, _keyStart, _keyEnd, start, valueEnd) => {
          // What is no record is the subscribers' concern: they keep it.
          if (start >= 0 && baseOffset + delta >= from) reader.read(records, start, valueEnd)
        })
        ends.set(place, end)
        if (reader.bytes >= deliveryBytesMax) await inTurn()
      },
      answering: (last) => this.#skip(last),
      answered: inTurn,
    }
  }

  /** Whoever is too far behind goes on at the newest events that a follower may be behind by. */
  #skip(last: ReadonlyMap<FetchPlace, number>): void {
    const { followEventsMax } = this.#parts
    let behind = 0
    for (const [place, end] of last) behind += Math.max(0, end - place.offset)
    if (behind <= followEventsMax) return
    let missed = 0
    for (const [place, end] of last) {
      const next = Math.max(place.offset, end - Math.floor(followEventsMax / last.size))
      missed += next - place.offset
      place.offset = next
      this.#given.set(place, next)
    }
    if (missed > 0) this.#follower.missed(missed)
  }

  #position(): string {
    return positionOf([...this.#given].map(([place, offset]) => ({ ...place, offset })))
  }

  /** What comes on a new topic or partition is live from its first event. */
  async #lookForNew(): Promise<void> {
    const { signal } = this.#stop
    const { cluster, topics, topicsIntervalMs, log } = this.#parts
    while (!signal.aborted) {
      await sleep(topicsIntervalMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        const found: FetchPlace[] = []
        for (const topic of await topics()) {
          cluster.refresh(topic)
          const { length } = await cluster.leaders(topic)
          for (let partition = 0; partition < length; partition++) {
            if (!this.#places.some((place) => place.topic === topic && place.partition === partition)) {
              found.push({ topic, partition, offset: 0 })
            }
          }
        }
        for (const place of found) this.#given.set(place, 0)
        this.#places.push(...found)
        this.#read(found)
      } catch (error) {
        log.debug(`cannot look for new topics: ${messageOf(error)}`)
      }
    }
  }
}

async function startOf(
  { cluster, topics }: FollowParts,
  from: string | undefined,
): Promise<{ places: FetchPlace[]; missed: number }> {
  const kept = from === undefined ? undefined : placesOf(from)
  const places: FetchPlace[] = []
  let missed = 0
  for (const topic of await topics()) {
    const [firsts, lasts] = await Promise.all([cluster.edges(topic, 'earliest'), cluster.edges(topic, 'latest')])
    for (const { partition, offset: last } of lasts) {
      const first = firsts.find((edge) => edge.partition === partition)?.offset ?? 0
      if (kept === undefined) {
        places.push({ topic, partition, offset: last })
        continue
      }
      // A partition that came since is read from its beginning.
      const offset = kept.get(`${partition}/${topic}`) ?? first
      kept.delete(`${partition}/${topic}`)
      if (offset > last) throw gone(`${topic} was made anew since`)
      missed += Math.max(0, first - offset)
      places.push({ topic, partition, offset: Math.max(first, offset) })
    }
  }
  if (kept !== undefined && kept.size > 0) throw gone('a topic of it is no longer there')
  return { places, missed }
}

type WrittenPosition = readonly (readonly [topic: string, partition: number, offset: number])[]

function positionOf(places: readonly FetchPlace[]): string {
  const written: WrittenPosition = places.map(({ topic, partition, offset }) => [topic, partition, offset])
  return Buffer.from(JSON.stringify(written)).toString('base64url')
}

function placesOf(position: string): Map<string, number> {
  try {
    const written = JSON.parse(Buffer.from(position, 'base64url').toString()) as WrittenPosition
    const places = written.map(([topic, partition, offset]): [string, number] => [`${partition}/${topic}`, offset])
    if (places.every(([, offset]) => Number.isSafeInteger(offset) && offset >= 0)) return new Map(places)
  } catch {
    // Told below, as any other text that is no position.
  }
  throw gone('it is none of this bus')
}

function gone(why: string): ShiplogError {
  return new ShiplogError('POSITION_GONE', `nothing can be followed from this position: ${why}`, {
    hint: 'Follow from now on, and search for what came before.',
  })
}
