/** The bus: carries events from shippers to indexers and to those who follow live. Port; adapters live in bus/. */
import type { EventBatch } from './event-batch.ts'
import type { Source } from './record.ts'

/** `following` = read to its end and being written; `skipped` = there, and never read; the others as they are called. */
export const fileStateNames = ['following', 'at-end', 'behind', 'rotated', 'gone', 'unreadable', 'skipped'] as const

/** When and why bytes were lost. */
export interface Loss {
  /** When the first and the last of it were noticed, µs. */
  readonly first: number
  readonly last: number
  /** Of the last one: `truncated`, `written over`, `deleted`, `gone`. */
  readonly cause: string
  /** True when more may be lost than `lost` says. */
  readonly atLeast: boolean
}

/** What a shipper knows of one incarnation of a file; the newest one counts. Sizes and offsets in bytes, times in µs. */
export interface FileState {
  readonly source: Source
  /** Undefined for what was never read: a file or folder that cannot be, or shall not. `gone` without one = forget it. */
  readonly generation?: string
  readonly path: string
  readonly state: (typeof fileStateNames)[number]
  readonly size: number
  readonly read: number
  readonly acknowledged: number
  /** Time of the last event that is acknowledged: behind it lies what was lost. Undefined before the first one. */
  readonly reached?: number
  /** Known lost, see `loss`. */
  readonly lost: number
  readonly loss?: Loss
  /** Why it is not read. */
  readonly reason?: string
  /** What looks wrong although it is read. */
  readonly warning?: string
  readonly updatedAt: number
}

/** What the newest state is kept under: that of another incarnation, or of another path that is not read, is another. */
export function fileStateKey({ generation, source, path }: FileState): string {
  return generation ?? `path:${source.host}:${path}`
}

/** A batch that the store refused for good, with the reason, as it is kept for a replay. */
export interface Rejected {
  readonly batch: EventBatch
  readonly reason: string
}

/** What came of sending the rejects again. */
export interface Replayed {
  /** Records that were published. */
  readonly records: number
  /** What is no record, and so stays where it is. */
  readonly unreadable: number
  /** What the bus no longer had. */
  readonly lost: number
}

export interface BusHandlers {
  /**
   * Called with batches of any number of sources; those of one source come in order. Its promise is the
   * acknowledgement: resolves = never delivered again; rejects = the same batches are delivered again after a back-off.
   */
  readonly events: (batches: readonly EventBatch[], signal: AbortSignal) => Promise<void>
  readonly files: (states: readonly FileState[]) => Promise<void>
}

export interface Follower {
  /**
   * Called with what passed, in order for each source, and the position behind it: `follow` goes on from there. While
   * a promise that it gave back is pending it is not called again: what passes meanwhile waits in a bounded place of the
   * bus, and what does not fit there is missed. A call that throws or rejects has missed its events.
   */
  readonly events: (batches: readonly EventBatch[], position: string) => void | Promise<void>
  /** So many events passed that it will not get: it was slow, or the position it came with was too old. */
  readonly missed: (events: number) => void
}

export interface Subscription {
  /** Resolves when no handler runs any more. */
  close(): Promise<void>
}

export interface Bus {
  /**
   * The partition in which a new incarnation of this source begins; its shipper keeps it and gives it with every batch
   * (`origin.partition`), so that the incarnation stays in order there whatever is added later. Missing where a bus has
   * no partitions. Rejects as publish does.
   */
  partitionOf?(source: Source): Promise<number>
  /**
   * Resolves only when every event is durable: a checkpoint may move after it. Rejects with a ShiplogError; when it
   * is retryable the caller publishes the same batches again, and a repetition is harmless (ids are deterministic).
   */
  publish(batches: readonly EventBatch[], signal?: AbortSignal): Promise<void>
  /** Newest state for each generation. Best effort, repeated by the caller; never blocks the flow of events. */
  report(states: readonly FileState[]): Promise<void>
  /** Keeps what the store refused for good. Durable when it resolves; awaited before the acknowledgement. */
  reject(rejected: readonly Rejected[]): Promise<void>
  /**
   * Publishes what was rejected once more, from where the last replay ended (`fromStart`: from the first that is kept) up to
   * the last that is kept now. Its place moves behind what is durable, so that one that was given up goes on there; a
   * repetition is harmless. What is refused again is kept again, and is not sent twice by one call.
   */
  replay(options?: { readonly fromStart?: boolean; readonly signal?: AbortSignal }): Promise<Replayed>
  /** Delivers every event at least once to one member of the group. */
  subscribe(group: string, handlers: BusHandlers): Promise<Subscription>
  /**
   * Live events: no group, no acknowledgement. `from` is a position that `events` gave, undefined = from now on. What the
   * bus no longer has behind it is told by `missed`; where that cannot be known, and for a position that is none of this
   * bus, it rejects with POSITION_GONE.
   */
  follow(follower: Follower, from?: string): Promise<Subscription>
  /** Refuses new work, waits for what is in flight. */
  close(): Promise<void>
}
