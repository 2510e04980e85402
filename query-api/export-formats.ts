/**
 * The formats of an export, each written from byte to byte: `txt` (`host : message` a line), `ndjson` (records with
 * their fields), `csv` (RFC 4180) and `raw` (the original bytes of one file). No string is made for a line.
 */
import { ByteWriter, TimeWriter } from '../pipeline/byte-writer.ts'
import { isEncoding, originalBytes } from '../pipeline/encoding.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { messageBytes, type Origin, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { levels, type Source } from '../pipeline/record.ts'
import { createRecordWriter } from './record-writer.ts'

export const exportFormats = ['txt', 'ndjson', 'csv', 'raw'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** A chunk (export-stream.ts) and room for the event that fills it. */
const bufferBytes = 128 * 1024

export interface FormatWriter {
  readonly out: ByteWriter
  /** What stands in front of the first event: the header of csv. */
  begin(): void
  /** `parts`: ids of the records that were folded into the event. */
  append(batch: RecordBatch, i: number, parts?: readonly string[]): void
}

export const contentTypes: Readonly<Record<ExportFormat, string>> = {
  txt: 'text/plain; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  raw: 'application/octet-stream',
}

export interface FormatOptions {
  /** Cells that a spreadsheet would run as a formula get a leading `'`. */
  readonly csvSafe: boolean
}

export function createFormatWriter(format: ExportFormat, { csvSafe }: FormatOptions): FormatWriter {
  if (format === 'ndjson') return ndjson()
  if (format === 'csv') return csv(csvSafe)
  return format === 'txt' ? txt() : raw()
}

function ndjson(): FormatWriter {
  const { out, append } = createRecordWriter(new ByteWriter(bufferBytes))
  return {
    out,
    begin() {},
    append(batch, i, parts) {
      append(batch, i, parts)
      out.byte(10)
    },
  }
}

/** What is the same for all events of an origin, made once for each. */
function perOrigin(make: (origin: Origin) => string): (batch: RecordBatch, i: number) => Buffer {
  const known = new WeakMap<Origin, Buffer>()
  return (batch, i) => {
    const origin = originAt(batch, i)
    let made = known.get(origin)
    if (made === undefined) known.set(origin, (made = Buffer.from(make(origin))))
    return made
  }
}

function txt(): FormatWriter {
  const out = new ByteWriter(bufferBytes)
  const prefix = perOrigin(({ source }) => `${source.host} : `)
  return {
    out,
    begin() {},
    append(batch, i) {
      out.copy(prefix(batch, i))
      const start = batch.start[i] as number
      out.copy(batch.text.subarray(start, start + (batch.length[i] as number)))
      out.byte(10)
    },
  }
}

function raw(): FormatWriter {
  const out = new ByteWriter(bufferBytes)
  return {
    out,
    begin() {},
    append(batch, i) {
      const origin = originAt(batch, i)
      const encoding = batch.encodings.get(i) ?? origin.encoding
      const message = messageBytes(batch, i)
      const given = batch.raw.get(i)
      const bytes = batch.bytes[i] as number
      if (given !== undefined) {
        out.copy(given)
      } else if (encoding === 'utf-8' && bytes === message.length + 1) {
        // Nearly every event: the message and a line feed.
        out.copy(message)
        out.byte(10)
      } else if (isEncoding(encoding)) {
        out.copy(originalBytes({ message, bytes, encoding }))
      } else {
        throw new ShiplogError('STORE_DAMAGED', `a record is in the encoding “${encoding}”, which is not known`, {
          hint: 'A newer Shiplog wrote it: export with that version.',
        })
      }
    },
  }
}

const csvHeader = 'time,cluster,app,instance,host,dir,file,level,message\r\n'
const levelCells = levels.map((level) => Buffer.from(`,${level},"`))

function csv(safe: boolean): FormatWriter {
  const out = new ByteWriter(bufferBytes)
  const times = new TimeWriter()
  const middle = perOrigin(({ source }) =>
    ['cluster', 'app', 'instance', 'host', 'dir', 'file']
      .map((field) => `,${csvCell(source[field as keyof Source], safe)}`)
      .join(''),
  )
  return {
    out,
    begin: () => out.text(csvHeader),
    append(batch, i) {
      const start = batch.start[i] as number
      const length = batch.length[i] as number
      const fixed = middle(batch, i)
      // A quote is doubled, so a message can be twice as long; 64 is more than time, level and punctuation.
      out.reserve(fixed.length + length * 2 + 64)
      out.at = times.put(out.bytes, out.at, batch.time[i] as number)
      out.copy(fixed)
      out.copy(levelCells[batch.level[i] as number] as Buffer)
      if (safe && runs(batch.text, start, start + length)) out.byte(39)
      putQuoted(out, batch.text, start, start + length)
      out.byte(34)
      out.byte(13)
      out.byte(10)
    },
  }
}

/** Needs room for twice the length. */
function putQuoted(out: ByteWriter, text: Uint8Array, start: number, end: number): void {
  const bytes = out.bytes
  let at = out.at
  for (let i = start; i < end; i++) {
    const byte = text[i] as number
    bytes[at++] = byte
    if (byte === 34) bytes[at++] = 34
  }
  out.at = at
}

/** One cell: quoted where it has to be. */
function csvCell(value: string, safe: boolean): string {
  const bytes = Buffer.from(value)
  const text = safe && runs(bytes, 0, bytes.length) ? `'${value}` : value
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * True when a spreadsheet would take a cell that begins so for a formula: `= + - @`, their full-width forms, tab, CR
 * and LF. Source: OWASP, “CSV Injection”.
 */
function runs(text: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false
  const first = text[start] as number
  if (first === 61 || first === 43 || first === 45 || first === 64 || first === 9 || first === 13 || first === 10)
    return true
  if (first !== 0xef || end - start < 3 || text[start + 1] !== 0xbc) return false
  const last = text[start + 2] as number
  return last === 0x9d || last === 0x8b || last === 0x8d || last === 0xa0
}
