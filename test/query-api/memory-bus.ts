/** A bus that only followers see: what a test publishes, by the letter of the port. */
import type { Bus, Follower } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'

export interface MemoryBus extends Pick<Bus, 'follow'> {
  publish(...batches: EventBatch[]): void
  /** Those that follow now. */
  readonly followers: ReadonlySet<Follower>
}

export function createMemoryBus(): MemoryBus {
  const followers = new Set<Follower>()
  const kept: EventBatch[][] = []
  return {
    followers,
    publish(...batches) {
      kept.push(batches)
      for (const follower of followers) follower.events(batches, `at-${kept.length}`)
    },
    async follow(follower, from) {
      followers.add(follower)
      const known = /^at-(\d+)$/.exec(from ?? '')?.[1]
      if (known !== undefined) {
        for (let i = Number(known); i < kept.length; i++) follower.events(kept[i] as EventBatch[], `at-${i + 1}`)
      } else if (from !== undefined) {
        followers.delete(follower)
        throw new ShiplogError('POSITION_GONE', 'that position is gone')
      }
      return {
        async close() {
          followers.delete(follower)
        },
      }
    },
  }
}
