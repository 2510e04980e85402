/**
 * What lies on the topics of rejects, published once more. How far it came is a committed offset of a group without members:
 * it moves when the events are durable where they were sent to.
 */
import type { Replayed } from '../../pipeline/bus.ts'
import { messageOf } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import type { Cluster } from './cluster.ts'
import { EventReader } from './event-reader.ts'
import { Reader, type Sink } from './reader.ts'
import { readRecords } from './record-batch.ts'
import type { FetchPlace } from './wire.ts'

/** Published at once: message bytes. */
const publishBytesMax = 1024 * 1024

export interface ReplayParts {
  readonly cluster: Cluster
  readonly group: string
  /** Of rejects. */
  readonly topics: readonly string[]
  /** From the first that is still there, whatever was replayed before. */
  readonly fromStart: boolean
  readonly publish: (batches: readonly EventBatch[]) => Promise<void>
}

/** Rejects at the first trouble: whoever asked for it asks again, and it goes on where it was. */
export async function replayRejects(parts: ReplayParts, signal: AbortSignal): Promise<Replayed> {
  const replayed = { records: 0, unreadable: 0, lost: 0 }
  const places: FetchPlace[] = []
  // What is rejected from now on is not sent again in the same run: it might be for ever.
  const ends = new Map<FetchPlace, number>()
  for (const topic of parts.topics) {
    for (const { place, end } of await placesOf(parts, topic)) {
      if (place.offset >= end) continue
      places.push(place)
      ends.set(place, end)
    }
  }
  if (places.length === 0) return replayed

  const finished = Promise.withResolvers<void>()
  const isFinished = (): boolean => places.every((place) => place.offset >= (ends.get(place) as number))
  const sink = (): Sink => {
    const reader = new EventReader()
    const read = new Map<FetchPlace, number>()
    const flush = async (): Promise<void> => {
      const { events } = reader
      const batches = reader.take()
      if (batches.length > 0) await parts.publish(batches)
      replayed.records += events
      const moved = [...read].map(([place, offset]) => ({ ...place, offset }))
      read.clear()
      if (moved.length > 0) await parts.cluster.commit(parts.group, moved)
    }
    return {
      async batch(place, { records, count, baseOffset, from }, end) {
        const last = ends.get(place) as number
        readRecords(records, count, (delta, _keyStart, _keyEnd, start, valueEnd) => {
          const offset = baseOffset + delta
          if (offset < from || offset >= last) return
          if (readReject(reader, start < 0 ? '' : records.toString('utf8', start, valueEnd)) !== undefined)
            replayed.unreadable++
        })
        read.set(place, Math.min(end, last))
        if (reader.bytes >= publishBytesMax) await flush()
      },
      async answered() {
        await flush()
        if (isFinished()) finished.resolve()
      },
    }
  }
  const lost = (_place: FetchPlace, messages: number): void => void (replayed.lost += messages)
  const trouble = (why: unknown): void => {
    if (why !== undefined) finished.reject(why)
  }
  const reader = new Reader(parts.cluster, places, { sink, lost, trouble })
  const abort = (): void => finished.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    await finished.promise
  } finally {
    signal.removeEventListener('abort', abort)
    await reader.close()
  }
  return replayed
}

/** Where each partition goes on, and where it ends now. */
async function placesOf(
  { cluster, group, fromStart }: ReplayParts,
  topic: string,
): Promise<{ place: FetchPlace; end: number }[]> {
  const starts = await cluster.edges(topic, 'earliest')
  const ends = await cluster.edges(topic, 'latest')
  const committed = fromStart ? [] : await cluster.committed(group, topic, starts.length)
  return starts.map((start) => {
    const commit = committed.find(({ partition }) => partition === start.partition)
    const end = ends.find(({ partition }) => partition === start.partition)?.offset ?? start.offset
    // A commit behind the end is of a topic that was made anew since.
    return { place: commit === undefined || commit.offset > end ? start : commit, end }
  })
}

/** `{"reason":…,"record":…}`, or the bytes of a message that was no record: a later version may know better. Why not, if not. */
function readReject(reader: EventReader, text: string): string | undefined {
  try {
    const { record, value } = JSON.parse(text) as { readonly record?: unknown; readonly value?: string }
    const bytes =
      value === undefined ? Buffer.from(JSON.stringify(record ?? null)) : Buffer.from(String(value), 'base64')
    return reader.read(bytes, 0, bytes.length)
  } catch (error) {
    return messageOf(error)
  }
}
