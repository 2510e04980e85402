/**
 * One partition file as a reader sees it: the zones of all chunks in memory (compact, refreshed when the file has changed),
 * columns and texts of chunks in caches bounded in bytes. Rows never move and never change, so nothing here needs a
 * transaction that stays open: what was true of a row stays true.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ShiplogError } from '../../pipeline/errors.ts'
import { blockRows, ChunkMeta, type ChunkText, decodeText } from './block.ts'
import type { ByteCache } from './byte-cache.ts'
import type { PartitionPlace } from './catalog.ts'
import { isDiskTrouble, openFrozenFile, openPartitionFile } from './database.ts'
import { ZoneReader } from './zone.ts'

/** The caches of one reader thread, shared by all its views. */
export interface Caches {
  readonly metas: ByteCache<ChunkMeta>
  readonly texts: ByteCache<Chunk>
}

/** Columns and messages that were read together. */
export interface Chunk extends ChunkText {
  readonly meta: ChunkMeta
}

export interface ViewOrigin {
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string
  readonly generation: string
  readonly encoding: string
}

let views = 0

export class PartitionView {
  readonly place: PartitionPlace
  /** True when it shows the file as it was when it was opened (a full disk): for one request only. */
  readonly frozen: boolean
  /** By id; index 0 is no origin. */
  readonly origins: ViewOrigin[] = []
  /** Chunks in the order of rowids; all arrays by chunk. */
  count = 0
  first = new Float64Array(64)
  rows = new Uint16Array(64)
  minTime = new Float64Array(64)
  maxTime = new Float64Array(64)
  zoneAt = new Uint32Array(64)
  zones = new Uint8Array(4096)
  /** By chunk: 0 = not looked at, 1 = no row continues an event, 2 = some do. */
  #parts = new Uint8Array(64)
  #zoneEnd = 0
  /** Tells the views of one file apart that was closed and opened again: part of the caches' keys. */
  readonly #number = ++views
  readonly #db: DatabaseSync
  readonly #caches: Caches
  readonly #selectMeta: StatementSync
  readonly #selectChunk: StatementSync
  readonly #selectWords: StatementSync
  /** Undefined in a file of version 1 that nobody has written to since. */
  readonly #selectGrams: StatementSync | undefined
  readonly #selectVersion: StatementSync
  readonly #selectZones: StatementSync
  readonly #selectOrigins: StatementSync
  #version = -1

