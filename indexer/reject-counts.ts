/**
 * Counts in the state what was refused and why, so that it can be looked at without the bus. The events themselves are kept by
 * the bus: what is lost here is a number, never a line.
 */
import { ShiplogError } from '../pipeline/errors.ts'
import { recordOf } from '../pipeline/event-batch.ts'
import type { LogRecord } from '../pipeline/record.ts'
import { countRejects, otherGroups, type RejectGroup, rejectId, rejectPrefix } from '../pipeline/reject-group.ts'
import type { State } from '../pipeline/state.ts'
import type { Refused } from '../pipeline/store.ts'

/** In the state, of all clusters; what comes beyond is one group for each cluster. */
export const groupsMax = 500
/** Of one batch; the others of it are counted together. */
const groupsOfBatchMax = 20
/** Several indexers may count in one group at the same moment. */
const attemptsMax = 20

interface Counted {
  readonly cluster: string
  readonly app: string
  readonly reason: string
  record: LogRecord
  count: number
}

export async function countRefused(
  state: Pick<State, 'get' | 'put' | 'list'>,
  refused: readonly Refused[],
  now: number,
): Promise<void> {
  const groups = new Map<string, Counted>()
  for (const { batch, index, reason } of refused) {
    const { cluster, app } = batch.origin.source
    const id = rejectId(cluster, app, reason)
    const known = groups.has(id) || groups.size < groupsOfBatchMax
    const [key, name] = known ? [id, app] : [rejectId(cluster, otherGroups, otherGroups), otherGroups]
    const record = recordOf(batch, index, batch.origin)
    const group = groups.get(key) ?? { cluster, app: name, reason, record, count: 0 }
    group.record = record
    group.count++
    groups.set(key, group)
  }
  for (const [id, group] of groups) await add(state, id, group, now)
}

async function add(state: Pick<State, 'get' | 'put' | 'list'>, id: string, group: Counted, now: number): Promise<void> {
  const { cluster, app, reason, record, count } = group
  for (let attempt = 1; ; attempt++) {
    const key = `${rejectPrefix}${id}`
    const entry = await state.get(key)
    if (entry === undefined && app !== otherGroups && (await state.list(rejectPrefix)).length >= groupsMax) {
      const other = rejectId(cluster, otherGroups, otherGroups)
      return add(state, other, { ...group, app: otherGroups }, now)
    }
    const before = entry?.value as RejectGroup | undefined
    try {
      await state.put(key, countRejects(before, { cluster, app }, reason, record, count, now), entry?.version ?? 0)
      return
    } catch (error) {
      const wasChanged = error instanceof ShiplogError && error.code === 'CONFLICT'
      if (!wasChanged || attempt >= attemptsMax) throw error
    }
  }
}
