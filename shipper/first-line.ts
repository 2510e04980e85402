/**
 * Does a line begin an event, or does it go on with the one before? Pure; bytes only, as every line passes here.
 *
 * In a file with a learnt stamp the stamp says it. In a file without one a line begins an event unless it is
 * recognisably a part of the one before: what is indented, the frames and causes of Java, the tracebacks of Python, the
 * goroutines of Go, the traces of Node and JSON over several lines look alike in every program that writes them.
 */

import type { Multiline } from '../pipeline/path-settings.ts'

/** What `FirstLines.look` says of a line; the flags are added up. */
export const startsEvent = 1
/** Nothing continues the event that this line belongs to: nobody has to wait for what comes next. */
export const endsEvent = 2
/** The event reports a panic of Go. */
export const reportsPanic = 4

/** The state when there is no event that a line could go on with. */
export const closedState = 0

export interface FirstLines {
  /**
   * What the lines before say of the next one: a small number, kept in the checkpoint where an event was sent before it
   * was known to be complete. A line that begins an event leaves the same state whatever the state was before.
   */
  state: number
  /** `bytes[start, end)`: a line that is not blank, as UTF-8 without its line end. `stamped`: it has the learnt stamp. */
  look(bytes: Buffer, start: number, end: number, stamped: boolean): number
}

export interface FileKind {
  readonly multiline: Multiline
  readonly hasStamps: boolean
  /** The stamp stands in a JSON object. */
  readonly isJson: boolean
}

export function createFirstLines({ multiline, hasStamps, isJson }: FileKind): FirstLines {
  const mode = modes[multiline]
  const lines: FirstLines = { state: closedState, look }
  if (multiline === 'off') lines.look = () => startsEvent | endsEvent
  else if (hasStamps) lines.look = lookByStamp
  return lines

  function lookByStamp(bytes: Buffer, start: number, end: number, stamped: boolean): number {
    if (isJson && bytes[start] === braceOpen && bytes[end - 1] === braceClose) {
      lines.state = closedState
      return startsEvent | endsEvent
    }
    const panics = (mode & goLines) === 0 ? 0 : panicAt(bytes, start, end)
    const starts = stamped || lines.state === closedState || panics === startsEvent
    lines.state = text
    return (starts ? startsEvent : 0) | (panics === 0 ? 0 : reportsPanic)
  }

  function look(bytes: Buffer, start: number, end: number): number {
    const { state } = lines
    if (state === closedState) return begin(bytes, start, end)
    const kind = state & kindMask
    const first = bytes[start] as number
    if (first === blank || first === tab) {
      // A file whose events are indented themselves: only what is indented deeper goes on.
      if (indentOf(bytes, start, end) <= state >> kindBits && !isFrame(bytes, start, end)) {
        return begin(bytes, start, end)
      }
      if (kind === goHead && first === tab) return goOn(goFrames)
      if ((mode & nodeLines) !== 0 && isCaret(bytes, start, end)) return goOn(nodeCaret)
      return goOn(kind === nodeCaret || kind === pythonLink ? text : kind)
    }
    switch (first) {
      case 0x61: // a
        if ((mode & (javaLines | nodeLines)) !== 0 && isFrame(bytes, start, end)) return goOn(kind)
        break
      case 0x43: // C
        if ((mode & javaLines) !== 0 && begins(bytes, start, end, causedBy)) return goOn(text)
        break
      case 0x53: // S
        if ((mode & javaLines) !== 0 && begins(bytes, start, end, suppressed)) return goOn(text)
        break
      case dot:
        if ((mode & (javaLines | goLines)) !== 0 && isElided(bytes, start, end)) return goOn(kind)
        break
      case 0x54: // T
        if ((mode & pythonLines) === 0) break
        if (kind === pythonLink && begins(bytes, start, end, traceback)) return goOn(pythonBody)
        if (kind === pythonEnd && begins(bytes, start, end, directCause)) return goOn(pythonLink)
        break
      case 0x44: // D
        if (kind === pythonEnd && begins(bytes, start, end, duringHandling)) return goOn(pythonLink)
        break
      case 0x67: // g
        if ((mode & goLines) !== 0 && isGoroutine(bytes, start, end)) return goOn(goFrames) | reportsPanic
        break
      case bracketOpen:
        if (kind === goHead && begins(bytes, start, end, signal)) return goOn(kind)
        break
      case 0x65: // e
        if ((kind === goHead || kind === goFrames) && begins(bytes, start, end, exitStatus)) return close()
        break
      case 0x4e: // N
        if ((mode & nodeLines) !== 0 && begins(bytes, start, end, nodeVersion)) return close()
        break
      case braceClose:
      case bracketClose:
        if ((mode & nodeLines) === 0) break
        return kind === json && isCloser(bytes, start, end) ? close() : goOn(kind)
    }
    // The line that ends a traceback, and the one behind the source line of Node, may be any text.
    if (kind === pythonBody) return goOn(pythonEnd)
    if (kind === nodeCaret) return goOn(text)
    if (kind === goFrames && isGoFunction(bytes, start, end)) return goOn(kind)
    return begin(bytes, start, end)
  }

  function goOn(kind: number): number {
    lines.state = (lines.state & ~kindMask) | kind
    return 0
  }

  function close(): number {
    lines.state = closedState
    return endsEvent
  }

  function begin(bytes: Buffer, start: number, end: number): number {
    const indent = Math.min(indentOf(bytes, start, end), indentMax)
    let kind = text
    let flags = startsEvent
    switch (bytes[start + indent]) {
      case braceOpen:
      case bracketOpen: {
        if ((mode & nodeLines) === 0) break
        const closer = bytes[start + indent] === braceOpen ? braceClose : bracketClose
        if (end - start === indent + 1) kind = json
        else if (closer === braceClose && bytes[end - 1] === braceClose) {
          lines.state = closedState
          return startsEvent | endsEvent
        }
        break
      }
      case 0x54: // T
        if ((mode & pythonLines) !== 0 && begins(bytes, start + indent, end, traceback)) kind = pythonBody
        break
      case 0x66: // f
      case 0x67: // g
      case 0x70: // p
        if ((mode & goLines) !== 0 && panicAt(bytes, start, end) !== 0) {
          kind = bytes[start] === 0x67 ? goFrames : goHead
          flags |= reportsPanic
        }
    }
    lines.state = (indent << kindBits) | kind
    return flags
  }
}

