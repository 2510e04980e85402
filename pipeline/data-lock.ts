/** One process works on a data folder at a time. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, ShiplogError } from './errors.ts'

/**
 * Takes the folder for this process; returns what gives it back. The lock is SQLite's on a file of its own, which the
 * kernel releases when the process ends, however it ends; the text file beside it only names the holder.
 * Throws DATA_LOCKED with the holder, or DATA_UNWRITABLE.
 */
export function lockData(
  folder: string,
  holder: { readonly pid: number; readonly host: string; readonly command: string },
): () => void {
  const who = join(folder, 'holder.json')
  let db: DatabaseSync
  try {
    mkdirSync(folder, { recursive: true })
    db = new DatabaseSync(join(folder, 'lock.db'))
  } catch (cause) {
    throw unwritable(folder, cause)
  }
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    writeFileSync(who, `${JSON.stringify({ ...holder, since: new Date().toISOString() })}\n`)
  } catch (cause) {
    db.close()
    if (!/locked|busy/i.test(messageOf(cause))) throw unwritable(folder, cause)
    throw new ShiplogError('DATA_LOCKED', `${folder} is in use by ${holderText(who)}`, {
      hint: 'Stop that process, or give this one another --data.',
      cause,
    })
  }
  return () => db.close()
}

/** Who works on the folder now; undefined = nobody. Makes nothing there. */
export function dataHolder(folder: string): string | undefined {
  const path = join(folder, 'lock.db')
  if (!existsSync(path)) return undefined
  const db = new DatabaseSync(path)
  try {
    db.exec('BEGIN EXCLUSIVE; ROLLBACK')
    return undefined
  } catch (cause) {
    if (!/locked|busy/i.test(messageOf(cause))) throw unwritable(folder, cause)
    return holderText(join(folder, 'holder.json'))
  } finally {
    db.close()
  }
}

function unwritable(folder: string, cause: unknown): ShiplogError {
  return new ShiplogError('DATA_UNWRITABLE', `cannot write in the data folder ${folder}: ${messageOf(cause)}`, {
    hint: 'Make it writable and give it space, or choose another --data.',
    cause,
  })
}

function holderText(path: string): string {
  try {
    const { pid, host, command, since } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    return `process ${pid} on ${host} (${command}, since ${since})`
  } catch {
    return 'another process'
  }
}
