/**
 * Pages and scans: search_after along a sort that is total, so that each request goes on exactly behind the last key,
 * whenever it comes and whatever is written meanwhile. Nothing is held open on the server between two of them.
 */
import { randomUUID } from 'node:crypto'
import type { RecordBatch } from '../../pipeline/event-batch.ts'
import type { EventKey } from '../../pipeline/record.ts'
import { formatTime } from '../../pipeline/record.ts'
import type { Bounds, FileQuery, Page, SearchQuery } from '../../pipeline/store.ts'
import { compileSelection, compileTime, latestUs, type Query } from './compile.ts'
import { AnswerTooLarge, type Connection } from './connection.ts'
import { batchOfHits, type Hit } from './hits.ts'
import { type PartitionList, slicesOf } from './partitions.ts'
import { pageAttemptsMax, retrying, type SearchLimits, searchAll, throwIfAborted, within } from './reading.ts'

/** What a scan or page walks along: stretches one behind the other, each with a sort. */
interface Walk {
  readonly indices: readonly string[]
  readonly query: Query
  readonly sort: readonly object[]
  readonly afterOf: (key: EventKey) => unknown[]
  readonly after?: EventKey
}

interface Answer {
  readonly hits: { readonly hits: readonly Hit[] }
}

/** Hits of one request: the first one is small so that a reader sees something at once; Elasticsearch gives 10,000 at most. */
const firstHits = 500
const hitsMax = 10_000
/** What an answer should have, and what one may have before it is asked for again in smaller pieces, bytes. */
const answerBytesAim = 4 * 1024 * 1024
const answerBytesMax = 32 * 1024 * 1024
/** Of a hit beside its message. */
const hitBytes = 500

/** By time; newest or oldest first. */
async function walksOf(partitions: PartitionList, query: SearchQuery): Promise<Walk[]> {
  const { order, after } = query
  let { from, to } = query
  // The key bounds the time too, which leaves out partitions.
  if (after !== undefined && order === 'asc') from = Math.max(from, after.time)
  if (after !== undefined && order === 'desc') to = Math.min(to, after.time + 1)
  const sort = [
    { time: { order, format: 'strict_date_optional_time_nanos' } },
    { generation: { order } },
    { offset: { order } },
  ]
  const afterOf = ({ time, generation, offset }: EventKey): unknown[] => [formatTime(time), generation, offset]
  const slices = slicesOf(await partitions.of(query.cluster, from, to), from, to, order)
  return slices.map((slice, i) => ({
    indices: slice.indices,
    query: compileSelection({ ...query, from: slice.from, to: slice.to }),
    sort,
    afterOf,
    // Behind the first slice every event is behind the key.
    ...(i === 0 && after !== undefined && after.time >= 0 && after.time <= latestUs ? { after } : {}),
  }))
}

export async function searchPage(
  connection: Connection,
  partitions: PartitionList,
  query: SearchQuery,
  limit: number,
  bounds: Bounds | undefined,
): Promise<Page> {
  return within(bounds, async (signal) => {
    // One more than asked for tells whether more follow.
    const wanted = Math.max(1, limit) + 1
    const hits: Hit[] = []
    for (const walk of await walksOf(partitions, query)) {
      const cursor = new HitCursor(connection, walk, wanted)
      while (hits.length < wanted) {
        const page = await cursor.next({ signal, attemptsMax: pageAttemptsMax }, wanted - hits.length)
        if (page.length === 0) break
        hits.push(...page)
      }
      if (hits.length >= wanted) break
    }
    return { records: batchOfHits(hits.slice(0, wanted - 1)), more: hits.length >= wanted }
  })
}

export function scanByTime(
  connection: Connection,
  partitions: PartitionList,
  query: SearchQuery,
  bounds: Bounds | undefined,
): AsyncIterable<RecordBatch> {
  return scanOf(connection, () => walksOf(partitions, query), bounds)
}

export function scanFile(
  connection: Connection,
  partitions: PartitionList,
  query: FileQuery,
  bounds: Bounds | undefined,
): AsyncIterable<RecordBatch> {
  return scanOf(connection, async () => [await fileWalk(partitions, query)], bounds, query.most)
}

