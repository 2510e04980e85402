import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { drain, queryOf, recordsOfBatch } from '../contract/store-model.ts'
import { crashBatch } from './crash-batches.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shiplog-crash-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Lets a process write from batch `first` on, kills it `afterMs` behind its first answer; gives the last batch that was answered. */
async function writeUntilKilled(first: number, afterMs: number): Promise<number> {
  const path = fileURLToPath(new URL('./child-writer.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [path, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let answered = first - 1
  let started = false
  let rest = ''
  child.stdout?.on('data', (data: Buffer) => {
    if (!started) setTimeout(() => child.kill('SIGKILL'), afterMs)
    started = true
    const lines = (rest + data.toString()).split('\n')
    rest = lines.pop() as string
    if (lines.length > 0) answered = Number(lines.at(-1))
  })
  await new Promise((resolve) => child.on('close', resolve))
  return answered
}

test('killed at any moment: what was answered is there, once; what comes again is not there twice', async () => {
  let first = 0
  for (const afterMs of [3, 40, 90, 170]) {
    const answered = await writeUntilKilled(first, afterMs)
    expect(answered).toBeGreaterThanOrEqual(first)
    const store = await openSqliteStore({ folder })
    try {
      const before = await drain(store.scan(queryOf('batch line', { order: 'asc' })))
      const ids = new Set(before.map((record) => record.id))
      expect(ids.size).toBe(before.length)
      for (let n = 0; n <= answered; n++) {
        for (const file of [0, 1])
          for (const record of recordsOfBatch(crashBatch(n, file))) expect(ids.has(record.id)).toBe(true)
      }
      // As a restarted shipper does: the last acknowledged batch and the one in flight are read again.
      for (let n = Math.max(0, answered - 1); n <= answered + 1; n++)
        await store.write([crashBatch(n, 1), crashBatch(n, 0)])
      const expected = [...Array(answered + 2).keys()].flatMap((n) =>
        [0, 1].flatMap((file) => recordsOfBatch(crashBatch(n, file))),
      )
      const after = await drain(store.scan(queryOf('', { order: 'asc' })))
      expect(after.map((record) => `${record.id} ${record.message}`).sort()).toEqual(
        expected.map((record) => `${record.id} ${record.message}`).sort(),
      )
    } finally {
      await store.close()
    }
    first = answered + 2
  }
})
