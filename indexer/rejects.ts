/** What the store refused → what the bus keeps of it. Pure. */
import type { Rejected } from '../pipeline/bus.ts'
import { batchOf, eventAt } from '../pipeline/event-batch.ts'
import type { Refused } from '../pipeline/store.ts'

/** Each refused event as a batch of its own, whole as it came. */
export function rejectionsOf(refused: readonly Refused[]): Rejected[] {
  return refused.map(({ batch, index, reason }) => ({ batch: batchOf(batch.origin, [eventAt(batch, index)]), reason }))
}
