/**
 * Bytes → events: lines, joined to what they belong to. Pure, and the same bytes with the same state always give the
 * same events: that is what makes an id mean one content for ever. Whatever time decided (where a window ends, when it
 * was read) is an argument, kept in the checkpoint and given again when a window is read a second time.
 */

import { isUtf8 } from 'node:buffer'
import { type Encoding, needsRaw, toUtf8 } from '../pipeline/encoding.ts'
import { type EventColumns, newColumns } from '../pipeline/event-batch.ts'
import type { Multiline } from '../pipeline/path-settings.ts'
import { recordId } from '../pipeline/record.ts'
import { lineEncoding } from './encoding.ts'
import { closedState, createFirstLines, type FirstLines } from './first-line.ts'
import {
  beginsWithPanic,
  emptyGroups,
  type Groups,
  groupLines,
  holdsPanic,
  isBlank,
  isContinuation,
  type LineText,
} from './groups.ts'
import { createLevelReader, type LevelReader, type LevelShape } from './level.ts'
import { type CodeUnit, emptyLines, type Lines, splitLines } from './lines.ts'
import { createStampReader, type StampReader, type StampShape } from './timestamp.ts'
import type { Wrapper } from './wrapper.ts'

/** How the lines of one incarnation are read: found once, kept, and changed only behind the acknowledged offset. */
export interface Reading {
  readonly encoding: Encoding
  /** False while only ASCII was seen: the encoding may still turn out to be another. */
  readonly encodingSure: boolean
  readonly stamp: StampShape | undefined
  readonly level: LevelShape | undefined
  /** So many lines had been seen when the shapes were learnt. */
  readonly learntFromLines: number
  readonly timezone: string
  /** What a stamp without year or date is nearest to, µs. */
  readonly referenceUs: number
  readonly eventBytesMax: number
  readonly eventLinesMax: number
  readonly multiline: Multiline
  /** Set: `encoding` is not found but said. */
  readonly encodingSaid?: boolean
  /** What a container's runtime wraps around the lines. */
  readonly wrapper?: Wrapper | undefined
}

/** An event that was sent before it was known to be complete: what comes next in the file may continue it. */
export interface OpenEvent {
  readonly offset: number
  /** µs */
  readonly time: number
  readonly level: number
  /** Its last line is not finished: whatever comes next continues it. */
  readonly torn: boolean
  /** What its last lines say of the next one; see FirstLines. */
  readonly state: number
}

/** Everything that reading goes on from at `offset`. */
export interface Position {
  readonly offset: number
  /** µs; undefined before the first event. */
  readonly previousTime: number | undefined
  readonly open: OpenEvent | undefined
  /** The same for the other streams of a wrapped file; `open` is that of its standard output. */
  readonly streams?: { readonly error?: OpenEvent | undefined; readonly other?: OpenEvent | undefined }
}

export interface Events {
  readonly columns: EventColumns
  /** Where the next window starts. */
  readonly next: Position
  /**
   * Lines without the learnt stamp that do not look like a part of an event, counted from the end: a long run asks for
   * learning again. Those that are left for the next window do not count.
   */
  readonly unstamped: number
  /** The same with those that are left, and where in the chunk the first of them begins. */
  readonly run: number
  readonly runStart: number
  /** Some line had a stamp, so the run began in this chunk. */
  readonly stamped: boolean
  /** Finished lines are left for the next window: their event may go on. */
  readonly holdsLines: boolean
}

/** The readers of one incarnation, made once for a Reading; they cache, so they belong to one file. */
export interface LineReaders {
  readonly time: StampReader | undefined
  readonly level: LevelReader | undefined
  /** The level stands in the second line of an event. */
  readonly levelIsBelow: boolean
  readonly first: FirstLines
  /** Reads the time that a wrapper has. */
  readonly wrapperTime: StampReader | undefined
}

/** RFC 3339 at the very beginning. */
export const wrapperStamp: StampShape = { format: 'iso/1', place: 'part', index: 0, key: '', spacedZone: false }

