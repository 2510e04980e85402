import { ShiplogError } from './errors.ts'
import type { EventKey } from './record.ts'

/** Where a page ended, and what the next one needs to go on as if nothing had happened between. Pure. */
export interface Cursor extends EventKey {
  readonly order: 'asc' | 'desc'
  /** The range of the first page, µs, so that `now` does not move between pages; `to` Infinity = open. */
  readonly from: number
  readonly to: number
}

/** UTF-16 units of an encoded cursor. */
export const cursorUnitsMax = 256

const shape = /^1\.([ad])\.(\d{1,18})\.([0-9A-Za-z_-]{1,64})\.(\d{1,16})\.(\d{1,18})\.(\d{1,18}|x)$/
/** The year 10000, µs: times end before it. Those behind 2255 are no safe integers, but come back as they were. */
const timeEnd = 253_402_300_800_000_000

/** As opaque base64url text: the version, then each part, joined by dots. */
export function encodeCursor({ order, time, generation, offset, from, to }: Cursor): string {
  const parts = [
    1,
    order === 'asc' ? 'a' : 'd',
    time,
    generation,
    offset,
    from,
    to === Number.POSITIVE_INFINITY ? 'x' : to,
  ]
  return btoa(parts.join('.')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The reverse of encodeCursor. Throws QUERY_INVALID for any text that it did not give. */
export function decodeCursor(text: string): Cursor {
  const invalid = new ShiplogError('QUERY_INVALID', 'The cursor is not one that a search has returned.', {
    hint: 'Give the `next` of the page before unchanged, or leave the cursor out to begin at the first page.',
  })
  if (text.length > cursorUnitsMax || !/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) throw invalid
  const match = shape.exec(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  if (match === null) throw invalid
  const [, order, time, generation, offset, from, to] = match as unknown as string[]
  const cursor: Cursor = {
    order: order === 'a' ? 'asc' : 'desc',
    time: Number(time),
    generation: generation as string,
    offset: Number(offset),
    from: Number(from),
    to: to === 'x' ? Number.POSITIVE_INFINITY : Number(to),
  }
  const inTime = cursor.time < timeEnd && cursor.from < timeEnd && (to === 'x' || cursor.to < timeEnd)
  if (!inTime || !Number.isSafeInteger(cursor.offset) || encodeCursor(cursor) !== text) throw invalid
  return cursor
}
