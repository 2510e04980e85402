/** The store: keeps events and finds them. Port; adapters live in store/. All times in µs since the epoch, UTC. */
import type { EventBatch, RecordBatch } from './event-batch.ts'
import type { Expression } from './query.ts'
import type { EventKey, Source } from './record.ts'

export type FilterField = 'app' | 'instance' | 'host' | 'dir' | 'file' | 'level'

/** Which events are meant. */
export interface Selection {
  readonly cluster: string
  /** For each field any of the values (exact, case-sensitive); a field that is missing or empty does not restrict. */
  readonly filters: { readonly [field in FilterField]?: readonly string[] }
  /** Undefined = every event. */
  readonly where: Expression | undefined
  /** Inclusive. */
  readonly from: number
  /** Exclusive; Infinity = open. */
  readonly to: number
  /** Only records that continue an event (`continues`): those are few, and a store finds them without reading the others. */
  readonly parts?: true
}

export interface SearchQuery extends Selection {
  readonly order: 'asc' | 'desc'
  /** Only events strictly behind this key, in the direction of `order`. */
  readonly after?: EventKey
}

export interface Page {
  readonly records: RecordBatch
  /** True when at least one more event follows, or may follow where the page is partial. */
  readonly more: boolean
  /**
   * There when the time limit ended the search: every match up to `edge` is in the page, none behind it. asc: those with
   * time < edge; desc: those with time >= edge. Always further than where the search began, so that going on from there
   * comes to an end.
   */
  readonly partial?: { readonly edge: number }
}

/** One source's file, all its incarnations in order. */
export interface FileQuery {
  readonly source: Omit<Source, 'host'> & { readonly host?: string }
  /** Start here: events at or behind (asc), at or before (desc) this place. Undefined = from the end that `order` begins at. */
  readonly start?: { readonly generation: string; readonly offset: number }
  readonly order: 'asc' | 'desc'
  /** Only events with from <= time < to. */
  readonly from: number
  readonly to: number
  /** No more than so many events: who wants a few need not wait for a batch of thousands. Undefined = all. */
  readonly most?: number
}

export interface Histogram {
  /** Start of the first bucket and width of each, µs. */
  readonly from: number
  readonly bucketUs: number
  /** counts[bucket][level index]. */
  readonly counts: readonly Uint32Array[]
  readonly total: number
}

export interface ValueCount {
  readonly value: string
  readonly count: number
  /** Time of the newest event with this value. */
  readonly last: number
}

/** An event that the store will never take, whatever is retried: index in the batch and why. */
export interface Refused {
  readonly batch: EventBatch
  readonly index: number
  readonly reason: string
}

/** What retention dropped, a partition each. */
export interface Dropped {
  readonly partition: string
  readonly events: number
  readonly bytes: number
}

export interface StoreStats {
  readonly events: number
  readonly bytes: number
  readonly partitions: readonly {
    readonly cluster: string
    readonly partition: string
    readonly events: number
    readonly bytes: number
    readonly from: number
    readonly to: number
    /** When the newest of its events was read: retention counts from then, or from the end of its day. */
    readonly newestReadAt: number
  }[]
  /** Partitions that cannot be read, each with what to do; some adapters set them aside. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[]
}

/**
 * Bounds of one request. Reaching `timeMsMax` rejects with QUERY_TOO_COSTLY, but for a search that knows how far it has come
 * (Page.partial); an aborted signal rejects with ABORTED.
 */
export interface Bounds {
  readonly signal?: AbortSignal
  readonly timeMsMax?: number
  /**
   * For scans: the caller looks at a batch only until it asks for the next one, so its memory may be freed then. Without it a
   * long scan waits for the garbage collector, which lets some 200 MB of read batches pile up first.
   */
  readonly reuse?: boolean
}

export interface Store {
  /**
   * Idempotent: an event whose (generation, offset) is there already is left as it is. Resolves when durable, with
   * the events refused for good. Rejects (retryable) = nothing is known of the batches; write them all again.
   */
  write(batches: readonly EventBatch[]): Promise<Refused[]>
  /** One page in total order (compareKeys; reversed for desc); what was written meanwhile never reorders it. */
  search(query: SearchQuery, limit: number, bounds?: Bounds): Promise<Page>
  /** Every match in total order, in bounded memory, at the pace of the reader; ends at once when aborted. */
  scan(query: SearchQuery, bounds?: Bounds): AsyncIterable<RecordBatch>
  /** One file by (generation, offset), whatever the clock in its lines did. */
  scanFile(query: FileQuery, bounds?: Bounds): AsyncIterable<RecordBatch>
  /** At least one and at most `buckets` buckets that cover [from, to); `to` must be finite. */
  histogram(selection: Selection, buckets: number, bounds?: Bounds): Promise<Histogram>
  /**
   * Most frequent values first. `field` is a source field, `level` or `fields.<name>`; for `cluster` the selection's
   * cluster is ignored. Prefix is compared without regard to case.
   */
  values(
    field: string,
    selection: Omit<Selection, 'cluster'> & { readonly cluster?: string },
    options: { readonly limit: number; readonly prefix?: string },
    bounds?: Bounds,
  ): Promise<ValueCount[]>
  /** Drops the partitions of a cluster that lie before `before` by date and by their newest readAt. */
  retain(cluster: string, before: number): Promise<Dropped[]>
  /**
   * Drops one partition, whatever its age; undefined = there is none. What comes for that day from then on makes it anew, also
   * what is on its way while it is dropped.
   */
  remove(cluster: string, partition: string): Promise<Dropped | undefined>
  stats(): Promise<StoreStats>
  close(): Promise<void>
}

const dayUs = 86_400_000_000
const oldUs = 90 * dayUs

/** The partition of an event, from the record alone: its UTC day, or its UTC month when it was read 90 days later. */
export function partitionOf(timeUs: number, readAtUs: number): string {
  const date = new Date(Math.floor(timeUs / 1000)).toISOString()
  return readAtUs - timeUs > oldUs ? date.slice(0, 7) : date.slice(0, 10)
}

/** A name that partitionOf may give. */
export const partitionPattern = /^\d{4}-\d\d(?:-\d\d)?$/

/** The end (exclusive) of the day or month that a partition is, µs. */
export function partitionEnd(partition: string): number {
  const end = new Date(`${partition.slice(0, 7)}-${partition.slice(8) || '01'}T00:00:00Z`)
  if (partition.length === 10) end.setUTCDate(end.getUTCDate() + 1)
  else end.setUTCMonth(end.getUTCMonth() + 1)
  return end.getTime() * 1000
}
