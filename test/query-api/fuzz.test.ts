import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCursor } from '../../pipeline/cursor.ts'
import { ProblemAnswer, SavedSearchAnswer } from '../../query-api/schema.ts'
import { firstTime, generationOf, lines } from './memory-store.ts'
import { serve } from './serve.ts'

const names = [
  ...[
    'cluster',
    'app',
    'instance',
    'dir',
    'file',
    'host',
    'level',
    'q',
    'from',
    'to',
    'tz',
    'order',
    'limit',
    'cursor',
  ],
  ...['buckets', 'prefix', 'id', 'time', 'before', 'after', 'format', 'csvSafe', 'nosuch', '', '__proto__', 'toString'],
]
const paths = [
  ...['search', 'histogram', 'values/app', 'values/cluster', 'values/fields.x', 'values/%00', 'context', 'export'],
  ...['files', 'nosuch', 'openapi.json', 'searches', 'searches/x', 'searches/%00', 'session'],
]
const good = [
  ...[
    'prod',
    '2048',
    '/nginx',
    'error.log',
    'info',
    'now-1h',
    'now',
    '0',
    '1',
    '7',
    '1000',
    'asc',
    'desc',
    'UTC',
    'raw',
  ],
  ...[
    'ndjson',
    'csv',
    'true',
    'timeout -level:warn',
    '"a b"',
    '*x*',
    `${generationOf(0)}-0`,
    '2016-05-16T12:47:10.000000Z',
  ],
  ...(['asc', 'desc'] as const).map((order) =>
    encodeCursor({ time: firstTime, generation: generationOf(0), offset: 0, order, from: 0, to: 4e15 }),
  ),
]
const bad = [
  ...[
    '',
    '%',
    '%FF',
    '%00',
    '%E8%BF',
    '+',
    '-1',
    '1e999',
    '9'.repeat(30),
    'x'.repeat(5000),
    '(((((',
    '"',
    'a OR',
    'level:x',
  ],
  ...[
    'now-99999999d',
    'now/x',
    '9999-12-31',
    '10000-01-01',
    '1969-01-01',
    '😀',
    '%ED%A0%80',
    '../..',
    '<script>',
    "'; --",
  ],
  ...[
    'AAAA',
    btoa('1.a.1.x.1.9.1'),
    btoa('1.d.99999999999999999.g.1.0.x'),
    '-',
    '()',
    'NaN',
    'null',
    '[object Object]',
  ],
]

test('whatever is asked, the answer is bounded, and never an error of ours', { timeout: 30_000 }, async () => {
  const { api } = await serve(lines(['one timeout', 'two a=1 b=2', 'three', '连接失败']))
  const isProblem = new Ajv2020({ strict: false }).compile(ProblemAnswer)
  const anyValue = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...good).map(encodeURIComponent) },
    { weight: 2, arbitrary: fc.constantFrom(...bad) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
    },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('%', 'F', '0', '=', '&', '+', ';', '#') }) },
  )
  const anyParameter = fc.tuple(fc.constantFrom(...names), anyValue).map(([name, value]) => `${name}=${value}`)
  const anyUrl = fc
    .tuple(fc.constantFrom(...paths), fc.boolean(), fc.array(anyParameter, { maxLength: 5 }))
    .map(
      ([path, cluster, parameters]) =>
        `/api/v1/${path}?${[...(cluster ? ['cluster=prod'] : []), ...parameters].join('&')}`,
    )
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(anyUrl, async (url) => {
      const answer = await api.inject(url)
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
      expect([200, 400, 404]).toContain(answer.statusCode)
      if (answer.statusCode === 200) {
        if (!url.includes('/openapi.json')) expect(answer.body.length).toBeLessThan(200_000)
        return
      }
      expect(answer.body.length).toBeLessThan(10_000)
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      const problem = answer.json()
      expect([isProblem(problem), isProblem.errors]).toEqual([true, null])
      expect(problem.hint).not.toBe('')
    }),
    { numRuns: 3000 },
  )
  // Both sides were really tried.
  expect(statuses.get(200)).toBeGreaterThan(200)
  expect(statuses.get(400)).toBeGreaterThan(200)
})

