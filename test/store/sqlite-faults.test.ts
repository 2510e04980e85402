/** What goes wrong with files and disks. The contract itself is in sqlite.test.ts. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import { partitionSchema, partitionVersion } from '../../store/sqlite/database.ts'
import { openSqliteState } from '../../store/sqlite/state.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { dayUs, drain, generationOf, linesOf, noonUs, queryOf } from '../contract/store-model.ts'

let folder: string
let errors: { details: object; message: string }[]
const log = {
  error(details: object, message: string): void {
    errors.push({ details, message })
  },
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shiplog-faults-'))
  errors = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** 50 events of day n. */
const day = (n: number, count = 50) =>
  linesOf(
    Array.from({ length: count }, (_, i) => ({ message: `day ${n} line ${i}`, time: noonUs + n * dayUs + i })),
    { generation: generationOf(n), readAt: noonUs + 90 * dayUs },
  )
const pathOf = (n: number): string => join(folder, 'prod', `2026-05-${16 + n}.db`)

async function fill(days: number, count?: number): Promise<void> {
  const store = await openSqliteStore({ folder })
  for (let n = 0; n < days; n++) await store.write([day(n, count)])
  await store.close()
}

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, at)
  await file.close()
}

describe('a damaged file is set aside, and the others serve', () => {
  const damages: { name: string; damage: () => Promise<void> }[] = [
    {
      name: 'it is no database',
      damage: () => writeFile(pathOf(1), 'not a database, but long enough to look '.repeat(200)),
    },
    { name: 'it is empty pages', damage: () => writeFile(pathOf(1), new Uint8Array(40_960).fill(7)) },
    {
      name: 'its inner pages are overwritten',
      damage: () => overwrite(pathOf(1), 4096, new Uint8Array(200_000).fill(0xa5)),
    },
    {
      name: 'a block of text does not decompress',
      async damage() {
        const db = new DatabaseSync(pathOf(1))
        db.exec("UPDATE chunks SET text = x'28b52ffd0000'")
        db.close()
      },
    },
  ]

  test.each(damages)('found when reading: $name', async ({ damage }) => {
    await fill(3, 3000)
    await damage()
    const store = await openSqliteStore({ folder, log })
    try {
      const page = await store.search(queryOf('', { to: noonUs + dayUs * 1.5 }), 3100)
      expect(page.records.count).toBe(3000)
      expect(await drain(store.scan(queryOf('line')))).toHaveLength(6000)
      expect((await store.histogram({ ...queryOf(), from: noonUs - dayUs, to: noonUs + 9 * dayUs }, 5)).total).toBe(
        6000,
      )
      const { damaged, partitions } = await store.stats()
      expect(damaged).toEqual([
        { path: `${pathOf(1)}.damaged-1`, reason: expect.stringContaining('read again from the log files') },
      ])
      expect(partitions).toHaveLength(2)
      expect(errors).toHaveLength(1)
      expect(errors[0]?.message).toContain('2026-05-17')
      // What is read again makes a fresh file.
      await store.write([day(1)])
      expect(
        (await store.search(queryOf('', { from: noonUs + dayUs, to: noonUs + 2 * dayUs }), 100)).records.count,
      ).toBe(50)
    } finally {
      await store.close()
    }
  })

  test('found in the middle of a scan, which goes on behind what it gave', async () => {
    await fill(3, 3000)
    await overwrite(pathOf(1), 4096, new Uint8Array(200_000).fill(0xa5))
    const store = await openSqliteStore({ folder, log })
    const records = await drain(store.scan(queryOf('', { order: 'asc' })))
    await store.close()
    expect(
      records.map((record) => record.generation).filter((generation, i, all) => generation !== all[i - 1]),
    ).toEqual([generationOf(0), generationOf(2)])
    expect(records).toHaveLength(6000)
  })

  test('found when writing: the call is to be made again, then a fresh file takes the day', async () => {
    await fill(1)
    await writeFile(pathOf(0), 'this was a database once '.repeat(500))
    const store = await openSqliteStore({ folder, log })
    try {
      await expect(store.write([day(0), day(1)])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
      await expect
        .poll(() =>
          store.write([day(0), day(1)]).then(
            () => 'written',
            () => 'not yet',
          ),
        )
        .toBe('written')
      expect(await drain(store.scan(queryOf()))).toHaveLength(100)
      expect((await store.stats()).damaged).toHaveLength(1)
    } finally {
      await store.close()
    }
  })

  test('what was set aside is still told after a restart', async () => {
    await fill(2)
    await writeFile(pathOf(1), 'x'.repeat(5000))
    for (const _restart of [1, 2]) {
      const store = await openSqliteStore({ folder, log })
      await drain(store.scan(queryOf()))
      expect((await store.stats()).damaged).toHaveLength(1)
      await store.close()
    }
    expect(errors).toHaveLength(1)
  })
})

describe.skipIf(process.getuid?.() !== 0)('a full disk (a small tmpfs of its own: needs root)', () => {
  test('write rejects retryable with what to do, keeps nothing half, and works again when there is space', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder])
    try {
      const store = await openSqliteStore({ folder, log })
      try {
        let written = 0
        let failure: unknown
        const ballast = join(folder, 'ballast')
        await store.write([day(0, 2000)])
        await writeFile(ballast, new Uint8Array(900_000))
        for (let n = 1; n < 40 && failure === undefined; n++) {
          failure = await store.write([day(n, 2000)]).then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failure === undefined) written = n
        }
        expect(failure).toMatchObject({
          code: 'DATA_UNWRITABLE',
          retryable: true,
          hint: expect.stringContaining('space'),
        })
        const found = await drain(store.scan(queryOf('line')))
        expect(found).toHaveLength((written + 1) * 2000)
        await rm(ballast)
        await store.write([day(written + 1, 2000)])
        expect(await drain(store.scan(queryOf('line')))).toHaveLength((written + 2) * 2000)
        expect((await store.stats()).damaged).toEqual([])
      } finally {
        await store.close()
      }
    } finally {
      execFileSync('umount', [folder])
    }
  })
})

