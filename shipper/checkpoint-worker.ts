/** The thread that holds the checkpoint's SQLite file. A message without `more` is a commit; `undefined` closes. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '../pipeline/errors.ts'
import type { CheckpointReply, CheckpointRequest, DayBytes } from './checkpoint.ts'
import { type Cells, daySchema, partRowsMax, schema } from './checkpoint-row.ts'

/** Format 1 had no `loss`. */
const formatVersion = 1
const port = parentPort as NonNullable<typeof parentPort>
const { folder } = workerData as { folder: string }
const path = join(folder, 'checkpoint.db')

function open(): DatabaseSync {
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
  db.exec(daySchema)
  return db
}

/** At the start rows go out in parts: neither thread ever holds all of them twice. */
function tellRows(db: DatabaseSync): void {
  const all = db.prepare('SELECT * FROM generation ORDER BY generation')
  all.setReturnArrays(true)
  let part: Cells[] = []
  for (const cells of all.iterate() as Iterable<unknown> as Iterable<Cells>) {
    if (part.push(cells) < partRowsMax) continue
    reply({ id: 0, rows: part, more: true })
    part = []
  }
  const days = db.prepare('SELECT cluster, app, day, bytes FROM day_bytes').all() as unknown as DayBytes[]
  reply({ id: 0, rows: part, days })
}

function main(): void {
  let db: DatabaseSync
  try {
    db = open()
    tellRows(db)
  } catch (error) {
    const unwritable = /readonly|read-only|unable to open|disk is full|EACCES|EROFS|ENOSPC/i.test(messageOf(error))
    const hint = unwritable
      ? `Make ${folder} writable and give it space, or choose another --data.`
      : `Restore ${path} from a backup. To read every file again from its start (readers of the bus then see all events twice, the store keeps each once), move it away.`
    const code = unwritable ? 'DATA_UNWRITABLE' : 'STATE_UNREADABLE'
    reply({ id: 0, error: { code, message: `cannot read the checkpoint ${path}: ${messageOf(error)}`, hint } })
    return
  }
  const upsert = db.prepare('INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const upsertDay = db.prepare('INSERT OR REPLACE INTO day_bytes VALUES (?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM generation WHERE generation = ?')
  /** Why the commit under way failed, until its last part came. */
  let failed: unknown

  port.on('message', (request: CheckpointRequest | undefined) => {
    if (request === undefined) {
      db.close()
      port.close()
      return
    }
    try {
      if (failed !== undefined) throw failed
      if (!db.isTransaction) db.exec('BEGIN IMMEDIATE')
      for (const cells of request.rows) upsert.run(...cells)
      for (const generation of request.forgotten) remove.run(generation)
      for (const { cluster, app, day, bytes } of request.days) upsertDay.run(cluster, app, day, bytes)
      if (request.more) return
      db.exec('COMMIT')
      reply({ id: request.id })
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      failed = request.more ? error : undefined
      if (request.more) return
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
