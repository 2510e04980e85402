/** The thread that holds the checkpoint's SQLite file. One message is one commit; `undefined` closes. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../pipeline/errors.ts'
import type { CheckpointReply, CheckpointRequest, GenerationRow } from './checkpoint.ts'

/** Format 1 had no `loss`. */
const formatVersion = 1
const port = parentPort as NonNullable<typeof parentPort>
const { folder } = workerData as { folder: string }
const path = join(folder, 'checkpoint.db')

const schema = `
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

function open(): { db: DatabaseSync; rows: GenerationRow[] } {
  mkdirSync(folder, { recursive: true })
  const db = new DatabaseSync(path)
  // Before anything is changed: what cannot be read stays as it is, for who restores it. A file that lost a page may
  // open and have rows without content, so all of it is looked at.
  const version = db.prepare('PRAGMA user_version').get()?.user_version
  if (version !== 0 && version !== formatVersion)
    throw new Error(`its format is ${version}, this program knows ${formatVersion}`)
  const check = db.prepare('PRAGMA quick_check(1)').get()?.quick_check
  if (check !== 'ok') throw new Error(`it is damaged: ${check}`)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
  if (version === 0) db.exec(`BEGIN; ${schema}; PRAGMA user_version = ${formatVersion}; COMMIT`)
  return { db, rows: db.prepare('SELECT * FROM generation ORDER BY generation').all().map(rowFrom) }
}

function rowFrom(row: Record<string, unknown>): GenerationRow {
  const json = (value: unknown): never => JSON.parse(String(value)) as never
  return {
    generation: String(row.generation),
    path: String(row.path),
    identity: String(row.identity),
    source: json(row.source),
    signature: json(row.signature),
    blocks: json(row.blocks),
    position: json(row.position),
    reading: json(row.reading),
    window: row.window === null ? undefined : json(row.window),
    lost: Number(row.lost),
    live: row.live === 1,
    updatedAt: Number(row.updated_at),
    loss: row.loss === null ? undefined : json(row.loss),
  }
}

function put(statement: StatementSync, row: GenerationRow): void {
  statement.run(
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
  )
}

function main(): void {
  let opened: ReturnType<typeof open>
  try {
    opened = open()
  } catch (error) {
    const unwritable = /readonly|read-only|unable to open|disk is full|EACCES|EROFS|ENOSPC/i.test(messageOf(error))
    const hint = unwritable
      ? `Make ${folder} writable and give it space, or choose another --data.`
      : `Restore ${path} from a backup. To read every file again from its start (readers of the bus then see all events twice, the store keeps each once), move it away.`
    const code = unwritable ? 'DATA_UNWRITABLE' : 'STATE_UNREADABLE'
    reply({ id: 0, error: { code, message: `cannot read the checkpoint ${path}: ${messageOf(error)}`, hint } })
    return
  }
  const { db, rows } = opened
  const upsert = db.prepare('INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM generation WHERE generation = ?')
  reply({ id: 0, rows })

  port.on('message', (request: CheckpointRequest | undefined) => {
    if (request === undefined) {
      db.close()
      port.close()
      return
    }
    try {
      db.exec('BEGIN IMMEDIATE')
      for (const row of request.rows) put(upsert, row)
      for (const generation of request.forgotten) remove.run(generation)
      db.exec('COMMIT')
      reply({ id: request.id })
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      const hint = `Free space or make ${folder} writable: shipping goes on by itself then. Nothing is lost meanwhile.`
      reply({
        id: request.id,
        error: { code: 'DATA_UNWRITABLE', message: `cannot write the checkpoint ${path}: ${messageOf(error)}`, hint },
      })
    }
  })
}

function reply(message: CheckpointReply): void {
  port.postMessage(message)
}

main()
