/** Lines in their total order, and the way from one to the next of a kind. Pure. */
import type { LogRecord } from '../../pipeline/record.ts'

export type LinePlace = Pick<LogRecord, 'time' | 'generation' | 'offset'>

/** By time, generation, offset. Times of the API are of one length, so that text order is time order. */
export function comparePlaces(a: LinePlace, b: LinePlace): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1
  if (a.generation !== b.generation) return a.generation < b.generation ? -1 : 1
  return a.offset - b.offset
}

export function isError({ level }: Pick<LogRecord, 'level'>): boolean {
  return level === 'error' || level === 'fatal'
}

/** The first index from `from` on, in the direction of `step`, at which the line is one that is wanted; -1 = none. */
export function seek<Line>(
  lines: readonly Line[],
  from: number,
  step: 1 | -1,
  wanted: (line: Line) => boolean,
): number {
  for (let at = from; at >= 0 && at < lines.length; at += step) {
    const line = lines[at]
    if (line !== undefined && wanted(line)) return at
  }
  return -1
}
