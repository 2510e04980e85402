import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FileState, fileStateKey } from '../../pipeline/bus.ts'
import { firstTime, generationOf, lines, originOf, source } from './memory-store.ts'
import { serve } from './serve.ts'

describe('GET /values/:field', () => {
  const events = [
    ...lines(['status=200 a=1', 'status=500 a=1', 'status=200 a=2']),
    ...lines(['x'], originOf({ app: 'Shop', cluster: 'prod' }, generationOf(1)), { level: 5 }),
    ...lines(['y'], originOf({ cluster: 'test', app: 't' }, generationOf(2))),
  ]
  const of = async (url: string) => {
    const { api } = await serve(events)
    const answer = await api.inject(`/api/v1/values/${url}`)
    expect(answer.statusCode).toBe(200)
    return answer.json().values.map(({ value, count }: { value: string; count: number }) => [value, count])
  }

  test('most frequent first, with the time of the newest', async () => {
    const { api } = await serve(events)
    expect((await api.inject('/api/v1/values/app?cluster=prod')).json()).toEqual({
      values: [
        { value: '2048', count: 3, last: '2016-05-16T12:47:10.002000Z' },
        { value: 'Shop', count: 1, last: '2016-05-16T12:47:10.000000Z' },
      ],
    })
  })

  test('clusters need no cluster', async () => {
    expect(await of('cluster')).toEqual([
      ['prod', 4],
      ['test', 1],
    ])
  })

  test('are those of the selection', async () => {
    expect(await of('app?cluster=prod&prefix=sh')).toEqual([['Shop', 1]])
    expect(await of('app?cluster=prod&limit=1')).toEqual([['2048', 3]])
    expect(await of('app?cluster=prod&q=status')).toEqual([['2048', 3]])
    expect(await of('level?cluster=prod')).toEqual([
      ['info', 3],
      ['error', 1],
    ])
    expect(await of('fields.status?cluster=prod')).toEqual([
      ['200', 2],
      ['500', 1],
    ])
    expect(await of('app?cluster=nowhere')).toEqual([])
  })
})

test('where there are no parameters, that is what is said', async () => {
  const { api } = await serve()
  const { hint } = (await api.inject('/health?x=1')).json()
  expect(hint).toBe('There are no parameters here.')
})

describe('GET /context', () => {
  const older = lines(Array.from({ length: 10 }, (_, i) => `old ${i}`))
  // The clock went back with the new incarnation, and two lines have one time.
  const newer = lines(['new 0', 'new 1', 'new 2'], originOf({}, generationOf(1)), { time: firstTime - 1e6 })
  const others = lines(['other'], originOf({ instance: 'another' }, generationOf(2)))
  const ask = async (event: (typeof older)[number] | undefined, more: string) => {
    const { api } = await serve([...others, ...newer, ...older])
    const at = new Date((event?.time ?? 0) / 1000).toISOString().replace('Z', '000Z')
    const answer = await api.inject(
      `/api/v1/context?cluster=prod&id=${event?.origin.generation}-${event?.offset}&time=${at}${more}`,
    )
    expect(answer.statusCode).toBe(200)
    const { before, record, after } = answer.json()
    const message = (one: { message: string }) => one.message
    return [before.map(message), record.message, after.map(message)]
  }

  test.each([
    ['in the middle', older[5], '&before=2&after=1', [['old 3', 'old 4'], 'old 5', ['old 6']]],
    ['over the end of an incarnation', older[9], '&before=1&after=2', [['old 8'], 'old 9', ['new 0', 'new 1']]],
    ['over its beginning', newer[1], '&before=3&after=9', [['old 8', 'old 9', 'new 0'], 'new 1', ['new 2']]],
    ['at the beginning', older[0], '&before=5&after=0', [[], 'old 0', []]],
    ['of 20 each', newer[2], '', [[...older.map(({ message }) => String(message)), 'new 0', 'new 1'], 'new 2', []]],
  ])('%s', async (_, event, more, expected) => {
    expect(await ask(event, more)).toEqual(expected)
  })

  test('its scans end when enough is found', async () => {
    const { api, store } = await serve(older)
    const event = older[5]
    await api.inject(
      `/api/v1/context?cluster=prod&id=${event?.origin.generation}-${event?.offset}&time=2016-05-16T12:47:10.005000Z&before=1&after=1`,
    )
    expect(store.scans).toMatchObject({ begun: 2, ended: 2, batches: 2 })
  })
})

