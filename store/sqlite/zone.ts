/**
 * The zone of a chunk: what a reader must know to leave the chunk unread. Pure.
 *
 *     zone = for each level: count, and if there are any: time of the newest − minTime
 *          | number of origins | their ids, ascending, as differences | for each: count, least offset, most − least, newest − minTime
 *          | number of rows that continue an event; left out when there are none
 *
 * all as LEB128 variable-length numbers up to 2^53. Levels and origins carry counts, so that histograms without a keyword
 * and lists of values come from zones alone.
 */
import { levels } from '../../pipeline/record.ts'
import type { OpenBlock } from './block.ts'

export interface OriginZone {
  readonly origin: number
  count: number
  least: number
  most: number
  /** Time of the newest row, µs. */
  last: number
}

export interface Zone {
  readonly minTime: number
  readonly maxTime: number
  readonly blob: Uint8Array
}

/** The zone of rows [from, to) of the block. */
export function encodeZone(block: OpenBlock, from: number, to: number): Zone {
  let minTime = Number.POSITIVE_INFINITY
  let maxTime = Number.NEGATIVE_INFINITY
  const levelCount = new Uint32Array(levels.length)
  const levelLast = new Float64Array(levels.length).fill(Number.NEGATIVE_INFINITY)
  const origins = new Map<number, OriginZone>()
  let zone: OriginZone | undefined
  for (let i = from; i < to; i++) {
    const time = block.time[i] as number
    const level = block.level[i] as number
    const offset = block.offset[i] as number
    const origin = block.origin[i] as number
    if (time < minTime) minTime = time
    if (time > maxTime) maxTime = time
    levelCount[level] = (levelCount[level] as number) + 1
    if (time > (levelLast[level] as number)) levelLast[level] = time
    if (zone?.origin !== origin) {
      zone = origins.get(origin)
      if (zone === undefined) {
        zone = { origin, count: 0, least: offset, most: offset, last: time }
        origins.set(origin, zone)
      }
    }
    zone.count++
    if (offset < zone.least) zone.least = offset
    if (offset > zone.most) zone.most = offset
    if (time > zone.last) zone.last = time
  }
  const numbers: number[] = []
  for (let level = 0; level < levels.length; level++) {
    const count = levelCount[level] as number
    numbers.push(count)
    if (count > 0) numbers.push(Math.floor((levelLast[level] as number) - minTime))
  }
  const sorted = [...origins.values()].sort((a, b) => a.origin - b.origin)
  numbers.push(sorted.length)
  let before = 0
  for (const { origin } of sorted) {
    numbers.push(origin - before)
    before = origin
  }
  for (const { count, least, most, last } of sorted) {
    numbers.push(count, least, most - least, Math.floor(last - minTime))
  }
  let parts = 0
  for (const [row, { continues }] of block.extras) if (row >= from && row < to && continues !== undefined) parts++
  if (parts > 0) numbers.push(parts)
  return { minTime, maxTime, blob: encodeNumbers(numbers) }
}

function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (let value of numbers) {
    while (value >= 128) {
      bytes.push((value % 128) | 128)
      value = Math.floor(value / 128)
    }
    bytes.push(value)
  }
  return Uint8Array.from(bytes)
}

/** Reads zones that lie in one array, without an object for each. */
export class ZoneReader {
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0

  /** Begins to read the zone at `at`. */
  open(bytes: Uint8Array, at: number): this {
    this.#bytes = bytes
    this.#at = at
    return this
  }

  #next(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#at++] as number
      if (byte < 128) return value + byte * scale
      value += (byte - 128) * scale
      scale *= 128
    }
  }

  /** True when the zone that ends before `end` holds rows that continue an event. In place of reading it in order. */
  holdsParts(end: number): boolean {
    this.skipLevels()
    const count = this.#next()
    for (let left = count * 5; left > 0; left--) this.#next()
    return this.#at < end
  }

  /** First: counts by level; `last` (optional) takes the difference of each level's newest time to minTime. */
  levels(counts: Uint32Array, last?: Float64Array): void {
    for (let level = 0; level < levels.length; level++) {
      const count = this.#next()
      counts[level] = count
      const newest = count > 0 ? this.#next() : 0
      if (last !== undefined) last[level] = newest
    }
  }

  skipLevels(): void {
    for (let level = 0; level < levels.length; level++) if (this.#next() > 0) this.#next()
  }

  /** Second: the ids of the origins into `ids`; returns how many. */
  origins(ids: number[]): number {
    const count = this.#next()
    let id = 0
    for (let i = 0; i < count; i++) {
      id += this.#next()
      ids[i] = id
    }
    return count
  }

  /** Third: what is known of each origin, in the order of the ids. `last` is relative to minTime. */
  originZone(origin: number): OriginZone {
    const count = this.#next()
    const least = this.#next()
    const most = least + this.#next()
    return { origin, count, least, most, last: this.#next() }
  }
}
