/**
 * Which encoding a file is in, found from its bytes. Pure.
 * Chinese programs write UTF-8 and GBK side by side, even into one file, so a file has an encoding and a line may have
 * another.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { Encoding } from '../pipeline/encoding.ts'

export interface DetectedEncoding {
  readonly encoding: Encoding
  /** Length of the byte order mark at the beginning of the file; 0 anywhere else. */
  readonly bomBytes: number
  /** False while nothing but ASCII (or bytes of no encoding) was seen: look again when more was read. */
  readonly sure: boolean
}

/** Below this share of NULs on one side of the code units, text is not UTF-16: a log has blanks, digits, line ends. */
const nulShareMin = 0.03
/** One valid line of UTF-8 in this many lines of GB18030 is no accident: the file is mixed, and read as UTF-8. */
const mixedShareMin = 0.1

/**
 * From the first bytes of a file, or (with `fromFileStart` false, from an even offset) of what was read of it: a byte
 * order mark; the NULs of UTF-16; valid UTF-8; GB18030 by its content; else UTF-8, as lines with stray bytes are common
 * (nginx copies them from requests). Lines that do not fit the answer are the business of `lineEncoding`.
 */
export function detectEncoding(head: Buffer, fromFileStart: boolean): DetectedEncoding {
  if (fromFileStart) {
    const marked = byteOrderMark(head)
    if (marked !== undefined) return marked
  }
  const wide = utf16Of(head)
  if (wide !== undefined) return { encoding: wide, bomBytes: 0, sure: true }
  if (isAscii(head)) return { encoding: 'utf-8', bomBytes: 0, sure: false }

  let utf8Lines = 0
  let gbLines = 0
  // What was cut at the beginning of the head is no line; at its end only the torn character counts as missing.
  let start = fromFileStart ? 0 : behindTornCharacter(head)
  while (start < head.length) {
    const lineFeed = head.indexOf(0x0a, start)
    const isLast = lineFeed < 0
    const line = head.subarray(start, isLast ? head.length : lineFeed)
    start = isLast ? head.length : lineFeed + 1
    if (isAscii(line)) continue
    if (isUtf8(isLast ? withoutTornCharacter(line) : line)) utf8Lines++
    else if (isGb18030Text(line, 0, line.length, isLast)) gbLines++
  }
  const encoding = gbLines > 0 && utf8Lines < gbLines * mixedShareMin ? 'gb18030' : 'utf-8'
  return { encoding, bomBytes: 0, sure: utf8Lines + gbLines > 0 }
}

/**
 * The encoding of one line of a file: the file's, unless the line is not valid in it but is in the other one. A line
 * that is neither keeps the file's encoding (its message has U+FFFD, and the record its bytes).
 */
export function lineEncoding(bytes: Buffer, start: number, end: number, fileEncoding: Encoding): Encoding {
  if (fileEncoding === 'utf-8') {
    if (isUtf8(bytes.subarray(start, end))) return 'utf-8'
    return isGb18030Text(bytes, start, end, false) ? 'gb18030' : 'utf-8'
  }
  if (fileEncoding === 'gb18030' && isChineseUtf8(bytes, start, end)) return 'utf-8'
  return fileEncoding
}

function byteOrderMark(head: Buffer): DetectedEncoding | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', bomBytes: 3, sure: true }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', bomBytes: 2, sure: true }
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', bomBytes: 2, sure: true }
  if (head[0] === 0x84 && head[1] === 0x31 && head[2] === 0x95 && head[3] === 0x33) {
    return { encoding: 'gb18030', bomBytes: 4, sure: true }
  }
  return undefined
}

/** In UTF-16 the ASCII characters have their NULs all on one side; the hole that a copytruncate leaves has them on both. */
function utf16Of(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  let even = 0
  let odd = 0
  let first = 0
  while (first < head.length && head[first] === 0) first++
  for (let i = head.indexOf(0, first); i >= 0 && i < head.length; i++) {
    if (head[i] !== 0) continue
    if ((i & 1) === 0) even++
    else odd++
  }
  const enough = Math.max(3, (head.length / 2) * nulShareMin)
  // Some of the other side are characters like 一 (U+4E00).
  if (odd >= enough && even * 2 <= odd) return 'utf-16le'
  if (even >= enough && odd * 2 <= even) return 'utf-16be'
  return undefined
}

/** Behind the last bytes of a UTF-8 character whose beginning was cut off. */
function behindTornCharacter(head: Buffer): number {
  let i = 0
  while (i < 3 && i < head.length && ((head[i] as number) & 0xc0) === 0x80) i++
  return i
}

/** The line without a UTF-8 character whose end was cut off. */
function withoutTornCharacter(line: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= line.length; back++) {
    const byte = line[line.length - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? line.subarray(0, line.length - back) : line
  }
  return line
}

/**
 * True for lines that are valid GB18030 and look like text: no control characters, and at least half of the two-byte
 * characters from GB2312 (the characters that people write; random bytes rarely hit its rows).
 * `mayBeCut`: the line may end inside a character.
 */
function isGb18030Text(bytes: Buffer, start: number, end: number, mayBeCut: boolean): boolean {
  let pairs = 0
  let common = 0
  let i = start
  while (i < end) {
    const lead = bytes[i] as number
    if (lead < 0x80) {
      if (lead < 0x20 && !isTextControl(lead)) return false
      i++
      continue
    }
    if (lead === 0x80 || lead === 0xff) return false
    if (i + 1 >= end) return mayBeCut && common * 2 >= pairs
    const trail = bytes[i + 1] as number
    if (trail >= 0x30 && trail <= 0x39) {
      if (i + 3 >= end) return mayBeCut && common * 2 >= pairs
      const third = bytes[i + 2] as number
      const fourth = bytes[i + 3] as number
      if (third < 0x81 || third === 0xff || fourth < 0x30 || fourth > 0x39) return false
      i += 4
      continue
    }
    if (trail < 0x40 || trail === 0x7f || trail === 0xff) return false
    pairs++
    if (trail >= 0xa1 && ((lead >= 0xb0 && lead <= 0xf7) || (lead >= 0xa1 && lead <= 0xa3))) common++
    i += 2
  }
  return common * 2 >= pairs
}

/** NUL (copytruncate), tab, form feed, CR and the escape of colour codes stand in text files. */
function isTextControl(byte: number): boolean {
  return byte === 0 || byte === 0x09 || byte === 0x0c || byte === 0x0d || byte === 0x1b
}

/**
 * True for a line whose characters outside ASCII are all valid UTF-8 of three bytes or more. Short words of GBK are now
 * and then valid UTF-8 of two bytes (模 is C4 A3), hardly ever of three.
 */
function isChineseUtf8(bytes: Buffer, start: number, end: number): boolean {
  let found = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte < 0x80) continue
    if (byte < 0xe0) return false
    found = true
    i += byte >= 0xf0 ? 3 : 2
  }
  return found && isUtf8(bytes.subarray(start, end))
}
