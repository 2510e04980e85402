/**
 * The indexer's loop: what the bus delivers goes into the store, and only then is it acknowledged. What the store
 * refuses for good goes to the rejects, so that one poisonous record never stops those behind it.
 */
import type { Logger } from 'pino'
import { Counter, Histogram, type Registry } from 'prom-client'
import { type Bus, type FileState, fileStateKey, type Subscription } from '../pipeline/bus.ts'
import { messageOf } from '../pipeline/errors.ts'
import type { EventBatch } from '../pipeline/event-batch.ts'
import type { Retention } from '../pipeline/retention.ts'
import type { State } from '../pipeline/state.ts'
import type { Store } from '../pipeline/store.ts'
import { countRefused } from './reject-counts.ts'
import { rejectionsOf } from './rejects.ts'
import { startRetention } from './retention.ts'

export interface IndexerOptions {
  readonly bus: Pick<Bus, 'subscribe' | 'reject'>
  readonly store: Pick<Store, 'write' | 'retain' | 'stats'>
  readonly state: Pick<State, 'get' | 'put' | 'list' | 'delete'>
  /** Undefined = nothing is dropped here, and nothing is said of it. */
  readonly retention: Retention | undefined
  readonly log: Logger
  readonly registry: Registry
}

export interface Indexer {
  close(): Promise<void>
}

export async function startIndexer(options: IndexerOptions): Promise<Indexer> {
  const { bus, store, state, log } = options
  const registers = [options.registry]
  const written = new Counter({
    name: 'shiplog_events_written_total',
    help: 'events that the store holds durably',
    registers,
  })
  const rejected = new Counter({
    name: 'shiplog_events_rejected_total',
    help: 'events that the store refused for good',
    registers,
  })
  const seconds = new Histogram({
    name: 'shiplog_store_write_seconds',
    help: 'time until a batch is durable in the store',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  })

  async function events(batches: readonly EventBatch[]): Promise<void> {
    const done = seconds.startTimer()
    const refused = await store.write(batches)
    done()
    if (refused.length > 0) {
      await bus.reject(rejectionsOf(refused))
      rejected.inc(refused.length)
      log.error(
        { events: refused.length, reason: refused[0]?.reason },
        'the store refused events for good; they are kept in the rejects',
      )
      await countRefused(state, refused, Date.now() * 1000).catch((error: unknown) => {
        log.warn(`the rejects are kept, but not counted on their page: ${messageOf(error)}`)
      })
    }
    written.inc(batches.reduce((sum, batch) => sum + batch.count, 0) - refused.length)
  }

  async function files(states: readonly FileState[]): Promise<void> {
    for (const file of states) {
      const key = `file/${file.source.cluster}/${fileStateKey(file)}`
      if (file.generation === undefined && file.state === 'gone') await state.delete(key)
      else await state.put(key, file)
    }
  }

  const subscription: Subscription = await bus.subscribe('indexer', { events, files })
  const retention = options.retention && startRetention(store, state, options.retention, log)
  return {
    async close() {
      await retention?.close()
      await subscription.close()
    },
  }
}