test('whatever is sent to be saved, it is saved as it can be searched, or refused', { timeout: 30_000 }, async () => {
  const { api, parts } = await serve(lines(['one']))
  const isProblem = new Ajv2020({ strict: false }).compile(ProblemAnswer)
  const isSaved = new Ajv2020({ strict: false }).compile(SavedSearchAnswer)
  const known = ['name', 'shared', 'version', 'owner', ...names]
  const anyText = fc.oneof(
    fc.constantFrom(...good),
    fc.constantFrom(...bad),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  const anyMember = fc.oneof(
    { weight: 4, arbitrary: anyText },
    { weight: 2, arbitrary: fc.array(anyText, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  const rightMembers = fc.record(
    {
      shared: fc.boolean(),
      app: fc.array(fc.constantFrom('2048', 'x y', '😀', '"'), { minLength: 1, maxLength: 3 }),
      level: fc.constantFrom('warn', ['error', 'fatal']),
      q: fc.constantFrom('timeout -level:warn', '"a b"', '*x*', '连接失败'),
      from: fc.constantFrom('now-1h', '0', 'now/d'),
      to: fc.constantFrom('now', '2016-05-17'),
      tz: fc.constantFrom('UTC', 'Asia/Shanghai'),
    },
    { requiredKeys: [] },
  )
  const anyBody = fc.oneof(
    {
      weight: 6,
      arbitrary: rightMembers.map((body) => JSON.stringify({ name: '连接', cluster: 'prod', ...body })),
    },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.boolean(), fc.dictionary(fc.constantFrom(...known), anyMember, { maxKeys: 4 }))
        .map(([whole, body]) => JSON.stringify(whole ? { name: 'n', cluster: 'prod', ...body } : body)),
    },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  )
  const anyRequest = fc.record({
    method: fc.constantFrom('POST' as const, 'POST' as const, 'PUT' as const, 'DELETE' as const),
    path: fc.constantFrom('searches', 'searches', 'searches', 'searches/x', 'session', 'search'),
    query: fc.constantFrom('', '', '', '', '?version=1', '?version=x', '?nosuch=1', '?version=99999999999999999999'),
    type: fc.constantFrom('application/json', 'application/json', 'application/json', 'text/plain', 'a/b', ''),
    own: fc.constantFrom('1', '1', '1', undefined),
    payload: anyBody,
  })
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(anyRequest, async ({ method, path, query, type, own, payload }) => {
      const headers = { ...(type === '' ? {} : { 'content-type': type }), ...(own && { 'x-shiplog-request': own }) }
      const answer = await api.inject({ method, url: `/api/v1/${path}${query}`, headers, payload })
      const status = answer.statusCode
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 200) {
        const { id, version, own: mine, owner, link, createdAt, updatedAt, ...search } = answer.json()
        expect([isSaved(answer.json()), isSaved.errors]).toEqual([true, null])
        expect([version, mine, owner, link, createdAt]).toEqual([1, true, 'everybody', `s/${id}`, updatedAt])
        const { name: _name, shared: _shared, ...asked } = search
        const params = new URLSearchParams()
        for (const [key, value] of Object.entries(asked))
          for (const one of [value].flat()) params.append(key, String(one))
        expect((await api.inject(`/api/v1/search?${params}`)).statusCode).toBe(200)
        expect((await api.inject(`/s/${id}`)).statusCode).toBe(302)
        // Else an owner has too many before long.
        expect(await parts.state.delete(`search/${id}`)).toBe(true)
        return
      }
      if (status === 204) {
        expect(answer.body).toBe('')
        return
      }
      expect([400, 403, 404, 405, 415]).toContain(status)
      expect([isProblem(answer.json()), isProblem.errors]).toEqual([true, null])
    }),
    { numRuns: 3000 },
  )
  expect(statuses.get(200)).toBeGreaterThan(20)
  expect(statuses.get(400)).toBeGreaterThan(200)
})
