/**
 * Rows in order out of chunks that overlap. Chunks are taken by where they begin in the direction of the sweep; what lies
 * before the beginning of the next one that was not taken is complete, is sorted and goes out as one window:
 *
 *     chunk A  ├──────────┤
 *     chunk B       ├──────────────┤
 *     chunk C               ├──────────┤          not taken yet: begins at w
 *     window   [at ········ w)                    rows of A and B before w; B is carried on
 *
 * In memory are the places of one window's rows (32 bytes a row) and the bits of the chunks that it cuts. Keys are
 * multiplied by `sign`, so that newest-first is the same walk.
 */
import type { Bits } from './evaluator.ts'
import type { FoundRows } from './rows.ts'

/** A chunk, or the rows of one origin in it. `start` and `end` are signed keys, both inclusive. */
export interface Entry {
  readonly part: number
  readonly first: number
  readonly count: number
  readonly start: number
  readonly end: number
  /** Only rows of this origin (its id in the file). */
  readonly origin?: number
  /** Undefined = all rows match; null = not evaluated yet. */
  bits: Bits | undefined | null
}

export interface Feed {
  /** No entry that is still to come begins before this signed key; Infinity = none is to come. */
  nextStart(): number
  /** The next entries, in any order. */
  next(): Entry[]
}

export interface SweepOptions {
  readonly sign: 1 | -1
  readonly feed: Feed
  /** Chunks of the first window in which something matches. */
  readonly step: number
  /** Windows grow until they have this many rows. */
  readonly windowRows: number
  /** Evaluates an entry that has `bits === null`; false = nothing matches. */
  readonly evaluate: (entry: Entry) => boolean
  /** Told where the sweep stands: everything before this signed key has been given out. */
  readonly covered?: (signedKey: number) => void
  /** Adds the entry's rows with at <= signed key < to. */
  readonly collect: (entry: Entry, at: number, to: number, rows: FoundRows) => void
}

const stepMost = 1024

/** Yields true when `rows` holds a window (unsorted; cleared before the next), false when it only pauses. */
export function* sweep(options: SweepOptions, rows: FoundRows): Generator<boolean, void, void> {
  const { feed, evaluate, collect, windowRows, covered } = options
  let waiting: Entry[] = []
  let taken = 0
  let carried: Entry[] = []
  let at = Number.NEGATIVE_INFINITY
  let step = options.step
  for (;;) {
    for (;;) {
      const next = feed.nextStart()
      const ahead = waiting[taken]?.start ?? (carried.length > 0 ? at : Number.POSITIVE_INFINITY)
      if (next === Number.POSITIVE_INFINITY || next > Math.max(ahead, at)) break
      const fresh = feed.next()
      if (fresh.length > 0) {
        // Sorted runs, which the sort merges in nearly linear time.
        waiting = waiting.slice(taken).concat(fresh).sort(byStart)
        taken = 0
      }
      yield false
    }
    if (taken === waiting.length && carried.length === 0) return
    // Counted are chunks in which something matches. With all of them, a long stretch without a match would make the window
    // behind it as wide as itself, and hundreds of chunks would be read for one page.
    const limit = feed.nextStart()
    let last = Number.NEGATIVE_INFINITY
    let matching = 0
    for (; taken < waiting.length; taken++) {
      const entry = waiting[taken] as Entry
      // Chunks that begin together are taken together: the window ends where one begins.
      if (entry.start >= limit || (matching >= step && entry.start > last)) break
      last = entry.start
      if (entry.bits !== null || evaluate(entry)) {
        carried.push(entry)
        matching++
      } else if (carried.length === 0) covered?.(Math.min(waiting[taken + 1]?.start ?? limit, limit))
      yield false
    }
    const to = Math.min(waiting[taken]?.start ?? Number.POSITIVE_INFINITY, limit)
    rows.clear()
    const kept: Entry[] = []
    for (const entry of carried) {
      collect(entry, at, to, rows)
      if (entry.end >= to) kept.push(entry)
      yield false
    }
    carried = kept
    at = to
    if (rows.count < windowRows && matching >= step) step = Math.min(stepMost, step * 2)
    else if (rows.count > 4 * windowRows) step = Math.max(1, step >> 1)
    if (rows.count > 0) yield true
    // Behind the yield: who reads has taken the window then.
    covered?.(to)
  }
}

function byStart(a: Entry, b: Entry): number {
  return a.start - b.start
}