export function readersOf(reading: Reading): LineReaders {
  const { stamp, level, timezone, referenceUs, multiline, wrapper } = reading
  return {
    time: stamp && createStampReader(stamp, { zone: timezone, referenceUs }),
    level: level && createLevelReader(level),
    levelIsBelow: level?.line === 1,
    first: createFirstLines({ multiline, hasStamps: stamp !== undefined, isJson: stamp?.place === 'json' }),
    wrapperTime: wrapper && createStampReader(wrapperStamp, { zone: timezone, referenceUs }),
  }
}

export function codeUnitOf(encoding: Encoding): CodeUnit {
  return encoding === 'utf-8' ? 'byte' : encoding
}

export const timeFromLine = 0
export const timeFromPrevious = 1
export const timeFromRead = 2

export const errorLevel = 5
const lineFeed = 0x0a

export interface Context {
  /** Gives the ids of what continued parts belong to. */
  readonly generation: string
  /** µs */
  readonly readAt: number
  /** Everything is taken: the last event, which may go on, and a last line that is not finished. */
  readonly takeRest: boolean
  /** The last event is taken as far as its lines are finished. */
  readonly takeLines?: boolean
}

// One set of arrays for the whole process: they are used within one synchronous call only.
const lines: Lines = emptyLines()
const groups: Groups = emptyGroups()
const noText: Buffer = Buffer.alloc(0)
const shown: { -readonly [part in keyof LineText]: LineText[part] } = {
  text: noText,
  start: lines.start,
  end: lines.end,
}
const lineEncodings: Encoding[] = []

/**
 * The events of `chunk`, the file's bytes from `position.offset` on. The last one is left for the next window, unless
 * it is complete by itself, a bound is reached, or the context says that it is taken.
 */
export function eventsOf(
  chunk: Buffer,
  position: Position,
  reading: Reading,
  readers: LineReaders,
  context: Context,
): Events {
  const { eventBytesMax, eventLinesMax, encoding } = reading
  const bomBytes = position.offset === 0 ? byteOrderMarkBytes(chunk, encoding) : 0
  const linesEnd = splitLines(chunk, bomBytes, codeUnitOf(encoding), eventBytesMax, context.takeRest, lines)
  const isPlain = encoding === 'utf-8' && bomBytes === 0 && isUtf8(chunk.subarray(0, linesEnd))
  if (isPlain) showPlain(chunk)
  else showDecoded(chunk, encoding)
  const { time, first } = readers
  first.state = position.open?.state ?? closedState
  // A stamp without a date goes on from the event before: the window says which, so that a second reading agrees.
  if (time !== undefined) time.previousUs = position.previousTime ?? Number.NaN
  groupLines(
    lines,
    shown,
    {
      first,
      time,
      readAt: context.readAt,
      torn: position.open?.torn ?? false,
      eventBytesMax,
      eventLinesMax,
      take: context.takeRest || (context.takeLines ?? false),
      chunkBytes: chunk.length,
      awaitsFirstStamp: time !== undefined && position.previousTime === undefined,
    },
    groups,
  )
  const told = {
    unstamped: groups.unstamped,
    run: groups.run,
    runStart: lines.start[groups.runFirst] as number,
    stamped: groups.stamped,
    holdsLines: groups.held < lines.count,
  }
  if (groups.count === 0) return { columns: newColumns(chunk, 0), next: position, ...told }
  if (isPlain && someJointIsCrlf()) showWithoutCr(chunk)
  const columns = newColumns(shown.text, groups.count)
  place(columns, chunk, position.offset, bomBytes, isPlain ? undefined : encoding)
  const next = fillIn(columns, position, readers, context)
  // Nothing of the process-wide arrays stays alive through the chunk's view.
  shown.text = noText
  return { columns, next: nextOf(next, position, bomBytes, linesEnd), ...told }
}

/** Valid UTF-8: the messages are the chunk's own bytes, nothing is copied. */
function showPlain(chunk: Buffer): void {
  shown.text = chunk
  shown.start = lines.start
  shown.end = lines.end
}