const javaLines = 1
const pythonLines = 2
const goLines = 4
const nodeLines = 8
const allLines = javaLines | pythonLines | goLines | nodeLines
const modes: Readonly<Record<Multiline, number>> = {
  auto: allLines,
  docker: allLines,
  cri: allLines,
  java: javaLines,
  python: pythonLines,
  go: goLines,
  node: nodeLines,
  off: 0,
}

// A state is what the last line was, and beside it how deep the first line of its event is indented.
const kindBits = 4
const kindMask = 15
const indentMax = 255
const text = 1
/** Behind `Traceback (most recent call last):`. */
const pythonBody = 2
/** Behind the line that ends a traceback. */
const pythonEnd = 3
/** Behind the sentence that joins two tracebacks. */
const pythonLink = 4
/** Behind `panic: ` or `fatal error: `. */
const goHead = 5
/** Inside a goroutine. */
const goFrames = 6
/** Behind the carets under a source line. */
const nodeCaret = 7
/** Behind a line that is a brace or bracket alone. */
const json = 8

const blank = 0x20
const tab = 0x09
const dot = 0x2e
const braceOpen = 0x7b
const braceClose = 0x7d
const bracketOpen = 0x5b
const bracketClose = 0x5d

const frame = Buffer.from('at ')
const causedBy = Buffer.from('Caused by: ')
const suppressed = Buffer.from('Suppressed: ')
const elided = Buffer.from('...')
const traceback = Buffer.from('Traceback (most recent call last):')
const directCause = Buffer.from('The above exception was the direct cause of the following exception:')
const duringHandling = Buffer.from('During handling of the above exception, another exception occurred:')
const goroutine = Buffer.from('goroutine ')
const createdBy = Buffer.from('created by ')
const panic = Buffer.from('panic: ')
const fatalError = Buffer.from('fatal error: ')
const signal = Buffer.from('[signal ')
const exitStatus = Buffer.from('exit status ')
const nodeVersion = Buffer.from('Node.js v')

function begins(bytes: Buffer, start: number, end: number, expected: Buffer): boolean {
  if (end - start < expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false
  return true
}

/** Bytes of blanks and tabs at the beginning. */
function indentOf(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end && (bytes[i] === blank || bytes[i] === tab)) i++
  return i - start
}

/** `startsEvent` for what a dying Go program writes, `reportsPanic` for a goroutine's header, 0 for every other line. */
function panicAt(bytes: Buffer, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x70: // p
      return begins(bytes, start, end, panic) ? startsEvent : 0
    case 0x66: // f
      return begins(bytes, start, end, fatalError) ? startsEvent : 0
    case 0x67: // g
      return isGoroutine(bytes, start, end) ? reportsPanic : 0
    default:
      return 0
  }
}

/** `goroutine 1 [running]:` */
function isGoroutine(bytes: Buffer, start: number, end: number): boolean {
  if (!begins(bytes, start, end, goroutine)) return false
  let i = start + goroutine.length
  const digits = i
  while (i < end && isDigit(bytes[i] as number)) i++
  return i > digits && bytes[i] === blank && i + 1 < end && bytes[i + 1] === bracketOpen
}

/** `main.(*Job).run(0x1fe911a35db8, 0x0?)`, `created by net/http.(*Server).Serve in goroutine 21` */
function isGoFunction(bytes: Buffer, start: number, end: number): boolean {
  if (begins(bytes, start, end, createdBy)) return true
  if (bytes[end - 1] !== 0x29) return false
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x28) return i > start
    if (bytes[i] === blank) return false
  }
  return false
}

/** `at com.acme.Order.place(Order.java:12)`, `at /srv/app.js:10:9`; not `at noon the job began`. */
function isFrame(bytes: Buffer, start: number, end: number): boolean {
  const at = start + indentOf(bytes, start, end)
  if (!begins(bytes, at, end, frame)) return false
  const last = bytes[end - 1] as number
  if (last === 0x29 || last === bracketClose) return true
  let i = end
  while (i > at && isDigit(bytes[i - 1] as number)) i--
  // A place in a file, and no time of day.
  return i < end && bytes[i - 1] === 0x3a && !isDigit(bytes[at + frame.length] as number)
}

/** `... 12 more`, `...additional frames elided...` */
function isElided(bytes: Buffer, start: number, end: number): boolean {
  if (!begins(bytes, start, end, elided)) return false
  const last = bytes[end - 1]
  const isMore = bytes[start + 3] === blank && isDigit(bytes[start + 4] as number) && last === 0x65
  return isMore || (last === dot && end - start > 6)
}

/** Nothing but blanks and the carets that point into the source line above. */
function isCaret(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[end - 1] !== 0x5e) return false
  for (let i = start; i < end; i++) if (bytes[i] !== blank && bytes[i] !== tab && bytes[i] !== 0x5e) return false
  return true
}

/** `}`, `]`, `},` */
function isCloser(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 1 || (end - start === 2 && bytes[start + 1] === 0x2c)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
