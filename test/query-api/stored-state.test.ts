/** What an older version stored in the state must be read for ever: a changed shape gets another `v`, and a fixture of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { countRefused } from '../../indexer/reject-counts.ts'
import { batchOf } from '../../pipeline/event-batch.ts'
import { readTokenFile } from '../../pipeline/token-file.ts'
import { openSqliteState } from '../../store/sqlite/state.ts'
import { createMemoryState, lines, originOf } from './memory-store.ts'
import { serve } from './serve.ts'

const fixtures = join(import.meta.dirname, '../fixtures/state')
const golden = readFileSync(join(fixtures, 'version-1.sql'), 'utf8')

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'shiplog-state-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** Tables as they were made, and the version. */
function shapeOf(path: string): object {
  const db = new DatabaseSync(path)
  const tables = db.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name').all()
  const version = db.prepare('PRAGMA user_version').get()
  db.close()
  return { tables: tables.map((row) => ({ ...row })), version: { ...version } }
}

test('state.db of version 1 is read, and what this version makes is the same', async () => {
  const path = folder()
  const db = new DatabaseSync(join(path, 'state.db'))
  db.exec(golden)
  db.close()
  const state = await openSqliteState({ folder: path })
  const { api } = await serve([], { state })
  const get = async (url: string) => (await api.inject(`/api/v1/${url}`)).json()
  expect(await get('searches/kq3Xv0b2Gxo')).toMatchObject({
    name: '支付失败',
    app: ['2048'],
    q: 'timeout',
    owner: 'alice',
  })
  expect((await get('searches')).searches).toHaveLength(1)
  expect((await get('retention')).days).toBe(30)
  expect((await get('rejects')).groups).toMatchObject([{ reason: 'too odd', count: 12, version: 3 }])
  // A version never comes back.
  await expect(state.put('search/gone', {}, 4)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await state.put('search/gone', {}, 0)).toBe(5)
  await state.close()

  const fresh = folder()
  await (await openSqliteState({ folder: fresh })).close()
  expect(shapeOf(join(fresh, 'state.db'))).toEqual(shapeOf(join(path, 'state.db')))
})

test('a count of rejects has the names that version 1 has', async () => {
  const state = createMemoryState()
  const origin = originOf()
  await countRefused(state, [{ batch: batchOf(origin, lines(['a line'], origin)), index: 0, reason: 'too odd' }], 1)
  const [entry] = await state.list('reject/')
  const stored = JSON.parse(/'(\{"v":1,"cluster".*\})'/.exec(golden)?.[1] ?? '') as Record<string, object>
  const made = entry?.value as Record<string, object>
  expect(Object.keys(made)).toEqual(Object.keys(stored))
  expect(Object.keys(made.sample ?? {})).toEqual(Object.keys(stored.sample ?? {}))
})

test('a file of tokens of version 1 is read', () => {
  expect(readTokenFile(join(fixtures, 'tokens-1.json'))).toMatchObject([
    { id: '0123456789ab', name: 'alice', role: 'reader', grants: ['prod/*'], expiresAt: '2027-11-24T10:00:00.000Z' },
  ])
})
