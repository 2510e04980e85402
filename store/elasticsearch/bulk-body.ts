/**
 * Events as the body of `_bulk`, spliced from their own bytes: an action line and the record's JSON with its `fields`
 * behind it. No object and no string is made but for lines that have fields. Pure.
 */
import { ByteWriter, putDigits } from '../../pipeline/byte-writer.ts'
import { type EventBatch, type EventColumns, messageBytes, type Origin } from '../../pipeline/event-batch.ts'
import { fieldsOf } from '../../pipeline/fields.ts'
import { createRecordJsonWriter, type RecordJsonWriter } from '../../pipeline/record-json.ts'
import { partitionOf } from '../../pipeline/store.ts'
import { lowerCase } from '../../pipeline/words.ts'
import { indexOf } from './partitions.ts'

const dayUs = 86_400_000_000
const actionEnd = Buffer.from('"}}\n')
const digitsMax = 16

export class BulkBody {
  readonly #out = new ByteWriter()
  readonly #records: RecordJsonWriter
  readonly #heads: ActionHeads
  readonly #equals = new EqualsSigns()
  readonly #putFields = (columns: EventColumns, i: number): void => this.#fields(columns, i)

  /** The names of the indices that are written to are added to `indices`. */
  constructor(prefix: string, indices: Set<string>) {
    this.#heads = new ActionHeads(prefix, indices)
    this.#records = createRecordJsonWriter(this.#out)
  }

  get bytes(): number {
    return this.#out.at
  }

  /** Writes event i; `plain` = without its fields. */
  append(batch: EventBatch, i: number, plain: boolean): void {
    const out = this.#out
    const head = this.#heads.of(batch.origin, batch.time[i] as number)
    out.reserve(head.length + digitsMax + actionEnd.length)
    out.bytes.set(head, out.at)
    out.at = putDigits(out.bytes, out.at + head.length, batch.offset[i] as number)
    out.bytes.set(actionEnd, out.at)
    out.at += actionEnd.length
    this.#records.append(batch, i, batch.origin, plain ? undefined : this.#putFields)
    out.byte(10)
  }

  /** What was written, valid until `reset`. */
  view(): Buffer {
    return this.#out.view()
  }

  reset(): void {
    this.#out.reset()
  }

  /** `name=value` with the name in lower case: queries compare it so, and values are shown as they were written. */
  #fields(columns: EventColumns, i: number): void {
    if (!this.#equals.mayHaveFields(columns, i)) return
    const fields = fieldsOf(messageBytes(columns, i).toString('utf8'))
    if (fields.length === 0) return
    this.#out.text(`,"fields":${JSON.stringify(fields.map(([name, value]) => `${lowerCase(name)}=${value}`))}`)
  }
}

/** The action line up to the offset's digits, for the origin and partition that came last. */
class ActionHeads {
  readonly #prefix: string
  readonly #indices: Set<string>
  #origin: Origin | undefined
  #day = Number.NaN
  #isOld = false
  #head: Buffer = Buffer.alloc(0)

  constructor(prefix: string, indices: Set<string>) {
    this.#prefix = prefix
    this.#indices = indices
  }

  of(origin: Origin, time: number): Buffer {
    const day = Math.floor(time / dayUs)
    const isOld = origin.readAt - time > 90 * dayUs
    if (origin === this.#origin && day === this.#day && isOld === this.#isOld) return this.#head
    this.#origin = origin
    this.#day = day
    this.#isOld = isOld
    const index = indexOf(this.#prefix, origin.source.cluster, partitionOf(time, origin.readAt))
    this.#indices.add(index)
    const generation = JSON.stringify(origin.generation).slice(1, -1)
    this.#head = Buffer.from(`{"create":{"_index":"${index}","_id":"${generation}-`)
    return this.#head
  }
}

/** Tells from bytes which messages fieldsOf need not look at. Each byte is looked at once for all messages of a batch. */
class EqualsSigns {
  #text: Uint8Array | undefined
  #from = 0
  /** The first `=` at or behind the place that was asked for last; Infinity = none. */
  #next = 0

  mayHaveFields({ text, start, length }: EventColumns, i: number): boolean {
    const from = start[i] as number
    const end = from + (length[i] as number)
    if (from === end) return false
    const first = text[from] as number
    if (first === 0x7b || first <= 0x20) return true
    // Messages may be asked for in any order.
    if (text !== this.#text || this.#from > from) this.#next = 0
    this.#text = text
    this.#from = from
    if (this.#next < from) this.#next = this.#find(text, from)
    if (this.#next >= end) return false
    this.#next = this.#find(text, this.#next + 1)
    return this.#next < end
  }

  #find(text: Uint8Array, from: number): number {
    const found = text.indexOf(0x3d, from)
    return found === -1 ? Number.POSITIVE_INFINITY : found
  }
}
