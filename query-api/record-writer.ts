/** Records with their fields, as the answers and the NDJSON export have them. */
import { ByteWriter } from '../pipeline/byte-writer.ts'
import { type EventColumns, type Origin, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { createRecordJsonWriter } from '../pipeline/record-json.ts'
import { FieldsMember } from './fields-member.ts'
import type { Shown } from './fold.ts'

export interface RecordWriter {
  readonly out: ByteWriter
  /** Event i as one JSON object: the record, `fields` (name → values) when its message has any, `parts` when it was folded. */
  append(batch: RecordBatch, i: number, parts?: readonly string[]): void
  /** The same of events that are not from an answer of the store. */
  appendOf(columns: EventColumns, i: number, origin: Origin): void
}

export function createRecordWriter(into = new ByteWriter()): RecordWriter {
  const json = createRecordJsonWriter(into)
  const member = new FieldsMember(into)
  const putFields = (columns: EventColumns, i: number): void => member.put(columns, i)
  return {
    out: json.out,
    append(batch, i, parts = []) {
      const putMore = (columns: EventColumns, at: number): void => {
        putFields(columns, at)
        json.out.text(`,"parts":${JSON.stringify(parts)}`)
      }
      json.append(batch, i, originAt(batch, i), parts.length === 0 ? putFields : putMore)
    },
    appendOf(columns, i, origin) {
      json.append(columns, i, origin, putFields)
    },
  }
}

/** A comma between, brackets around: any number of events as a JSON array. */
export function putArray(writer: RecordWriter, events: Iterable<Shown>): void {
  writer.out.byte(91)
  let first = true
  for (const { batch, i, parts } of events) {
    if (!first) writer.out.byte(44)
    first = false
    writer.append(batch, i, parts)
  }
  writer.out.byte(93)
}
