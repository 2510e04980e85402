/** Histograms and lists of values: aggregations over all shards at once. */
import { ShiplogError } from '../../pipeline/errors.ts'
import { levels, parseTime, sourceFields } from '../../pipeline/record.ts'
import type { Bounds, Histogram, Selection, ValueCount } from '../../pipeline/store.ts'
import { lowerCase } from '../../pipeline/words.ts'
import { compileSelection, type Query } from './compile.ts'
import type { Connection } from './connection.ts'
import type { PartitionList } from './partitions.ts'
import { searchAll, within } from './reading.ts'
import { regexEscaped, regexOfValue } from './value-regex.ts'

/** Of one histogram; as the embedded store. */
const bucketsMax = 10_000
/** Distinct values that a shard counts: up to so many, the counts are exact. */
const distinctValuesMax = 10_000
const msUs = 1000

interface Bucket {
  readonly key: string | number
  readonly doc_count: number
}

/** Elasticsearch counts by milliseconds: the first bucket begins at one, at or before `from`. */
export async function histogram(
  connection: Connection,
  partitions: PartitionList,
  selection: Selection,
  buckets: number,
  bounds: Bounds | undefined,
): Promise<Histogram> {
  const { to } = selection
  if (!Number.isFinite(to) || !Number.isFinite(selection.from) || to <= selection.from) {
    throw new ShiplogError('QUERY_INVALID', 'a histogram needs a range of time with an end')
  }
  if (!(buckets <= bucketsMax)) {
    throw new ShiplogError('QUERY_INVALID', `a histogram has at most ${bucketsMax} buckets`)
  }
  const from = Math.floor(selection.from / msUs) * msUs
  const bucketMs = Math.max(1, Math.ceil((to - from) / msUs / Math.max(1, Math.floor(buckets))))
  const bucketUs = bucketMs * msUs
  const counts = Array.from({ length: Math.ceil((to - from) / bucketUs) }, () => new Uint32Array(levels.length))
  const body = {
    size: 0,
    track_total_hits: false,
    query: compileSelection(selection),
    aggs: {
      levels: {
        terms: { field: 'level', size: levels.length },
        aggs: {
          times: {
            date_histogram: {
              field: 'time',
              fixed_interval: `${bucketMs}ms`,
              offset: `${(from / msUs) % bucketMs}ms`,
              min_doc_count: 1,
            },
          },
        },
      },
    },
  }
  return within(bounds, async (signal) => {
    const indices = (await partitions.of(selection.cluster, selection.from, to)).map(({ index }) => index)
    let total = 0
    if (indices.length === 0) return { from, bucketUs, counts, total }
    type Answer = { aggregations: { levels: { buckets: (Bucket & { times: { buckets: Bucket[] } })[] } } }
    const [answer] = await searchAll<Answer>(connection, [{ indices, body }], { signal })
    for (const level of answer?.aggregations.levels.buckets ?? []) {
      const index = (levels as readonly string[]).indexOf(String(level.key))
      for (const { key, doc_count: count } of level.times.buckets) {
        const bucket = counts[Math.floor(((key as number) * msUs - from) / bucketUs)]
        if (bucket === undefined || index < 0) continue
        bucket[index] = (bucket[index] as number) + count
        total += count
      }
    }
    return { from, bucketUs, counts, total }
  })
}

export async function values(
  connection: Connection,
  partitions: PartitionList,
  field: string,
  selection: Omit<Selection, 'cluster'> & { readonly cluster?: string },
  { limit, prefix = '' }: { readonly limit: number; readonly prefix?: string },
  bounds: Bounds | undefined,
): Promise<ValueCount[]> {
  const isField = /^fields\../.test(field)
  if (!isField && field !== 'level' && !(sourceFields as readonly string[]).includes(field)) {
    const hint = `Use one of ${[...sourceFields, 'level'].join(', ')} or fields.<name>.`
    throw new ShiplogError('QUERY_INVALID', `there is no field ${JSON.stringify(field)}`, { hint })
  }
  const head = isField ? `${lowerCase(field.slice('fields.'.length))}=` : ''
  const keyword = isField ? 'fields' : field
  const wanted = `${regexEscaped(head)}${regexOfValue(lowerCase(prefix))}.*`
  const { from, to } = selection
  return within(bounds, async (signal) => {
    const cluster = field === 'cluster' ? undefined : (selection.cluster ?? '')
    const indices = (await partitions.of(cluster, from, to)).map(({ index }) => index)
    if (indices.length === 0) return []
    // Of every cluster only the time and the rest of the selection count.
    const query = cluster === undefined ? selectionOfAll(selection) : compileSelection({ ...selection, cluster })
    const body = {
      size: 0,
      track_total_hits: false,
      query,
      aggs: {
        values: {
          terms: {
            field: keyword,
            size: limit,
            shard_size: Math.max(limit, distinctValuesMax),
            order: [{ _count: 'desc' }, { _key: 'asc' }],
            ...(head === '' && prefix === '' ? {} : { include: wanted }),
          },
        },
      },
    }
    type Counted = { aggregations: { values: { buckets: Bucket[] } } }
    const [counted] = await searchAll<Counted>(connection, [{ indices, body }], { signal })
    const found = counted?.aggregations.values.buckets ?? []
    const keys = found.map(({ key }) => String(key))
    const last = await newestOf(connection, indices, query, keyword, keys, signal)
    return found
      .map(({ doc_count: count }, i) => {
        const key = keys[i] as string
        return { value: key.slice(head.length), count, last: last.get(key) ?? 0 }
      })
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
  })
}

function selectionOfAll(selection: Omit<Selection, 'cluster'>): Query {
  const { bool } = compileSelection({ ...selection, cluster: '' }) as { bool: { filter: Query[] } }
  return { bool: { filter: bool.filter.slice(1) } }
}

/** When each value was last seen, µs. `max` answers in milliseconds, so the newest event itself is asked for. */
async function newestOf(
  connection: Connection,
  indices: readonly string[],
  query: Query,
  field: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  if (keys.length === 0) return new Map()
  const body = {
    size: 0,
    track_total_hits: false,
    query,
    aggs: {
      values: {
        terms: { field, size: keys.length, include: keys },
        aggs: { newest: { top_hits: { size: 1, sort: [{ time: 'desc' }], _source: ['time'] } } },
      },
    },
  }
  type Newest = { newest: { hits: { hits: { _source: { time: string } }[] } } }
  type Answer = { aggregations: { values: { buckets: (Bucket & Newest)[] } } }
  const [answer] = await searchAll<Answer>(connection, [{ indices, body }], { signal })
  return new Map(
    answer?.aggregations.values.buckets.map(({ key, newest }) => [
      String(key),
      parseTime(newest.hits.hits[0]?._source.time ?? ''),
    ]),
  )
}
