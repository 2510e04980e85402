/** One export makes a file at a time. */
import { rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, ShiplogError } from './errors.ts'

const triesMax = 5

/**
 * Takes the lock file for this process; returns what gives it back and removes it. The lock is SQLite's, which the kernel
 * releases when the process ends, however it ends: a file that a crash left behind locks nobody out.
 * Throws DATA_LOCKED when another export has it.
 */
export function lockExport(path: string, out: string): () => void {
  for (let i = 0; i < triesMax; i++) {
    const db = new DatabaseSync(path)
    const file = inodeOf(path)
    try {
      db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    } catch (cause) {
      db.close()
      if (!/locked|busy/i.test(messageOf(cause))) throw cause
      throw locked(out, cause)
    }
    // Its holder may have removed it since we opened it: then it is no lock for those who come after us.
    if (file !== undefined && file === inodeOf(path)) {
      return () => {
        if (!db.isOpen) return
        rmSync(path, { force: true })
        db.close()
      }
    }
    db.close()
  }
  throw locked(out)
}

function locked(out: string, cause?: unknown): ShiplogError {
  return new ShiplogError('DATA_LOCKED', `another export is writing ${out}`, {
    hint: 'Wait for its end, or give this one another --out.',
    cause,
  })
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