describe('GET /files', () => {
  const state = (file: string, generation: string, more: Partial<FileState> = {}): FileState => ({
    source: { ...source, file },
    generation,
    path: `/logs/${file}`,
    state: 'following',
    size: 10,
    read: 10,
    acknowledged: 8,
    lost: 0,
    updatedAt: firstTime,
    ...more,
  })

  test('is what the shippers have reported', async () => {
    const { api, parts } = await serve()
    const states = [
      state('b.log', generationOf(1)),
      state('a.log', generationOf(3)),
      state('a.log', generationOf(2), { lost: 5 }),
    ]
    for (const one of states) await parts.state.put(`file/prod/${one.generation}`, one)
    await parts.state.put(
      'file/test/x',
      state('c.log', generationOf(4), { source: { ...source, file: 'c.log', cluster: 'test' } }),
    )
    const { total, files } = (await api.inject('/api/v1/files?cluster=prod')).json()
    expect(total).toBe(3)
    expect(files.map(({ file, lost }: { file: string; lost: number }) => [file, lost])).toEqual([
      ['a.log', 5],
      ['a.log', 0],
      ['b.log', 0],
    ])
    expect(files[2]).toEqual({
      ...source,
      file: 'b.log',
      generation: generationOf(1),
      path: '/logs/b.log',
      state: 'following',
      size: 10,
      read: 10,
      acknowledged: 8,
      behind: 2,
      lost: 0,
      updatedAt: '2016-05-16T12:47:10.000000Z',
    })
    expect((await api.inject('/api/v1/files')).json().total).toBe(4)
    expect((await api.inject('/api/v1/files?file=a.log&file=c.log&limit=1')).json()).toMatchObject({ total: 3 })
  })

  test('says what was lost and what is not read, restricted to either, with totals', async () => {
    const { api, parts } = await serve()
    const loss = { first: firstTime, last: firstTime + 1, cause: 'truncated', atLeast: true }
    const { generation: _, ...never } = state('secret.log', '', { state: 'unreadable', reason: 'EACCES', size: 0 })
    const states = [
      state('a.log', generationOf(1), { lost: 5, loss, reached: firstTime - 1 }),
      state('b.log', generationOf(2), { state: 'gone', warning: 'zone looks 8 h off' }),
      { ...never, acknowledged: 0, read: 0 },
    ]
    for (const one of states) await parts.state.put(`file/prod/${fileStateKey(one)}`, one)
    const of = async (query: string) => (await api.inject(`/api/v1/files?cluster=prod${query}`)).json()
    const { total, totals, files } = await of('&limit=1')
    expect([total, files.length]).toEqual([3, 1])
    expect(totals).toEqual({
      size: 20,
      acknowledged: 16,
      behind: 2,
      lost: 5,
      states: { following: 1, gone: 1, unreadable: 1 },
    })
    const formatted = { first: '2016-05-16T12:47:10.000000Z', last: '2016-05-16T12:47:10.000001Z' }
    expect((await of('&lost=true')).files).toMatchObject([
      { file: 'a.log', reached: '2016-05-16T12:47:09.999999Z', loss: { ...loss, ...formatted } },
    ])
    expect((await of('&state=unreadable&state=gone')).files).toMatchObject([
      { file: 'b.log', behind: 0, warning: 'zone looks 8 h off' },
      { file: 'secret.log', reason: 'EACCES' },
    ])
    expect((await of('&state=nosuch')).status).toBe(400)
  })
})

