/** Found rows as a RecordBatch in one buffer, which then moves to the main thread without a copy. */
import type { Origin, RecordBatch } from '../../pipeline/event-batch.ts'
import type { Window } from './ordered.ts'
import type { Part, Request } from './request.ts'

/** Of one RecordBatch. A single message may be larger than the bytes. */
export const answerRowsMax = 4096
export const answerBytesMax = 2 * 1024 * 1024

/** Rows of an answer that lie in one chunk: their places in the answer, ascending. */
interface ChunkRows {
  readonly part: Part
  readonly chunk: number
  /** Rows of the chunk up to the last one that is wanted. */
  count: number
  readonly places: number[]
}

/**
 * The rows order[from, to) of a window, or fewer when they would be larger than answerBytesMax; `buffer` holds all columns.
 * Undefined rows (their file went away in between) make the batch shorter. `taken` = how far it got in the order.
 */
export function answer(
  request: Request,
  { rows, order }: Window,
  from: number,
  to: number,
): { batch: RecordBatch; buffer: ArrayBuffer; taken: number } {
  const most = Math.min(to, from + answerRowsMax)
  let groups = groupByChunk(request, rows, order, from, most)
  const gone = new Set<ChunkRows>()
  const lengths = new Uint32Array(most - from)
  for (const group of groups) {
    const read = group.part.read((view) => {
      const meta = view.meta(group.chunk, group.count)
      const shift = group.chunk - meta.first
      for (const place of group.places) {
        lengths[place] = meta.lengths[shift + (rows.slot[order[from + place] as number] as number)] as number
      }
      return true
    })
    if (read === undefined) gone.add(group)
  }
  if (gone.size > 0) groups = groups.filter((group) => !gone.has(group))
  let textBytes = 0
  let count = 0
  while (count < lengths.length && (count === 0 || textBytes + (lengths[count] as number) <= answerBytesMax)) {
    textBytes += lengths[count++] as number
  }
  const { batch, buffer } = emptyBatch(count, textBytes)
  let start = 0
  for (let i = 0; i < count; i++) {
    batch.start[i] = start
    batch.length[i] = lengths[i] as number
    start += lengths[i] as number
  }
  const origins = new Map<number, Map<number, number>>()
  const filler: Filler = { request, window: { rows, order }, from, count, batch, origins }
  for (const group of groups) {
    if (group.part.read(() => fill(filler, group)) === undefined) gone.add(group)
  }
  const whole = gone.size === 0 ? batch : without(batch, gone, count)
  return { batch: whole, buffer, taken: from + count }
}

type MutableBatch = RecordBatch & {
  readonly origins: Origin[]
  readonly continues: Map<number, string>
  readonly raw: Map<number, Uint8Array>
  readonly encodings: Map<number, string>
}

interface Filler {
  readonly request: Request
  readonly window: Window
  readonly from: number
  readonly count: number
  readonly batch: MutableBatch
  /** By the request's origin, by readAt: index into the batch's origins. */
  readonly origins: Map<number, Map<number, number>>
}

function groupByChunk(
  request: Request,
  rows: Window['rows'],
  order: readonly number[],
  from: number,
  to: number,
): ChunkRows[] {
  const groups = new Map<number, ChunkRows>()
  let group: ChunkRows | undefined
  for (let place = 0; place < to - from; place++) {
    const row = order[from + place] as number
    const chunk = rows.chunk[row] as number
    const index = rows.part[row] as number
    if (group === undefined || group.chunk !== chunk || group.part.index !== index) {
      const key = index * 2 ** 40 + chunk
      group = groups.get(key)
      if (group === undefined) {
        group = { part: request.parts[index] as Part, chunk, count: 0, places: [] }
        groups.set(key, group)
      }
    }
    group.places.push(place)
    group.count = Math.max(group.count, (rows.slot[row] as number) + 1)
  }
  return [...groups.values()]
}

