/** One partition file as the writer sees it: an open transaction, the block that is being filled, what is covered. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventColumns, Origin } from '../../pipeline/event-batch.ts'
import { asciiWordsNeedNoHelp, indexText } from '../../pipeline/words.ts'
import { blockRows, ChunkMeta, decodeText, encodeChunk, OpenBlock, reopenChunk } from './block.ts'
import { Intervals } from './coverage.ts'
import { openPartitionFile } from './database.ts'
import { gramsOfBlock } from './grams.ts'
import { encodeZone } from './zone.ts'

/** Small chunks that the youngest block may consist of before they are written again as one. */
const smallChunksMax = 16
/** Incarnations whose intervals are kept in memory; the rest is read again when needed. */
const coverageMax = 4096
const originsMax = 20_000
/** Segments of one level that FTS5 merges into one: half the merging of its default 4, little more to look into. */
const segmentsMerged = 8
/** FTS5 collects this much before it writes a segment: larger segments, fewer merges. */
const indexHashBytes = 4 * 1024 * 1024

export interface Totals {
  events: number
  newestReadAt: number
  minTime: number
  maxTime: number
}

export class PartitionWriter {
  readonly path: string
  totals: Totals
  readonly #db: DatabaseSync
  readonly #index: StatementSync
  readonly #putChunk: StatementSync
  readonly #putZone: StatementSync
  readonly #putGrams: StatementSync
  readonly #dropChunks: StatementSync
  readonly #dropZones: StatementSync
  readonly #putCovered: StatementSync
  readonly #dropCovered: StatementSync
  readonly #putTotals: StatementSync
  readonly #putOrigin: StatementSync
  readonly #findOrigin: StatementSync
  readonly #block = new OpenBlock()
  /** Rowid of slot 0 of the block that is being filled. */
  #blockFirst = 0
  /** Rows and bytes of the block that are in chunks already, and in how many. */
  #stored = 0
  #storedText = 0
  #smallChunks = 0
  #inTransaction = false
  readonly #covered = new Map<string, Intervals>()
  readonly #origins = new Map<string, number>()

