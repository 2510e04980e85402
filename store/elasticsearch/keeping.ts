/** What there is, and dropping what is too old: whole indices, each by its exact name. */
import { formatTime, parseTime } from '../../pipeline/record.ts'
import type { Dropped, StoreStats } from '../../pipeline/store.ts'
import type { Connection } from './connection.ts'
import type { Partition, PartitionList } from './partitions.ts'
import { searchAll } from './reading.ts'

/**
 * Drops the partitions of a cluster that lie before `before` by their date and by what was read last. Between the look and the
 * deletion nothing may come in: the index is blocked for writing, looked at once more, and only then deleted. A writer that
 * meets the block tries again, and makes the index anew.
 */
export async function retain(
  connection: Connection,
  partitions: PartitionList,
  cluster: string,
  before: number,
  onDropped: (index: string) => void,
): Promise<Dropped[]> {
  const dropped: Dropped[] = []
  for (const { index, partition, to } of await partitions.of(cluster)) {
    if (to > before || (await hasNewer(connection, index, before))) continue
    const path = `/${encodeURIComponent(index)}`
    await connection.json({ method: 'PUT', path: `${path}/_block/write`, accept: [404] })
    if (await hasNewer(connection, index, before)) {
      const body = { 'index.blocks.write': null }
      await connection.json({ method: 'PUT', path: `${path}/_settings`, body, accept: [404] })
      continue
    }
    const { events, bytes } = (await sizesOf(connection, [index])).get(index) ?? { events: 0, bytes: 0 }
    const { status } = await connection.json({ method: 'DELETE', path, accept: [404] })
    onDropped(index)
    // Another process may have been faster.
    if (status !== 404) dropped.push({ partition, events, bytes })
  }
  return dropped
}

/** Drops one partition by its exact name, with what comes in meanwhile. */
export async function remove(
  connection: Connection,
  partitions: PartitionList,
  cluster: string,
  wanted: string,
  onDropped: (index: string) => void,
): Promise<Dropped | undefined> {
  const found = (await partitions.of(cluster)).find(({ partition }) => partition === wanted)
  if (found === undefined) return undefined
  const { index, partition } = found
  const path = `/${encodeURIComponent(index)}`
  // Else the last second is not counted.
  await connection.json({ method: 'POST', path: `${path}/_refresh`, accept: [404] })
  const { events, bytes } = (await sizesOf(connection, [index])).get(index) ?? { events: 0, bytes: 0 }
  const { status } = await connection.json({ method: 'DELETE', path, accept: [404] })
  onDropped(index)
  return status === 404 ? undefined : { partition, events, bytes }
}

/** True when the index has an event that was read at or after `before`, also one that no search finds yet. */
async function hasNewer(connection: Connection, index: string, before: number): Promise<boolean> {
  await connection.json({ method: 'POST', path: `/${encodeURIComponent(index)}/_refresh`, accept: [404] })
  const body = { size: 1, _source: false, query: { range: { readAt: { gte: formatTime(Math.max(0, before)) } } } }
  const [answer] = await searchAll<{ hits: { hits: unknown[] } }>(connection, [{ indices: [index], body }])
  return (answer?.hits.hits.length ?? 0) > 0
}

interface Size {
  readonly events: number
  readonly bytes: number
}

/** Of primary shards: copies are not events. */
async function sizesOf(connection: Connection, indices: readonly string[]): Promise<Map<string, Size>> {
  const sizes = new Map<string, Size>()
  // A path holds 4,096 bytes.
  for (let at = 0; at < indices.length; at += namesInPath) {
    const names = indices.slice(at, at + namesInPath)
    const { body } = await connection.json<{
      indices?: Record<string, { primaries: { docs: { count: number }; store: { size_in_bytes: number } } }>
    }>({
      method: 'GET',
      path: `/${encodeURIComponent(names.join(','))}/_stats/docs,store`,
      query: { ignore_unavailable: 'true' },
      accept: [404],
    })
    for (const [index, { primaries }] of Object.entries(body.indices ?? {})) {
      sizes.set(index, { events: primaries.docs.count, bytes: primaries.store.size_in_bytes })
    }
  }
  return sizes
}