describe('health and metrics', () => {
  test('a part in trouble is said, and searches go on', async () => {
    const { api } = await serve([], { health: () => ({ shipper: 'the bus is away', indexer: undefined }) })
    const parts = [
      { name: 'store', state: 'up' },
      { name: 'shipper', state: 'degraded', detail: 'the bus is away' },
      { name: 'indexer', state: 'up' },
    ]
    expect((await api.inject('/health')).json()).toEqual({ ready: true, parts })
    expect((await api.inject('/health/ready')).statusCode).toBe(200)
  })

  test('a store that is down: alive, but not ready', async () => {
    const { api, store } = await serve()
    store.stats = async () => {
      throw new Error('no such disk')
    }
    const alive = await api.inject('/health')
    expect(alive.statusCode).toBe(200)
    expect(alive.json()).toMatchObject({
      ready: false,
      parts: [{ name: 'store', state: 'down', detail: 'no such disk' }, {}],
    })
    const ready = await api.inject('/health/ready')
    expect(ready.statusCode).toBe(503)
    expect(ready.json().detail).toBe('store is down: no such disk')
  })

  test('a store with a damaged file still serves', async () => {
    const { api, store } = await serve()
    const stats = await store.stats()
    store.stats = async () => ({ ...stats, damaged: [{ path: 'x.db', reason: 'malformed' }] })
    const { ready, parts } = (await api.inject('/health')).json()
    expect(ready).toBe(true)
    expect(parts[0]).toEqual({
      name: 'store',
      state: 'degraded',
      detail: '1 partitions cannot be read: x.db: malformed',
    })
  })

  test('metrics count requests by route, never by what was asked', async () => {
    const { api } = await serve(lines(['a']))
    await api.inject('/api/v1/search?cluster=prod&q=hunter2')
    await api.inject('/api/v1/export?cluster=prod')
    const metrics = await api.inject('/metrics')
    expect(metrics.headers['content-type']).toContain('text/plain')
    expect(metrics.body).toContain('shiplog_http_request_seconds_count{route="/api/v1/search",status="200"} 1')
    expect(metrics.body).toContain('shiplog_export_records_total{format="txt"} 1')
    expect(metrics.body).not.toContain('hunter2')
  })
})

describe('the page', () => {
  const html = { accept: 'text/html,*/*' }

  function builtPage(): string {
    const folder = mkdtempSync(join(tmpdir(), 'shiplog-page-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), '<!doctype html>the page')
    writeFileSync(join(folder, 'assets', 'a-123.js'), 'script()')
    return folder
  }

  test('is served for every path that a browser asks for, under a strict policy', async () => {
    const { api } = await serve([], { uiFolder: builtPage() })
    for (const url of ['/', '/apps', '/a/b?q=x']) {
      const answer = await api.inject({ url, headers: html })
      expect([answer.statusCode, answer.body]).toEqual([200, '<!doctype html>the page'])
      expect(answer.headers['content-type']).toContain('text/html')
      expect(answer.headers['cache-control']).toBe('no-cache')
      const policy = String(answer.headers['content-security-policy'])
      expect(policy).toContain("script-src 'self';")
      expect(policy).toContain("style-src 'self' 'unsafe-inline'")
      expect(policy).not.toContain('unsafe-eval')
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
    }
  })

  test('probes may ask for its head', async () => {
    const { api } = await serve([], { uiFolder: builtPage() })
    const answer = await api.inject({ method: 'HEAD', url: '/' })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })

  test('its files are kept by browsers, and what is not there is not the page', async () => {
    const { api } = await serve([], { uiFolder: builtPage() })
    const script = await api.inject('/assets/a-123.js')
    expect(script.body).toBe('script()')
    expect(script.headers['cache-control']).toContain('immutable')
    const missing = await api.inject('/assets/b.js')
    expect(missing.statusCode).toBe(404)
    expect(missing.headers['content-type']).toContain('application/problem+json')
    const endpoint = await api.inject({ url: '/api/v1/nothing', headers: html })
    expect(endpoint.statusCode).toBe(404)
    expect(endpoint.json()).toMatchObject({ status: 404 })
    for (const url of ['/../server.ts', '/%2e%2e/server.ts', '/..%2fserver.ts']) {
      expect((await api.inject(url)).statusCode).toBeGreaterThanOrEqual(400)
    }
  })

  test('that is not built says how to build it', async () => {
    const { api } = await serve()
    const answer = await api.inject({ url: '/', headers: html })
    expect(answer.statusCode).toBe(503)
    expect(answer.body).toContain('npm run build')
  })
})

test('large answers come compressed when that is asked for, small ones do not', async () => {
  const { api } = await serve(lines(Array.from({ length: 200 }, (_, i) => `line ${i}`)))
  const encoding = async (limit: number) => {
    const url = `/api/v1/search?cluster=prod&limit=${limit}`
    return (await api.inject({ url, headers: { 'accept-encoding': 'gzip, br' } })).headers['content-encoding']
  }
  expect(await encoding(200)).toBe('gzip')
  expect(await encoding(2)).toBe(undefined)
})
