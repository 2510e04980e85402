/**
 * Finding parts of a line without making strings: its head, its words, its JSON keys, its logfmt keys. Pure.
 * Positions are byte indexes into the buffer that the line stands in; -1 is "not there".
 */

/** A stamp or a level stands in the head of its line; further right is the message, which is not ours to read. */
export const headBytesMax = 256
/** Keys are looked for this far only: container runtimes write `time` behind the line that they wrap (16 KiB). */
export const keyBytesMax = 64 * 1024

const blank = 0x20
const tab = 0x09
const quote = 0x22
const backslash = 0x5c
const escapeByte = 0x1b

/** Behind an ANSI control sequence (ECMA-48: `ESC [`, parameters, one final byte) at `at`, or `at` when there is none. */
export function behindAnsi(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== escapeByte || at + 1 >= end || bytes[at + 1] !== 0x5b) return at
  let i = at + 2
  while (i < end && (bytes[i] as number) < 0x40) i++
  return i < end ? i + 1 : end
}

/** Where the text of a line begins: behind the NULs of a copytruncate, a byte order mark and colour codes. */
export function headOf(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end) {
    const byte = bytes[i] as number
    if (byte > escapeByte && byte < 0x80) return i
    if (byte === 0) i++
    else if (byte === escapeByte) {
      const behind = behindAnsi(bytes, i, end)
      if (behind === i) return i
      i = behind
    } else if (byte === 0xef && bytes[i + 1] === 0xbb && bytes[i + 2] === 0xbf) i += 3
    else return i
  }
  return end
}

/** Behind what may stand before a stamp without a blank: brackets, quotes, colour codes, a syslog priority `<34>`. */
export function behindOpeners(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end) {
    const byte = bytes[i] as number
    if (byte >= 0x30 && byte <= 0x39) return i
    if (byte === 0x5b || byte === 0x28 || byte === quote || byte === 0x27) i++
    else if (byte === escapeByte) {
      const behind = behindAnsi(bytes, i, end)
      if (behind === i) return i
      i = behind
    } else if (byte === 0x3c) {
      const behind = behindPriority(bytes, i, end)
      if (behind === i) return i
      i = behind
    } else return i
  }
  return end
}

