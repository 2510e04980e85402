/** The one record that is meant by an id and its time. */
import { ShiplogError } from '../pipeline/errors.ts'
import type { RecordBatch } from '../pipeline/event-batch.ts'
import { type EventKey, formatTime, parseRecordId, parseTime, recordId } from '../pipeline/record.ts'
import type { Bounds } from '../pipeline/store.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

/** Both as a search gave them. Throws QUERY_INVALID. */
export function keyOf(id: string, time: string): EventKey {
  const place = parseRecordId(id)
  if (place === undefined || !Number.isSafeInteger(place.offset)) {
    throw new ShiplogError('QUERY_INVALID', `“${id}” is no id of a record`, {
      hint: 'Give the id as a search gave it.',
    })
  }
  const at = parseTime(time)
  if (!(at >= 0)) {
    throw new ShiplogError('QUERY_INVALID', `“${time}” is no time of a record`, {
      hint: 'Give the time as a search gave it: 2016-05-16T12:47:10.000000Z.',
    })
  }
  return { time: at, ...place }
}

/** The time leads to it without an index of ids. Throws NOT_FOUND. */
export async function recordAt(
  store: LogStore,
  cluster: string,
  { time, generation, offset }: EventKey,
  { signal, timeMsMax }: Bounds,
): Promise<readonly [RecordBatch, number]> {
  // Just in front of its key, so that thousands of records with the same time cost nothing.
  const after = { time, generation, offset: offset - 1 }
  const everywhere = { cluster, filters: {}, where: undefined, from: time, to: time + 1, order: 'asc' as const }
  const bounds = { ...(signal && { signal }), ...(timeMsMax && { timeMsMax }) }
  const { records } = await store.search({ ...everywhere, after }, 1, bounds)
  if (records.count > 0) {
    const found = keyAt(records, 0)
    if (found.generation === generation && found.offset === offset) return [records, 0]
  }
  const what = `${recordId(generation, offset)} at ${formatTime(time)}`
  throw new ShiplogError('NOT_FOUND', `there is no record ${what} in cluster ${cluster}`, {
    hint: 'It may be older than --retention-days; id and time must be those of one record.',
  })
}
