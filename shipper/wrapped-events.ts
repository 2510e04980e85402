/**
 * Events of files whose lines a container's runtime has wrapped. Pure, and as certain as `eventsOf`: the same bytes with
 * the same state always give the same events.
 *
 * The lines of standard output and of the error stream stand mixed in one file, and an event is one stretch of a file. So
 * lines are taken in runs of one stream: where another stream comes in between, the event ends there as at a bound, and
 * what goes on with it behind is linked to it. The time is the wrapper's, which every line has; what begins an event is
 * read from the text inside. A record always has its bytes (`raw`): no rule makes the wrapper out of the text.
 */
import { type EventColumns, newColumns } from '../pipeline/event-batch.ts'
import { recordId } from '../pipeline/record.ts'
import {
  type Context,
  codeUnitOf,
  type Events,
  errorLevel,
  eventsOf,
  type LineReaders,
  type OpenEvent,
  type Position,
  type Reading,
  timeFromLine,
  timeFromPrevious,
  timeFromRead,
} from './events.ts'
import { closedState } from './first-line.ts'
import { beginsWithPanic, emptyGroups, groupLines, holdsPanic, isBlank, isContinuation } from './groups.ts'
import { emptyLines, type Lines, splitLines } from './lines.ts'
import { unwrapLines, type WrappedLines } from './wrapped-lines.ts'
import { errorStream, otherStream, outStream } from './wrapper.ts'

// One set of arrays for the whole process: they are used within one synchronous call only.
const fileLines = emptyLines()
const groups = emptyGroups()

/** The events of any file: see `eventsOf`. */
export function eventsIn(
  chunk: Buffer,
  position: Position,
  reading: Reading,
  readers: LineReaders,
  context: Context,
): Events {
  return reading.wrapper === undefined
    ? eventsOf(chunk, position, reading, readers, context)
    : wrappedEventsOf(chunk, position, reading, readers, context)
}

function wrappedEventsOf(
  chunk: Buffer,
  position: Position,
  reading: Reading,
  readers: LineReaders,
  context: Context,
): Events {
  const { wrapper, encoding, eventBytesMax, eventLinesMax } = reading
  const { first, time, wrapperTime } = readers
  if (wrapper === undefined || wrapperTime === undefined) throw new TypeError('a reading without a wrapper')
  const { takeRest, readAt } = context
  const open: (OpenEvent | undefined)[] = []
  open[outStream] = position.open
  open[errorStream] = position.streams?.error
  open[otherStream] = position.streams?.other
  const linesEnd = splitLines(chunk, 0, codeUnitOf(encoding), eventBytesMax, takeRest, fileLines)
  const inside = unwrapLines(chunk, fileLines, {
    wrapper,
    encoding,
    time: wrapperTime,
    readAt,
    eventBytesMax,
    takeRest,
    insideLine: open[otherStream]?.torn ?? false,
    linesEnd,
  })
  if (time !== undefined) time.previousUs = position.previousTime ?? Number.NaN
  const taken = new Taken(chunk, position, reading, readers, context, inside)
  const { count } = inside.lines
  let end = inside.end
  let held = false
  let unstamped = 0
  let stamped = false
  for (let from = 0, to = 0; from < count; from = to) {
    const stream = inside.stream[from] as number
    to = from + 1
    while (to < count && inside.stream[to] === stream) to++
    const run = part(inside.lines, from, to)
    const text = inside.text
    const shown = { text, start: inside.textStart.subarray(from, to), end: inside.textEnd.subarray(from, to) }
    const before = open[stream]
    first.state = before?.state ?? closedState
    groupLines(
      run,
      shown,
      {
        first,
        time,
        readAt,
        torn: before?.torn ?? false,
        eventBytesMax,
        eventLinesMax,
        take: to < count || takeRest || (context.takeLines ?? false),
        chunkBytes: chunk.length,
        awaitsFirstStamp: false,
      },
      groups,
    )
    unstamped = groups.stamped ? groups.unstamped : unstamped + groups.unstamped
    stamped ||= groups.stamped
    const head = taken.take(from, before)
    const { torn, state } = groups
    open[stream] = groups.open && head !== undefined ? { ...head, torn, state } : undefined
    if (groups.held < run.count) {
      held = true
      end = run.start[groups.held] as number
    }
  }
  const told = { unstamped, run: 0, runStart: 0, stamped, holdsLines: held }
  if (taken.count === 0) return { columns: newColumns(chunk, 0), next: position, ...told }
  const streams = { error: open[errorStream], other: open[otherStream] }
  const next = { offset: position.offset + end, previousTime: taken.previousTime, open: open[outStream], streams }
  return { columns: taken.columns(), next, ...told }
}