/** Any other encoding, and lines that are no valid UTF-8: the lines are decoded into a new buffer, joined by `\n`. */
function showDecoded(chunk: Buffer, encoding: Encoding): void {
  const parts: Buffer[] = []
  let length = 0
  for (let i = 0; i < lines.count; i++) {
    const start = lines.start[i] as number
    const end = lines.end[i] as number
    lineEncodings[i] = lineEncoding(chunk, start, end, encoding)
    const part = toUtf8(chunk, start, end, lineEncodings[i] as Encoding)
    length += part.length + 1
    parts.push(part)
  }
  const text = Buffer.allocUnsafeSlow(length)
  const start = new Uint32Array(lines.count)
  const end = new Uint32Array(lines.count)
  let at = 0
  for (const [i, part] of parts.entries()) {
    start[i] = at
    at += part.copy(text, at)
    end[i] = at
    text[at++] = lineFeed
  }
  Object.assign(shown, { text, start, end })
}

/** True when an event of several lines has a CR LF between two of them. */
function someJointIsCrlf(): boolean {
  for (let g = 0; g < groups.count; g++) {
    const last = groups.last[g] as number
    for (let i = groups.first[g] as number; i < last; i++) {
      if ((lines.next[i] as number) - (lines.end[i] as number) > 1) return true
    }
  }
  return false
}

/** The lines of valid UTF-8, joined by `\n`, in a new buffer. */
function showWithoutCr(chunk: Buffer): void {
  const count = groups.held
  // A line that was cut has no line end of its own, and each gets one here.
  const text = Buffer.allocUnsafeSlow(count === 0 ? 0 : (lines.next[count - 1] as number) + count)
  const start = new Uint32Array(count)
  const end = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    start[i] = at
    at += chunk.copy(text, at, lines.start[i], lines.end[i])
    end[i] = at
    text[at++] = lineFeed
  }
  Object.assign(shown, { text, start, end })
}

type Columns = ReturnType<typeof newColumns<Buffer>>

/** Where the events stand in the text and in the file; `encoding` is undefined for plain UTF-8. */
function place(
  columns: Columns,
  chunk: Buffer,
  offset: number,
  bomBytes: number,
  encoding: Encoding | undefined,
): void {
  const { text } = shown
  for (let g = 0; g < groups.count; g++) {
    const first = groups.first[g] as number
    const last = groups.last[g] as number
    // The byte order mark belongs to the first event's bytes, so that offset 0 is the file's first byte.
    const from = (lines.start[first] as number) - (first === 0 ? bomBytes : 0)
    const to = lines.next[last] as number
    const start = shown.start[first] as number
    const end = shown.end[last] as number
    columns.start[g] = start
    columns.length[g] = end - start
    columns.offset[g] = offset + from
    columns.bytes[g] = to - from
    if (encoding === undefined) {
      // Only CR LF can be lost between valid lines: nearly every event has none.
      if (first === last || (text === chunk && to - from - (end - start) <= 1)) continue
      const original = chunk.subarray(from, to)
      if (needsRaw(text.subarray(start, end), original, 'utf-8')) columns.raw.set(g, Buffer.from(original))
      continue
    }
    let own = encoding
    for (let i = first; i <= last && own === encoding; i++) own = lineEncodings[i] as Encoding
    const original = chunk.subarray(from, to)
    if (needsRaw(text.subarray(start, end), original, own)) columns.raw.set(g, Buffer.from(original))
    if (own !== encoding) columns.encodings.set(g, own)
  }
}

/** The event that parts of it may still follow. */
interface Head {
  readonly offset: number
  readonly time: number
  readonly level: number
}

interface Filled {
  readonly previousTime: number | undefined
  readonly head: Head | undefined
}

