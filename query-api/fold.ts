/**
 * Events that were published in parts, shown as one. What comes after `eventIdleMs` of quiet, behind a rotation or beyond a
 * bound is a record of its own with `continues`; whoever looks for an event wants all of it.
 *
 * The parts of an event have its time and generation and lie behind it in the file with nothing but blank lines between,
 * which belong to it, so in the total order they follow it directly. An event is shown where its first matching record stands, with the parts that did not
 * match, and the other records of it are passed over. What a cursor has passed is never shown again: a part whose event
 * lies before the cursor is shown by itself.
 */
import { isEncoding, originalBytes } from '../pipeline/encoding.ts'
import { columnsOf, eventAt, messageBytes, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { compareKeys, type EventKey, parseRecordId, recordId } from '../pipeline/record.ts'
import type { Bounds, SearchQuery } from '../pipeline/store.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

/** An event is folded up to these bounds; each part beyond them is a result of its own. */
export const foldPartsMax = 100
export const foldBytesMax = 1024 * 1024

/** An event as it is shown: `parts` are the ids of the records that were folded into it, in order. */
export interface Shown {
  readonly batch: RecordBatch
  readonly i: number
  readonly parts: readonly string[]
  /** Of the record that a cursor has to stand at to be behind it. */
  readonly last: EventKey
}

type PlacedRecord = readonly [batch: RecordBatch, i: number]

/** Records of one event that are read at once. */
const partsAtOnce = 16
/** Parts that are looked through for those of a page; where there are more, each event is asked for by itself. */
const partsPage = 256
const partsPagesMax = 8

type Asked = Pick<SearchQuery, 'cluster' | 'filters' | 'order' | 'after'>

/** Takes the records of one answer in its order, and gives what is shown of them. */
export class Fold {
  readonly #store: LogStore
  readonly #asked: Asked
  readonly #bounds: Bounds
  /** The event that was looked at last. */
  #event: { readonly id: string; readonly held: ReadonlySet<string>; shown: Shown | undefined } | undefined
  /** By id, those events of the batch that were found with all their parts. */
  #known: ReadonlyMap<string, PlacedRecord[]> = new Map()

  constructor(store: LogStore, asked: Asked, { signal, timeMsMax }: Bounds) {
    this.#store = store
    this.#asked = asked
    this.#bounds = { ...(signal === undefined ? {} : { signal }), ...(timeMsMax === undefined ? {} : { timeMsMax }) }
  }

  /** Which records of the batch have parts: 1 = may have, by place. Undefined = none has. To be asked before `show`. */
  async withParts(batch: RecordBatch): Promise<Uint8Array | undefined> {
    this.#known = new Map()
    if (batch.count === 0) return undefined
    const { cluster, filters, order } = this.#asked
    // In the order of a file times may go back.
    const range = { from: Number.POSITIVE_INFINITY, to: 0 }
    for (const time of batch.time) {
      if (time < range.from) range.from = time
      if (time >= range.to) range.to = time + 1
    }
    const query = { cluster, filters, where: undefined, parts: true as const, order, ...range }
    let marks: Uint8Array | undefined
    let places = new Map<string, number>()
    const known = new Map<string, PlacedRecord[]>()
    let bytes = 0
    let after: EventKey | undefined
    for (let page = 0; page < partsPagesMax; page++) {
      const { records, more } = await this.#store.search({ ...query, ...(after && { after }) }, partsPage, this.#bounds)
      if (records.count === 0) break
      if (marks === undefined) {
        marks = new Uint8Array(batch.count)
        places = new Map(Array.from({ length: batch.count }, (_, i) => [idAt(batch, i), i]))
      }
      bytes += records.text.length
      for (let i = 0; i < records.count; i++) {
        const head = records.continues.get(i) ?? ''
        const place = places.get(head)
        if (place === undefined) continue
        marks[place] = 1
        const event = known.get(head)
        if (event === undefined)
          known.set(head, [
            [batch, place],
            [records, i],
          ])
        else if (order === 'asc') event.push([records, i])
        else event.splice(1, 0, [records, i])
      }
      // More than is worth to be held at once: each of these events is asked for by itself.
      if (bytes > foldBytesMax) known.clear()
      if (!more) {
        if (bytes > foldBytesMax) return marks
        // Where something lies between, blank lines belong to the event: it is read anew.
        for (const [id, event] of known) if (!event.every(isNextOf)) known.delete(id)
        this.#known = known
        return marks
      }
      after = keyAt(records, records.count - 1)
    }
    return marks === undefined ? undefined : marks.fill(1)
  }

  /** True when records may follow that are a part of what was shown. */
  get isInside(): boolean {
    return this.#event !== undefined
  }

  /** What is shown for event i; undefined when it is a record of the one that was shown before. */
  async show(batch: RecordBatch, i: number, hasParts: boolean): Promise<Shown | undefined> {
    const head = batch.continues.get(i)
    const id = idAt(batch, i)
    if (head === undefined && !hasParts) {
      // A blank line between the parts of an event.
      return isBlank(batch, i) && this.#event?.held.has(id) ? this.#once() : alone(batch, i)
    }
    const event = head ?? id
    if (this.#event?.id !== event) {
      const key = keyAt(batch, i)
      const known = this.#known.get(event)
      const records = known === undefined ? await this.#read(event, key) : this.#within(known)
      const shown = records.length === 0 ? undefined : joined(records, this.#asked.order)
      this.#event = { id: event, held: new Set(records.map((record) => idAt(...record))), shown }
    }
    // Beyond the bounds of its event, or the event cannot be shown.
    return this.#event.held.has(id) ? this.#once() : alone(batch, i)
  }

  #once(): Shown | undefined {
    const shown = this.#event?.shown
    if (this.#event !== undefined) this.#event.shown = undefined
    return shown
  }

  /** The event and its parts, which have its time and generation; empty when it is not there. */
  async #read(id: string, { time, generation }: EventKey): Promise<PlacedRecord[]> {
    const place = parseRecordId(id)
    if (place?.generation !== generation) return []
    const { cluster } = this.#asked
    const query = { cluster, filters: {}, where: undefined, order: 'asc' as const, from: time, to: time + 1 }
    const records: PlacedRecord[] = []
    let blanks: PlacedRecord[] = []
    // Just before its key: however many events have that time, none of the others is read.
    let after: EventKey = { time, generation, offset: place.offset - 1 }
    for (;;) {
      const page = await this.#store.search({ ...query, after }, partsAtOnce, this.#bounds)
      for (let i = 0; i < page.records.count; i++) {
        const record = [page.records, i] as const
        if (records.length === 0 ? idAt(...record) === id : page.records.continues.get(i) === id) {
          records.push(...blanks, record)
          blanks = []
        } else if (isBlank(...record) && keyAt(...record).generation === generation && blanks.length < foldPartsMax) {
          blanks.push(record)
        } else return this.#within(records)
      }
      if (!page.more || this.#within(records).length < records.length) return this.#within(records)
      after = keyAt(page.records, page.records.count - 1)
    }
  }

  /** Those of an event's records that are shown together: within the bounds, and behind the cursor; or none. */
  #within(records: readonly PlacedRecord[]): PlacedRecord[] {
    const { order, after: cursor } = this.#asked
    let bytes = 0
    const end = records.findIndex(([batch, i], n) => {
      bytes += batch.length[i] as number
      if (n > foldPartsMax || (n > 0 && bytes > foldBytesMax)) return true
      return cursor !== undefined && compareKeys(keyAt(batch, i), cursor) * (order === 'asc' ? 1 : -1) <= 0
    })
    return end < 0 ? [...records] : records.slice(0, end)
  }
}

function isBlank(batch: RecordBatch, i: number): boolean {
  return batch.length[i] === 0
}

function isNextOf([batch, i]: PlacedRecord, n: number, records: readonly PlacedRecord[]): boolean {
  const before = records[n - 1]
  if (before === undefined) return true
  return (before[0].offset[before[1]] as number) + (before[0].bytes[before[1]] as number) === batch.offset[i]
}

export function idAt(batch: RecordBatch, i: number): string {
  return recordId(originAt(batch, i).generation, batch.offset[i] as number)
}

export function alone(batch: RecordBatch, i: number): Shown {
  return { batch, i, parts: [], last: keyAt(batch, i) }
}

/** The records of one event, in the order of the file, as one. It has no `raw`: that of a part is with the part. */
export function joined(records: readonly PlacedRecord[], order: 'asc' | 'desc'): Shown {
  const [head, ...parts] = records as [PlacedRecord, ...PlacedRecord[]]
  if (parts.length === 0) return alone(...head)
  const messages: Buffer[] = []
  let before: PlacedRecord | undefined
  for (const record of records) {
    if (before !== undefined && endsLine(...before)) messages.push(lineFeed)
    messages.push(messageBytes(...record))
    before = record
  }
  const last = parts.at(-1) as PlacedRecord
  const { raw: _, ...first } = eventAt(...head)
  const message = Buffer.concat(messages)
  const bytes = keyAt(...last).offset + (last[0].bytes[last[1]] as number) - first.offset
  const batch = {
    ...columnsOf([{ ...first, message, bytes }]),
    origins: [originAt(...head)],
    originOf: new Uint32Array(1),
  }
  return { batch, i: 0, parts: parts.map((part) => idAt(...part)), last: keyAt(...(order === 'asc' ? last : head)) }
}

const lineFeed = Buffer.from('\n')

/** False where a line was cut: because it was too long, or had no end yet when it was sent. */
function endsLine(batch: RecordBatch, i: number): boolean {
  const encoding = batch.encodings.get(i) ?? originAt(batch, i).encoding
  const message = messageBytes(batch, i)
  const bytes = batch.bytes[i] as number
  const raw = batch.raw.get(i)
  if (raw === undefined && encoding === 'utf-8') return bytes > message.length
  if (!isEncoding(encoding)) return true
  const original = originalBytes({ message, bytes, encoding, ...(raw && { raw: Buffer.from(raw) }) })
  if (raw !== undefined && isWrappedPiece(original)) return false
  return encoding === 'utf-16le' ? original.at(-2) === 10 && original.at(-1) === 0 : original.at(-1) === 10
}

/** The last line is a piece that Docker (`log` without its `\\n`) or CRI (`P`) cut: what follows goes on with it. */
function isWrappedPiece(original: Buffer): boolean {
  const line = original.subarray(original.lastIndexOf(10, original.length - 2) + 1).toString('utf8')
  if (/^\S+ (?:stdout|stderr) P /.test(line)) return true
  if (!line.startsWith('{')) return false
  try {
    const { log, stream, time } = JSON.parse(line) as { log?: unknown; stream?: unknown; time?: unknown }
    return typeof log === 'string' && typeof stream === 'string' && typeof time === 'string' && !log.endsWith('\n')
  } catch {
    return false
  }
}