test('a folder that cannot be made is DATA_UNWRITABLE at once', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(openSqliteStore({ folder: join(folder, 'file', 'store') })).rejects.toMatchObject({
    code: 'DATA_UNWRITABLE',
  })
  await expect(openSqliteState({ folder: join(folder, 'file', 'store') })).rejects.toMatchObject({
    code: 'DATA_UNWRITABLE',
  })
})

test('a folder that becomes unusable: write rejects retryable, and works again afterwards', async () => {
  const store = await openSqliteStore({ folder, log })
  try {
    await writeFile(join(folder, 'prod'), 'a file where the folder of the cluster should be')
    await expect(store.write([day(0)])).rejects.toMatchObject({ code: 'DATA_UNWRITABLE', retryable: true })
    await rm(join(folder, 'prod'))
    await store.write([day(0)])
    expect((await store.search(queryOf(), 100)).records.count).toBe(50)
  } finally {
    await store.close()
  }
})

test('at most openFilesMax partition files are open, also with many days read and written', async () => {
  const store = await openSqliteStore({ folder, openFilesMax: 6, readers: 2 })
  try {
    for (let n = 0; n < 14; n++) await store.write([day(n)])
    const partial = linesOf(
      Array.from({ length: 28 }, (_, i) => ({ message: `line ${i}`, time: noonUs + (i % 14) * dayUs })),
      { generation: generationOf(50), readAt: noonUs + 90 * dayUs },
    )
    await store.write([partial])
    for (const order of ['asc', 'desc'] as const) {
      expect(await drain(store.scan(queryOf('line', { order })))).toHaveLength(14 * 50 + 28)
      expect((await store.search(queryOf('', { order }), 1000)).records.count).toBe(14 * 50 + 28)
    }
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    )
    // SQLite keeps a descriptor until the last connection of the process to that file is closed: files are what counts.
    const files = new Set(links.filter((link) => link.startsWith(folder) && link.endsWith('.db')))
    expect(files.size).toBeLessThanOrEqual(6)
    expect(files.size).toBeGreaterThan(0)
  } finally {
    await store.close()
  }
})

test('after close no file and no log is left open or behind', async () => {
  await fill(2)
  expect(readdirSync(join(folder, 'prod')).sort()).toEqual(['2026-05-16.db', '2026-05-17.db'])
})

