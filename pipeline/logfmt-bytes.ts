/**
 * `key=value` pairs from the bytes of a message to the bytes of their JSON: what `fieldsOf` (pipeline/fields.ts) says of
 * such a message, step by step, without its strings. What is rare is left to it.
 */
import { putEscapedByte } from './byte-writer.ts'
import { type FieldSink, hashOf, hashSeed } from './field-sink.ts'
import { fieldNameUnitsMax, fieldsMax, fieldValueUnitsMax } from './fields.ts'

const nameStart = 1
const nameUnit = 2
const boundary = 4
/** Ends a bare value. */
const bareEnd = 8
/** Ends a bare value when another pair follows. */
const separator = 16
/** Is cut off from the end of a bare value. */
const trailing = 32

const kinds = new Uint8Array(256)
function mark(kind: number, characters: string): void {
  for (const byte of Buffer.from(characters)) kinds[byte] = (kinds[byte] as number) | kind
}
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@$'
mark(nameStart | nameUnit, letters)
mark(nameUnit, '0123456789./-')
mark(boundary, '\t\n\v\f\r ,;|[({')
mark(bareEnd, '\t\n\v\f\r "')
mark(separator, ',;|')
mark(trailing, ',;|)]}')

const quote = 0x22
const equals = 0x3d
const greater = 0x3e
const backslash = 0x5c
const bareUnitsMax = 2 * fieldValueUnitsMax