  constructor(place: PartitionPlace, path: string, caches: Caches) {
    this.place = place
    this.#caches = caches
    const { db, frozen } = openForReading(path)
    this.#db = db
    this.frozen = frozen
    try {
      this.#selectMeta = db.prepare('SELECT first, meta FROM chunks WHERE first <= ? ORDER BY first DESC LIMIT 1')
      this.#selectChunk = db.prepare(
        'SELECT first, meta, text FROM chunks WHERE first <= ? ORDER BY first DESC LIMIT 1',
      )
      this.#selectWords = db.prepare(
        'SELECT json_group_array(rowid) AS rows FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?',
      )
      const grams = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'grams'").get()
      this.#selectGrams =
        grams === undefined
          ? undefined
          : db.prepare('SELECT first, bits FROM grams WHERE first >= ? AND first < ? ORDER BY first')
      this.#selectVersion = db.prepare('PRAGMA data_version')
      this.#selectZones = db.prepare(
        'SELECT first, count, minTime, maxTime, zone FROM zones WHERE first >= ? ORDER BY first',
      )
      this.#selectOrigins = db.prepare('SELECT * FROM origins WHERE id > ? ORDER BY id')
      this.refresh()
    } catch (error) {
      db.close()
      throw error
    }
  }

  get bytesHeld(): number {
    return this.first.length * 31 + this.zones.length + this.origins.length * 200 + 1_000_000
  }

  /** Takes in what was committed since. Chunks of the youngest block may have become fewer and larger. */
  refresh(): void {
    const { data_version: version } = this.#selectVersion.get() as { data_version: number }
    if (version === this.#version) return
    this.#db.exec('BEGIN')
    try {
      const youngest = this.count === 0 ? 0 : (this.first[this.count - 1] as number)
      const block = youngest - (youngest % blockRows)
      while (this.count > 0 && (this.first[this.count - 1] as number) >= block) {
        this.count--
        this.#zoneEnd = this.zoneAt[this.count] as number
      }
      for (const row of this.#selectZones.iterate(block)) this.#addZone(row as unknown as ZoneRow)
      for (const row of this.#selectOrigins.iterate(this.origins.length - 1)) {
        const { id, ...origin } = row as unknown as ViewOrigin & { id: number }
        this.origins[id] = origin
      }
      if (this.origins.length === 0) this.origins.length = 1
    } finally {
      this.#db.exec('COMMIT')
    }
    this.#version = version
  }

  #addZone({ first, count, minTime, maxTime, zone }: ZoneRow): void {
    const i = this.count++
    if (i === this.first.length) {
      this.first = grown(this.first, new Float64Array(i * 2))
      this.rows = grown(this.rows, new Uint16Array(i * 2))
      this.minTime = grown(this.minTime, new Float64Array(i * 2))
      this.maxTime = grown(this.maxTime, new Float64Array(i * 2))
      this.zoneAt = grown(this.zoneAt, new Uint32Array(i * 2))
      this.#parts = grown(this.#parts, new Uint8Array(i * 2))
    }
    const end = this.#zoneEnd + zone.length
    if (end > this.zones.length) this.zones = grown(this.zones, new Uint8Array(Math.max(end, this.zones.length * 2)))
    this.zones.set(zone, this.#zoneEnd)
    this.first[i] = first
    this.rows[i] = count
    this.minTime[i] = minTime
    this.maxTime[i] = maxTime
    this.zoneAt[i] = this.#zoneEnd
    this.#parts[i] = 0
    this.#zoneEnd = end
  }

  /** True when chunk i holds rows that continue an event. */
  holdsParts(i: number): boolean {
    if (this.#parts[i] === 0) {
      const end = i + 1 < this.count ? (this.zoneAt[i + 1] as number) : this.#zoneEnd
      const found = new ZoneReader().open(this.zones, this.zoneAt[i] as number).holdsParts(end)
      this.#parts[i] = found ? 2 : 1
    }
    return this.#parts[i] === 2
  }

  /**
   * The columns of the chunk that holds [first, first + count). It may begin before and end behind them: small chunks are
   * merged, and what is cached under the same first row may be the smaller one of before.
   */
  meta(first: number, count: number): ChunkMeta {
    const key = this.#key(first)
    const cached = this.#caches.metas.get(key)
    if (cached !== undefined && first + count <= cached.first + cached.count) return cached
    const row = this.#selectMeta.get(first) as { first: number; meta: Uint8Array } | undefined
    if (row === undefined) throw missing(first)
    const meta = new ChunkMeta(row.first, row.meta)
    if (first + count > meta.first + meta.count) throw missing(first)
    this.#caches.metas.set(this.#key(meta.first), meta, meta.bytesHeld)
    return meta
  }

  /** As `meta`, with the messages. */
  chunk(first: number, count: number): Chunk {
    const key = this.#key(first)
    const cached = this.#caches.texts.get(key)
    if (cached !== undefined && first + count <= cached.meta.first + cached.meta.count) return cached
    const row = this.#selectChunk.get(first) as { first: number; meta: Uint8Array; text: Uint8Array } | undefined
    if (row === undefined) throw missing(first)
    const meta = new ChunkMeta(row.first, row.meta)
    if (first + count > meta.first + meta.count) throw missing(first)
    const chunk = { meta, ...decodeText(meta, row.text) }
    this.#caches.texts.set(this.#key(meta.first), chunk, chunk.text.length + meta.bytesHeld)
    return chunk
  }

  /** Ids of the rows in [from, to] that the FTS5 expression matches, ascending. */
  matching(expression: string, from: number, to: number): number[] {
    // As BigInt: a number is bound as REAL, and FTS5 then walks the whole index instead of the range.
    const { rows } = this.#selectWords.get(expression, BigInt(from), BigInt(to)) as { rows: string }
    return JSON.parse(rows) as number[]
  }

  /** The grams of full blocks whose first row is in [from, to). A block that has none may hold anything. */
  *grams(from: number, to: number): Generator<{ readonly first: number; readonly bits: Uint8Array }, void, void> {
    if (this.#selectGrams === undefined) return
    for (const row of this.#selectGrams.iterate(from, to)) yield row as unknown as { first: number; bits: Uint8Array }
  }

  #key(rowid: number): number {
    return this.#number * 2 ** 33 + rowid
  }

  close(): void {
    this.#db.close()
  }
}

function openForReading(path: string): { db: DatabaseSync; frozen: boolean } {
  const cacheKiB = 1024
  try {
    return { db: openPartitionFile(path, { write: false, cacheKiB }), frozen: false }
  } catch (error) {
    const db = isDiskTrouble(error) ? openFrozenFile(path, cacheKiB) : undefined
    if (db === undefined) throw error
    return { db, frozen: true }
  }
}

interface ZoneRow {
  readonly first: number
  readonly count: number
  readonly minTime: number
  readonly maxTime: number
  readonly zone: Uint8Array
}

function grown<T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

function missing(rowid: number): ShiplogError {
  return new ShiplogError('STORE_DAMAGED', `row ${rowid} is in the index, but its chunk is not there`)
}
