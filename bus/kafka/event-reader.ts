/**
 * Messages of a topic → event batches. Pure.
 *
 * Messages that Shiplog wrote have one form (pipeline/record-json.ts), and those of one origin agree in all but six
 * places: there the bytes are compared with those of the message before, digits are read where they stand and the
 * text is copied, with no string and no object for an event. Any other message (another program wrote it, or a version
 * to come, with more fields) is parsed as JSON and checked; what is no record is given back with the reason.
 */
import { columnsOf, type EventBatch, newColumns, type Origin } from '../../pipeline/event-batch.ts'
import { type LogRecord, levels, parseTime, timeOrigins } from '../../pipeline/record.ts'
import { eventOf, originOf, whyNoRecord } from '../../pipeline/record-parse.ts'

/** Events of one origin in one batch; more make another. */
const eventsMax = 16_384

const quote = 34
const comma = 44
const colon = 58
const backslash = 92

const timeMark = Buffer.from('","time":"')
const timeFromMark = Buffer.from('Z","timeFrom":"')
const bytesMark = Buffer.from(',"bytes":')
const levelMark = Buffer.from(',"level":"')
const messageMark = Buffer.from('","message":"')

/** What the messages of the last origin have in common. */
interface Shape {
  readonly origin: Origin
  /** `{"v":1,"id":"<generation>-` */
  readonly head: Buffer
  /** `"readAt":…,"offset":` */
  readonly middle: Buffer
  /** Behind the message: `"` or `","encoding":"…"`, and `}`. */
  readonly tail: Buffer
}

export class EventReader {
  readonly #batches: EventBatch[] = []
  #shape: Shape | undefined
  #text: Buffer = Buffer.allocUnsafeSlow(64 * 1024)
  #textBytes = 0
  #columns = newColumns(Buffer.alloc(0), eventsMax)
  #count = 0
  /** `2016-05-16T` and when that day began, µs. */
  #day = Buffer.alloc(11)
  #dayUs = Number.NaN
  /** The first backslash of `#searched` from `#escapeFrom` on: looked for once for all messages before it. */
  #searched: Buffer | undefined
  #escapeFrom = 0
  #escapeAt = 0
  /** Memory of what is read and not yet taken, about. */
  bytes = 0
  events = 0

  /** Reads the message bytes[start, end). Returns why it is no record, or undefined. */
  read(bytes: Buffer, start: number, end: number): string | undefined {
    const before = this.#textBytes
    this.bytes += end - start
    this.events++
    if (this.#readAlike(bytes, start, end)) return undefined
    this.#textBytes = before
    const why = this.#readAny(bytes.toString('utf8', start, end))
    if (why !== undefined) this.events--
    return why
  }

  /** What was read since the last call. */
  take(): EventBatch[] {
    this.#finish()
    this.bytes = 0
    this.events = 0
    return this.#batches.splice(0)
  }

  #finish(): void {
    const count = this.#count
    if (count === 0 || this.#shape === undefined) return
    const text = Buffer.allocUnsafeSlow(this.#textBytes)
    this.#text.copy(text, 0, 0, this.#textBytes)
    const { start, length, offset, bytes, time, timeFrom, level } = this.#columns
    this.#batches.push({
      count,
      text,
      start: start.slice(0, count),
      length: length.slice(0, count),
      offset: offset.slice(0, count),
      bytes: bytes.slice(0, count),
      time: time.slice(0, count),
      timeFrom: timeFrom.slice(0, count),
      level: level.slice(0, count),
      continues: new Map(),
      raw: new Map(),
      encodings: new Map(),
      origin: this.#shape.origin,
    })
    this.#count = 0
    this.#textBytes = 0
  }

