import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteState } from '../../store/sqlite/state.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { stateContract } from '../contract/state.ts'
import { storeContract } from '../contract/store.ts'

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'shiplog-store-'))

storeContract('sqlite', async () => {
  const folder = await newFolder()
  const store = await openSqliteStore({ folder })
  return {
    store,
    async close() {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})

stateContract('sqlite', async () => {
  const folder = await newFolder()
  return {
    open: () => openSqliteState({ folder }),
    remove: () => rm(folder, { recursive: true }),
  }
})
