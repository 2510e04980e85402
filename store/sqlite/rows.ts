/** Rows that a request has found, as columns: 32 bytes a row instead of an object. */
import { blockRows, type ChunkMeta } from './block.ts'
import type { Bits } from './evaluator.ts'

export class FoundRows {
  count = 0
  /** What they are ordered by first: time in µs, or offset. */
  key = new Float64Array(1024)
  offset = new Float64Array(1024)
  /** First row of the chunk that a zone told of; the row is `chunk + slot`. */
  chunk = new Float64Array(1024)
  slot = new Uint16Array(1024)
  /** Index into the request's list of origins. */
  origin = new Uint32Array(1024)
  /** Index into the request's list of partitions. */
  part = new Uint16Array(1024)

  clear(): void {
    this.count = 0
  }

  add(key: number, offset: number, chunk: number, slot: number, origin: number, part: number): void {
    const i = this.count
    if (i === this.key.length) this.#grow()
    this.key[i] = key
    this.offset[i] = offset
    this.chunk[i] = chunk
    this.slot[i] = slot
    this.origin[i] = origin
    this.part[i] = part
    this.count = i + 1
  }

  #grow(): void {
    const length = this.key.length * 2
    const grow = <T extends Float64Array | Uint32Array | Uint16Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.key = grow(this.key, new Float64Array(length))
    this.offset = grow(this.offset, new Float64Array(length))
    this.chunk = grow(this.chunk, new Float64Array(length))
    this.slot = grow(this.slot, new Uint16Array(length))
    this.origin = grow(this.origin, new Uint32Array(length))
    this.part = grow(this.part, new Uint16Array(length))
  }
}

/**
 * Calls `visit` for each row of [first, first + count) that is in `bits` (undefined = all) and has from <= time < to. The times
 * are looked at first, in one tight loop: of most chunks that overlap a window, few rows lie in it.
 */
export function eachRow(
  meta: ChunkMeta,
  first: number,
  count: number,
  bits: Bits | undefined,
  from: number,
  to: number,
  visit: (row: number, time: number, origin: number) => void,
): void {
  const { time, timeBase, runOf, runOrigin } = meta
  const least = from - timeBase
  const end = to - timeBase
  const slot = meta.first % blockRows
  const start = first - meta.first
  for (let row = start; row < start + count; row++) {
    const when = time[row] as number
    if (when < least || when >= end) continue
    const at = slot + row
    if (bits !== undefined && ((bits[at >> 5] as number) & (1 << (at & 31))) === 0) continue
    visit(row, timeBase + when, runOrigin[runOf[row] as number] as number)
  }
}