  /** False when it is not in all else like the message before it. */
  #readAlike(bytes: Buffer, start: number, end: number): boolean {
    const shape = this.#shape
    if (shape === undefined || this.#count === eventsMax) return false
    const { head, middle, tail } = shape
    let at = start + head.length
    if (!holds(bytes, start, head)) return false
    const offsetAt = at
    at = digitsEnd(bytes, at)
    const offset = numberAt(bytes, offsetAt, at)
    if (!holds(bytes, at, timeMark)) return false
    at += timeMark.length
    const time = this.#timeAt(bytes, at)
    if (Number.isNaN(time)) return false
    at += 26
    if (!holds(bytes, at, timeFromMark)) return false
    at += timeFromMark.length
    const timeFrom = nameIndexAt(bytes, at, originNames)
    if (timeFrom < 0) return false
    at += (originNames[timeFrom] as Buffer).length
    // `","timeFrom":"line",` goes on with what all messages of the origin have.
    if (bytes[at] !== quote || bytes[at + 1] !== comma || !holds(bytes, at + 2, middle)) return false
    at += 2 + middle.length
    // The offset once more, after the same number of digits.
    const sameEnd = digitsEnd(bytes, at)
    if (numberAt(bytes, at, sameEnd) !== offset || !holds(bytes, sameEnd, bytesMark)) return false
    at = sameEnd + bytesMark.length
    const bytesEnd = digitsEnd(bytes, at)
    const length = numberAt(bytes, at, bytesEnd)
    if (!holds(bytes, bytesEnd, levelMark)) return false
    at = bytesEnd + levelMark.length
    const level = nameIndexAt(bytes, at, levelNames)
    if (level < 0) return false
    at += (levelNames[level] as Buffer).length
    if (!holds(bytes, at, messageMark)) return false
    at += messageMark.length
    const messageEnd = end - tail.length
    if (messageEnd < at || !holds(bytes, messageEnd, tail)) return false
    const textStart = this.#textBytes
    if (!this.#unescape(bytes, at, messageEnd)) return false
    const i = this.#count++
    const columns = this.#columns
    columns.start[i] = textStart
    columns.length[i] = this.#textBytes - textStart
    columns.offset[i] = offset
    columns.bytes[i] = length
    columns.time[i] = time
    columns.timeFrom[i] = timeFrom
    columns.level[i] = level
    return true
  }

  /** µs of `2016-05-16T12:47:10.000000` at `at`, or NaN. The day is parsed once for all its events. */
  #timeAt(bytes: Buffer, at: number): number {
    if (!holds(bytes, at, this.#day)) {
      const day = parseTime(`${bytes.toString('latin1', at, at + 11)}00:00:00Z`)
      if (Number.isNaN(day)) return Number.NaN
      this.#day = Buffer.from(bytes.subarray(at, at + 11))
      this.#dayUs = day
    }
    const hour = twoDigits(bytes, at + 11)
    const minute = twoDigits(bytes, at + 14)
    const second = twoDigits(bytes, at + 17)
    const isTime = hour < 24 && minute < 60 && second < 60
    if (!isTime || bytes[at + 13] !== colon || bytes[at + 16] !== colon || bytes[at + 19] !== 46) return Number.NaN
    const end = digitsEnd(bytes, at + 20)
    if (end !== at + 26) return Number.NaN
    return this.#dayUs + ((hour * 60 + minute) * 60 + second) * 1e6 + numberAt(bytes, at + 20, end)
  }

  #nextEscape(bytes: Buffer, from: number): number {
    if (bytes !== this.#searched || from < this.#escapeFrom || from > this.#escapeAt) {
      const found = bytes.indexOf(backslash, from)
      this.#searched = bytes
      this.#escapeFrom = from
      this.#escapeAt = found < 0 ? bytes.length : found
    }
    return this.#escapeAt
  }