  /** Opens the file, or makes it; throws as openPartitionFile does. */
  constructor(path: string) {
    this.path = path
    const db = openPartitionFile(path, { write: true, cacheKiB: 4096 })
    this.#db = db
    try {
      db.exec(`INSERT INTO words(words, rank) VALUES ('hashsize', ${indexHashBytes}), ('automerge', ${segmentsMerged})`)
      this.#index = db.prepare('INSERT INTO words(rowid, message) VALUES (?, ?)')
      this.#putChunk = db.prepare('INSERT INTO chunks VALUES (?, ?, ?)')
      this.#putZone = db.prepare('INSERT INTO zones VALUES (?, ?, ?, ?, ?)')
      this.#putGrams = db.prepare('INSERT OR REPLACE INTO grams VALUES (?, ?)')
      this.#dropChunks = db.prepare('DELETE FROM chunks WHERE first >= ?')
      this.#dropZones = db.prepare('DELETE FROM zones WHERE first >= ?')
      this.#putCovered = db.prepare('INSERT OR REPLACE INTO covered VALUES (?, ?, ?)')
      this.#dropCovered = db.prepare('DELETE FROM covered WHERE generation = ? AND start = ?')
      this.#putTotals = db.prepare("INSERT OR REPLACE INTO facts VALUES ('totals', ?)")
      this.#putOrigin = db.prepare(
        'INSERT INTO origins(app, instance, host, dir, file, generation, encoding) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      this.#findOrigin = db.prepare(
        'SELECT id FROM origins WHERE app = ? AND instance = ? AND host = ? AND dir = ? AND file = ? AND generation = ? AND encoding = ?',
      )
      this.totals = readTotals(db)
      this.#reopenBlock()
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** Takes up the youngest block where the last run of this process left it. */
  #reopenBlock(): void {
    const youngest = this.#db.prepare('SELECT max(first) AS first FROM chunks').get() as { first: number | null }
    if (youngest.first === null) return
    this.#blockFirst = youngest.first - (youngest.first % blockRows)
    const rows = this.#db
      .prepare('SELECT first, meta, text FROM chunks WHERE first >= ? ORDER BY first')
      .all(this.#blockFirst)
    for (const { first, meta, text } of rows as { first: number; meta: Uint8Array; text: Uint8Array }[]) {
      const columns = new ChunkMeta(first, meta)
      reopenChunk(this.#block, columns, decodeText(columns, text))
      this.#smallChunks++
    }
    this.#stored = this.#block.count
    this.#storedText = this.#block.textBytes
    if (this.#block.full) this.#nextBlock()
  }

  begin(): void {
    if (this.#inTransaction) return
    this.#db.exec('BEGIN IMMEDIATE')
    this.#inTransaction = true
  }

  /** True when the event at this offset is stored already, in this transaction or before. */
  covers(generation: string, offset: number): boolean {
    return this.#coverage(generation).has(offset)
  }

  /** From now on [start, stop) of the incarnation is stored. */
  cover(generation: string, start: number, stop: number): void {
    const added = this.#coverage(generation).add(start, stop)
    for (const gone of added.gone) this.#dropCovered.run(generation, gone)
    this.#putCovered.run(generation, added.start, added.stop)
  }

  #coverage(generation: string): Intervals {
    let intervals = this.#covered.get(generation)
    if (intervals === undefined) {
      if (this.#covered.size >= coverageMax) this.#covered.clear()
      intervals = new Intervals()
      const rows = this.#db
        .prepare('SELECT start, stop FROM covered WHERE generation = ? ORDER BY start')
        .all(generation)
      for (const { start, stop } of rows as { start: number; stop: number }[]) {
        intervals.starts.push(start)
        intervals.stops.push(stop)
      }
      this.#covered.set(generation, intervals)
    }
    return intervals
  }

  /** The number that stands for an origin in this file; readAt is kept with the rows. */
  originId({ source, generation, encoding }: Origin): number {
    const { app, instance, host, dir, file } = source
    const key = `${app}\0${instance}\0${host}\0${dir}\0${file}\0${generation}\0${encoding}`
    let id = this.#origins.get(key)
    if (id === undefined) {
      if (this.#origins.size >= originsMax) this.#origins.clear()
      const found =
        this.totals.events === 0
          ? undefined
          : this.#findOrigin.get(app, instance, host, dir, file, generation, encoding)
      id = (found as { id: number } | undefined)?.id
      id ??= Number(this.#putOrigin.run(app, instance, host, dir, file, generation, encoding).lastInsertRowid)
      this.#origins.set(key, id)
    }
    return id
  }

  /** Adds event i. `text` is the batch's text as a Buffer. */
  append(columns: EventColumns, text: Buffer, i: number, origin: number, readAt: number): void {
    const block = this.#block
    if (block.full) this.#seal()
    const row = block.count
    const from = columns.start[i] as number
    const length = columns.length[i] as number
    if (length > 0) {
      const words = asciiWordsNeedNoHelp(text, from, from + length)
        ? text.toString('latin1', from, from + length)
        : indexText(text.toString('utf8', from, from + length))
      this.#index.run(this.#blockFirst + row, words)
    }
    const start = block.reserve(length)
    text.copy(block.text, start, from, from + length)
    // Whole microseconds: nothing finer is a place in the order.
    const time = Math.floor(columns.time[i] as number)
    block.length[row] = length
    block.bytes[row] = columns.bytes[i] as number
    block.time[row] = time
    block.offset[row] = columns.offset[i] as number
    block.readAt[row] = readAt
    block.origin[row] = origin
    block.level[row] = columns.level[i] as number
    block.timeFrom[row] = columns.timeFrom[i] as number
    block.count = row + 1
    const totals = this.totals
    totals.events++
    if (time < totals.minTime) totals.minTime = time
    if (time > totals.maxTime) totals.maxTime = time
    if (readAt > totals.newestReadAt) totals.newestReadAt = readAt
    if (columns.continues.size + columns.raw.size + columns.encodings.size > 0) this.#appendExtras(columns, i, row)
  }

  #appendExtras(columns: EventColumns, i: number, row: number): void {
    const continues = columns.continues.get(i)
    const raw = columns.raw.get(i)
    const encoding = columns.encodings.get(i)
    if (continues === undefined && raw === undefined && encoding === undefined) return
    this.#block.setExtras(row, {
      ...(continues === undefined ? {} : { continues }),
      ...(raw === undefined ? {} : { raw: Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64') }),
      ...(encoding === undefined ? {} : { encoding }),
    })
  }

  /** Durable when it returns. When it throws, nothing of the transaction is kept and this object must be discarded. */
  commit(): void {
    if (!this.#inTransaction) return
    if (this.#block.full) this.#seal()
    else if (this.#block.count > this.#stored) this.#store(this.#smallChunks >= smallChunksMax)
    this.#putTotals.run(JSON.stringify(this.totals))
    this.#db.exec('COMMIT')
    this.#inTransaction = false
  }

  /** Writes the block as one chunk, with its grams, and begins the next. No row is ever added to it again. */
  #seal(): void {
    const block = this.#block
    if (block.count > this.#stored || this.#smallChunks > 1) this.#store(true)
    const grams = gramsOfBlock(block.text, block.textBytes)
    if (grams !== undefined) this.#putGrams.run(this.#blockFirst, grams)
    this.#nextBlock()
  }

  #nextBlock(): void {
    this.#blockFirst += blockRows
    this.#block.clear()
    this.#stored = 0
    this.#storedText = 0
    this.#smallChunks = 0
  }

  /** Writes the rows that are in no chunk yet; `whole` = all rows of the block, in place of its small chunks. */
  #store(whole: boolean): void {
    const block = this.#block
    const merge = whole && this.#smallChunks > 0
    if (merge) {
      this.#dropChunks.run(this.#blockFirst)
      this.#dropZones.run(this.#blockFirst)
      this.#smallChunks = 0
    }
    const from = merge ? 0 : this.#stored
    const first = this.#blockFirst + from
    const { meta, text } = encodeChunk(block, from, block.count, merge ? 0 : this.#storedText)
    const zone = encodeZone(block, from, block.count)
    this.#putChunk.run(first, meta, text)
    this.#putZone.run(first, block.count - from, zone.minTime, zone.maxTime, zone.blob)
    this.#smallChunks++
    this.#stored = block.count
    this.#storedText = block.textBytes
  }

  /** Closes the file; an open transaction is undone. Never throws: it may be closed because the disk is gone. */
  close(): void {
    try {
      if (this.#inTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself (a full disk does that).
    }
    try {
      this.#db.close()
    } catch {
      // Nothing is open any more.
    }
  }
}

export function readTotals(db: DatabaseSync): Totals {
  const row = db.prepare("SELECT value FROM facts WHERE name = 'totals'").get() as { value: string } | undefined
  if (row === undefined) {
    return { events: 0, newestReadAt: 0, minTime: Number.POSITIVE_INFINITY, maxTime: Number.NEGATIVE_INFINITY }
  }
  return JSON.parse(row.value) as Totals
}
