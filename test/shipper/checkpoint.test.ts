/**
 * The checkpoint's format. What an older version stored must be read for ever: a shipper that cannot read it would ship
 * every file again. `fixtures/checkpoint/format-1.sql` is what format 1 looked like; a changed format gets a number and
 * a fixture of its own beside it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Checkpoint, openCheckpoint } from '../../shipper/checkpoint.ts'
import { readersOf } from '../../shipper/events.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { rememberingBus, startTestShipper } from './harness.ts'

const golden = readFileSync(fileURLToPath(new URL('../fixtures/checkpoint/format-1.sql', import.meta.url)), 'utf8')

let folder: ReturnType<typeof temporaryFolder>
let checkpoint: Checkpoint | undefined

beforeEach(() => {
  folder = temporaryFolder('checkpoint')
})

afterEach(async () => {
  await checkpoint?.close()
  folder.cleanUp()
})

function store(sql: string): string {
  const path = join(folder.path, 'checkpoint.db')
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
  return path
}

/** Columns and version, however the statement is laid out. */
function formatOf(path: string): unknown {
  const db = new DatabaseSync(path)
  const columns = db.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('generation')`).all()
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  db.close()
  return { version, columns: columns.map((column) => ({ ...column })) }
}

/** The names in the JSON columns. */
function namesIn(path: string): Record<string, readonly string[]> {
  const db = new DatabaseSync(path)
  const names = new Map<string, Set<string>>()
  for (const row of db.prepare('SELECT * FROM generation').all()) {
    for (const column of ['source', 'signature', 'blocks', 'position', 'reading', 'window']) {
      const value: unknown = JSON.parse(String(row[column]))
      const known = names.get(column) ?? new Set()
      names.set(column, known)
      for (const object of Array.isArray(value) ? value : [value])
        for (const name of Object.keys(object ?? {})) known.add(name)
    }
  }
  db.close()
  return Object.fromEntries([...names].map(([column, known]) => [column, [...known].sort()]))
}

test('what format 1 stored is read: where each file goes on, and the window that a crash left', async () => {
  store(golden)
  checkpoint = await openCheckpoint(folder.path)
  const [read, crashed, ended] = checkpoint.rows
  expect(checkpoint.rows).toHaveLength(3)
  expect(read).toMatchObject({
    generation: '01m81b5h83vqmjz4n6r1w2c3d4',
    source: { cluster: 'prod', app: 'shop', instance: 'shop-0', host: 'h1', dir: '/logs', file: 'a.log' },
    path: 'shop/shop-0/logs/a.log',
    identity: '9986129:1795532865735326229',
    signature: { bytes: 66, crc: 1640498205 },
    blocks: [{ from: 0, to: 66, crc: 2131095547 }],
    position: { offset: 66, previousTime: 1795341600075000 },
    window: undefined,
    lost: 0,
    live: true,
    updatedAt: 1795532865794,
  })
  expect(crashed).toMatchObject({
    position: { offset: 2437, open: { offset: 2372, time: 1795341600075000, level: 3, torn: false, state: 1 } },
    window: { to: 2502, readAt: 1795532865779000 },
  })
  expect(ended).toMatchObject({
    live: false,
    lost: 75,
    loss: { first: 1795532865899000, cause: 'truncated', atLeast: true },
    position: { offset: 0 },
  })
  // The shapes of that version have readers in this one.
  for (const row of checkpoint.rows) expect(() => readersOf(row.reading)).not.toThrow()
})

test('what this version stores has the columns and the names that the fixture has: a change needs a new format', async () => {
  const stored = store(golden)
  const bus = rememberingBus()
  mkdirSync(join(folder.path, 'logs/shop/shop-0/logs'), { recursive: true })
  const line = '2026-11-22 10:00:00.000 INFO hello\n'
  writeFileSync(join(folder.path, 'logs/shop/shop-0/logs/a.log'), line.repeat(4))
  const written = join(folder.path, 'data/shipper/checkpoint.db')
  const seen: Record<string, readonly string[]>[] = []
  // The first window is written ahead when it is published.
  bus.gate = () => void seen.push(namesIn(written))
  const { shipper } = await startTestShipper(folder.path, bus)
  await waitFor(() => bus.records.length === 4)
  await shipper.close()
  seen.push(namesIn(written))
  expect(formatOf(written)).toEqual(formatOf(stored))
  for (const [column, names] of Object.entries(namesIn(stored))) {
    expect([column, [...new Set(seen.flatMap((snapshot) => snapshot[column] ?? []))].sort()]).toEqual([column, names])
  }
})

test.each([
  ['of a format that is not known', (path: string) => new DatabaseSync(path).exec('PRAGMA user_version = 99')],
  ['that is no database', (path: string) => writeFileSync(path, 'no database, whatever its name says\n'.repeat(200))],
  ['that is cut off', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 4096 + 100))],
])('a checkpoint %s stops the start with a remedy, and is left as it is', async (_what, damage) => {
  const path = store(golden)
  damage(path)
  const before = readFileSync(path)
  const failure = await openCheckpoint(folder.path).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'STATE_UNREADABLE', hint: expect.stringContaining('Restore') })
  expect(readFileSync(path).equals(before)).toBe(true)
})
