/** Batches on their way between threads: all columns of all batches in one buffer, which moves instead of being copied. */
import type { EventBatch, RecordBatch } from '../../pipeline/event-batch.ts'

/** What packBatches will take, bytes: an upper bound. */
export function packedBytes(batches: readonly EventBatch[]): number {
  let bytes = 0
  for (const batch of batches) {
    const { from, to } = textSpan(batch)
    bytes += to - from + batch.count * 30 + 64
  }
  return bytes
}

/** Copies each batch once; the copies share `buffer`. */
export function packBatches(batches: readonly EventBatch[]): { packed: EventBatch[]; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(packedBytes(batches))
  let at = 0
  const place = (width: number, bytes: number): number => {
    at = Math.ceil(at / width) * width
    const start = at
    at += bytes
    return start
  }
  const packed = batches.map((batch): EventBatch => {
    const { count } = batch
    const { from, to } = textSpan(batch)
    const offset = new Float64Array(buffer, place(8, count * 8), count)
    const time = new Float64Array(buffer, place(8, count * 8), count)
    const start = new Uint32Array(buffer, place(4, count * 4), count)
    const length = new Uint32Array(buffer, place(4, count * 4), count)
    const bytes = new Uint32Array(buffer, place(4, count * 4), count)
    const timeFrom = new Uint8Array(buffer, place(1, count), count)
    const level = new Uint8Array(buffer, place(1, count), count)
    const text = new Uint8Array(buffer, place(1, to - from), to - from)
    offset.set(batch.offset.subarray(0, count))
    time.set(batch.time.subarray(0, count))
    for (let i = 0; i < count; i++) start[i] = (batch.start[i] as number) - from
    length.set(batch.length.subarray(0, count))
    bytes.set(batch.bytes.subarray(0, count))
    timeFrom.set(batch.timeFrom.subarray(0, count))
    level.set(batch.level.subarray(0, count))
    text.set(batch.text.subarray(from, to))
    return {
      count,
      offset,
      time,
      start,
      length,
      bytes,
      timeFrom,
      level,
      text,
      origin: batch.origin,
      continues: batch.continues,
      // As own small arrays: a view of a larger buffer would be cloned with all of it.
      raw: new Map([...batch.raw].map(([i, raw]) => [i, new Uint8Array(raw)])),
      encodings: batch.encodings,
    }
  })
  return { packed, buffer }
}

/** The part of the text that messages lie in. */
function textSpan({ count, start, length }: EventBatch): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY
  let to = 0
  for (let i = 0; i < count; i++) {
    const first = start[i] as number
    const end = first + (length[i] as number)
    if (first < from) from = first
    if (end > to) to = end
  }
  return count === 0 ? { from: 0, to: 0 } : { from, to }
}

/** The batches of one page as one. Nearly always there is only one. */
export function joinPages(pages: readonly RecordBatch[]): RecordBatch {
  const [first, ...others] = pages
  if (first === undefined) throw new Error('a page has at least one batch')
  if (others.length === 0) return first
  const count = pages.reduce((sum, page) => sum + page.count, 0)
  const joined = {
    count,
    text: Buffer.concat(pages.map((page) => page.text)),
    start: new Uint32Array(count),
    length: new Uint32Array(count),
    bytes: new Uint32Array(count),
    originOf: new Uint32Array(count),
    offset: new Float64Array(count),
    time: new Float64Array(count),
    timeFrom: new Uint8Array(count),
    level: new Uint8Array(count),
    origins: pages.flatMap((page) => page.origins),
    continues: new Map<number, string>(),
    raw: new Map<number, Uint8Array>(),
    encodings: new Map<number, string>(),
  }
  let at = 0
  let text = 0
  let origins = 0
  for (const page of pages) {
    for (let i = 0; i < page.count; i++) {
      joined.start[at + i] = (page.start[i] as number) + text
      joined.originOf[at + i] = (page.originOf[i] as number) + origins
    }
    joined.length.set(page.length, at)
    joined.bytes.set(page.bytes, at)
    joined.offset.set(page.offset, at)
    joined.time.set(page.time, at)
    joined.timeFrom.set(page.timeFrom, at)
    joined.level.set(page.level, at)
    for (const [i, value] of page.continues) joined.continues.set(at + i, value)
    for (const [i, value] of page.raw) joined.raw.set(at + i, value)
    for (const [i, value] of page.encodings) joined.encodings.set(at + i, value)
    at += page.count
    text += page.text.length
    origins += page.origins.length
  }
  return joined
}
