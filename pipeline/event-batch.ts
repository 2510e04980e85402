/**
 * Events as bytes: what crosses the ports. Pure.
 *
 * A batch holds many events as one buffer of message bytes and typed arrays beside it, so that a line costs no object,
 * no string and no promise on its way from the file to the store, and a batch moves to a worker thread without a copy
 * for every event. A record object (`recordOf`) is made only where someone looks at one.
 */
import { formatTime, type LogRecord, levels, recordId, type Source, timeOrigins } from './record.ts'

/** What is the same for consecutive events of one incarnation that were read together. */
export interface Origin {
  readonly source: Source
  /** The incarnation of the file: a ULID in lower case, 26 characters; older incarnations sort first. */
  readonly generation: string
  /** Encoding of the file; `utf-8` unless it was found to be another. */
  readonly encoding: string
  /** When the bytes were read, µs since the epoch. */
  readonly readAt: number
  /** Where the incarnation lies on a bus that has partitions; no part of the record. */
  readonly partition?: number
}

/** Event i is described by the i-th entry of each array. */
export interface EventColumns {
  readonly count: number
  /** The messages as UTF-8. Message i is `text[start[i] .. start[i] + length[i])`; messages may leave gaps. */
  readonly text: Uint8Array
  readonly start: Uint32Array
  readonly length: Uint32Array
  /** Byte offset of the event's first byte in its incarnation (up to 2^53). */
  readonly offset: Float64Array
  /** Length in the file with line ends, bytes. */
  readonly bytes: Uint32Array
  /** µs since the epoch. */
  readonly time: Float64Array
  /** Index into `timeOrigins`. */
  readonly timeFrom: Uint8Array
  /** Index into `levels`. */
  readonly level: Uint8Array
  /** Sparse, by i: the id of the event that event i goes on from. */
  readonly continues: ReadonlyMap<number, string>
  /** Sparse, by i: the bytes in the file, where message, bytes and encoding do not give them back. */
  readonly raw: ReadonlyMap<number, Uint8Array>
  /** Sparse, by i: the event's own encoding where it is not the file's. */
  readonly encodings: ReadonlyMap<number, string>
}

/** Consecutive events of one incarnation, in file order. */
export interface EventBatch extends EventColumns {
  readonly origin: Origin
}

/** Events of many origins, in the order of the answer that they are: what a store gives back. */
export interface RecordBatch extends EventColumns {
  readonly origins: readonly Origin[]
  /** Event i comes from `origins[originOf[i]]`. */
  readonly originOf: Uint32Array
}

export function messageBytes(columns: EventColumns, i: number): Buffer {
  const start = columns.start[i] as number
  return Buffer.from(columns.text.buffer, columns.text.byteOffset + start, columns.length[i] as number)
}

export function originAt(batch: RecordBatch, i: number): Origin {
  return batch.origins[batch.originOf[i] as number] as Origin
}

/** Event i as a record object. */
export function recordOf(columns: EventColumns, i: number, origin: Origin): LogRecord {
  const offset = columns.offset[i] as number
  const encoding = columns.encodings.get(i) ?? origin.encoding
  const continues = columns.continues.get(i)
  const raw = columns.raw.get(i)
  return {
    v: 1,
    id: recordId(origin.generation, offset),
    time: formatTime(columns.time[i] as number),
    timeFrom: timeOrigins[columns.timeFrom[i] as number] as (typeof timeOrigins)[number],
    readAt: formatTime(origin.readAt),
    cluster: origin.source.cluster,
    app: origin.source.app,
    instance: origin.source.instance,
    host: origin.source.host,
    dir: origin.source.dir,
    file: origin.source.file,
    generation: origin.generation,
    offset,
    bytes: columns.bytes[i] as number,
    level: levels[columns.level[i] as number] as (typeof levels)[number],
    message: messageBytes(columns, i).toString('utf8'),
    ...(encoding === 'utf-8' ? {} : { encoding }),
    ...(continues === undefined ? {} : { continues }),
    ...(raw === undefined ? {} : { raw: Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64') }),
  }
}

export function recordsOf(batch: RecordBatch): LogRecord[] {
  const records: LogRecord[] = []
  for (let i = 0; i < batch.count; i++) records.push(recordOf(batch, i, originAt(batch, i)))
  return records
}

/** One event to be put into a batch; `message` is UTF-8. Times in µs. */
export interface NewEvent {
  readonly message: Uint8Array
  readonly offset: number
  readonly bytes: number
  readonly time: number
  readonly timeFrom?: number
  readonly level?: number
  readonly continues?: string
  readonly raw?: Uint8Array
  readonly encoding?: string
}

/** A batch from single events: for small numbers (tests, the API's answers), not for the hot path. */
export function batchOf(origin: Origin, events: readonly NewEvent[]): EventBatch {
  return { ...columnsOf(events), origin }
}

export function columnsOf(events: readonly NewEvent[]): EventColumns {
  const columns = newColumns(Buffer.concat(events.map((event) => event.message)), events.length)
  let start = 0
  for (const [i, event] of events.entries()) {
    columns.start[i] = start
    columns.length[i] = event.message.length
    start += event.message.length
    columns.offset[i] = event.offset
    columns.bytes[i] = event.bytes
    columns.time[i] = event.time
    columns.timeFrom[i] = event.timeFrom ?? 0
    columns.level[i] = event.level ?? 0
    if (event.continues !== undefined) columns.continues.set(i, event.continues)
    if (event.raw !== undefined) columns.raw.set(i, event.raw)
    if (event.encoding !== undefined) columns.encodings.set(i, event.encoding)
  }
  return columns
}

/** Event i by itself: the reverse of columnsOf. */
export function eventAt(columns: EventColumns, i: number): NewEvent {
  const continues = columns.continues.get(i)
  const raw = columns.raw.get(i)
  const encoding = columns.encodings.get(i)
  return {
    message: messageBytes(columns, i),
    offset: columns.offset[i] as number,
    bytes: columns.bytes[i] as number,
    time: columns.time[i] as number,
    timeFrom: columns.timeFrom[i] as number,
    level: columns.level[i] as number,
    ...(continues === undefined ? {} : { continues }),
    ...(raw === undefined ? {} : { raw }),
    ...(encoding === undefined ? {} : { encoding }),
  }
}

/** Columns for `count` events whose messages lie in `text`, to be filled in. */
export function newColumns<Text extends Uint8Array>(text: Text, count: number) {
  return {
    count,
    text,
    start: new Uint32Array(count),
    length: new Uint32Array(count),
    offset: new Float64Array(count),
    bytes: new Uint32Array(count),
    time: new Float64Array(count),
    timeFrom: new Uint8Array(count),
    level: new Uint8Array(count),
    continues: new Map<number, string>(),
    raw: new Map<number, Uint8Array>(),
    encodings: new Map<number, string>(),
  }
}

/** Memory that a batch holds, bytes: what limits on bytes in flight count. */
export function batchBytes(columns: EventColumns): number {
  return columns.text.length + columns.count * 38
}
