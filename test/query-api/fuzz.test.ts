import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCursor } from '../../pipeline/cursor.ts'
import { ProblemAnswer } from '../../query-api/schema.ts'
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
  ...['files', 'nosuch', 'openapi.json'],
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
