/**
 * Lines that a container's runtime wraps around those of its program. Pure; bytes only.
 *
 * Docker's `json-file` driver writes `{"log":"text\n","stream":"stdout","time":"2016-10-06T00:17:09.669794202Z"}` (moby,
 * daemon/logger/jsonfilelog), with `"attrs":{…}` before the time where labels are asked for; a text of more than 16 KiB is
 * several lines of which only the last has its `\n`. The runtimes of Kubernetes write
 * `2016-10-06T00:17:09.669794202Z stdout F text` (kubernetes, kubelet CRI logging), with `P` for `F` where the text goes on.
 */

export const wrappers = ['docker', 'cri'] as const
export type Wrapper = (typeof wrappers)[number]

/** Streams of a wrapped file; `otherStream` has the lines that no wrapper is around. */
export const outStream = 0
export const errorStream = 1
export const otherStream = 2

/** What is found of one line; used again for the next. */
export interface Unwrapped {
  stream: number
  /** The next line of this stream goes on with the text. */
  partial: boolean
  /** Place of the time in the line's bytes. */
  timeStart: number
  timeEnd: number
  /** Behind the text in the buffer that it was written to. */
  textEnd: number
}

export function emptyUnwrapped(): Unwrapped {
  return { stream: outStream, partial: false, timeStart: 0, timeEnd: 0, textEnd: 0 }
}

/**
 * Writes the text of the line `bytes[start, end)` to `text` from `at` on, where it needs no more room than in the line.
 * False for a line that has no such wrapper.
 */
export type Unwrap = (bytes: Buffer, start: number, end: number, text: Buffer, at: number, found: Unwrapped) => boolean

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a
const carriageReturn = 0x0d
const blank = 0x20

const dockerHead = Buffer.from('{"log":"')
const dockerStream = Buffer.from(',"stream":"')
const dockerAttributes = Buffer.from(',"attrs":{')
const dockerTime = Buffer.from(',"time":"')
const outName = Buffer.from('stdout')
const errorName = Buffer.from('stderr')

export const unwrapDocker: Unwrap = (bytes, start, end, text, at, found) => {
  if (end - start < 40 || bytes[end - 1] !== 0x7d || bytes[end - 2] !== quote) return false
  if (!holds(bytes, start, end, dockerHead)) return false
  let i = start + dockerHead.length
  let to = at
  for (let run = i; ; ) {
    const byte = bytes[i]
    if (i >= end || byte === undefined) return false
    if (byte !== quote && byte !== backslash) {
      i++
      continue
    }
    to += bytes.copy(text, to, run, i)
    if (byte === quote) break
    const behind = readEscape(bytes, i, end, text, to)
    if (behind < 0) return false
    to = writtenTo
    i = run = behind
  }
  i++
  if (!holds(bytes, i, end, dockerStream)) return false
  i += dockerStream.length
  const stream = streamAt(bytes, i, end)
  i += outName.length
  if (stream < 0 || bytes[i++] !== quote) return false
  const timeStart = bytes.lastIndexOf(quote, end - 3) + 1
  const timeAt = timeStart - dockerTime.length
  if (timeAt < i || !holds(bytes, timeAt, end, dockerTime)) return false
  if (timeAt > i && !holds(bytes, i, timeAt, dockerAttributes)) return false
  if (!isTime(bytes, timeStart, end - 2)) return false
  found.stream = stream
  found.timeStart = timeStart
  found.timeEnd = end - 2
  found.partial = to === at || text[to - 1] !== lineFeed
  if (!found.partial) {
    to--
    if (to > at && text[to - 1] === carriageReturn) to--
  }
  found.textEnd = to
  return true
}

export const unwrapCri: Unwrap = (bytes, start, end, text, at, found) => {
  const timeEnd = start + 19 > end ? -1 : bytes.indexOf(blank, start + 19)
  if (timeEnd < 0 || timeEnd - start > 40 || !isTime(bytes, start, timeEnd)) return false
  let i = timeEnd + 1
  const stream = streamAt(bytes, i, end)
  i += outName.length
  if (stream < 0 || bytes[i++] !== blank || i >= end) return false
  const tag = bytes[i++]
  if (tag !== 0x46 && tag !== 0x50) return false
  // Further tags follow behind colons.
  if (bytes[i] === 0x3a) while (i < end && bytes[i] !== blank) i++
  if (i < end && bytes[i++] !== blank) return false
  found.stream = stream
  found.timeStart = start
  found.timeEnd = timeEnd
  found.partial = tag === 0x50
  found.textEnd = at + bytes.copy(text, at, i, end)
  return true
}

/** Looks like RFC 3339; what it means in time is read where it is needed. */
function isTime(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 20) return false
  const dashes = bytes[start + 4] === 0x2d && bytes[start + 7] === 0x2d
  return dashes && bytes[start + 10] === 0x54 && bytes[start + 13] === 0x3a && bytes[start + 16] === 0x3a
}

function streamAt(bytes: Buffer, at: number, end: number): number {
  if (holds(bytes, at, end, outName)) return outStream
  return holds(bytes, at, end, errorName) ? errorStream : -1
}

function holds(bytes: Buffer, at: number, end: number, expected: Buffer): boolean {
  if (end - at < expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

/** Behind what `readEscape` wrote. */
let writtenTo = 0

const escapes: Readonly<Record<number, number>> = {
  [quote]: quote,
  [backslash]: backslash,
  47: 47, // /
  98: 8, // b
  102: 12, // f
  110: lineFeed, // n
  114: carriageReturn, // r
  116: 9, // t
}

/** Writes what the escape of a JSON string (RFC 8259 §7) at `at` means; returns what is behind it, -1 for none. */
function readEscape(bytes: Buffer, at: number, end: number, text: Buffer, to: number): number {
  const letter = bytes[at + 1]
  if (at + 1 >= end || letter === undefined) return -1
  if (letter !== 0x75) {
    const meant = escapes[letter]
    if (meant === undefined) return -1
    text[to] = meant
    writtenTo = to + 1
    return at + 2
  }
  let code = hexAt(bytes, at + 2, end)
  if (code < 0) return -1
  let behind = at + 6
  if (code >= 0xd800 && code < 0xe000) {
    const low =
      code < 0xdc00 && bytes[behind] === backslash && bytes[behind + 1] === 0x75 ? hexAt(bytes, behind + 2, end) : 0
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      behind += 6
    } else code = 0xfffd
  }
  writtenTo = to + text.write(String.fromCodePoint(code), to, 'utf8')
  return behind
}

function hexAt(bytes: Buffer, at: number, end: number): number {
  if (at + 4 > end) return -1
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] as number
    const letter = byte | 0x20
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}
