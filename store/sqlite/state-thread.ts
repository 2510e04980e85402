/** The thread that owns state.db. Every call is one transaction, on the disk when it is answered. */
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { StateEntry } from '../../pipeline/state.ts'
import { isDamage, writeError } from './database.ts'
import { serve } from './thread.ts'

/** In `PRAGMA user_version`; pinned by a golden test together with the schema. */
export const stateVersion = 1

/** Deleted entries stay as tombstones (value NULL): a version never comes back, so `ifVersion` cannot be fooled. */
export const stateSchema = `
CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (key TEXT PRIMARY KEY, holder TEXT NOT NULL, untilMs INTEGER NOT NULL) WITHOUT ROWID;
`

interface Row {
  readonly key: string
  readonly value: string | null
  readonly version: number
}

class StateFile {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #list: StatementSync
  readonly #leaseOf: StatementSync
  readonly #putLease: StatementSync

  constructor(folder: string) {
    this.#path = join(folder, 'state.db')
    this.#db = openState(this.#path)
    this.#get = this.#db.prepare('SELECT key, value, version FROM entries WHERE key = ?')
    this.#put = this.#db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?)')
    this.#list = this.#db.prepare(
      'SELECT key, value, version FROM entries WHERE key >= ? AND substr(key, 1, length(?)) = ? AND value IS NOT NULL ORDER BY key',
    )
    this.#leaseOf = this.#db.prepare('SELECT holder, untilMs FROM leases WHERE key = ?')
    this.#putLease = this.#db.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?)')
  }

  get(key: string): StateEntry | undefined {
    const row = this.#get.get(key) as Row | undefined
    return row === undefined || row.value === null ? undefined : entryOf(row)
  }

  list(prefix: string): StateEntry[] {
    return (this.#list.all(prefix, prefix, prefix) as unknown as Row[]).map(entryOf)
  }

  put(key: string, value: string | null, ifVersion: number | undefined): number {
    return this.#atomically(() => {
      const row = this.#get.get(key) as Row | undefined
      this.#checkVersion(key, row, ifVersion)
      const version = (row?.version ?? 0) + 1
      this.#put.run(key, value, version)
      return version
    })
  }

  delete(key: string, ifVersion: number | undefined): boolean {
    return this.#atomically(() => {
      const row = this.#get.get(key) as Row | undefined
      this.#checkVersion(key, row, ifVersion)
      if (row === undefined || row.value === null) return false
      this.#put.run(key, null, row.version + 1)
      return true
    })
  }

  lease(key: string, holder: string, ttlMs: number): boolean {
    return this.#atomically(() => {
      const now = Date.now()
      const lease = this.#leaseOf.get(key) as { holder: string; untilMs: number } | undefined
      if (lease !== undefined && lease.holder !== holder && lease.untilMs > now) return false
      this.#putLease.run(key, holder, now + ttlMs)
      return true
    })
  }

  close(): void {
    this.#db.close()
  }

  #checkVersion(key: string, row: Row | undefined, ifVersion: number | undefined): void {
    if (ifVersion === undefined) return
    const version = row === undefined || row.value === null ? 0 : row.version
    if (version !== ifVersion) {
      throw new ShiplogError('CONFLICT', `${key} has version ${version}, not ${ifVersion}`, {
        hint: 'Read it again and repeat the change.',
      })
    }
  }

  #atomically<T>(work: () => T): T {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      // A full disk has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw writeError(error, this.#path)
    }
  }
}

function entryOf({ key, value, version }: Row): StateEntry {
  return { key, value: JSON.parse(value as string) as unknown, version }
}

function openState(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path)
    db.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512',
    )
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version === 0) db.exec(`BEGIN IMMEDIATE; ${stateSchema} PRAGMA user_version = ${stateVersion}; COMMIT`)
    else if (version !== stateVersion)
      throw new Error(`its schema version is ${version}, this Shiplog reads ${stateVersion}`)
    return db
  } catch (error) {
    db?.close()
    if (!isDamage(error) && !(error instanceof Error && /schema version|already exists/.test(error.message))) {
      throw writeError(error, path)
    }
    throw new ShiplogError('STATE_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, {
      hint: `It holds saved searches, tokens and file states. Restore it from a copy, or move it away to begin without them.`,
      cause: error,
    })
  }
}

const { folder } = workerData as { readonly folder: string }
let opened: StateFile | undefined
const file = (): StateFile => {
  opened ??= new StateFile(folder)
  return opened
}

serve({
  open: () => void file(),
  get: ([key]) => file().get(key as string),
  put: ([key, value, ifVersion]) => file().put(key as string, value as string, ifVersion as number | undefined),
  list: ([prefix]) => file().list(prefix as string),
  delete: ([key, ifVersion]) => file().delete(key as string, ifVersion as number | undefined),
  lease: ([key, holder, ttlMs]) => file().lease(key as string, holder as string, ttlMs as number),
  close: () => opened?.close(),
})
