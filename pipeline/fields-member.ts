/** The `fields` of a record, from the bytes of its message: most lines cost no string and no object. */
import { isUtf8 } from 'node:buffer'
import type { ByteWriter } from './byte-writer.ts'
import { type EventColumns, messageBytes } from './event-batch.ts'
import { FieldSink, PairSink } from './field-sink.ts'
import { type Field, fieldNameUnitsMax, fieldsMax, fieldsMessageUnitsMax, fieldsOf } from './fields.ts'
import { putJson } from './json-bytes.ts'
import { putLogfmt } from './logfmt-bytes.ts'
import { lowerCase } from './words.ts'

/** `{"name":["value"]}` for readers; `["name=value"]`, the name in lower case, for an index. */
export type FieldsForm = 'by-name' | 'pairs'

const heads = { 'by-name': Buffer.from(',"fields":{'), pairs: Buffer.from(',"fields":[') }
const ends = { 'by-name': 125, pairs: 93 }
/** Quotes, colon, brackets and comma of a field. */
const punctuationBytes = 8

/** The most that the fields of a message can be: each byte may become six, and each name may repeat those around it. */
function fieldsRoom(length: number): number {
  return length * 6 + heads.pairs.length + 1 + Math.min(fieldsMax, length / 3) * (fieldNameUnitsMax + punctuationBytes)
}

export class FieldsMember {
  readonly #out: ByteWriter
  readonly #form: FieldsForm
  readonly #sink: FieldSink
  #text: Uint8Array = new Uint8Array(0)
  #view: Buffer = Buffer.alloc(0)
  /** The first `=` in the text at or behind `#searchedFrom`. */
  #equals = 0
  #searchedFrom = 0

  constructor(out: ByteWriter, form: FieldsForm = 'by-name') {
    this.#out = out
    this.#form = form
    this.#sink = form === 'pairs' ? new PairSink(out) : new FieldSink(out)
  }

  /** Writes `,"fields":…` in its form, as `fieldsOf` gives them, or nothing when the message has none. */
  put(columns: EventColumns, i: number): void {
    const { text } = columns
    const start = columns.start[i] as number
    const end = start + (columns.length[i] as number)
    const brace = firstBrace(text, start, end)
    const equals = brace === -1 ? this.#firstEquals(text, start) : start
    // A plain line leaves here, at the price of a comparison.
    if (equals >= end) return

    const out = this.#out
    const sink = this.#sink
    const before = out.at
    out.reserve(fieldsRoom(end - start))
    out.copy(heads[this.#form])
    sink.begin()
    const sure =
      end - start <= fieldsMessageUnitsMax &&
      (brace === -1 ? putLogfmt(sink, text, start, end, equals) : putJson(sink, text, brace, end)) &&
      (!sink.wide || isUtf8(text.subarray(start, end)))
    if (sure && sink.count >= (brace === -1 ? 2 : 1)) {
      out.byte(ends[this.#form])
      return
    }
    out.at = before
    if (!sure) this.#putSlowly(columns, i)
  }

  /** What the writers from bytes leave: a name that comes again, escapes in names, bounds, what only looks like JSON. */
  #putSlowly(columns: EventColumns, i: number): void {
    const fields = fieldsOf(messageBytes(columns, i).toString('utf8'))
    if (fields.length === 0) return
    const form =
      this.#form === 'pairs' ? fields.map(([name, value]) => `${lowerCase(name)}=${value}`) : byNameOf(fields)
    this.#out.text(`,"fields":${JSON.stringify(form)}`)
  }

  /**
   * Messages lie behind each other, so one search reaches over all lines that have no `=`: they cost no search at all.
   * It may give a place behind the message.
   */
  #firstEquals(text: Uint8Array, start: number): number {
    if (text === this.#text && start >= this.#searchedFrom && start <= this.#equals) return this.#equals
    if (text !== this.#text) {
      this.#text = text
      this.#view = Buffer.from(text.buffer, text.byteOffset, text.length)
    }
    const found = this.#view.indexOf(61, start)
    this.#searchedFrom = start
    this.#equals = found === -1 ? text.length : found
    return this.#equals
  }
}

/** Where the brace is that the message begins with, also behind blanks; -1 = it does not. */
function firstBrace(text: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = text[at] as number
    if (byte === 0x7b) return at
    if (byte !== 0x20 && (byte < 9 || byte > 13)) {
      // Blanks beyond ASCII: `fieldsOf` knows them, and JSON does not. With a brace behind them there are no fields.
      return byte >= 0x80 && at > start ? at : -1
    }
  }
  return -1
}

function byNameOf(fields: readonly Field[]): Record<string, string[]> {
  // Without a prototype, `__proto__` is a name like any other.
  const byName: Record<string, string[]> = Object.create(null)
  for (const [name, value] of fields) (byName[name] ??= []).push(value)
  return byName
}
