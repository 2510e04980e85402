/** Small shared state in one SQLite file, `<folder>/state.db`, behind a thread of its own. */
import { mkdirSync } from 'node:fs'
import { systemCodeOf } from '../../pipeline/errors.ts'
import type { State, StateEntry } from '../../pipeline/state.ts'
import { writeError } from './database.ts'
import { ThreadLink } from './thread-link.ts'

/**
 * Opens the state in `folder`, which is made when it is missing. Rejects with STATE_UNREADABLE when the file is there but is
 * not ours to read: it is never started over silently. With DATA_UNWRITABLE when the folder cannot be written.
 */
export async function openSqliteState({ folder }: { readonly folder: string }): Promise<State> {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw systemCodeOf(error) === undefined ? error : writeError(error, folder)
  }
  const link = new ThreadLink({
    url: new URL('./state-thread.ts', import.meta.url),
    workerData: { folder },
    name: 'state',
  })
  try {
    await link.call('open', []).answer
  } catch (error) {
    await link.close()
    throw error
  }
  const call = <T>(method: string, ...args: unknown[]): Promise<T> => link.call(method, args).answer as Promise<T>
  return {
    get: (key) => call<StateEntry | undefined>('get', key),
    // As text: what is stored is JSON, and a value that is none must fail here, where its caller sees it.
    put: async (key, value, ifVersion) => call<number>('put', key, JSON.stringify(value ?? null), ifVersion),
    list: (prefix) => call<StateEntry[]>('list', prefix),
    delete: (key, ifVersion) => call<boolean>('delete', key, ifVersion),
    lease: (key, holder, ttlMs) => call<boolean>('lease', key, holder, ttlMs),
    close: () => link.close(),
  }
}
