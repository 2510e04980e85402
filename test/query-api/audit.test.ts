import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAudit, unknownPerMinuteMax } from '../../query-api/audit.ts'
import { lines } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { listen, nowMs, until } from './serve.ts'

function opened({ bytesMax = 1e6, path = join(folder(), 'audit.ndjson') } = {}) {
  const logged: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
  const registry = new Registry()
  const audit = openAudit({ path, bytesMax, registry, log })
  onTestFinished(() => audit.close())
  return { audit, path, logged, registry }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'shiplog-audit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

function entries(path: string): Record<string, unknown>[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('what is entered', () => {
  test('who, when, from where, what, and how many records; never a token', async () => {
    const { audit, path } = opened()
    const served = await serveWithRights(lines(['one', 'two', 'three', 'four', 'five']), { audit })
    const base = await listen(served)
    const token = served.tokens.issue('alice', 'reader', ['prod/*'])
    const get = async (path: string, text = token) =>
      (await fetch(`${base}${path}`, { headers: bearer(text) })).arrayBuffer()
    const search = '/api/v1/search?cluster=prod&app=2048&limit=2'
    await get(`${search}&q=${encodeURIComponent(`*o* OR ${token}`)}`)
    await get('/api/v1/export?cluster=prod&format=ndjson&limit=4')
    await get('/api/v1/values/level?cluster=prod')
    await get('/api/v1/search?cluster=prod&q=(')
    await get('/api/v1/search?cluster=prod&nosuch=1')
    await get(search, `${token}x`)
    await get('/metrics')
    await get('/health')
    await get('/api/v1/searches')
    const headers = { 'x-shiplog-request': '1', 'content-type': 'application/json' }
    for (const text of [token, `${token}x`]) {
      const body = JSON.stringify({ token: text })
      await (await fetch(`${base}/api/v1/session`, { method: 'POST', headers, body })).arrayBuffer()
    }
    await until(() => existsSync(path) && entries(path).length === 9)
    await audit.close()
    expect(readFileSync(path, 'utf8')).not.toContain(token.slice(21))
    const found = entries(path)
    const who = {
      time: '2016-05-16T12:48:10.000Z',
      who: 'alice',
      token: token.split('_')[1],
      via: 'token',
      from: '127.0.0.1',
    }
    expect(found[0]).toEqual({
      ...who,
      method: 'GET',
      route: '/api/v1/search',
      asked: { cluster: 'prod', app: ['2048'], q: '*o* OR shiplog_…', order: 'desc', limit: 2, fold: true },
      status: 200,
      records: 2,
      tookMs: 0,
    })
    expect(found.map(({ who, route, status, records }) => [who, route, status, records])).toEqual([
      ['alice', '/api/v1/search', 200, 2],
      ['alice', '/api/v1/export', 200, 4],
      ['alice', '/api/v1/values/:field', 200, 0],
      ['alice', '/api/v1/search', 400, 0],
      ['alice', '/api/v1/search', 400, 0],
      [null, '/api/v1/search', 401, 0],
      ['alice', '/metrics', 403, 0],
      ['alice', '/api/v1/session', 200, 0],
      [null, '/api/v1/session', 401, 0],
    ])
    expect(found[2]).toMatchObject({ asked: { field: 'level', cluster: 'prod' } })
  })

  test('whoever asks without a token, however often, pushes nothing out', async () => {
    const { audit, path } = opened()
    let clock = nowMs
    const { api } = await serveWithRights(lines(['a']), { audit, now: () => clock })
    const ask = () => api.inject('/api/v1/search?cluster=prod')
    for (let i = 0; i < 100; i++) expect((await ask()).statusCode).toBe(401)
    clock += 60_000
    await ask()
    await audit.close()
    const found = entries(path)
    expect(found).toHaveLength(unknownPerMinuteMax + 1)
    expect(found.at(-1)).toMatchObject({ who: null, leftOutBefore: 100 - unknownPerMinuteMax })
  })

  test('an export that its client leaves is entered with what was read for it', async () => {
    const { audit, path } = opened()
    const served = await serveWithRights(lines(Array.from({ length: 30 }, (_, i) => `line ${i}`)), { audit })
    const url = await listen(served)
    served.store.before = ({ batch }) => (batch < 2 ? undefined : new Promise<void>(() => {}))
    const headers = bearer(served.tokens.issue('alice', 'reader', ['prod/*']))
    const sent = request(`${url}/api/v1/export?cluster=prod`, { headers })
    sent.on('error', () => {})
    sent.end()
    await until(() => served.store.scans.batches === 2)
    sent.destroy()
    await until(() => existsSync(path) && entries(path).length === 1)
    expect(entries(path)[0]).toMatchObject({ who: 'alice', route: '/api/v1/export', records: 6, brokenOff: true })
  })
})

describe('the file', () => {
  const entry = (n: number): object => ({ n, text: 'x'.repeat(80) })
  const all = (path: string): unknown[] =>
    [path.replace('.ndjson', '.1.ndjson'), path].filter(existsSync).flatMap((one) => entries(one).map(({ n }) => n))

  test('is bounded: the older half goes, the newest is kept whole', async () => {
    const { audit, path } = opened({ bytesMax: 2000 })
    for (let n = 0; n < 200; n++) audit.write(entry(n))
    await audit.close()
    const kept = all(path)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 200 - kept.length + i))
    expect(kept.length).toBeGreaterThan(8)
    const bytes = [path, path.replace('.ndjson', '.1.ndjson')].map((one) => statSync(one).size)
    expect(Math.max(...bytes)).toBeLessThanOrEqual(1000)
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  test('goes on behind what is there, also behind a line that a crash has cut', async () => {
    const { path } = opened()
    writeFileSync(path, '{"n":1}\n{"n":')
    const { audit } = opened({ path })
    audit.write(entry(2))
    await audit.close()
    expect(readFileSync(path, 'utf8').split('\n').slice(0, 2)).toEqual(['{"n":1}', '{"n":'])
    expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[2] as string)).toMatchObject({ n: 2 })
  })

  test('that cannot be written holds nobody up; it is told, and goes on when it can', async () => {
    const path = join(folder(), 'audit.ndjson')
    // What stands in its place cannot be opened for writing, by nobody, not even by root.
    mkdirSync(path)
    const { audit, logged, registry } = opened({ path })
    const { api, tokens } = await serveWithRights(lines(['a']), { audit, health: () => ({ audit: audit.trouble() }) })
    const headers = bearer(tokens.issue('root', 'operator', ['*/*']))
    const search = async () => (await api.inject({ url: '/api/v1/search?cluster=prod', headers })).statusCode
    expect(await search()).toBe(200)
    expect(await search()).toBe(200)
    await until(() => audit.trouble() !== undefined)
    expect((await api.inject({ url: '/health', headers })).json().parts).toContainEqual({
      name: 'audit',
      state: 'degraded',
      detail: 'the audit log cannot be written: EISDIR',
    })
    await lostAre(registry, 2)
    expect(logged.filter((line) => line.includes('cannot be written'))).toHaveLength(1)
    rmSync(path, { recursive: true })
    expect(await search()).toBe(200)
    await until(() => audit.trouble() === undefined)
    expect(entries(path)).toHaveLength(1)
  })

  test('a disk that is slower than the searches loses lines, and counts them', async () => {
    const { audit, registry, path } = opened({ bytesMax: 1e9 })
    const large = { text: 'x'.repeat(1e6) }
    for (let n = 0; n < 20; n++) audit.write(large)
    await audit.close()
    const kept = entries(path).length
    expect(kept).toBeGreaterThan(2)
    expect(kept).toBeLessThan(20)
    await lostAre(registry, 20 - kept)
  })
})

async function lostAre(registry: Registry, count: number): Promise<void> {
  await expect.poll(() => registry.metrics()).toContain(`shiplog_audit_lost_total ${count}`)
}
