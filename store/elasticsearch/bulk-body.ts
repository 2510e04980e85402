/**
 * Events as the body of `_bulk`, spliced from their own bytes: an action line and the record's JSON with its `fields`
 * behind it. No object and no string is made for a line. Pure.
 */
import { ByteWriter, putDigits } from '../../pipeline/byte-writer.ts'
import type { EventBatch, EventColumns, Origin } from '../../pipeline/event-batch.ts'
import { FieldsMember } from '../../pipeline/fields-member.ts'
import { createRecordJsonWriter, type RecordJsonWriter } from '../../pipeline/record-json.ts'
import { partitionOf } from '../../pipeline/store.ts'
import { indexOf } from './partitions.ts'

const dayUs = 86_400_000_000
const actionEnd = Buffer.from('"}}\n')
const digitsMax = 16

export class BulkBody {
  readonly #out = new ByteWriter()
  readonly #records: RecordJsonWriter
  readonly #heads: ActionHeads
  readonly #fields: FieldsMember
  readonly #putFields = (columns: EventColumns, i: number): void => this.#fields.put(columns, i)

  /** The names of the indices that are written to are added to `indices`. */
  constructor(prefix: string, indices: Set<string>) {
    this.#heads = new ActionHeads(prefix, indices)
    this.#records = createRecordJsonWriter(this.#out)
    // Queries compare names in lower case; values are shown as they were written.
    this.#fields = new FieldsMember(this.#out, 'pairs')
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
