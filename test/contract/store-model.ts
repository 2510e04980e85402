/** The naive store: what every adapter of the port must agree with. Events in an array, every query by looking at each. */

import { batchOf, type EventBatch, type NewEvent, type RecordBatch, recordsOf } from '../../pipeline/event-batch.ts'
import { fieldsOf } from '../../pipeline/fields.ts'
import { matches } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { compareKeys, type LogRecord, levels, parseTime, type Source } from '../../pipeline/record.ts'
import type { FileQuery, SearchQuery, Selection, Store } from '../../pipeline/store.ts'

export const secondUs = 1_000_000
export const dayUs = 86_400 * secondUs
/** Noon of a day in 2026, µs. */
export const noonUs = Date.UTC(2026, 4, 16, 12) * 1000

export interface Line {
  readonly message: string
  /** µs. */
  readonly time: number
  readonly level?: number
  readonly continues?: string
  readonly raw?: Uint8Array
  readonly encoding?: string
}

export interface BatchOptions {
  readonly source?: Partial<Source>
  readonly generation?: string
  readonly encoding?: string
  readonly readAt?: number
  /** Offset of the first line. */
  readonly offset?: number
}

/** The n-th generation of a test, in rising order. */
export function generationOf(n: number): string {
  return `01jd${String(n).padStart(22, '0')}`
}

/** Lines as they would lie in one file, one behind the other. */
export function linesOf(lines: readonly Line[], options: BatchOptions = {}): EventBatch {
  let offset = options.offset ?? 0
  const events = lines.map((line): NewEvent => {
    const message = Buffer.from(line.message)
    const { message: _text, ...rest } = line
    const event = { ...rest, message, offset, bytes: message.length + 1 }
    offset += event.bytes
    return event
  })
  const source = {
    cluster: 'prod',
    app: 'shop',
    instance: 'shop-1',
    host: 'h1',
    dir: '/',
    file: 'a.log',
    ...options.source,
  }
  return batchOf(
    {
      source,
      generation: options.generation ?? generationOf(1),
      encoding: options.encoding ?? 'utf-8',
      readAt: options.readAt ?? noonUs + dayUs / 4,
    },
    events,
  )
}

/** Events [from, to) of a batch, as a batch of their own: what a reading that was cut off would have made. */
export function part(batch: EventBatch, from: number, to: number): EventBatch {
  const events: NewEvent[] = []
  for (let i = from; i < to; i++) {
    const start = batch.start[i] as number
    const continues = batch.continues.get(i)
    events.push({
      message: batch.text.slice(start, start + (batch.length[i] as number)),
      offset: batch.offset[i] as number,
      bytes: batch.bytes[i] as number,
      time: batch.time[i] as number,
      timeFrom: batch.timeFrom[i] as number,
      level: batch.level[i] as number,
      ...(continues === undefined ? {} : { continues }),
    })
  }
  return batchOf(batch.origin, events)
}

export function recordsOfBatch(batch: EventBatch): LogRecord[] {
  const { origin, ...columns } = batch
  return recordsOf({ ...columns, origins: [origin], originOf: new Uint32Array(batch.count) })
}

export class Model {
  readonly #records = new Map<string, LogRecord>()

  write(batches: readonly EventBatch[]): void {
    for (const batch of batches) {
      for (const record of recordsOfBatch(batch)) {
        const key = `${record.cluster}/${record.id}`
        if (!this.#records.has(key)) this.#records.set(key, record)
      }
    }
  }

  select(selection: Selection): LogRecord[] {
    return [...this.#records.values()].filter((record) => isSelected(selection, record)).sort(byKey)
  }

  search(query: SearchQuery): LogRecord[] {
    const found = this.select(query)
    if (query.order === 'desc') found.reverse()
    const { after } = query
    if (after === undefined) return found
    const sign = query.order === 'asc' ? 1 : -1
    return found.filter((record) => sign * compareKeys(keyOf(record), after) > 0)
  }

  file({ source, start, order, from, to }: FileQuery): LogRecord[] {
    const sign = order === 'asc' ? 1 : -1
    const place = (a: { generation: string; offset: number }, b: { generation: string; offset: number }): number =>
      a.generation === b.generation ? a.offset - b.offset : a.generation < b.generation ? -1 : 1
    return [...this.#records.values()]
      .filter((record) => {
        if (record.cluster !== source.cluster || record.app !== source.app || record.instance !== source.instance)
          return false
        if (record.dir !== source.dir || record.file !== source.file) return false
        if (source.host !== undefined && record.host !== source.host) return false
        const time = parseTime(record.time)
        return time >= from && time < to && (start === undefined || sign * place(record, start) >= 0)
      })
      .sort((a, b) => sign * place(a, b))
  }
}

function isSelected({ cluster, filters, where, from, to, parts }: Selection, record: LogRecord): boolean {
  const time = parseTime(record.time)
  if (record.cluster !== cluster || time < from || time >= to) return false
  if (parts && record.continues === undefined) return false
  for (const field of ['app', 'instance', 'host', 'dir', 'file', 'level'] as const) {
    const wanted = filters[field]
    if (wanted !== undefined && wanted.length > 0 && !wanted.includes(record[field])) return false
  }
  return where === undefined || matches(where, { ...record, fields: fieldsOf(record.message) })
}

export function keyOf(record: LogRecord) {
  return { time: parseTime(record.time), generation: record.generation, offset: record.offset }
}

export function byKey(a: LogRecord, b: LogRecord): number {
  return compareKeys(keyOf(a), keyOf(b))
}

export function levelIndex(record: LogRecord): number {
  return levels.indexOf(record.level)
}

/** A query over all times, newest first, of cluster `prod`; `text` in the query language. */
export function queryOf(text = '', more: Partial<SearchQuery> = {}): SearchQuery {
  const where = text === '' ? undefined : parseQuery(text)
  return { cluster: 'prod', filters: {}, where, from: 0, to: Number.POSITIVE_INFINITY, order: 'desc', ...more }
}

/** Everything that a scan gives, as records. */
export async function drain(batches: AsyncIterable<RecordBatch>): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const batch of batches) records.push(...recordsOf(batch))
  return records
}

/** Everything that paging gives, `limit` records at a time. */
export async function pages(store: Store, query: SearchQuery, limit: number): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  let after = query.after
  for (;;) {
    const page = await store.search({ ...query, ...(after === undefined ? {} : { after }) }, limit)
    const found = recordsOf(page.records)
    records.push(...found)
    const last = found.at(-1)
    if (!page.more || last === undefined) return records
    after = keyOf(last)
  }
}
