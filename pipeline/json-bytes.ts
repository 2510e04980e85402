/**
 * The fields of a JSON object from its bytes to the bytes of their JSON: what `fieldsOf` (pipeline/fields.ts) says of such a
 * message, without parsing it into objects. What is rare is left to it: see `false` below.
 */

import { type FieldSink, hashOf, hashSeed } from './field-sink.ts'
import { fieldDepthMax, fieldNameUnitsMax, fieldsMax, fieldValueUnitsMax } from './fields.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const dot = 0x2e
const equals = 0x3d
const backslash = 0x5c
const closingBrace = 0x7d
/** Behind the object; `fieldsOf` has a bound of that size too. */
const blanksMax = 64

/** Escapes that JSON.stringify writes too: the others have to be written anew. */
const sameEscapes = new Uint8Array(256)
for (const byte of Buffer.from('"\\bfnrt')) sameEscapes[byte] = 1

// The flattened name of where the scan is, and by depth its length and hash. Used from beginning to end of one call only.
const path = new Uint8Array(fieldNameUnitsMax + 1)
const lengths = new Int32Array(fieldDepthMax + 1)
const hashes = new Int32Array(fieldDepthMax + 1)

/**
 * Writes the fields of the object whose brace is at `from`. False when `fieldsOf` has to say what they are: no JSON, a name
 * that comes twice, names with escapes, digits in front or beyond ASCII, values with other escapes than JSON.stringify's,
 * arrays with more than scalars in them, or a bound that is reached. What was written then is void.
 */
export function putJson(sink: FieldSink, text: Uint8Array, from: number, end: number): boolean {
  if (text[from] !== 0x7b) return false
  let depth = 0
  lengths[0] = 0
  hashes[0] = hashSeed
  let at = skipBlanks(text, from + 1, end)
  /** True directly behind an opening brace, where no key must follow. */
  let empty = true
  for (;;) {
    if (!empty || at >= end || text[at] !== closingBrace) {
      at = key(sink, text, at, end, depth)
      if (at === -1) return false
      if (text[at] === 0x7b) {
        if (++depth >= fieldDepthMax) return false
        at = skipBlanks(text, at + 1, end)
        empty = true
        continue
      }
      at = text[at] === 0x5b ? array(sink, text, at, end, depth) : only(sink, text, at, end, depth)
      if (at === -1) return false
      at = skipBlanks(text, at, end)
    }
    for (; at < end && text[at] === closingBrace; depth--) {
      const behind = at + 1
      at = skipBlanks(text, behind, end)
      if (depth === 0) return at === end && end - behind < blanksMax && sink.count < fieldsMax
    }
    if (at >= end || text[at] !== comma) return false
    at = skipBlanks(text, at + 1, end)
    empty = false
  }
}

function skipBlanks(text: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end) {
    const byte = text[at] as number
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    at++
  }
  return at
}

/** Takes the key at `at` into the path; returns where its value begins, or -1. */
function key(sink: FieldSink, text: Uint8Array, from: number, end: number, depth: number): number {
  if (from >= end || text[from] !== quote) return -1
  let length = lengths[depth] as number
  let hash = hashes[depth] as number
  if (depth > 0) {
    if (length >= fieldNameUnitsMax) return -1
    path[length++] = dot
    hash = hashOf(hash, dot)
  }
  let at = from + 1
  const first = text[at] as number
  // An object lists names that are numbers first.
  if (first === quote || (first >= 0x30 && first <= 0x39)) return -1
  for (; at < end; at++) {
    const byte = text[at] as number
    if (byte === quote) break
    if (byte < 0x20 || byte >= 0x80 || byte === backslash || byte === equals || length >= fieldNameUnitsMax) return -1
    path[length++] = byte
    hash = hashOf(hash, byte)
  }
  if (!sink.claim(hash)) return -1
  lengths[depth + 1] = length
  hashes[depth + 1] = hash
  at = skipBlanks(text, at + 1, end)
  if (at >= end || text[at] !== colon) return -1
  at = skipBlanks(text, at + 1, end)
  return at < end ? at : -1
}

