/**
 * Records as JSON, written from byte to byte: the lines of an NDJSON export, the records of a search answer and the
 * messages on Kafka. Pure. The bytes are those of `JSON.stringify(recordOf(…))`, in the field order of docs/record.md,
 * but no object and no string is made for a line: what is the same for an origin is kept as bytes, digits are written
 * directly, and a message goes through an escape table.
 */
import { isUtf8 } from 'node:buffer'
import { ByteWriter, putDigits, putEscapedByte, TimeWriter, wordsOf } from './byte-writer.ts'
import type { EventColumns, Origin } from './event-batch.ts'
import { formatTime, levels, timeOrigins } from './record.ts'

export interface RecordJsonWriter {
  /** Where the JSON goes. The caller adds separators, takes the bytes and resets it. */
  readonly out: ByteWriter
  /**
   * Writes event i as one JSON object. `putMore` may write further members (`,"fields":{…}`) to `out`, behind the
   * record's own. Bytes of a message that are no UTF-8 become U+FFFD, as everywhere that text is shown.
   */
  append(columns: EventColumns, i: number, origin: Origin, putMore?: (columns: EventColumns, i: number) => void): void
}

/** The parts that are the same for all events of an origin. */
interface Fixed {
  /** `{"v":1,"id":"<generation>-` */
  readonly head: Buffer
  /** By `timeOrigins`: from behind the time to before the offset's digits. */
  readonly middle: readonly Buffer[]
  /** Behind the message where the event has no encoding of its own: `"` and the file's encoding. */
  readonly tail: Buffer
}

/** The longest that digits, time and punctuation of one event can be. */
const variableBytesMax = 256

const levelParts = levels.map((level) => Buffer.from(`,"level":"${level}","message":"`))
const timePart = Buffer.from('","time":"')
const bytesPart = Buffer.from(',"bytes":')

/** A writer into `out`. Not to be shared by two streams at once. */
export function createRecordJsonWriter(out = new ByteWriter()): RecordJsonWriter {
  const times = new TimeWriter()
  const known = new WeakMap<Origin, Fixed>()
  let lastOrigin: Origin | undefined
  let fixed: Fixed | undefined
  let lastText: Uint8Array = new Uint8Array(0)
  let words = wordsOf(lastText)

  return {
    out,
    append(columns, i, origin, putMore) {
      if (origin !== lastOrigin || fixed === undefined) {
        fixed = known.get(origin) ?? fixedOf(origin)
        known.set(origin, fixed)
        lastOrigin = origin
      }
      const middle = fixed.middle[columns.timeFrom[i] as number] as Buffer
      const start = columns.start[i] as number
      const length = columns.length[i] as number
      // Six bytes (\u0000) is the most that a byte of a message can become.
      out.reserve(fixed.head.length + middle.length + fixed.tail.length + length * 6 + variableBytesMax)
      const bytes = out.bytes
      const offset = columns.offset[i] as number

      let at = put(bytes, out.at, fixed.head)
      at = putDigits(bytes, at, offset)
      at = put(bytes, at, timePart)
      at = times.put(bytes, at, columns.time[i] as number)
      at = put(bytes, at, middle)
      at = putDigits(bytes, at, offset)
      at = put(bytes, at, bytesPart)
      at = putDigits(bytes, at, columns.bytes[i] as number)
      at = put(bytes, at, levelParts[columns.level[i] as number] as Buffer)
      if (columns.text !== lastText) {
        lastText = columns.text
        words = wordsOf(lastText)
      }
      out.at = putEscaped(out, at, lastText, words, start, start + length)
      putTail(out, columns, i, origin, fixed)
      putMore?.(columns, i)
      out.byte(125)
    },
  }
}

function fixedOf(origin: Origin): Fixed {
  const { source, generation } = origin
  const rest = JSON.stringify({
    readAt: formatTime(origin.readAt),
    cluster: source.cluster,
    app: source.app,
    instance: source.instance,
    host: source.host,
    dir: source.dir,
    file: source.file,
    generation,
  }).slice(1, -1)
  const encoding = origin.encoding === 'utf-8' ? '' : `,"encoding":${JSON.stringify(origin.encoding)}`
  return {
    head: Buffer.from(`{"v":1,"id":"${JSON.stringify(generation).slice(1, -1)}-`),
    middle: timeOrigins.map((from) => Buffer.from(`","timeFrom":"${from}",${rest},"offset":`)),
    tail: Buffer.from(`"${encoding}`),
  }
}

function putTail(out: ByteWriter, columns: EventColumns, i: number, origin: Origin, fixed: Fixed): void {
  const encoding = columns.encodings.size === 0 ? undefined : columns.encodings.get(i)
  if (encoding === undefined || encoding === origin.encoding) out.at = put(out.bytes, out.at, fixed.tail)
  else out.text(encoding === 'utf-8' ? '"' : `","encoding":${JSON.stringify(encoding)}`)
  const continues = columns.continues.size === 0 ? undefined : columns.continues.get(i)
  if (continues !== undefined) out.text(`,"continues":${JSON.stringify(continues)}`)
  const raw = columns.raw.size === 0 ? undefined : columns.raw.get(i)
  if (raw === undefined) return
  out.text(`,"raw":"${Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64')}"`)
}

function put(bytes: Buffer, at: number, part: Buffer): number {
  bytes.set(part, at)
  return at + part.length
}

/**
 * Writes text[start..end) as the inside of a JSON string; returns the end. Needs room for six times the length.
 * Four bytes at once where none of them needs an escape: the bit tricks are those of “Bit Twiddling Hacks”
 * (S. E. Anderson), “Determine if a word has a byte less than n”.
 */
function putEscaped(
  out: ByteWriter,
  from: number,
  text: Uint8Array,
  words: DataView,
  start: number,
  end: number,
): number {
  const { bytes, words: outWords } = out
  let at = from
  let seen = 0
  let i = start
  while (i < end) {
    for (const last = end - 4; i <= last; i += 4, at += 4) {
      const word = words.getInt32(i, true)
      const quotes = word ^ 0x22222222
      const backslashes = word ^ 0x5c5c5c5c
      const found =
        (((word - 0x20202020) & ~word) |
          ((quotes - 0x01010101) & ~quotes) |
          ((backslashes - 0x01010101) & ~backslashes)) &
        0x80808080
      if (found !== 0) break
      seen |= word
      outWords.setInt32(at, word, true)
    }
    for (const next = Math.min(end, i + 4); i < next; i++) {
      const byte = text[i] as number
      seen |= byte
      at = putEscapedByte(bytes, at, byte)
    }
  }
  if ((seen & 0x80808080) === 0) return at
  const message = text.subarray(start, end)
  if (isUtf8(message)) return at
  // Rare: written again from the decoded text, in which U+FFFD (three bytes) stands for what was one byte or more.
  const decoded = Buffer.from(Buffer.from(message.buffer, message.byteOffset, message.length).toString('utf8'))
  return putEscaped(out, from, decoded, wordsOf(decoded), 0, decoded.length)
}
