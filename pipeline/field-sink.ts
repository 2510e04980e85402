/** Where the fields of one message go as JSON: `"name":["value"]` behind each other, each name once. */
import type { ByteWriter } from './byte-writer.ts'
import { fieldsMax } from './fields.ts'

/** A power of two, and twice the most names that a message can have. */
const slots = 2 * fieldsMax

export class FieldSink {
  readonly out: ByteWriter
  /** Fields that were written for this message. */
  count = 0
  /** True when something was taken over that is only right if the message is UTF-8. */
  wide = false
  #names = 0
  // A slot counts when it bears this message's mark, so that nothing is cleared between two messages.
  #mark = 0
  readonly #marks = new Int32Array(slots)
  readonly #hashes = new Int32Array(slots)

  constructor(out: ByteWriter) {
    this.out = out
  }

  begin(): void {
    this.count = 0
    this.wide = false
    this.#names = 0
    this.#mark = (this.#mark + 1) | 0
  }

  /**
   * Takes a name by its hash. False when it was there before, when another one has the same hash, or when there are too
   * many: then the values have to be grouped, and someone slower does that.
   */
  claim(hash: number): boolean {
    if (++this.#names > fieldsMax) return false
    let slot = (hash ^ (hash >>> 15)) & (slots - 1)
    while (this.#marks[slot] === this.#mark) {
      if (this.#hashes[slot] === hash) return false
      slot = (slot + 1) & (slots - 1)
    }
    this.#marks[slot] = this.#mark
    this.#hashes[slot] = hash
    return true
  }

  /** Writes `,"name":["`; the name is text[from..to), in which nothing needs an escape. */
  open(text: Uint8Array, from: number, to: number): void {
    const bytes = this.out.bytes
    let at = this.out.at
    if (this.count > 0) bytes[at++] = 44
    bytes[at++] = 34
    for (let i = from; i < to; i++) bytes[at++] = text[i] as number
    bytes[at++] = 34
    bytes[at++] = 58
    bytes[at++] = 91
    bytes[at++] = 34
    this.out.at = at
  }

  /** Writes `","`: another value of the same name follows. */
  between(): void {
    const bytes = this.out.bytes
    let at = this.out.at
    bytes[at++] = 34
    bytes[at++] = 44
    bytes[at++] = 34
    this.out.at = at
    this.count++
  }

  /** Writes `"]` behind the last value of a name. */
  close(): void {
    const bytes = this.out.bytes
    let at = this.out.at
    bytes[at++] = 34
    bytes[at++] = 93
    this.out.at = at
    this.count++
  }
}

/** The same as `"name=value"` behind each other, names in lower case (they are ASCII here): what an index looks up. */
export class PairSink extends FieldSink {
  /** Where the name stands in what was written. */
  #name = 0
  #nameEnd = 0

  override open(text: Uint8Array, from: number, to: number): void {
    const bytes = this.out.bytes
    let at = this.out.at
    if (this.count > 0) bytes[at++] = 44
    bytes[at++] = 34
    this.#name = at
    for (let i = from; i < to; i++) {
      const byte = text[i] as number
      bytes[at++] = byte >= 65 && byte <= 90 ? byte + 32 : byte
    }
    bytes[at++] = 61
    this.#nameEnd = at
    this.out.at = at
  }

  override between(): void {
    const bytes = this.out.bytes
    let at = this.out.at
    bytes[at++] = 34
    bytes[at++] = 44
    bytes[at++] = 34
    bytes.copyWithin(at, this.#name, this.#nameEnd)
    this.out.at = at + this.#nameEnd - this.#name
    this.count++
  }

  override close(): void {
    this.out.bytes[this.out.at++] = 34
    this.count++
  }
}

/** The hash of a name, byte by byte (FNV-1a). */
export const hashSeed = 0x811c9dc5 | 0
export function hashOf(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}
