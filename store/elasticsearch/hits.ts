/** Hits as a batch of records: strings become bytes again, what is the same for many events is kept once. Pure. */
import type { Origin, RecordBatch } from '../../pipeline/event-batch.ts'
import { newColumns } from '../../pipeline/event-batch.ts'
import { type LogRecord, levels, parseTime, timeOrigins } from '../../pipeline/record.ts'

export interface Hit {
  readonly _source: LogRecord
  readonly sort: readonly unknown[]
}

const levelIndex = new Map<string, number>(levels.map((level, i) => [level, i]))
const timeFromIndex = new Map<string, number>(timeOrigins.map((from, i) => [from, i]))

export function batchOfHits(hits: readonly Hit[]): RecordBatch {
  let units = 0
  for (const { _source } of hits) units += _source.message.length
  // A UTF-16 unit is three bytes at most.
  const columns = newColumns(Buffer.allocUnsafeSlow(units * 3), hits.length)
  const { text } = columns
  const originOf = new Uint32Array(hits.length)
  const origins = new Origins()
  const times = new TimeReader()
  let at = 0
  for (const [i, { _source: record }] of hits.entries()) {
    const length = text.write(record.message, at)
    columns.start[i] = at
    columns.length[i] = length
    at += length
    columns.offset[i] = record.offset
    columns.bytes[i] = record.bytes
    columns.time[i] = times.read(record.time)
    columns.timeFrom[i] = timeFromIndex.get(record.timeFrom) ?? 0
    columns.level[i] = levelIndex.get(record.level) ?? 0
    if (record.continues !== undefined) columns.continues.set(i, record.continues)
    if (record.raw !== undefined) columns.raw.set(i, Buffer.from(record.raw, 'base64'))
    originOf[i] = origins.indexOf(record)
  }
  return { ...columns, text: text.subarray(0, at), origins: origins.list, originOf }
}

class Origins {
  readonly list: Origin[] = []
  readonly #known = new Map<string, number>()

  indexOf(record: LogRecord): number {
    const { generation, readAt, host, cluster, app, instance, dir, file, encoding = 'utf-8' } = record
    const key = `${generation}\n${readAt}\n${encoding}\n${host}\n${cluster}\n${app}\n${instance}\n${dir}\n${file}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const source = { cluster, app, instance, host, dir, file }
    const index = this.list.push({ source, generation, encoding, readAt: parseTime(readAt) }) - 1
    this.#known.set(key, index)
    return index
  }
}

/** parseTime, with the second's value kept from one call to the next. */
class TimeReader {
  #second = ''
  #secondUs = 0

  read(text: string): number {
    // Only Shiplog writes these documents, always with six decimals.
    if (text.length !== 27) return parseTime(text)
    if (!text.startsWith(this.#second) || this.#second === '') {
      this.#second = text.slice(0, 20)
      this.#secondUs = parseTime(`${text.slice(0, 19)}Z`)
    }
    return this.#secondUs + Number(text.slice(20, 26))
  }
}
