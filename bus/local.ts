/**
 * The bus inside one process: hands batches to the indexer and resolves when the indexer has them durable. It has no
 * queue of its own and so nothing to lose: the files are the journal and the shipper's checkpoint is the position.
 */
import { randomUUID } from 'node:crypto'
import type { Bus, BusHandlers, Subscription } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { EventBatch } from '../pipeline/event-batch.ts'
import { keepRejects, replayRejects } from './local/rejects.ts'
import { FollowRing } from './local/ring.ts'

export interface LocalBusOptions {
  /** The NDJSON file that keeps what the store refused for good. */
  readonly rejectsPath: string
  /** Kept for those who follow live and come back, bytes. */
  readonly followBytesMax?: number
}

export function createLocalBus({ rejectsPath, followBytesMax = 8 * 1024 * 1024 }: LocalBusOptions): Bus {
  const subscribers = new Map<string, BusHandlers>()
  const ring = new FollowRing(followBytesMax, randomUUID())
  const working = new Set<Promise<unknown>>()
  const stop = new AbortController()

  function track<T>(work: Promise<T>): Promise<T> {
    working.add(work)
    const done = (): void => void working.delete(work)
    work.then(done, done)
    return work
  }

  function refuseClosed(): void {
    if (stop.signal.aborted) throw new ShiplogError('CLOSED', 'the bus is closed')
  }

  async function publish(batches: readonly EventBatch[], signal?: AbortSignal): Promise<void> {
    refuseClosed()
    if (subscribers.size === 0)
      throw new ShiplogError('BUS_UNAVAILABLE', 'nobody reads the bus yet', { retryable: true })
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    await Promise.all([...subscribers.values()].map((handlers) => handlers.events(batches, both)))
    ring.add(batches)
  }

  async function replay({ fromStart = false, signal }: { fromStart?: boolean; signal?: AbortSignal } = {}) {
    refuseClosed()
    const publishNext = (batches: readonly EventBatch[]): Promise<void> => {
      signal?.throwIfAborted()
      return publish(batches, signal)
    }
    return replayRejects(rejectsPath, publishNext, fromStart)
  }

  return {
    publish: (batches, signal) => track(publish(batches, signal)),
    async report(states) {
      await Promise.all([...subscribers.values()].map((handlers) => track(handlers.files(states))))
    },
    reject: (rejected) => keepRejects(rejectsPath, rejected),
    replay: (options) => track(replay(options)),
    async subscribe(group, handlers): Promise<Subscription> {
      refuseClosed()
      if (subscribers.has(group)) throw new ShiplogError('CONFLICT', `${group} reads the bus already`)
      subscribers.set(group, handlers)
      return {
        async close() {
          subscribers.delete(group)
          await Promise.allSettled(working)
        },
      }
    },
    async follow(follower, from): Promise<Subscription> {
      refuseClosed()
      return ring.follow(follower, from)
    },
    async close() {
      await Promise.allSettled(working)
      stop.abort()
    },
  }
}
