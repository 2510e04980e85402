/**
 * A row of the checkpoint as SQLite keeps it. Rows cross to the checkpoint's thread like this: a few flat texts cost a
 * tenth of what copying their objects does, and thousands of files are written ahead at once.
 */
import type { GenerationRow } from './checkpoint.ts'

/** In the order of the table's columns. */
export type Cells = readonly (string | number | null)[]

/** So many rows cross at once: what the threads hold of them stays small. */
export const partRowsMax = 1000

export const schema = `
  CREATE TABLE generation (
    generation TEXT PRIMARY KEY,  -- ULID of the incarnation
    path TEXT NOT NULL,           -- relative to the root, bytes as latin1
    identity TEXT NOT NULL,       -- inode:birth time in ns
    source TEXT NOT NULL,         -- JSON
    signature TEXT NOT NULL,      -- JSON: bytes, crc
    blocks TEXT NOT NULL,         -- JSON: from, to, crc of the last acknowledged bytes
    position TEXT NOT NULL,       -- JSON: offset, previousTime, open; everything before it is acknowledged
    reading TEXT NOT NULL,        -- JSON: how its lines are read from position on
    window TEXT,                  -- JSON: to, readAt; written before the window is published
    lost INTEGER NOT NULL,        -- bytes, a lower bound
    live INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,  -- ms since the epoch
    loss TEXT                     -- JSON: first, last, cause, atLeast; when and why bytes were lost
  ) STRICT, WITHOUT ROWID`

/** Older programs know nothing of it and lose nothing by that: it is no part of the format, and made where it is missing. */
export const daySchema = `
  CREATE TABLE IF NOT EXISTS day_bytes (
    cluster TEXT NOT NULL,        -- '' with the app '': the whole shipper
    app TEXT NOT NULL,
    day INTEGER NOT NULL,         -- days since 1970, UTC
    bytes INTEGER NOT NULL,       -- taken on that day
    PRIMARY KEY (cluster, app)
  ) STRICT, WITHOUT ROWID`

export function cellsOf(row: GenerationRow): Cells {
  return [
    row.generation,
    row.path,
    row.identity,
    JSON.stringify(row.source),
    JSON.stringify(row.signature),
    JSON.stringify(row.blocks),
    JSON.stringify(row.position),
    JSON.stringify(row.reading),
    row.window === undefined ? null : JSON.stringify(row.window),
    row.lost,
    row.live ? 1 : 0,
    row.updatedAt,
    row.loss === undefined ? null : JSON.stringify(row.loss),
  ]
}

export function rowOf(cells: Cells): GenerationRow {
  const json = (cell: unknown): never => JSON.parse(String(cell)) as never
  const [generation, path, identity, source, signature, blocks, position, reading, window, lost, live, at, loss] = cells
  return {
    generation: String(generation),
    path: String(path),
    identity: String(identity),
    source: json(source),
    signature: json(signature),
    blocks: json(blocks),
    position: json(position),
    reading: json(reading),
    window: window === null ? undefined : json(window),
    lost: Number(lost),
    live: live === 1,
    updatedAt: Number(at),
    loss: loss === null ? undefined : json(loss),
  }
}
