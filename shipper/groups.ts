/**
 * Lines → groups: which lines of a chunk make one event. Pure. A line costs no object: groups are parallel arrays that
 * are used again for the next chunk.
 */
import { closedState, endsEvent, type FirstLines, reportsPanic, startsEvent } from './first-line.ts'
import type { Lines } from './lines.ts'
import type { StampReader } from './timestamp.ts'

/** Event i is made of the lines first[i] … last[i]. */
export interface Groups {
  count: number
  first: Uint32Array
  last: Uint32Array
  /** µs; the stamp of the first line, NaN when it has none. */
  time: Float64Array
  /** Sum of the flags below. */
  flags: Uint8Array
  /** The first line that is left for the next window; the number of lines when none is. */
  held: number
  /** What the next window goes on from at that line. */
  open: boolean
  torn: boolean
  state: number
  /** Lines since the last stamp that do not look like a part of an event, without those that are held. */
  unstamped: number
  /** The same with those that are held, and the first of them. */
  run: number
  runFirst: number
  /** Some line had a stamp. */
  stamped: boolean
}

/** It goes on with the event before it. */
export const isContinuation = 1
/** An empty line that belongs to no event. */
export const isBlank = 2
/** It holds a panic of Go; `beginsWithPanic`: in its first line. */
export const holdsPanic = 4
export const beginsWithPanic = 8

export function emptyGroups(): Groups {
  const size = 4096
  return {
    count: 0,
    first: new Uint32Array(size),
    last: new Uint32Array(size),
    time: new Float64Array(size),
    flags: new Uint8Array(size),
    held: 0,
    open: false,
    torn: false,
    state: closedState,
    unstamped: 0,
    run: 0,
    runFirst: 0,
    stamped: false,
  }
}

/** The lines of a chunk as UTF-8: line i is `text[start[i], end[i])`; `lines` has their places in the chunk. */
export interface LineText {
  readonly text: Buffer
  readonly start: Uint32Array
  readonly end: Uint32Array
}

export interface GroupOptions {
  /** Its `state` says what the lines before the chunk were; closed when no event is open. */
  readonly first: FirstLines
  readonly time: StampReader | undefined
  readonly readAt: number
  /** The chunk begins inside a line whose beginning was an event by itself. */
  readonly torn: boolean
  readonly eventBytesMax: number
  readonly eventLinesMax: number
  /** The last event is taken although lines may follow that belong to it. */
  readonly take: boolean
  readonly chunkBytes: number
  /** No event of the file had a stamp yet. */
  readonly awaitsFirstStamp: boolean
}

/** A preamble waits together with the first stamp, which gives it its time; a longer one does not. */
const preambleBytesMax = 4096

const none = -1

/**
 * Groups the lines. An event ends before a line that begins the next one, behind a line that nothing can continue, at a
 * bound, or where the chunk ends and `take` says so; else its lines are held for the next window. What goes on behind
 * the end of an event (a bound, an earlier `take`, a line that was cut) is a group of its own with `isContinuation`.
 * Blank lines belong to an event when a line behind them does, else each is a group by itself.
 */
