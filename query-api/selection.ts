/** What the common parameters mean: which events are asked for, and from where on. */
import { type Cursor, decodeCursor, encodeCursor } from '../pipeline/cursor.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { RecordBatch } from '../pipeline/event-batch.ts'
import { originAt } from '../pipeline/event-batch.ts'
import { parseQuery } from '../pipeline/query-parser.ts'
import type { EventKey, Level } from '../pipeline/record.ts'
import type { FilterField, SearchQuery, Selection } from '../pipeline/store.ts'
import { fromDefault, parseTimeRange, parseTimeText, zoneDefault } from '../pipeline/time-range.ts'

/** The common parameters as they are read; see schema.ts. */
export interface Asked {
  readonly app?: readonly string[]
  readonly instance?: readonly string[]
  readonly dir?: readonly string[]
  readonly file?: readonly string[]
  readonly host?: readonly string[]
  readonly level?: readonly Level[]
  readonly q?: string
  readonly from?: string
  readonly to?: string
  readonly tz?: string
}

const filterFields: readonly FilterField[] = ['app', 'instance', 'dir', 'file', 'host', 'level']

/** The events that are meant, apart from the cluster. Throws QUERY_INVALID for a bad query or time. */
export function selectionOf(asked: Asked, nowMs: number): Omit<Selection, 'cluster'> {
  return { ...conditionsOf(asked), ...parseTimeRange(asked, nowMs) }
}

function conditionsOf(asked: Asked): Pick<Selection, 'filters' | 'where'> {
  const filters: { [field in FilterField]?: readonly string[] } = {}
  for (const field of filterFields) {
    const values = asked[field]
    if (values !== undefined) filters[field] = values
  }
  const where = parseQuery(asked.q ?? '')
  return { filters, where: where.kind === 'all' ? undefined : where }
}

/** The same with order and place. A cursor keeps the range of its first page, so that `now` stands still between pages. */
export function searchQueryOf(
  request: Asked & {
    readonly cluster: string
    readonly order: 'asc' | 'desc'
    readonly cursor?: string
    readonly format?: string
  },
  nowMs: number,
): SearchQuery {
  // Who asks for the bytes of a file means the whole file, however old it is.
  const asked = request.format === 'raw' ? { ...request, from: request.from?.trim() || '0' } : request
  const { cluster, order } = asked
  if (asked.cursor === undefined) return { cluster, order, ...selectionOf(asked, nowMs) }
  const cursor = decodeCursor(asked.cursor)
  if (cursor.order !== order) {
    throw new ShiplogError('QUERY_INVALID', `the cursor is one of order=${cursor.order}, not of order=${order}`, {
      hint: `Say order=${cursor.order}, or leave the cursor out.`,
    })
  }
  if (cursor.from >= cursor.to) throw new ShiplogError('QUERY_INVALID', 'the cursor has no time range')
  readEdges(asked, nowMs)
  const { time, generation, offset, from, to } = cursor
  return { cluster, order, ...conditionsOf(asked), from, to, after: { time, generation, offset } }
}

/**
 * Beside a cursor each text still has to be a time, but not one before the other: `from=now-15m` of the first page may
 * lie behind a fixed `to` by the time that the next page is asked for.
 */
function readEdges({ from, to, tz }: Asked, nowMs: number): void {
  const zone = tz?.trim() || zoneDefault
  parseTimeText('from', from?.trim() || fromDefault, nowMs, zone)
  if (to?.trim()) parseTimeText('to', to, nowMs, zone)
}

export function keyAt(batch: RecordBatch, i: number): EventKey {
  return {
    time: batch.time[i] as number,
    generation: originAt(batch, i).generation,
    offset: batch.offset[i] as number,
  }
}

/** Where in its file, without when. */
export function placeOf({ generation, offset }: EventKey): Omit<EventKey, 'time'> {
  return { generation, offset }
}

/** The text with which the next request goes on behind `key`. */
export function cursorBehind(key: EventKey, { order, from, to }: Pick<Cursor, 'order' | 'from' | 'to'>): string {
  return encodeCursor({ ...key, order, from, to })
}