/** A value that is no object and no array; returns its end, or -1. */
function only(sink: FieldSink, text: Uint8Array, from: number, end: number, depth: number): number {
  const before = sink.out.at
  sink.open(path, 0, lengths[depth + 1] as number)
  const start = sink.out.at
  const at = scalar(sink, text, from, end)
  if (at === -1) return -1
  if (sink.out.at - start <= fieldValueUnitsMax) {
    sink.close()
    return at
  }
  // Too long, if bytes are units: no escapes, nothing beyond ASCII.
  if (sink.wide || text.subarray(from, at).includes(backslash)) return -1
  sink.out.at = before
  return at
}

/** An array of scalars: values of one name. */
function array(sink: FieldSink, text: Uint8Array, from: number, end: number, depth: number): number {
  let at = skipBlanks(text, from + 1, end)
  if (at < end && text[at] === 0x5d) return at + 1
  sink.open(path, 0, lengths[depth + 1] as number)
  for (;;) {
    const start = sink.out.at
    at = at < end ? scalar(sink, text, at, end) : -1
    if (at === -1 || sink.out.at - start > fieldValueUnitsMax) return -1
    at = skipBlanks(text, at, end)
    if (at >= end) return -1
    if (text[at] === 0x5d) break
    if (text[at] !== comma) return -1
    at = skipBlanks(text, at + 1, end)
    sink.between()
  }
  sink.close()
  return at + 1
}

function scalar(sink: FieldSink, text: Uint8Array, from: number, end: number): number {
  const first = text[from] as number
  if (first === quote) return string(sink, text, from, end)
  const to = first === 0x2d || (first >= 0x30 && first <= 0x39) ? numberEnd(text, from, end) : wordEnd(text, from, end)
  if (to === -1) return -1
  const bytes = sink.out.bytes
  let at = sink.out.at
  for (let i = from; i < to; i++) bytes[at++] = text[i] as number
  sink.out.at = at
  return to
}

/** Copies a string's inside as it is; returns the place behind its quote, or -1. */
function string(sink: FieldSink, text: Uint8Array, from: number, end: number): number {
  const bytes = sink.out.bytes
  let to = sink.out.at
  for (let at = from + 1; at < end; at++) {
    const byte = text[at] as number
    if (byte === quote) {
      sink.out.at = to
      return at + 1
    }
    if (byte < 0x20) return -1
    if (byte >= 0x80) sink.wide = true
    bytes[to++] = byte
    if (byte !== backslash) continue
    const escaped = at + 1 < end ? (text[++at] as number) : 0
    if (sameEscapes[escaped] === 0) return -1
    bytes[to++] = escaped
  }
  return -1
}

/** Where the number ends (RFC 8259, section 6), or -1. What may stand behind it is for the caller to see. */
function numberEnd(text: Uint8Array, from: number, end: number): number {
  let at = text[from] === 0x2d ? from + 1 : from
  const whole = at
  at = digitsEnd(text, at, end)
  if (at === whole || (text[whole] === 0x30 && at > whole + 1)) return -1
  if (at < end && text[at] === dot) {
    const fraction = at + 1
    at = digitsEnd(text, fraction, end)
    if (at === fraction) return -1
  }
  if (at < end && ((text[at] as number) | 0x20) === 0x65) {
    const sign = text[at + 1]
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = digitsEnd(text, exponent, end)
    if (at === exponent) return -1
  }
  return at
}

function digitsEnd(text: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && (text[at] as number) >= 0x30 && (text[at] as number) <= 0x39) at++
  return at
}

const words = ['true', 'false', 'null'].map((word) => Buffer.from(word))

function wordEnd(text: Uint8Array, from: number, end: number): number {
  for (const word of words) {
    if (text[from] !== word[0]) continue
    const to = from + word.length
    if (to > end) return -1
    for (let i = 1; i < word.length; i++) if (text[from + i] !== word[i]) return -1
    return to
  }
  return -1
}