  /**
   * Appends the inside of a JSON string to the text. False when it is none: an unescaped quote means that the message
   * ends earlier than the message before it did, and has something else behind it.
   */
  #unescape(bytes: Buffer, start: number, end: number): boolean {
    this.#reserve(end - start)
    const firstQuote = bytes.indexOf(quote, start)
    const firstEscape = this.#nextEscape(bytes, start)
    // The message's own closing quote stands at `end`; -1 cannot be, as that was looked at.
    if (firstEscape >= end) {
      if (firstQuote < end) return false
      this.#textBytes += bytes.copy(this.#text, this.#textBytes, start, end)
      return true
    }
    const text = this.#text
    if (firstQuote < firstEscape) return false
    let to = this.#textBytes + bytes.copy(this.#text, this.#textBytes, start, firstEscape)
    for (let at = firstEscape; at < end; ) {
      const byte = bytes[at] as number
      if (byte === quote) return false
      if (byte !== backslash) {
        text[to++] = byte
        at++
        continue
      }
      const escaped = simpleEscapes[bytes[at + 1] as number] as number
      if (escaped !== 0) {
        text[to++] = escaped
        at += 2
        continue
      }
      // \u00XX is what Shiplog writes; any other is left to a JSON parser.
      const code = Number.parseInt(bytes.toString('latin1', at + 2, at + 6), 16)
      if (bytes[at + 1] !== 117 || !(code < 128) || at + 6 > end) return false
      text[to++] = code
      at += 6
    }
    this.#textBytes = to
    return true
  }

  #reserve(more: number): void {
    if (this.#textBytes + more <= this.#text.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#textBytes + more, this.#text.length * 2))
    this.#text.copy(grown, 0, 0, this.#textBytes)
    this.#text = grown
  }

  /** The slow way, which also teaches the shape of those that come. */
  #readAny(json: string): string | undefined {
    let parsed: unknown
    try {
      parsed = JSON.parse(json)
    } catch (error) {
      return `no JSON: ${error instanceof Error ? error.message : String(error)}`
    }
    const why = whyNoRecord(parsed)
    if (why !== undefined) return why
    const record = parsed as LogRecord
    this.#finish()
    const shape = shapeOf(record)
    const { origin } = shape
    const event = eventOf(record)
    const isPlain = event.continues === undefined && event.raw === undefined
    if (!isPlain) {
      this.#batches.push({ ...columnsOf([event]), origin })
      // Of the same origin as those before it: what follows is most probably like them.
      return undefined
    }
    this.#shape = shape
    this.#reserve(event.message.length)
    this.#text.set(event.message, this.#textBytes)
    const columns = this.#columns
    columns.start[0] = this.#textBytes
    columns.length[0] = event.message.length
    columns.offset[0] = event.offset
    columns.bytes[0] = event.bytes
    columns.time[0] = event.time
    columns.timeFrom[0] = event.timeFrom as number
    columns.level[0] = event.level as number
    this.#textBytes += event.message.length
    this.#count = 1
    return undefined
  }
}

function shapeOf(record: LogRecord): Shape {
  const { generation, encoding = 'utf-8' } = record
  const { cluster, app, instance, host, dir, file } = record
  const rest = JSON.stringify({ readAt: record.readAt, cluster, app, instance, host, dir, file, generation })
  return {
    origin: originOf(record),
    head: Buffer.from(`{"v":1,"id":${JSON.stringify(generation).slice(0, -1)}-`),
    middle: Buffer.from(`${rest.slice(1, -1)},"offset":`),
    tail: Buffer.from(encoding === 'utf-8' ? '"}' : `","encoding":${JSON.stringify(encoding)}}`),
  }
}

function holds(bytes: Buffer, at: number, part: Buffer): boolean {
  const end = at + part.length
  if (part.length > 24) return end <= bytes.length && bytes.compare(part, 0, part.length, at, end) === 0
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

function digitsEnd(bytes: Buffer, from: number): number {
  let at = from
  while ((bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at++
  return at
}

/** NaN where there are none. */
function twoDigits(bytes: Buffer, at: number): number {
  return digitsEnd(bytes, at) - at >= 2 ? numberAt(bytes, at, at + 2) : Number.NaN
}

function numberAt(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + (bytes[at] as number) - 48
  return value
}

const originNames = timeOrigins.map((name) => Buffer.from(name))
const levelNames = levels.map((name) => Buffer.from(name))

/** Which of the names stands at `at` before a quote, or -1. */
function nameIndexAt(bytes: Buffer, at: number, names: readonly Buffer[]): number {
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Buffer
    if (bytes[at + name.length] === quote && holds(bytes, at, name)) return i
  }
  return -1
}

/** By the byte behind the backslash; 0 = none of these. */
const simpleEscapes = new Uint8Array(256)
for (const [letter, byte] of [
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['f', 12],
  ['r', 13],
  ['"', 34],
  ['\\', 92],
  ['/', 47],
] as const) {
  simpleEscapes[letter.charCodeAt(0)] = byte
}
