/** The bus: carries events from shippers to indexers and to those who follow live. Port; adapters live in bus/. */
import type { EventBatch } from './event-batch.ts'
import type { Source } from './record.ts'

/** What a shipper knows of one incarnation of a file; the newest one counts. Sizes and offsets in bytes, times in µs. */
export interface FileState {
  readonly source: Source
  readonly generation: string
  readonly path: string
  readonly state: 'following' | 'behind' | 'rotated' | 'gone' | 'unreadable'
  readonly size: number
  readonly read: number
  readonly acknowledged: number
  /** Known lost, a lower bound. */
  readonly lost: number
  readonly reason?: string
  readonly updatedAt: number
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
  /** `position` stands behind these batches: text whose form is the adapter's own, for `follow` to go on from. */
  readonly events: (batches: readonly EventBatch[], position: string) => void
  /** So many events passed while the follower was slow or away; undefined where nobody knows how many. */
  readonly missed: (events: number | undefined) => void
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
  /**
   * Live events from now on, or behind the position `from` as far as the bus still has them: no group, no acknowledgement; a slow
   * follower misses events and is told how many.
   */
  follow(follower: Follower, from?: string): Promise<Subscription>
  /** Refuses new work, waits for what is in flight. */
  close(): Promise<void>
}