/** Length of the white space beyond ASCII that begins at `at`, 0 when there is none (the `\s` of a RegExp, as UTF-8). */
function wideSpace(text: Uint8Array, at: number, end: number): number {
  const first = text[at] as number
  if (first === 0xc2) return at + 1 < end && text[at + 1] === 0xa0 ? 2 : 0
  if (at + 2 >= end || first < 0xe1 || (first > 0xe3 && first !== 0xef)) return 0
  const second = text[at + 1] as number
  const third = text[at + 2] as number
  if (first === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0
  if (first === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0
  if (first === 0xef) return second === 0xbb && third === 0xbf ? 3 : 0
  if (second === 0x81) return third === 0x9f ? 3 : 0
  if (second !== 0x80) return 0
  return (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0
}

/** A name may begin at `at`. */
function isBoundary(sink: FieldSink, text: Uint8Array, from: number, at: number): boolean {
  if (at === from) return true
  const before = text[at - 1] as number
  if (before < 0x80) return ((kinds[before] as number) & boundary) !== 0
  sink.wide = true
  return (at - 2 >= from && wideSpace(text, at - 2, at) === 2) || (at - 3 >= from && wideSpace(text, at - 3, at) === 3)
}

/** Where the bare value behind `from` ends, or -2 when someone slower has to say. */
function bareValueEnd(sink: FieldSink, text: Uint8Array, from: number, end: number): number {
  let wide = false
  let at = from
  /** The last separator, as long as a name stands behind it. */
  let candidate = -1
  for (; at < end; at++) {
    const byte = text[at] as number
    const kind = kinds[byte] as number
    if ((kind & bareEnd) !== 0) break
    if (at - from === bareUnitsMax) {
      if (wide) return -2
      break
    }
    if (byte >= 0x80) {
      wide = true
      sink.wide = true
      if (wideSpace(text, at, end) > 0) break
    }
    if ((kind & separator) !== 0) candidate = at
    else if (candidate !== -1) {
      if (byte === equals && at > candidate + 1) return valueOrSlow(wide, from, candidate)
      if ((kind & (at === candidate + 1 ? nameStart : nameUnit)) === 0) candidate = -1
    }
  }
  if (at > from && ((kinds[text[at - 1] as number] as number) & trailing) !== 0) at = trimmedEnd(text, from, at)
  return valueOrSlow(wide, from, at)
}

/** In bytes a value beyond ASCII is longer than in the units that the bound is in. */
function valueOrSlow(wide: boolean, from: number, end: number): number {
  return wide && end - from > fieldValueUnitsMax ? -2 : end
}

/** Without separators at the end, and without brackets that were opened before the value. */
function trimmedEnd(text: Uint8Array, from: number, to: number): number {
  // By round, square and curly: closers that have no opener.
  let round = 0
  let square = 0
  let curly = 0
  for (let i = from; i < to; i++) {
    const byte = text[i] as number
    if (byte === 0x29) round++
    else if (byte === 0x28) round--
    else if (byte === 0x5d) square++
    else if (byte === 0x5b) square--
    else if (byte === 0x7d) curly++
    else if (byte === 0x7b) curly--
  }
  let end = to
  for (; end > from; end--) {
    const last = text[end - 1] as number
    if (last === 0x29 ? round-- > 0 : last === 0x5d ? square-- > 0 : last === 0x7d && curly-- > 0) continue
    if (((kinds[last] as number) & separator) === 0) break
  }
  return end
}

/** Where the value that begins at `from`, behind its quote, is closed; -1 = never, -2 = someone slower has to say. */
function closingQuote(text: Uint8Array, from: number, end: number): number {
  const limit = Math.min(end, from + bareUnitsMax + 1)
  let seen = 0
  for (let at = from; at < limit; at++) {
    const byte = text[at] as number
    if (byte === quote) return at
    seen |= byte
    if (byte === backslash && at + 1 < limit) seen |= text[++at] as number
  }
  return seen >= 0x80 && limit < end ? -2 : -1
}

/** Writes what stands between quotes, as JSON; returns its length, bytes: no less than its length in UTF-16 units. */
function putQuoted(sink: FieldSink, text: Uint8Array, from: number, end: number): number {
  const bytes = sink.out.bytes
  let to = sink.out.at
  let length = 0
  for (let at = from; at < end; at++) {
    let byte = text[at] as number
    if (byte === backslash && at + 1 < end) {
      byte = text[++at] as number
      if (byte === 0x6e) byte = 0x0a
      else if (byte === 0x74) byte = 0x09
      else if (byte !== quote && byte !== backslash) {
        // Of what is no escape the backslash stays.
        to = putEscapedByte(bytes, to, backslash)
        length++
      }
    }
    if (byte >= 0x80) sink.wide = true
    to = putEscapedByte(bytes, to, byte)
    length++
  }
  sink.out.at = to
  return length
}

function putBare(sink: FieldSink, text: Uint8Array, from: number, end: number): number {
  let to = sink.out.at
  for (let at = from; at < end; at++) to = putEscapedByte(sink.out.bytes, to, text[at] as number)
  sink.out.at = to
  return end - from
}

/**
 * Writes the fields of text[from..end), of which `first` is the first `=`. False when `fieldsOf` has to say what they are;
 * what was written then is void. Needs the room that `fieldsRoom` says.
 */
export function putLogfmt(sink: FieldSink, text: Uint8Array, from: number, end: number, first: number): boolean {
  const { out } = sink
  let behind = from
  let at = first
  while (at < end && sink.count < fieldsMax) {
    const sign = at++
    if (text[sign] !== equals) continue
    let start = sign
    let hash = hashSeed
    while (start > behind && sign - start <= fieldNameUnitsMax) {
      const byte = text[start - 1] as number
      if (((kinds[byte] as number) & nameUnit) === 0) break
      hash = hashOf(hash, byte)
      start--
    }
    if (start === sign || ((kinds[text[start] as number] as number) & nameStart) === 0) continue
    if (!isBoundary(sink, text, from, start)) continue

    const quoted = at < end && text[at] === quote
    const valueStart = quoted ? at + 1 : at
    const valueEnd = quoted ? closingQuote(text, valueStart, end) : bareValueEnd(sink, text, at, end)
    if (valueEnd === -2) return false
    // `a == b`, `a => b` and `a=` are code, not pairs.
    if (quoted ? valueEnd === -1 : valueEnd === at || text[at] === equals || text[at] === greater) continue
    at = behind = quoted ? valueEnd + 1 : valueEnd
    if (sign - start > fieldNameUnitsMax) continue

    const before = out.at
    sink.open(text, start, sign)
    const length = quoted ? putQuoted(sink, text, valueStart, valueEnd) : putBare(sink, text, valueStart, valueEnd)
    if (length > fieldValueUnitsMax) {
      // Beyond ASCII it may be short enough in the units of the bound.
      if (sink.wide) return false
      out.at = before
      continue
    }
    if (!sink.claim(hash)) return false
    sink.close()
  }
  return true
}
