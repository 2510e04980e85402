/**
 * Lines of a file → lines of the program inside: the wrapper is taken off, and texts that the runtime cut are put
 * together again. Pure. Places in the file stay those of the wrapped lines, so a line still knows its bytes.
 */
import { isUtf8 } from 'node:buffer'
import { type Encoding, toUtf8 } from '../pipeline/encoding.ts'
import { lineEncoding } from './encoding.ts'
import type { Lines } from './lines.ts'
import type { StampReader } from './timestamp.ts'
import { emptyUnwrapped, otherStream, type Unwrap, unwrapCri, unwrapDocker, type Wrapper } from './wrapper.ts'

/** Line i of the program: `text[textStart[i], textEnd[i])`, and where it stands in the chunk, as `Lines` has it. */
export interface WrappedLines {
  readonly lines: Lines
  readonly text: Buffer
  readonly textStart: Uint32Array
  readonly textEnd: Uint32Array
  readonly stream: Uint8Array
  /** µs; NaN where the line has no time. */
  readonly time: Float64Array
  /** Undefined when all lines are valid UTF-8. */
  readonly encodings: readonly Encoding[] | undefined
  /** Behind the last line, in the chunk: a text whose last piece is not there is left out. */
  readonly end: number
}

export interface UnwrapOptions {
  readonly wrapper: Wrapper
  readonly encoding: Encoding
  readonly time: StampReader
  readonly readAt: number
  /** A text of more than so many bytes in the file is cut between two pieces. */
  readonly eventBytesMax: number
  /** A text whose last piece is not there is taken as it is. */
  readonly takeRest: boolean
  /** The chunk begins inside a line whose beginning was let go by itself. */
  readonly insideLine: boolean
  /** Behind the last of `lines` in the chunk. */
  readonly linesEnd: number
}

const unwraps: Readonly<Record<Wrapper, Unwrap>> = { docker: unwrapDocker, cri: unwrapCri }
const found = emptyUnwrapped()

/** The lines of the program in `chunk`, whose lines in the file are `lines`. A line without a wrapper is taken as it is. */
export function unwrapLines(chunk: Buffer, lines: Lines, options: UnwrapOptions): WrappedLines {
  const { eventBytesMax, readAt, time } = options
  const { count } = lines
  const unwrap = unwraps[options.wrapper]
  const raw = Buffer.allocUnsafeSlow(chunk.length + count)
  const textStart = new Uint32Array(count)
  const textEnd = new Uint32Array(count)
  const stream = new Uint8Array(count)
  const times = new Float64Array(count)
  const out: Lines = {
    count: 0,
    start: new Uint32Array(count),
    end: new Uint32Array(count),
    next: new Uint32Array(count),
  }
  let to = 0
  /** The text that pieces are still added to. */
  let pieces = false
  let insideLine = options.insideLine

  const begin = (i: number, ofStream: number, at: number): void => {
    const n = out.count
    out.start[n] = lines.start[i] as number
    textStart[n] = to
    stream[n] = ofStream
    times[n] = at
  }
  const finish = (end: number, next: number): void => {
    const n = out.count++
    out.end[n] = end
    out.next[n] = next
    textEnd[n] = to
    raw[to++] = 0x0a
    pieces = false
  }
  const cutBefore = (i: number): void => finish(lines.next[i - 1] as number, lines.next[i - 1] as number)

  for (let i = 0; i < count; i++) {
    const start = lines.start[i] as number
    const end = lines.end[i] as number
    const next = lines.next[i] as number
    const isCut = next === end
    if (isCut || insideLine || !unwrap(chunk, start, end, raw, to, found)) {
      if (pieces) cutBefore(i)
      begin(i, otherStream, Number.NaN)
      to += chunk.copy(raw, to, start, end)
      finish(end, next)
      insideLine = isCut
      continue
    }
    const isOver = pieces && next - (out.start[out.count] as number) > eventBytesMax
    if (pieces && (isOver || stream[out.count] !== found.stream)) {
      // The piece was written right behind the text that turns out to be cut: it makes room for the line feed.
      raw.copyWithin(to + 1, to, found.textEnd++)
      cutBefore(i)
    }
    if (!pieces) begin(i, found.stream, time(chunk, found.timeStart, found.timeEnd, readAt))
    to = found.textEnd
    pieces = true
    if (!found.partial) finish(end, next)
  }
  let behind = options.linesEnd
  if (pieces) {
    const start = out.start[out.count] as number
    // So much of it that a chunk holds nothing else is not waited for.
    if (options.takeRest || chunk.length - start > eventBytesMax) cutBefore(count)
    else behind = start
  }
  const decoded = decode(raw.subarray(0, to), out.count, textStart, textEnd, options.encoding)
  return { lines: out, textStart, textEnd, stream, time: times, end: behind, ...decoded }
}

/** The lines as UTF-8, joined by line feeds; their places are changed where they had to be decoded. */
function decode(raw: Buffer, count: number, starts: Uint32Array, ends: Uint32Array, encoding: Encoding) {
  if (encoding === 'utf-8' && isUtf8(raw)) return { text: raw, encodings: undefined }
  const encodings: Encoding[] = []
  const parts: Buffer[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const [start, end] = [starts[i] as number, ends[i] as number]
    const own = lineEncoding(raw, start, end, encoding)
    const part = toUtf8(raw, start, end, own)
    encodings.push(own)
    parts.push(part, lineFeed)
    starts[i] = at
    at += part.length
    ends[i] = at++
  }
  return { text: Buffer.concat(parts), encodings }
}

const lineFeed = Buffer.from('\n')
