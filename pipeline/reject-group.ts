/** What is known of events that the store refused for good, by cluster, app and reason: kept in the state as `reject/<id>`. Pure. */
import { createHash } from 'node:crypto'
import type { LogRecord } from './record.ts'

export const rejectPrefix = 'reject/'

/** `v` grows when its meaning changes. Times in µs. */
export interface RejectGroup {
  readonly v: 1
  readonly cluster: string
  readonly app: string
  /** As the store said it of `sample`; others of the group differ in numbers and quoted values. */
  readonly reason: string
  /** Refusals: an event that is sent again and refused again counts again. */
  readonly count: number
  readonly first: number
  readonly last: number
  /** The newest of them, with the beginning of its text. */
  readonly sample: Pick<LogRecord, 'id' | 'time' | 'instance' | 'host' | 'dir' | 'file' | 'message'>
}

const reasonUnitsMax = 1000
const messageUnitsMax = 2000

/** Groups of one cluster beyond `groupsMax` are one group with this as its app and reason. */
export const otherGroups = '*'

/** The id of the group that an event belongs to: what varies from event to event is masked in the reason. */
export function rejectId(cluster: string, app: string, reason: string): string {
  const shape = reason.slice(0, reasonUnitsMax).replace(/'[^']*'|"[^"]*"|\d+/g, '#')
  return createHash('sha256')
    .update(JSON.stringify([cluster, app, shape]))
    .digest('hex')
    .slice(0, 16)
}

/** The group with `count` more refusals, of which `record` is the newest. */
export function countRejects(
  before: RejectGroup | undefined,
  { cluster, app }: Pick<RejectGroup, 'cluster' | 'app'>,
  reason: string,
  record: LogRecord,
  count: number,
  now: number,
): RejectGroup {
  const { id, time, instance, host, dir, file } = record
  const message = record.message.slice(0, messageUnitsMax)
  return {
    v: 1,
    cluster,
    app,
    reason: reason.slice(0, reasonUnitsMax),
    count: (before?.count ?? 0) + count,
    first: before?.first ?? now,
    last: now,
    sample: { id, time, instance, host, dir, file, message },
  }
}
