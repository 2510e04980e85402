/** The API over the real embedded store: what is cancelled stops its work there, and a search that runs out of time is honest. */
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseQuery } from '../../pipeline/query-parser.ts'
import type { Store } from '../../pipeline/store.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { linesOf } from '../contract/store-model.ts'
import { generationOf } from './memory-store.ts'
import { config, listen, serve, until } from './serve.ts'

const folder = mkdtempSync(join(tmpdir(), 'shiplog-sqlite-'))
const lines = 30_000
const start = Date.UTC(2026, 4, 16, 12) * 1000
/** Reads every line, and finds none. */
const costly = encodeURIComponent('.value:event OR .f1:value')
const range = `cluster=prod&from=2026-05-16T00:00:00Z&to=2026-05-17T00:00:00Z`
let store: Store
/** What the whole of a costly search takes: on the clock, and of the CPU. */
let wholeMs = 0
let wholeCpuMs = 0

beforeAll(async () => {
  store = await openSqliteStore({ folder, readers: 1 })
  const pairs = Array.from({ length: 60 }, (_, i) => `f${i}=${i}`).join(' ')
  for (let at = 0; at < lines; at += 5000) {
    const batch = Array.from({ length: 5000 }, (_, i) => ({
      message: `event ${at + i} value=${(at + i) % 977} ${pairs}`,
      time: start + (at + i) * 1000,
    }))
    await store.write([linesOf(batch, { generation: generationOf(at) })])
  }
  const where = parseQuery(decodeURIComponent(costly))
  const query = { cluster: 'prod', filters: {}, where, from: start, to: start + 3.6e9, order: 'desc' } as const
  // Twice: the first one also reads the file and starts the thread.
  for (let i = 0; i < 2; i++) {
    const began = performance.now()
    const before = process.cpuUsage()
    expect((await store.search(query, 10)).records.count).toBe(0)
    wholeMs = performance.now() - began
    wholeCpuMs = cpuMs(before)
  }
}, 60_000)

afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** CPU time of this process with all its threads, ms. */
function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

test.each([
  ['search', 'search'],
  ['histogram', 'histogram'],
  ['values', 'values/fields.f1'],
  ['scan', 'export'],
] as const)('%s: its work ends when its client goes away', async (method, path) => {
  expect(wholeCpuMs).toBeGreaterThan(300)
  let begun = 0
  const watched = Object.create(store, {
    [method]: {
      value: (...args: Parameters<Store['search']>) => {
        begun++
        return Reflect.apply(store[method], store, args) as unknown
      },
    },
  }) as Store
  const served = await serve([], { store: watched, config: { ...config, searchTimeMsMax: 60_000 } })
  const sent = request(`${await listen(served)}/api/v1/${path}?${range}&q=${costly}`)
  sent.on('error', () => {})
  sent.end()
  await until(() => begun > 0)
  const before = process.cpuUsage()
  // It is at work by now.
  await until(() => cpuMs(before) > 50)
  sent.destroy()
  const left = process.cpuUsage()
  // As long as all of it takes: what goes on working would have used the CPU by then.
  await sleep(wholeMs)
  expect(cpuMs(left)).toBeLessThan(wholeCpuMs / 2)
})

test('a search that runs out of time says how far it came, and its pages are all there is', async () => {
  const limits = { ...config, searchTimeMsMax: 0 }
  const { api } = await serve([], { store, config: limits })
  const expected = Array.from({ length: lines }, (_, i) => i).filter((i) => i % 977 === 5)

  /** All pages; returns how many of them were partial. */
  async function walk(order: 'asc' | 'desc'): Promise<number> {
    const found: string[] = []
    let partial = 0
    let cursor = ''
    let edge = order === 'desc' ? '9' : '0'
    for (;;) {
      const url = `/api/v1/search?cluster=prod&from=2026-05-16&q=.value:5&order=${order}&limit=1000${cursor}`
      const answer = await api.inject(url)
      if (answer.statusCode === 422) {
        // It came nowhere in that time, and says that: with more time it goes on from the same place.
        expect(answer.json().code).toBe('QUERY_TOO_COSTLY')
        limits.searchTimeMsMax *= 2
        continue
      }
      expect(answer.statusCode).toBe(200)
      const page = answer.json()
      found.push(...page.records.map(({ id }: { id: string }) => id))
      if (page.partial !== undefined) {
        partial++
        const covered = order === 'desc' ? page.partial.coveredFrom : page.partial.coveredTo
        expect(order === 'desc' ? covered < edge : covered > edge).toBe(true)
        edge = covered
      }
      if (page.next === null) break
      cursor = `&cursor=${page.next}`
    }
    expect(found).toHaveLength(expected.length)
    expect(new Set(found).size).toBe(expected.length)
    return partial
  }

  for (const order of ['desc', 'asc'] as const) {
    // How fast this machine is just now is not known: shorter limits are tried until one ends a search on its way.
    for (let divisor = 2; ; divisor *= 1.4) {
      limits.searchTimeMsMax = Math.max(1, Math.ceil(wholeMs / divisor))
      if ((await walk(order)) > 0) break
    }
  }
}, 60_000)
