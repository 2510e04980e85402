import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { encodeCursor } from '../../pipeline/cursor.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { firstTime, generationOf, lines } from './memory-store.ts'
import { config, listen, serve } from './serve.ts'

const cursor = encodeCursor({
  time: firstTime,
  generation: generationOf(0),
  offset: 0,
  order: 'desc',
  from: 0,
  to: Number.POSITIVE_INFINITY,
})
const id = `${generationOf(0)}-0`
const time = '2016-05-16T12:47:10.000000Z'

describe('every bad request is a problem with a hint', () => {
  const refused: [url: string, status: number, detail: string, hint: string][] = [
    ['/search', 400, 'cluster is missing', 'Give cluster'],
    ['/search?cluster=', 400, 'cluster is “”', 'the cluster'],
    ['/search?cluster=Prod', 400, 'cluster is “Prod”', 'the cluster'],
    ['/search?cluster=../x', 400, 'cluster is “../x”', 'the cluster'],
    ['/search?cluster=a&cluster=b', 400, 'cluster is given 2 times', 'once'],
    ['/search?cluster=prod&limt=3', 400, '“limt” is not known', 'Did you mean limit?'],
    ['/search?cluster=prod&APP=x', 400, '“APP” is not known', 'Did you mean app?'],
    ['/search?cluster=prod&zzzzzzzz=x', 400, '“zzzzzzzz” is not known', 'Known here: cluster, app'],
    ['/search?cluster=prod&__proto__=x', 400, '“__proto__” is not known', ''],
    ['/search?cluster=prod&limit=0', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=1001', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=abc', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=1e2', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=-1', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&limit=99999999999999999999999', 400, 'from 1 to 1000', 'records'],
    ['/search?cluster=prod&order=dsc', 400, 'order is “dsc”', 'Did you mean desc?'],
    ['/search?cluster=prod&level=eror', 400, 'level is “eror”', 'Did you mean error?'],
    ['/search?cluster=prod&app=', 400, 'app is “”', 'Leave app out'],
    [`/search?cluster=prod&${'app=x&'.repeat(101)}`, 400, 'given 101 times', 'At most 100'],
    [`/search?cluster=prod&app=${'x'.repeat(2000)}`, 400, 'at most 1024 characters', 'application'],
    [`/search?cluster=prod&q=${'x'.repeat(4097)}`, 400, 'at most 4096 characters', 'what to look for'],
    ['/search?cluster=prod&q=a%00b', 400, 'without NUL', 'what to look for'],
    ['/search?cluster=prod&app=%FF', 400, 'no UTF-8', 'Percent-encode'],
    ['/search?cluster=prod&%E8%BF=1', 400, 'no UTF-8', 'Percent-encode'],
    ['/search?cluster=prod&q=%', 400, 'no UTF-8', 'Percent-encode'],
    ['/search?cluster=prod&cursor=nonsense', 400, 'cursor', 'next'],
    ['/search?cluster=prod&cursor=', 400, 'cursor is “”', 'Leave cursor out'],
    [`/search?cluster=prod&cursor=${'A'.repeat(513)}`, 400, 'at most 512', ''],
    [`/search?cluster=prod&order=asc&cursor=${cursor}`, 400, 'order=desc', 'order=desc'],
    ['/search?cluster=prod&from=2016-05-17&to=2016-05-16', 400, 'not before', 'earlier'],
    ['/search?cluster=prod&from=2016-05-16&to=2016-05-16', 400, 'not before', 'earlier'],
    ['/search?cluster=prod&from=yesterday', 400, 'yesterday', 'now-15m'],
    ['/search?cluster=prod&from=99999999999999999999', 400, 'outside', 'milliseconds'],
    ['/search?cluster=prod&tz=Asia/Atlantis', 400, 'Asia/Atlantis', 'Asia/Shanghai'],
    ['/search?cluster=prod&tz=+08:00', 400, 'no time zone', '%2B'],
    ['/search?cluster=prod&to=2016-05-16T12:47:10+08:00', 400, 'cannot be understood', '%2B'],
    ['/search?cluster=prod&to=now+1h', 400, 'cannot be understood', '%2B'],
    ['/histogram?cluster=prod&buckets=0', 400, 'from 1 to 1000', 'buckets'],
    ['/histogram?cluster=prod&limit=5', 400, '“limit” is not known', ''],
    ['/values/app', 400, 'cluster is missing', '/api/v1/values/cluster'],
    ['/values/ap?cluster=prod', 404, 'no field “ap”', 'Did you mean app?'],
    ['/values/fields.?cluster=prod', 404, 'no field', ''],
    ['/values/message?cluster=prod', 404, 'no field', 'Known:'],
    ['/values/%FF?cluster=prod', 400, '', ''],
    [`/values/fields.${'x'.repeat(200)}?cluster=prod`, 404, 'no field', ''],
    [`/context?cluster=prod&id=${id}`, 400, 'time is missing', 'Give time'],
    [`/context?cluster=prod&id=x&time=${time}`, 400, 'no id of a record', 'as a search gave it'],
    [`/context?cluster=prod&id=${id}&time=now`, 400, 'no time of a record', 'as a search gave it'],
    [`/context?cluster=prod&id=${id}&time=2016-99-99T12:47:10Z`, 400, 'no time of a record', ''],
    [`/context?cluster=prod&id=${generationOf(9)}-0&time=${time}`, 404, 'no record', 'retention-days'],
    [`/context?cluster=other&id=${id}&time=${time}`, 404, 'no record', 'retention-days'],
    [`/context?cluster=prod&id=${id}&time=${time}&before=501`, 400, 'from 0 to 500', ''],
    ['/export?cluster=prod&format=xml', 400, 'txt, ndjson, csv, raw', ''],
    ['/export?cluster=prod&csvSafe=no', 400, 'true or false', ''],
    ['/export?cluster=prod&limit=0', 400, 'from 1 to', ''],
    ['/files?limit=0', 400, 'from 1 to', ''],
    ['/nothing', 404, 'there is nothing at', ''],
    ['/tail?cluster=prod&from=now', 400, '“from” is not known', ''],
    ['/tails', 404, 'there is nothing at', ''],
    ['', 404, 'there is nothing at', ''],
  ]
  test.each(refused.map((row) => [row[0].slice(0, 80), row] as const))('%s', async (_, [url, status, detail, hint]) => {
    const { api } = await serve(lines(['a', 'b']))
    const answer = await api.inject(`/api/v1${url}`)
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    const problem = answer.json()
    expect(problem).toMatchObject({ status, type: expect.stringMatching(/^urn:shiplog:problem:[a-z-]+$/) })
    expect(problem.detail).toContain(detail)
    expect(problem.hint).toContain(hint)
    expect(problem.hint).not.toBe('')
    expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test.each([
    ['"unclosed', 0],
    ['a OR', 4],
    ['()', 0],
    ['level:nosuch', 6],
  ])('the query %s: says where and what was expected', async (q, start) => {
    const { api } = await serve()
    const answer = await api.inject(`/api/v1/search?cluster=prod&q=${encodeURIComponent(q)}`)
    expect(answer.statusCode).toBe(400)
    const { position, expected } = answer.json()
    expect(position.start).toBeGreaterThanOrEqual(0)
    expect(position.start).toBeLessThanOrEqual(Math.max(start, q.length))
    expect(position.end).toBeGreaterThanOrEqual(position.start)
    expect(expected).toEqual(expect.any(String))
  })

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)(
    '%s is no method of the API',
    async (method) => {
      const { api } = await serve()
      for (const url of ['/api/v1/search?cluster=prod', '/api/v1/values/app', '/api/v1/openapi.json', '/health']) {
        const answer = await api.inject({ method, url, ...(method === 'POST' ? { payload: '{"a":' } : {}) })
        expect([url, answer.statusCode]).toEqual([url, 405])
        expect(answer.headers.allow).toBe('GET')
        if (method !== 'HEAD') expect(answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
      }
      const nowhere = await api.inject({ method, url: '/api/v1/nothing' })
      expect(nowhere.statusCode).toBe(404)
    },
  )

  test('more requests than allowed are told when to come again', async () => {
    const { api } = await serve([], { config: { ...config, requestsPerMinuteMax: 3 } })
    const ask = () => api.inject('/api/v1/search?cluster=prod')
    for (let i = 0; i < 3; i++) expect((await ask()).statusCode).toBe(200)
    const answer = await ask()
    expect(answer.statusCode).toBe(429)
    expect(answer.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS', detail: 'more than 3 requests in a minute' })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await api.inject('/health')).statusCode).toBe(200)
  })
})

describe('errors of the store', () => {
  test.each([
    ['QUERY_TOO_COSTLY', 422, 'Narrow'],
    ['STORE_UNAVAILABLE', 503, 'Try again'],
    ['STORE_DAMAGED', 500, ''],
    ['CLOSED', 503, ''],
  ] as const)('%s is %d', async (code, status, hint) => {
    const { api, store } = await serve(lines(['a']))
    store.before = () => {
      throw new ShiplogError(code, 'as the store says')
    }
    const answer = await api.inject('/api/v1/search?cluster=prod')
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ code, detail: 'as the store says', hint: expect.stringContaining(hint) })
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined)
  })

  test('what was not foreseen shows nothing of itself to the client, and all of it in the log, without the query', async () => {
    const logged: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
    const { api, store } = await serve(lines(['a']), { log })
    store.before = () => {
      throw new TypeError('inner workings')
    }
    const answer = await api.inject('/api/v1/search?cluster=prod&q=hunter2')
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('inner workings')
    const { requestId, hint } = answer.json()
    expect(hint).toContain(requestId)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toContain('inner workings')
    expect(logged[0]).toContain(requestId)
    expect(logged[0]).not.toContain('hunter2')
  })
})

describe('our log', () => {
  test.each([
    ['q=%22hunter2', 'q'],
    ['level=hunter2', 'level'],
    ['app=hunter2&app=%00', 'app'],
    ['hunter2=1', undefined],
    ['from=hunter2', undefined],
    ['q=%hunter2', undefined],
  ])('%s: says which parameter was refused, not what it held', async (query, parameter) => {
    const logged: string[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
    const { api } = await serve([], { log })
    expect((await api.inject(`/api/v1/search?cluster=prod&${query}`)).statusCode).toBe(400)
    expect(logged.join('')).not.toContain('hunter2')
    const refused = logged.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'request refused')
    expect(refused).toMatchObject({ status: 400, route: '/api/v1/search', ...(parameter && { parameter }) })
  })
})

describe('the name that is asked for', () => {
  const ask = async (host: string | undefined, listening = '127.0.0.1:8080') => {
    const { api } = await serve(lines(['secret']), { config: { ...config, listen: listening } })
    const url = '/api/v1/search?cluster=prod'
    return api.inject({ url, headers: host === undefined ? {} : { host } })
  }

  test.each(['localhost', 'LOCALHOST:5173', '127.0.0.1:8080', '127.0.0.1', '[::1]:8080', '[::1]'])(
    '%s',
    async (host) => {
      expect((await ask(host)).statusCode).toBe(200)
      expect((await ask(host, '[::1]:8080')).statusCode).toBe(200)
    },
  )

  test.each(['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])(
    'a page of %s does not read the logs on loopback',
    async (host) => {
      const answer = await ask(host)
      expect(answer.statusCode).toBe(421)
      expect(answer.body).not.toContain('secret')
      expect(answer.json()).toMatchObject({ code: 'HOST_REFUSED', hint: expect.stringContaining('http://localhost') })
    },
  )

  test('is any where the server listens for others on purpose', async () => {
    expect((await ask('logs.example', '0.0.0.0:8080')).statusCode).toBe(200)
  })

  test('also pages, health and what is not there need it', async () => {
    const { api } = await serve()
    for (const url of ['/', '/health', '/metrics', '/nowhere']) {
      expect((await api.inject({ url, headers: { host: 'evil.example' } })).statusCode).toBe(421)
    }
  })
})

describe('below HTTP', () => {
  async function speak(url: string, bytes: string): Promise<string> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(bytes)
    return text(socket)
  }

  test.each([
    ['garbage', 'nonsense\r\n\r\n', 400],
    ['a URL that is too long', `GET /api/v1/search?q=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['a bad escape', 'GET /api/v1/values/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const served = await serve()
    const answer = await speak(await listen(served), bytes)
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ status })
  })
})
