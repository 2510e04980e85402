/**
 * A buffer that grows and is used again: what answers and messages are written into, byte by byte. Pure.
 * Fields are open on purpose: the writers of formats (record-json.ts, the export) hold `bytes` and `at` in local
 * variables inside their loops, which is most of their speed.
 */

/** More than any answer or message needs for its fixed parts; callers reserve their own bound on top. */
const firstBytes = 64 * 1024

export class ByteWriter {
  bytes: Buffer
  /** The same memory, for writing several bytes at once. */
  words: DataView<ArrayBufferLike>
  /** How many bytes are written. */
  at = 0
  readonly #capacity: number

  constructor(capacity = firstBytes) {
    this.#capacity = Math.max(16, capacity)
    this.bytes = Buffer.allocUnsafeSlow(this.#capacity)
    this.words = wordsOf(this.bytes)
  }

  /** Makes room for `more` bytes behind `at`. `bytes` may be another buffer afterwards. */
  reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.at + more, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
    this.words = wordsOf(grown)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** Bytes as they are. */
  copy(source: Uint8Array): void {
    this.reserve(source.length)
    this.bytes.set(source, this.at)
    this.at += source.length
  }

  /** A string as UTF-8. */
  text(value: string): void {
    this.reserve(value.length * 3)
    this.at += this.bytes.write(value, this.at)
  }

  /** What is written, as a view that the next write or `reset` overwrites. */
  view(): Buffer {
    return this.bytes.subarray(0, this.at)
  }

  /** Starts over in the same buffer. */
  reset(): void {
    this.at = 0
  }

  /** Gives what is written away for good and goes on in a new buffer of the first size: for streams that keep it. */
  detach(): Buffer {
    const written = this.view()
    this.bytes = Buffer.allocUnsafeSlow(this.#capacity)
    this.words = wordsOf(this.bytes)
    this.at = 0
    return written
  }
}

/** The memory of `bytes` from its first byte on. */
export function wordsOf(bytes: Uint8Array): DataView<ArrayBufferLike> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Writes a whole number from 0 to 2^53 in decimal into `out` at `at`, which must have room for 16 digits; returns the end. */
export function putDigits(out: Uint8Array, at: number, value: number): number {
  // Two halves, so that each division is one of 32-bit integers.
  if (value >= 1e9) {
    const high = Math.floor(value / 1e9)
    return putPadded(out, putDigits(out, at, high), value - high * 1e9, 9)
  }
  const rest = value | 0
  let digits = 1
  for (let bound = 10; digits < 9 && rest >= bound; bound *= 10) digits++
  return putPadded(out, at, rest, digits)
}

/** Writes `value` (below 10^digits ≤ 10^9) with leading zeros; returns the end. */
export function putPadded(out: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0
  for (let place = at + digits - 1; place >= at; place--) {
    const tenth = (rest / 10) | 0
    out[place] = 48 + rest - tenth * 10
    rest = tenth
  }
  return at + digits
}

// What stands behind the backslash for each byte in JSON; 0 = the byte stands for itself, 117 (u) = four hex digits follow.
const escapes = new Uint8Array(256)
escapes.fill(117, 0, 32)
for (const [byte, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
  [34, '"'],
  [92, '\\'],
] as const) {
  escapes[byte] = letter.charCodeAt(0)
}
const hex = Buffer.from('0123456789abcdef')

/** Writes a byte as a part of a JSON string, six bytes at most; returns the end. */
export function putEscapedByte(out: Uint8Array, at: number, byte: number): number {
  const escaped = escapes[byte] as number
  if (escaped === 0) {
    out[at] = byte
    return at + 1
  }
  out[at] = 92
  out[at + 1] = escaped
  if (escaped !== 117) return at + 2
  out[at + 2] = 48
  out[at + 3] = 48
  out[at + 4] = hex[byte >> 4] as number
  out[at + 5] = hex[byte & 15] as number
  return at + 6
}

/** Writes times as `formatTime` does, with the day's text kept from one call to the next: in a back-fill every second is another. */
export class TimeWriter {
  #day = Number.NaN
  /** `2016-05-16T` */
  readonly #text = Buffer.alloc(11)

  /** Writes 27 bytes (`2016-05-16T12:47:10.000000Z`), for which there must be room; returns the end. */
  put(out: Uint8Array, at: number, timeUs: number): number {
    const second = Math.floor(timeUs / 1e6)
    const day = Math.floor(second / 86_400)
    if (day !== this.#day) {
      // Years of five digits have another form: no time of an event comes near them.
      this.#text.write(new Date(day * 86_400_000).toISOString(), 0, 11, 'latin1')
      this.#day = day
    }
    const text = this.#text
    for (let i = 0; i < 11; i++) out[at + i] = text[i] as number
    const secondOfDay = (second - day * 86_400) | 0
    const minute = (secondOfDay / 60) | 0
    const hour = (minute / 60) | 0
    putPadded(out, at + 11, hour, 2)
    out[at + 13] = 58
    putPadded(out, at + 14, minute - hour * 60, 2)
    out[at + 16] = 58
    putPadded(out, at + 17, secondOfDay - minute * 60, 2)
    out[at + 19] = 46
    const end = putPadded(out, at + 20, timeUs - second * 1e6, 6)
    out[end] = 90
    return end + 1
  }
}