export function groupLines(lines: Lines, shown: LineText, options: GroupOptions, groups: Groups): void {
  const { first, time, readAt, eventBytesMax, eventLinesMax } = options
  const { text } = shown
  groups.count = 0
  groups.unstamped = 0
  groups.stamped = false
  /** There is an event, sent or grouped, that the next line may go on with. */
  let open = first.state !== closedState || options.torn
  let torn = options.torn
  let from = none
  let to = none
  let stamp = Number.NaN
  let flags = 0
  /** First of the blank lines behind the event. */
  let blanks = none
  // What the next window begins with when the lines from `from` on are held.
  let tornBefore = torn
  let stateBefore = first.state
  let unstampedBefore = 0

  const flush = (): void => {
    if (from === none) return
    push(groups, from, to, stamp, flags)
    from = none
    open = first.state !== closedState || torn
  }
  const flushBlanks = (behind: number): void => {
    if (blanks === none) return
    for (let i = blanks; i < behind; i++) push(groups, i, i, Number.NaN, isBlank)
    blanks = none
  }
  const isOver = (i: number, firstLine: number): boolean =>
    i - firstLine >= eventLinesMax || (lines.end[i] as number) - (lines.start[firstLine] as number) > eventBytesMax

  for (let i = 0; i < lines.count; i++) {
    const start = shown.start[i] as number
    const end = shown.end[i] as number
    const isCut = lines.next[i] === lines.end[i]
    if (torn) {
      from = to = i
      stamp = Number.NaN
      flags = isContinuation
      tornBefore = true
      stateBefore = first.state
      unstampedBefore = groups.unstamped
      torn = false
      if (!isCut && stateBefore === closedState) flush()
    } else if (start === end) {
      if (from === none && !open) push(groups, i, i, Number.NaN, isBlank)
      else {
        const head = from !== none ? from : blanks
        if (head !== none && isOver(i, head)) {
          flush()
          flushBlanks(i)
        }
        if (blanks === none) blanks = i
      }
      continue
    } else {
      const before = first.state
      const at = time === undefined ? Number.NaN : time(text, start, end, readAt)
      const stamped = !Number.isNaN(at)
      if (stamped) groups.stamped = true
      const said = first.look(text, start, end, stamped)
      if ((said & startsEvent) !== 0) {
        flush()
        flushBlanks(i)
        from = i
        stamp = at
        flags = (said & reportsPanic) === 0 ? 0 : holdsPanic | beginsWithPanic
        tornBefore = false
        stateBefore = closedState
        unstampedBefore = groups.unstamped
      } else {
        if (from !== none && isOver(i, from)) flush()
        if (from === none) {
          from = blanks === none ? i : blanks
          if (isOver(i, from)) {
            flushBlanks(i)
            from = i
          }
          stamp = Number.NaN
          flags = isContinuation
          tornBefore = false
          stateBefore = before
          unstampedBefore = groups.unstamped
        }
        if ((said & reportsPanic) !== 0) flags |= holdsPanic
      }
      to = i
      blanks = none
      if (stamped) groups.unstamped = 0
      else if (time === undefined || (text[start] !== 0x20 && text[start] !== 0x09)) {
        if (groups.unstamped++ === 0) groups.runFirst = i
      }
      if ((said & endsEvent) !== 0 && !isCut) flush()
    }
    if (isCut) {
      torn = true
      flush()
    }
  }

  const { count } = lines
  groups.run = groups.unstamped
  if (options.take) {
    flush()
    flushBlanks(count)
  } else {
    // An unfinished line that would not fit, or so much of it that a chunk holds nothing else, ends the event as well.
    if (from !== none && options.chunkBytes - (lines.start[from] as number) > eventBytesMax) flush()
    if (from === none && blanks !== none && options.chunkBytes - (lines.start[blanks] as number) > eventBytesMax) {
      flushBlanks(count)
    }
  }
  if (from !== none) {
    groups.held = from
    groups.torn = tornBefore
    groups.state = stateBefore
    groups.open = (flags & isContinuation) !== 0
    groups.unstamped = unstampedBefore
    if (
      options.awaitsFirstStamp &&
      !Number.isNaN(stamp) &&
      groups.count > 0 &&
      (lines.start[from] as number) < preambleBytesMax &&
      !someHasTime(groups)
    ) {
      groups.count = 0
    }
  } else {
    groups.held = blanks === none ? count : blanks
    groups.torn = torn
    groups.state = first.state
    groups.open = open
  }
}

function someHasTime(groups: Groups): boolean {
  for (let i = 0; i < groups.count; i++) if (!Number.isNaN(groups.time[i])) return true
  return false
}

function push(groups: Groups, first: number, last: number, time: number, flags: number): void {
  const i = groups.count++
  if (i === groups.first.length) {
    groups.first = grown(groups.first, new Uint32Array(i * 2))
    groups.last = grown(groups.last, new Uint32Array(i * 2))
    groups.time = grown(groups.time, new Float64Array(i * 2))
    groups.flags = grown(groups.flags, new Uint8Array(i * 2))
  }
  groups.first[i] = first
  groups.last[i] = last
  groups.time[i] = time
  groups.flags[i] = flags
}

function grown<A extends Uint8Array | Uint32Array | Float64Array>(array: A, larger: A): A {
  larger.set(array)
  return larger
}