test('the schema of a partition file is what version 2 says', async () => {
  await fill(1)
  const db = new DatabaseSync(pathOf(0), { readOnly: true })
  const tables = db
    .prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'words_%' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all()
  const version = db.prepare('PRAGMA user_version').get()
  db.close()
  expect(version).toEqual({ user_version: 2 })
  expect(partitionVersion).toBe(2)
  const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
  // A change here needs a new version and a way to read the old one.
  const golden = squeeze(readFileSync(new URL('./sqlite-schema-2.sql', import.meta.url), 'utf8'))
  expect(squeeze(tables.map(({ sql }) => `${sql};`).join(' '))).toBe(golden)
  expect(squeeze(partitionSchema)).toBe(golden)
})

test('a file of version 1 is read by every later one', async () => {
  await mkdir(join(folder, 'prod'))
  const db = new DatabaseSync(pathOf(0))
  db.exec(readFileSync(new URL('./sqlite-version-1.sql', import.meta.url), 'utf8'))
  db.close()
  const store = await openSqliteStore({ folder, log })
  try {
    const records = await drain(store.scan(queryOf('hello', { order: 'asc' })))
    expect(records.map(({ id, message, level, file, time }) => [id, message, level, file, time])).toEqual([
      [`${generationOf(1)}-0`, 'hello 世界', 'info', 'a.log', '2026-05-16T12:00:00.000001Z'],
      [`${generationOf(1)}-13`, 'hello again', 'error', 'a.log', '2026-05-16T12:00:01.000000Z'],
    ])
    expect(errors).toEqual([])
  } finally {
    await store.close()
  }
})

test('a file of a later version stays where it is, and whoever asks for it is told to run that version', async () => {
  await fill(2)
  const db = new DatabaseSync(pathOf(1))
  db.exec('PRAGMA user_version = 99')
  db.close()
  const store = await openSqliteStore({ folder, log })
  try {
    const later = { code: 'STATE_UNREADABLE', hint: expect.stringContaining('later Shiplog') }
    await expect(drain(store.scan(queryOf()))).rejects.toMatchObject(later)
    await expect(store.write([day(1)])).rejects.toMatchObject({ message: expect.stringContaining('schema version 99') })
    expect((await store.search(queryOf('', { to: noonUs + dayUs / 2 }), 100)).records.count).toBe(50)
    expect((await store.stats()).damaged).toEqual([])
  } finally {
    await store.close()
  }
})

test('an origin that SQLite cannot bind is refused; so is what has no time of reading', async () => {
  const store = await openSqliteStore({ folder, log })
  try {
    const source = { ...day(0).origin.source, app: undefined } as unknown as EventBatch['origin']['source']
    const nameless = { ...day(0, 1), origin: { ...day(0).origin, source } }
    const unread = { ...day(1, 1), origin: { ...day(1).origin, readAt: Number.NaN } }
    const refused = await store.write([nameless, unread, day(2, 1)])
    expect(refused.map(({ reason }) => reason)).toEqual(['its app is no text', 'NaN is no time of reading'])
    expect((await store.stats()).events).toBe(1)
  } finally {
    await store.close()
  }
})

describe('the state', () => {
  test('a file that cannot be read stops it with a remedy; it never starts over', async () => {
    await writeFile(join(folder, 'state.db'), 'not a database, but long enough to look like one '.repeat(100))
    await expect(openSqliteState({ folder })).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      hint: expect.any(String),
    })
    expect(existsSync(join(folder, 'state.db'))).toBe(true)
  })

  test('another version is not read; version 1 is pinned', async () => {
    const state = await openSqliteState({ folder })
    await state.put('a', 1)
    await state.close()
    const db = new DatabaseSync(join(folder, 'state.db'))
    expect(
      db
        .prepare('SELECT sql FROM sqlite_schema ORDER BY name')
        .all()
        .map((row) => row.sql),
    ).toEqual([
      'CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT, version INTEGER NOT NULL) WITHOUT ROWID',
      'CREATE TABLE leases (key TEXT PRIMARY KEY, holder TEXT NOT NULL, untilMs INTEGER NOT NULL) WITHOUT ROWID',
    ])
    db.exec('PRAGMA user_version = 2')
    db.close()
    await expect(openSqliteState({ folder })).rejects.toMatchObject({ code: 'STATE_UNREADABLE' })
  })
})
