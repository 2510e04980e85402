/** What a chunk of lines teaches about its file: encoding, stamp and level. Pure. */
import { type Encoding, toUtf8 } from '../pipeline/encoding.ts'
import type { Multiline } from '../pipeline/path-settings.ts'
import { detectEncoding } from './encoding.ts'
import { codeUnitOf, type Events, type Reading, wrapperStamp } from './events.ts'
import { learnLevel } from './level.ts'
import { emptyLines, splitLines } from './lines.ts'
import { createStampReader, learnStamp } from './timestamp.ts'
import { unwrapLines } from './wrapped-lines.ts'
import { otherStream, type Wrapper, wrappers } from './wrapper.ts'

const learnLinesMax = 64
export const learnBytesMax = 64 * 1024
/** So many lines in a row without the learnt stamp, none of them a stack frame, and the file is learnt again. */
export const unstampedLinesMax = 256

const lines = emptyLines()

export interface Settings {
  readonly timezone: string
  readonly eventBytesMax: number
  readonly eventLinesMax: number
  readonly multiline: Multiline
  /** Undefined: it is found. */
  readonly encoding?: Encoding | undefined
}

/** How a file is read before anything was seen of it. */
export function unlearnt(settings: Settings, referenceUs: number): Reading {
  const nothing = { encodingSure: false, stamp: undefined, level: undefined, learntFromLines: 0, wrapper: undefined }
  return withSettings({ ...nothing, referenceUs, ...settings, encoding: 'utf-8' }, settings)
}

/** The reading under other settings. What was found stays; what the settings said until now is found from here on. */
export function withSettings(reading: Reading, settings: Settings): Reading {
  const { encoding, ...others } = settings
  const wrapper = wrapperSaid(settings.multiline) ?? (settings.multiline === 'off' ? undefined : reading.wrapper)
  return {
    ...reading,
    ...others,
    ...(encoding === undefined ? {} : { encoding, encodingSure: true, encodingSaid: true }),
    ...(encoding === undefined && reading.encodingSaid ? { encodingSure: false, encodingSaid: false } : {}),
    // The shapes were those of other texts.
    ...(wrapper === reading.wrapper ? {} : { wrapper, stamp: undefined, level: undefined, learntFromLines: 0 }),
  }
}

function wrapperSaid(multiline: Multiline): Wrapper | undefined {
  return wrappers.find((wrapper) => wrapper === multiline)
}

/**
 * True while so little of the file was seen that it is learnt from its beginning again: what one line seemed to be, a
 * stamp in a preamble or a date in a message, the next ones may prove wrong.
 */
export function wantsLearningFromStart(reading: Reading, offset: number): boolean {
  if (offset >= learnBytesMax) return false
  return reading.learntFromLines < learnLinesMax
}

/** True when the next chunk should be learnt from. */
export function wantsLearning(reading: Reading, unstamped: number, chunkIsAscii: boolean): boolean {
  if (!reading.encodingSure && !chunkIsAscii) return true
  return unstamped >= unstampedLinesMax
}

/**
 * The reading after looking at `chunk`, which stands at `offset` in its file. From the beginning of a file everything
 * is learnt anew; further on what was known stays where the chunk does not say clearly that it changed: a long stack
 * trace teaches nothing.
 */
export function learn(reading: Reading, chunk: Buffer, offset: number): Reading {
  const found = reading.encodingSure ? undefined : detectEncoding(chunk.subarray(0, learnBytesMax), offset === 0)
  const encoding = found?.encoding ?? reading.encoding
  const bomBytes = offset === 0 ? (found?.bomBytes ?? 0) : 0
  const head = chunk.subarray(0, bomBytes + learnBytesMax)
  // A line that is not finished says little, unless there is no other.
  splitLines(head, bomBytes, codeUnitOf(encoding), learnBytesMax, false, lines)
  const wrapper = offset === 0 ? wrapperOf(reading, head, encoding) : reading.wrapper
  if (lines.count === 0) splitLines(head, bomBytes, codeUnitOf(encoding), learnBytesMax, true, lines)
  const seen = Math.min(lines.count, learnLinesMax)
  const { text, start, end, count } =
    wrapper === undefined ? asUtf8(head, encoding, seen) : unwrapped(reading, wrapper, head, encoding, seen)
  const { timezone: zone, referenceUs } = reading
  const current = offset === 0 ? undefined : reading.stamp
  const newStamp = learnStamp(text, start, end, count, { zone, referenceUs, current })
  const stamp = newStamp ?? current
  const isKept = current !== undefined && newStamp === undefined
  return {
    ...reading,
    encoding,
    encodingSure: reading.encodingSure || (found?.sure ?? false),
    wrapper,
    stamp,
    level: isKept && reading.level !== undefined ? reading.level : learnLevel(text, start, end, count, stamp),
    learntFromLines: newStamp !== undefined && offset > 0 ? learnLinesMax : Math.max(reading.learntFromLines, seen),
  }
}

/**
 * A program may change how it writes in the middle of a file: a server's own lines, then those of what it serves. When
 * `events` of `chunk` end with a long run of lines without the learnt stamp, and these have another, returns how they
 * are read and where in the chunk they begin: the window has to end there. `before`: the run that came before the chunk.
 */
export function changeOf(
  reading: Reading,
  chunk: Buffer,
  offset: number,
  events: Events,
  before: number,
): { readonly reading: Reading; readonly at: number } | undefined {
  const run = events.run + (events.stamped ? 0 : before)
  if (reading.stamp === undefined || run < unstampedLinesMax || events.run === 0) return undefined
  if (offset + events.runStart === 0) return undefined
  const changed = learn(reading, chunk.subarray(events.runStart), offset + events.runStart)
  return changed.stamp === reading.stamp ? undefined : { reading: changed, at: events.runStart }
}

function asUtf8(head: Buffer, encoding: Reading['encoding'], count: number) {
  if (encoding === 'utf-8') return { text: head, start: lines.start, end: lines.end, count }
  const messages = Array.from({ length: count }, (_, i) =>
    toUtf8(head, lines.start[i] as number, lines.end[i] as number, encoding),
  )
  const start = new Uint32Array(count)
  const end = new Uint32Array(count)
  let at = 0
  for (const [i, message] of messages.entries()) {
    start[i] = at
    at += message.length
    end[i] = at
  }
  return { text: Buffer.concat(messages), start, end, count }
}

/** What is around each of the first lines; none, when one of them has another or none. */
function wrapperOf(reading: Reading, head: Buffer, encoding: Encoding): Wrapper | undefined {
  if (reading.multiline === 'off' || lines.count === 0 || encoding.startsWith('utf-16')) return undefined
  const said = wrapperSaid(reading.multiline)
  if (said !== undefined) return said
  const seen = Math.min(lines.count, learnLinesMax)
  return wrappers.find((wrapper) => {
    const { stream, lines: inside } = unwrapped(reading, wrapper, head, encoding, seen)
    return !stream.subarray(0, inside.count).includes(otherStream)
  })
}

function unwrapped(reading: Reading, wrapper: Wrapper, head: Buffer, encoding: Encoding, seen: number) {
  const time = createStampReader(wrapperStamp, { zone: reading.timezone, referenceUs: reading.referenceUs })
  const first = { ...lines, count: seen }
  const inside = unwrapLines(head, first, {
    wrapper,
    encoding,
    time,
    readAt: Number.POSITIVE_INFINITY,
    eventBytesMax: learnBytesMax,
    takeRest: true,
    insideLine: false,
    linesEnd: head.length,
  })
  return { ...inside, start: inside.textStart, end: inside.textEnd, count: inside.lines.count }
}