async function fileWalk(partitions: PartitionList, query: FileQuery): Promise<Walk> {
  const { source, start, order, from, to } = query
  const terms = Object.entries(source).filter(([, value]) => value !== undefined)
  const filter: Query[] = [...terms.map(([field, value]) => ({ term: { [field]: value } })), ...compileTime(from, to)]
  if (start !== undefined) {
    const [beyond, reached] = order === 'asc' ? ['gt', 'gte'] : ['lt', 'lte']
    const here = [
      { term: { generation: start.generation } },
      { range: { offset: { [reached as string]: start.offset } } },
    ]
    const others = { range: { generation: { [beyond as string]: start.generation } } }
    filter.push({ bool: { should: [others, { bool: { filter: here } }], minimum_should_match: 1 } })
  }
  return {
    indices: (await partitions.of(source.cluster, from, to)).map(({ index }) => index),
    query: { bool: { filter } },
    sort: [{ generation: { order } }, { offset: { order } }],
    afterOf: ({ generation, offset }) => [generation, offset],
  }
}

/** Every hit of the walks, or `most` of them, the next page fetched while the reader has this one. */
async function* scanOf(
  connection: Connection,
  walks: () => Promise<readonly Walk[]>,
  bounds: Bounds | undefined,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<RecordBatch, void, void> {
  let wanted = most
  const left = new AbortController()
  // The bound of time is one page's: how long all of them take is the reader's pace.
  const pageBounds = {
    ...bounds,
    signal: bounds?.signal === undefined ? left.signal : AbortSignal.any([bounds.signal, left.signal]),
  }
  try {
    const found = await within(pageBounds, (signal) => retrying(connection, { signal, attemptsMax: Infinity }, walks))
    for (const walk of found) {
      const cursor = new HitCursor(connection, walk, firstHits)
      const ask = (): Promise<readonly Hit[]> => {
        const asked = within(pageBounds, (signal) =>
          cursor.next({ signal, attemptsMax: Infinity }, Math.min(hitsMax, wanted)),
        )
        // Looked at when the reader comes back, which may be late or never.
        asked.catch(() => undefined)
        return asked
      }
      for (let next = ask(); ; ) {
        const page = await next
        if (page.length === 0) break
        throwIfAborted(bounds?.signal)
        wanted -= page.length
        if (wanted > 0) next = ask()
        yield batchOfHits(page)
        if (wanted === 0) return
      }
    }
  } finally {
    left.abort()
  }
}

/** The hits of one walk, page after page, in answers of bounded size. */
class HitCursor {
  readonly #connection: Connection
  readonly #walk: Walk
  readonly #preference = randomUUID()
  #size: number
  #after: readonly unknown[] | undefined
  #ended: boolean

  constructor(connection: Connection, walk: Walk, firstSize: number) {
    this.#connection = connection
    this.#walk = walk
    this.#size = Math.min(hitsMax, firstSize)
    this.#after = walk.after === undefined ? undefined : walk.afterOf(walk.after)
    this.#ended = walk.indices.length === 0
  }

  /** At most `wanted` more hits; none = there are no more. */
  async next(limits: SearchLimits, wanted: number): Promise<readonly Hit[]> {
    while (!this.#ended) {
      const size = Math.max(1, Math.min(this.#size, wanted))
      let hits: readonly Hit[]
      try {
        hits = await this.#ask(size, limits)
      } catch (error) {
        if (!(error instanceof AnswerTooLarge) || size === 1) throw error
        this.#size = size >> 3
        continue
      }
      this.#ended = hits.length < size
      this.#after = hits.at(-1)?.sort
      let bytes = 1
      for (const { _source } of hits) bytes += _source.message.length + hitBytes
      this.#size = Math.ceil(Math.min(hitsMax, this.#size * 4, (answerBytesAim / bytes) * hits.length))
      return hits
    }
    return []
  }

  async #ask(size: number, limits: SearchLimits): Promise<readonly Hit[]> {
    const { indices, query, sort } = this.#walk
    const body = {
      size,
      track_total_hits: false,
      sort,
      query,
      ...(this.#after === undefined ? {} : { search_after: this.#after }),
    }
    const [answer] = await searchAll<Answer>(this.#connection, [{ indices, body, preference: this.#preference }], {
      ...limits,
      ...(size === 1 ? {} : { answerBytesMax }),
    })
    return answer?.hits.hits ?? []
  }
}