/** Fills in what lies in one chunk, so that a chunk is decompressed once an answer, however its rows are spread. */
function fill(
  { request, window: { rows, order }, from, count, batch, origins }: Filler,
  group: ChunkRows,
): true | undefined {
  return group.part.read((view) => {
    const { meta, text, extras } = view.chunk(group.chunk, group.count)
    const { starts, runOf } = meta
    const shift = group.chunk - meta.first
    const target = batch.text as Buffer
    const originOfRun = new Int32Array(meta.runCount.length).fill(-1)
    for (const place of group.places) {
      if (place >= count) break
      const found = order[from + place] as number
      const row = shift + (rows.slot[found] as number)
      const start = starts[row] as number
      const length = batch.length[place] as number
      if (length > 0) text.copy(target, batch.start[place] as number, start, start + length)
      const run = runOf[row] as number
      if (originOfRun[run] === -1) {
        originOfRun[run] = batchOrigin(
          request,
          batch,
          origins,
          rows.origin[found] as number,
          meta.runReadAt[run] as number,
        )
      }
      const mark = meta.marks[row] as number
      batch.originOf[place] = originOfRun[run] as number
      batch.offset[place] = rows.offset[found] as number
      batch.bytes[place] = meta.bytesAt(row)
      batch.time[place] = meta.timeBase + (meta.time[row] as number)
      batch.timeFrom[place] = mark >> 4
      batch.level[place] = mark & 15
      const more = extras.size > 0 ? extras.get(row) : undefined
      if (more?.continues !== undefined) batch.continues.set(place, more.continues)
      if (more?.encoding !== undefined) batch.encodings.set(place, more.encoding)
      if (more?.raw !== undefined) batch.raw.set(place, new Uint8Array(Buffer.from(more.raw, 'base64')))
    }
    return true as const
  })
}

function batchOrigin(
  request: Request,
  batch: MutableBatch,
  origins: Filler['origins'],
  origin: number,
  readAt: number,
): number {
  let byReadAt = origins.get(origin)
  if (byReadAt === undefined) {
    byReadAt = new Map()
    origins.set(origin, byReadAt)
  }
  let index = byReadAt.get(readAt)
  if (index === undefined) {
    index = batch.origins.push(request.origin(origin, readAt)) - 1
    byReadAt.set(readAt, index)
  }
  return index
}

/** A batch whose columns are views of one buffer. */
export function emptyBatch(count: number, textBytes: number): { batch: MutableBatch; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(count * 34 + textBytes)
  let at = 0
  const take = (bytes: number): number => {
    const start = at
    at += bytes * count
    return start
  }
  const batch: MutableBatch = {
    count,
    offset: new Float64Array(buffer, take(8), count),
    time: new Float64Array(buffer, take(8), count),
    start: new Uint32Array(buffer, take(4), count),
    length: new Uint32Array(buffer, take(4), count),
    bytes: new Uint32Array(buffer, take(4), count),
    originOf: new Uint32Array(buffer, take(4), count),
    timeFrom: new Uint8Array(buffer, take(1), count),
    level: new Uint8Array(buffer, take(1), count),
    text: Buffer.from(buffer, at, textBytes),
    origins: [],
    continues: new Map(),
    raw: new Map(),
    encodings: new Map(),
  }
  return { batch, buffer }
}

/** The batch without the rows of files that went away while it was made: a rare case, so by copying. */
function without(batch: MutableBatch, gone: ReadonlySet<ChunkRows>, count: number): RecordBatch {
  const lost = new Set<number>()
  for (const { places } of gone) for (const place of places) lost.add(place)
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) => !lost.has(i))
  const pick = <T extends Float64Array | Uint32Array | Uint8Array>(column: T, to: T): T => {
    for (const [i, place] of kept.entries()) to[i] = column[place] as number
    return to
  }
  const sparse = <T>(map: ReadonlyMap<number, T>): Map<number, T> =>
    new Map(kept.flatMap((place, i) => (map.has(place) ? [[i, map.get(place) as T] as const] : [])))
  const n = kept.length
  return {
    count: n,
    text: batch.text,
    origins: batch.origins,
    offset: pick(batch.offset, new Float64Array(n)),
    time: pick(batch.time, new Float64Array(n)),
    start: pick(batch.start, new Uint32Array(n)),
    length: pick(batch.length, new Uint32Array(n)),
    bytes: pick(batch.bytes, new Uint32Array(n)),
    originOf: pick(batch.originOf, new Uint32Array(n)),
    timeFrom: pick(batch.timeFrom, new Uint8Array(n)),
    level: pick(batch.level, new Uint8Array(n)),
    continues: sparse(batch.continues),
    raw: sparse(batch.raw),
    encodings: sparse(batch.encodings),
  }
}
