/** Records with their fields, as the answers and the NDJSON export have them. */
import { ByteWriter } from '../pipeline/byte-writer.ts'
import { type EventColumns, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { FieldsMember } from '../pipeline/fields-member.ts'
import { createRecordJsonWriter } from '../pipeline/record-json.ts'

export interface RecordWriter {
  readonly out: ByteWriter
  /** Event i as one JSON object: the record, and `fields` (name → values) when its message has any. */
  append(batch: RecordBatch, i: number): void
}

export function createRecordWriter(into = new ByteWriter()): RecordWriter {
  const json = createRecordJsonWriter(into)
  const member = new FieldsMember(into)
  const putFields = (columns: EventColumns, i: number): void => member.put(columns, i)
  return {
    out: json.out,
    append(batch, i) {
      json.append(batch, i, originAt(batch, i), putFields)
    },
  }
}

/** A comma between, brackets around: any number of events as a JSON array. */
export function putArray(writer: RecordWriter, events: Iterable<readonly [batch: RecordBatch, i: number]>): void {
  writer.out.byte(91)
  let first = true
  for (const [batch, i] of events) {
    if (!first) writer.out.byte(44)
    first = false
    writer.append(batch, i)
  }
  writer.out.byte(93)
}