function part({ start, end, next }: Lines, from: number, to: number): Lines {
  return {
    count: to - from,
    start: start.subarray(from, to),
    end: end.subarray(from, to),
    next: next.subarray(from, to),
  }
}

type Head = Pick<OpenEvent, 'offset' | 'time' | 'level'>

/** The events that the runs gave so far. */
class Taken {
  count = 0
  previousTime: number | undefined
  readonly #chunk: Buffer
  readonly #offset: number
  readonly #reading: Reading
  readonly #readers: LineReaders
  readonly #context: Context
  readonly #inside: WrappedLines
  readonly #columns: ReturnType<typeof newColumns<Buffer>>

  constructor(
    chunk: Buffer,
    position: Position,
    reading: Reading,
    readers: LineReaders,
    context: Context,
    inside: WrappedLines,
  ) {
    this.#chunk = chunk
    this.#offset = position.offset
    this.previousTime = position.previousTime
    this.#reading = reading
    this.#readers = readers
    this.#context = context
    this.#inside = inside
    this.#columns = newColumns(inside.text, inside.lines.count)
  }

  /** Adds the groups of the run that begins at line `from`; returns the event that the next line may go on with. */
  take(from: number, open: OpenEvent | undefined): Head | undefined {
    let head: Head | undefined = open
    const { lines, textStart, textEnd, time } = this.#inside
    const columns = this.#columns
    for (let g = 0; g < groups.count; g++) {
      const i = this.count++
      const first = from + (groups.first[g] as number)
      const last = from + (groups.last[g] as number)
      const start = lines.start[first] as number
      const next = lines.next[last] as number
      columns.start[i] = textStart[first] as number
      columns.length[i] = (textEnd[last] as number) - (textStart[first] as number)
      columns.offset[i] = this.#offset + start
      columns.bytes[i] = next - start
      columns.raw.set(i, Buffer.from(this.#chunk.subarray(start, next)))
      this.#noteEncoding(i, first, last)
      const flags = groups.flags[g] as number
      if ((flags & isContinuation) !== 0 && head !== undefined) {
        columns.time[i] = head.time
        columns.timeFrom[i] = timeFromPrevious
        columns.level[i] = head.level
        columns.continues.set(i, recordId(this.#context.generation, head.offset))
        continue
      }
      this.#setTime(i, time[first] as number)
      if ((flags & isBlank) !== 0) continue
      columns.level[i] = this.#levelOf(g, first, last, flags)
      head = {
        offset: columns.offset[i] as number,
        time: columns.time[i] as number,
        level: columns.level[i] as number,
      }
    }
    return head
  }

  #setTime(i: number, us: number): void {
    const columns = this.#columns
    if (!Number.isNaN(us)) this.previousTime = us
    columns.time[i] = this.previousTime ?? this.#context.readAt
    columns.timeFrom[i] = !Number.isNaN(us)
      ? timeFromLine
      : this.previousTime === undefined
        ? timeFromRead
        : timeFromPrevious
  }

  #levelOf(g: number, first: number, last: number, flags: number): number {
    const { level, levelIsBelow, time } = this.#readers
    const { text, textStart, textEnd } = this.#inside
    const line = levelIsBelow ? first + 1 : first
    const isUnstamped = time !== undefined && Number.isNaN(groups.time[g])
    if (level !== undefined && line <= last && !isUnstamped) {
      const found = level(text, textStart[line] as number, textEnd[line] as number)
      if (found !== 0) return found
    }
    return (flags & (level === undefined ? holdsPanic : beginsWithPanic)) === 0 ? 0 : errorLevel
  }

  #noteEncoding(i: number, first: number, last: number): void {
    const { encodings } = this.#inside
    if (encodings === undefined) return
    const own = encodings.slice(first, last + 1).find((encoding) => encoding !== this.#reading.encoding)
    if (own !== undefined) this.#columns.encodings.set(i, own)
  }

  /** All of them, in arrays of their length. */
  columns(): EventColumns {
    const { start, length, offset, bytes, time, timeFrom, level, ...others } = this.#columns
    const { count } = this
    return {
      ...others,
      count,
      start: start.slice(0, count),
      length: length.slice(0, count),
      offset: offset.slice(0, count),
      bytes: bytes.slice(0, count),
      time: time.slice(0, count),
      timeFrom: timeFrom.slice(0, count),
      level: level.slice(0, count),
    }
  }
}
