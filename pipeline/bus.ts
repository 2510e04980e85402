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

export interface BusHandlers {
  /**
   * Called with batches of any number of sources; those of one source come in order. Its promise is the
   * acknowledgement: resolves = never delivered again; rejects = the same batches are delivered again after a back-off.
   */
  readonly events: (batches: readonly EventBatch[], signal: AbortSignal) => Promise<void>
  readonly files: (states: readonly FileState[]) => Promise<void>
}

export interface Follower {
  readonly events: (batches: readonly EventBatch[]) => void
  /** So many events passed while the follower was slow. */
  readonly missed: (events: number) => void
}

export interface Subscription {
  /** Resolves when no handler runs any more. */
  close(): Promise<void>
}

export interface Bus {
  /**
   * Resolves only when every event is durable: a checkpoint may move after it. Rejects with a ShiplogError; when it
   * is retryable the caller publishes the same batches again, and a repetition is harmless (ids are deterministic).
   */
  publish(batches: readonly EventBatch[], signal?: AbortSignal): Promise<void>
  /** Newest state for each generation. Best effort, repeated by the caller; never blocks the flow of events. */
  report(states: readonly FileState[]): Promise<void>
  /** Keeps what the store refused for good. Durable when it resolves; awaited before the acknowledgement. */
  reject(rejected: readonly Rejected[]): Promise<void>
  /** Delivers every event at least once to one member of the group. */
  subscribe(group: string, handlers: BusHandlers): Promise<Subscription>
  /** Live events from now on: no group, no acknowledgement; a slow follower misses events and is told how many. */
  follow(follower: Follower): Promise<Subscription>
  /** Refuses new work, waits for what is in flight. */
  close(): Promise<void>
}