/** Times, levels and links. An event without a stamp of its own has the time of the event before it. */
function fillIn(columns: Columns, position: Position, readers: LineReaders, { generation, readAt }: Context): Filled {
  const { count } = columns
  const hasStamps = readers.time !== undefined
  let previousTime = position.previousTime
  let headIndex = -1
  let parts = 0
  let unknownTimes = 0
  for (let g = 0; g < count; g++) {
    const flags = groups.flags[g] as number
    if ((flags & isContinuation) !== 0) {
      const head = headOf(columns, headIndex, position)
      columns.time[g] = head?.time ?? previousTime ?? readAt
      columns.timeFrom[g] = timeFromPrevious
      columns.level[g] = head?.level ?? 0
      if (head !== undefined) columns.continues.set(g, recordId(generation, head.offset))
      if (headIndex < 0) parts = g + 1
      continue
    }
    const stamp = groups.time[g] as number
    if ((flags & isBlank) !== 0) {
      columns.time[g] = previousTime ?? readAt
      columns.timeFrom[g] = previousTime === undefined ? timeFromRead : timeFromPrevious
      continue
    }
    headIndex = g
    if (!Number.isNaN(stamp)) {
      if (previousTime === undefined) unknownTimes = g
      previousTime = stamp
      columns.time[g] = stamp
      columns.timeFrom[g] = timeFromLine
    } else {
      if (!hasStamps) previousTime = Math.max(previousTime ?? readAt, readAt)
      columns.time[g] = previousTime ?? readAt
      columns.timeFrom[g] = hasStamps && previousTime !== undefined ? timeFromPrevious : timeFromRead
    }
    columns.level[g] = levelOf(g, readers, Number.isNaN(stamp), flags)
  }
  // Lines above the first stamp of a file (a preamble) stand at that stamp: the moment of reading may be years later.
  // What continues an event that was sent before keeps the time of that one.
  for (let g = 0; g < unknownTimes; g++) {
    if (g < parts && ((groups.flags[g] as number) & isContinuation) !== 0) continue
    columns.time[g] = columns.time[unknownTimes] as number
    columns.timeFrom[g] = timeFromPrevious
  }
  return { previousTime, head: headOf(columns, headIndex, position) }
}

function headOf(columns: Columns, i: number, position: Position): Head | undefined {
  if (i < 0) return position.open
  return {
    offset: columns.offset[i] as number,
    time: columns.time[i] as number,
    level: columns.level[i] as number,
  }
}

/** From the event's first line, or its second where java.util.logging writes it there. */
function levelOf(g: number, readers: LineReaders, isUnstamped: boolean, flags: number): number {
  const first = groups.first[g] as number
  const line = readers.levelIsBelow ? first + 1 : first
  // In a file with stamps a line without one is part of another event: a word in it is no level.
  if (
    readers.level !== undefined &&
    line <= (groups.last[g] as number) &&
    !(isUnstamped && readers.time !== undefined)
  ) {
    const level = readers.level(shown.text, shown.start[line] as number, shown.end[line] as number)
    if (level !== 0) return level
  }
  const panics = readers.level === undefined ? holdsPanic : beginsWithPanic
  return (flags & panics) === 0 ? 0 : errorLevel
}

function nextOf({ previousTime, head }: Filled, position: Position, bomBytes: number, linesEnd: number): Position {
  const { held, torn, state } = groups
  const end = held < lines.count ? (lines.start[held] as number) - (held === 0 ? bomBytes : 0) : linesEnd
  return {
    offset: position.offset + end,
    previousTime,
    open: groups.open && head !== undefined ? { ...head, torn, state } : undefined,
  }
}

function byteOrderMarkBytes(chunk: Buffer, encoding: Encoding): number {
  if (encoding === 'utf-8') return chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? 3 : 0
  if (encoding === 'utf-16le') return chunk[0] === 0xff && chunk[1] === 0xfe ? 2 : 0
  if (encoding === 'utf-16be') return chunk[0] === 0xfe && chunk[1] === 0xff ? 2 : 0
  return chunk.length >= 4 && chunk.readUInt32BE(0) === 0x84319533 ? 4 : 0
}
