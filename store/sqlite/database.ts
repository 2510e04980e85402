/** Opening a SQLite file, its schema version, and what SQLite's errors mean for us. */

import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { messageOf, ShiplogError, systemCodeOf } from '../../pipeline/errors.ts'

/**
 * In `PRAGMA user_version`; a file with a later one is not read. A golden test pins it together with the schema. Version 1 had no
 * `grams`: the writer adds the table, readers do without it.
 */
export const partitionVersion = 2

const gramsTable = 'CREATE TABLE grams (first INTEGER PRIMARY KEY, bits BLOB NOT NULL);'

/**
 * `words` is contentless: it holds postings only; the text lies compressed in `chunks`. No document sizes (columnsize=0):
 * nothing is ranked. `covered` says which bytes of each incarnation are stored, so that a row's id needs no index of its own.
 * `grams` has a row for each full block of which it can say something.
 */
export const partitionSchema = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE origins (id INTEGER PRIMARY KEY, app TEXT NOT NULL, instance TEXT NOT NULL, host TEXT NOT NULL,
  dir TEXT NOT NULL, file TEXT NOT NULL, generation TEXT NOT NULL, encoding TEXT NOT NULL);
CREATE INDEX originsByGeneration ON origins(generation);
CREATE TABLE covered (generation TEXT NOT NULL, start NOT NULL, stop NOT NULL, PRIMARY KEY (generation, start)) WITHOUT ROWID;
CREATE TABLE zones (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, minTime NOT NULL, maxTime NOT NULL, zone BLOB NOT NULL);
CREATE TABLE chunks (first INTEGER PRIMARY KEY, meta BLOB NOT NULL, text BLOB NOT NULL);
${gramsTable}
CREATE VIRTUAL TABLE words USING fts5(message, content='', columnsize=0, tokenize='unicode61 remove_diacritics 0');
`

export interface OpenOptions {
  readonly write: boolean
  /** SQLite's page cache, KiB. */
  readonly cacheKiB: number
}

/**
 * Opens an existing file, or (write) makes it; throws what SQLite throws, STATE_UNREADABLE for a later schema version, and for
 * a reader NOT_FOUND when nothing was ever committed to it.
 */
export function openPartitionFile(path: string, options: OpenOptions): DatabaseSync {
  return openFile(path, options, {})
}

/**
 * Opens a file for reading on a disk that has no room for the small index of its log: only when there is no log, and for as
 * long as nobody writes to it. Undefined when it has a log.
 */
export function openFrozenFile(path: string, cacheKiB: number): DatabaseSync | undefined {
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined
  return openFile(path, { write: false, cacheKiB }, { immutable: '1' })
}

function openFile(path: string, { write, cacheKiB }: OpenOptions, parameters: Record<string, string>): DatabaseSync {
  const url = pathToFileURL(path)
  // `rw` never creates: a reader that comes too late for a dropped file must not leave an empty one behind.
  url.searchParams.set('mode', write ? 'rwc' : 'immutable' in parameters ? 'ro' : 'rw')
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const db = new DatabaseSync(url)
  try {
    db.exec(`PRAGMA busy_timeout = 5000; PRAGMA cache_size = -${cacheKiB}`)
    const version = userVersion(db)
    if (write) prepareForWriting(db, version)
    else db.exec('PRAGMA query_only = 1')
    // The writer has made the file, but not committed its schema yet, or a full disk kept it from doing so.
    if (version === 0 && !write) throw new ShiplogError('NOT_FOUND', `${path} has nothing in it yet`)
    // Not damage: setting it aside would hide what a later Shiplog can read very well.
    if (version > partitionVersion) {
      throw new ShiplogError(
        'STATE_UNREADABLE',
        `${path} has schema version ${version}, this Shiplog reads up to ${partitionVersion}`,
        { hint: 'A later Shiplog wrote it: run that version, or move the file away.' },
      )
    }
    if (version < 0) throw new ShiplogError('STORE_DAMAGED', `its schema version is ${version}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function prepareForWriting(db: DatabaseSync, version: number): void {
  if (version === 0) {
    const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number }
    if (tables.n > 0) throw new ShiplogError('STORE_DAMAGED', 'it has tables but no schema version')
    db.exec('PRAGMA page_size = 4096')
  } else if (version < 0 || version > partitionVersion) {
    return
  }
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000')
  db.exec('PRAGMA journal_size_limit = 33554432')
  if (version === 0) {
    // One transaction: a crash leaves either no schema, and then it is made again, or all of it.
    db.exec(`BEGIN IMMEDIATE; ${partitionSchema} PRAGMA user_version = ${partitionVersion}; COMMIT`)
  } else if (version === 1) {
    db.exec(`BEGIN IMMEDIATE; ${gramsTable} PRAGMA user_version = 2; COMMIT`)
  }
}

function userVersion(db: DatabaseSync): number {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}

const corrupt = 11
const notADatabase = 26
const unwritable: readonly number[] = [8 /* READONLY */, 10 /* IOERR */, 13 /* FULL */, 14 /* CANTOPEN */]

/** SQLite's primary result code, or 0 when it is no error of SQLite. */
export function sqliteCode(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return 0
  return typeof error.errcode === 'number' ? error.errcode & 255 : 0
}

/** True when the file itself is the trouble: it will not get better by trying again. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === corrupt || code === notADatabase || (error instanceof ShiplogError && error.code === 'STORE_DAMAGED')
}

/** True when the disk is the trouble: full, read-only, failing. */
export function isDiskTrouble(error: unknown): boolean {
  return unwritable.includes(sqliteCode(error))
}

/** What a failed write means for who called: always to be tried again, since nothing of it is kept. */
export function writeError(error: unknown, path: string): ShiplogError {
  if (error instanceof ShiplogError) return error
  const system = systemCodeOf(error)
  const disk = ['ENOSPC', 'EROFS', 'EACCES', 'EPERM', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'EIO'].includes(system ?? '')
  if (disk || isDiskTrouble(error)) {
    return new ShiplogError('DATA_UNWRITABLE', `${path} cannot be written: ${messageOf(error)}`, {
      retryable: true,
      hint: 'Free space on that disk, or make it writable; writing goes on by itself then.',
      cause: error,
    })
  }
  return new ShiplogError('STORE_UNAVAILABLE', `${path} could not be written: ${messageOf(error)}`, {
    retryable: true,
    cause: error,
  })
}
