/** Drops whole days, and what is known of files that are gone, when they are older than they have to be kept. */
import type { Logger } from 'pino'
import type { FileState } from '../pipeline/bus.ts'
import { messageOf } from '../pipeline/errors.ts'
import { type RejectGroup, rejectPrefix } from '../pipeline/reject-group.ts'
import { daysOf, type Retention, retentionKey, type StoredRetention } from '../pipeline/retention.ts'
import type { State } from '../pipeline/state.ts'
import type { Store } from '../pipeline/store.ts'

const intervalMs = 3_600_000
const dayUs = 86_400_000_000

export function startRetention(
  store: Pick<Store, 'retain' | 'stats'>,
  state: Pick<State, 'put' | 'list' | 'delete'>,
  retention: Retention,
  log: Logger,
): { close(): Promise<void> } {
  /** Undefined = for ever. */
  const before = (cluster: string): number | undefined => {
    const days = daysOf(retention, cluster)
    return days === 0 ? undefined : Date.now() * 1000 - days * dayUs
  }
  let running = sweep()
  const timer = setInterval(() => {
    running = running.then(sweep)
  }, intervalMs)
  timer.unref()

  async function sweep(): Promise<void> {
    try {
      await state.put(retentionKey, { v: 1, ...retention } satisfies StoredRetention)
      if (retention.days === 0 && retention.of.every(({ days }) => days === 0)) return
      const { partitions } = await store.stats()
      for (const cluster of new Set(partitions.map((partition) => partition.cluster))) {
        const limit = before(cluster)
        if (limit === undefined) continue
        const dropped = await store.retain(cluster, limit)
        const days = daysOf(retention, cluster)
        for (const { partition, events, bytes } of dropped) {
          log.info({ cluster, partition, events, bytes }, `dropped ${partition}: older than ${days} days`)
        }
      }
      for (const { key, value } of await state.list('file/')) {
        const file = value as FileState
        if (file.state === 'gone' && file.updatedAt < (before(file.source.cluster) ?? -Infinity))
          await state.delete(key)
      }
      for (const { key, value } of await state.list(rejectPrefix)) {
        const { cluster, last } = value as RejectGroup
        if (last < (before(cluster) ?? -Infinity)) await state.delete(key)
      }
    } catch (error) {
      log.error(`retention failed and is tried again in an hour: ${messageOf(error)}`)
    }
  }

  return {
    async close() {
      clearInterval(timer)
      await running
    },
  }
}