/** Behind a syslog priority (RFC 3164 §4.1.1: `<`, one to three digits, `>`) at `at`, or `at` when there is none. */
export function behindPriority(bytes: Buffer, at: number, end: number): number {
  let i = at + 1
  while (i < end && i < at + 4 && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i++
  return i > at + 1 && i < end && bytes[at] === 0x3c && bytes[i] === 0x3e ? i + 1 : at
}

/** Start of the `index`-th part between blanks, within the head. */
export function partAt(bytes: Buffer, start: number, end: number, index: number): number {
  const stop = end - start > headBytesMax ? start + headBytesMax : end
  let i = start
  for (let n = 0; ; n++) {
    while (i < stop && (bytes[i] === blank || bytes[i] === tab)) i++
    if (i >= stop) return -1
    if (n === index) return i
    while (i < stop && bytes[i] !== blank && bytes[i] !== tab) i++
  }
}

const separators = new Uint8Array(256)
for (const separator of [0, ...Buffer.from(' \t[](){}|<>"\'')]) separators[separator] = 1

export function isSeparator(byte: number): boolean {
  return separators[byte] === 1
}

/**
 * Start of the `index`-th word of the line, within the head: words are separated by blanks, brackets, bars, quotes and
 * colour codes, so `[INFO ]` and `INFO` are the same word.
 */
export function wordAt(bytes: Buffer, start: number, end: number, index: number): number {
  const from = headOf(bytes, start, end)
  const stop = end - from > headBytesMax ? from + headBytesMax : end
  let i = from
  for (let n = 0; ; n++) {
    while (i < stop) {
      const byte = bytes[i] as number
      if (separators[byte] === 1) i++
      else if (byte === escapeByte) {
        const behind = behindAnsi(bytes, i, stop)
        i = behind === i ? i + 1 : behind
      } else break
    }
    if (i >= stop) return -1
    if (n === index) return i
    while (i < stop && separators[bytes[i] as number] === 0 && bytes[i] !== escapeByte) i++
  }
}

/**
 * Start of the `index`-th group of the line, within the head: a group is a word between blanks or everything in one
 * pair of brackets, so a thread's name may have blanks. Points behind the opening bracket.
 */
export function groupAt(bytes: Buffer, start: number, end: number, index: number): number {
  const from = headOf(bytes, start, end)
  const stop = end - from > headBytesMax ? from + headBytesMax : end
  let i = from
  for (let n = 0; ; n++) {
    while (i < stop && (bytes[i] === blank || bytes[i] === tab || bytes[i] === 0x5d || bytes[i] === 0x29)) i++
    if (i >= stop) return -1
    const opener = bytes[i]
    const closer = opener === 0x5b ? 0x5d : opener === 0x28 ? 0x29 : 0
    if (closer !== 0) i++
    if (n === index) {
      while (i < stop && bytes[i] === blank) i++
      return i < stop ? i : -1
    }
    if (closer !== 0) while (i < stop && bytes[i] !== closer) i++
    else while (i < stop && bytes[i] !== blank && bytes[i] !== 0x5b) i++
  }
}

/** A key as it is learnt: `log.level` is the key `level` inside the object `log`, or the key with that very name. */
export interface KeyPath {
  readonly whole: Buffer
  readonly parts: readonly Buffer[]
}

export function keyPath(key: string): KeyPath {
  return { whole: Buffer.from(key), parts: key.split('.').map((part) => Buffer.from(part)) }
}

/** Start of the value of a key of the JSON object that the line is, or that begins in its head (behind a prefix). */
export function jsonValue(bytes: Buffer, start: number, end: number, key: KeyPath): number {
  const head = objectIn(bytes, start, end)
  if (head < 0) return -1
  const found = memberOf(bytes, head, end, key.whole)
  if (found >= 0 || key.parts.length === 1) return found
  let at = head
  for (const part of key.parts) {
    if (bytes[at] !== 0x7b) return -1
    at = memberOf(bytes, at, end, part)
    if (at < 0) return -1
  }
  return at
}

/** The opening brace of the line's JSON object. */
export function objectIn(bytes: Buffer, start: number, end: number): number {
  const from = headOf(bytes, start, end)
  const stop = end - from > headBytesMax ? from + headBytesMax : end - 1
  for (let i = from; i < stop; i++) {
    if (bytes[i] === 0x7b && (bytes[i + 1] === quote || bytes[i + 1] === blank)) return i
  }
  return -1
}

/** Start of the value of the member `key` of the object at `object` (its brace). Members of inner objects do not count. */
function memberOf(bytes: Buffer, object: number, end: number, key: Buffer): number {
  const stop = end - object > keyBytesMax ? object + keyBytesMax : end
  const length = key.length
  const first = key[0]
  let depth = 0
  let keyMayFollow = false
  for (let i = object; i < stop; i++) {
    const byte = bytes[i] as number
    if (byte === quote) {
      const from = i + 1
      if (
        keyMayFollow &&
        bytes[from] === first &&
        from + length < stop &&
        bytes[from + length] === quote &&
        sameBytes(bytes, from, key)
      ) {
        const value = behindColon(bytes, from + length + 1, stop)
        if (value >= 0) return value
      }
      i = closingQuote(bytes, from, stop)
      keyMayFollow = false
    } else if (byte === 0x2c) keyMayFollow = depth === 1
    else if (byte === 0x7b) keyMayFollow = ++depth === 1
    else if (byte === 0x5b) {
      depth++
      keyMayFollow = false
    } else if (byte === 0x7d || byte === 0x5d) {
      if (--depth === 0) return -1
    }
  }
  return -1
}

function closingQuote(bytes: Buffer, from: number, stop: number): number {
  let i = from
  while (i < stop) {
    const byte = bytes[i]
    if (byte === quote) return i
    i += byte === backslash ? 2 : 1
  }
  return stop
}

function sameBytes(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 1; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

function behindColon(bytes: Buffer, at: number, stop: number): number {
  let i = at
  while (i < stop && bytes[i] === blank) i++
  if (i >= stop || bytes[i] !== 0x3a) return -1
  i++
  while (i < stop && bytes[i] === blank) i++
  return i < stop ? i : -1
}

/** Start of the value of `key=` in a logfmt line, behind an opening quote; keys inside quoted values do not count. */
export function logfmtValue(bytes: Buffer, start: number, end: number, key: Buffer): number {
  const from = headOf(bytes, start, end)
  const stop = end - from > headBytesMax * 4 ? from + headBytesMax * 4 : end
  const length = key.length
  let i = from
  while (i < stop) {
    while (i < stop && (bytes[i] === blank || bytes[i] === tab)) i++
    if (bytes[i] === key[0] && i + length < stop && bytes[i + length] === 0x3d && sameBytes(bytes, i, key)) {
      const value = i + length + 1
      return bytes[value] === quote ? value + 1 : value
    }
    while (i < stop && bytes[i] !== blank) {
      if (bytes[i] === quote) i = closingQuote(bytes, i + 1, stop)
      i++
    }
  }
  return -1
}