/** Names have up to 85 characters, and a comma is three in a path. */
const namesInPath = 40

const whyRed = 'a shard of it is on no node, and searches of its days fail: see GET _cluster/allocation/explain'

/** Indices with a shard that no node has: every search that touches them fails. */
async function redOf(connection: Connection, prefix: string): Promise<Set<string>> {
  const { body } = await connection.json<{ indices?: Record<string, { status: string }> }>({
    method: 'GET',
    path: `/_cluster/health/${encodeURIComponent(`${prefix}-*`)}`,
    query: { level: 'indices', filter_path: 'indices.*.status' },
  })
  const all = Object.entries(body.indices ?? {})
  return new Set(all.filter(([, { status }]) => status === 'red').map(([index]) => index))
}

type Span = Size & { readonly from: number; readonly to: number; readonly newestReadAt: number }

/** Sizes and spans of time; what has not grown is not asked for its span again. */
export class Statistics {
  readonly #connection: Connection
  readonly #partitions: PartitionList
  readonly #prefix: string
  readonly #spans = new Map<string, Span>()

  constructor(connection: Connection, partitions: PartitionList, prefix: string) {
    this.#connection = connection
    this.#partitions = partitions
    this.#prefix = prefix
  }

  async read(): Promise<StoreStats> {
    const all = await this.#partitions.of(undefined)
    const names = all.map(({ index }) => index)
    const [sizes, red] = await Promise.all([sizesOf(this.#connection, names), redOf(this.#connection, this.#prefix)])
    const grown = all.filter(({ index }) => {
      const events = sizes.get(index)?.events ?? 0
      return !red.has(index) && events > 0 && events !== this.#spans.get(index)?.events
    })
    await this.#askSpans(grown, sizes)
    const partitions = all
      .flatMap(({ index, cluster, partition }) => {
        const size = sizes.get(index)
        const span = this.#spans.get(index)
        if (size === undefined || span === undefined) return []
        return [{ cluster, partition, ...size, from: span.from, to: span.to, newestReadAt: span.newestReadAt }]
      })
      .sort((a, b) => (a.cluster === b.cluster ? compare(a.partition, b.partition) : compare(a.cluster, b.cluster)))
    const events = partitions.reduce((sum, one) => sum + one.events, 0)
    const bytes = partitions.reduce((sum, one) => sum + one.bytes, 0)
    const damaged = names.filter((index) => red.has(index)).map((path) => ({ path, reason: whyRed }))
    return { events, bytes, partitions, damaged }
  }

  async #askSpans(grown: readonly Partition[], sizes: ReadonlyMap<string, Size>): Promise<void> {
    type Ends = { hits: { hits: { _source: { time: string; readAt: string } }[] } }
    const end = (field: string, order: string) => ({
      size: 1,
      _source: ['time', 'readAt'],
      track_total_hits: false,
      sort: [{ [field]: order }],
    })
    const searches = grown.flatMap(({ index }) => [
      { indices: [index], body: end('time', 'asc') },
      { indices: [index], body: end('time', 'desc') },
      { indices: [index], body: end('readAt', 'desc') },
    ])
    const ends = await searchAll<Ends>(this.#connection, searches)
    for (const [i, { index }] of grown.entries()) {
      const [first, last, newest] = [0, 1, 2].map((n) => ends[3 * i + n]?.hits.hits[0]?._source)
      const [from, to] = [parseTime(first?.time ?? ''), parseTime(last?.time ?? '')]
      const newestReadAt = parseTime(newest?.readAt ?? '')
      const size = sizes.get(index)
      if (size === undefined || Number.isNaN(from + to + newestReadAt)) continue
      this.#spans.set(index, { ...size, from, to, newestReadAt })
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
