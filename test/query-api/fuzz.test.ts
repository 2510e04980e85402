/** Every route of the OpenAPI description with every parameter that it names, from its schema and from what breaks things. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCursor } from '../../pipeline/cursor.ts'
import { ProblemAnswer, SavedSearchAnswer } from '../../query-api/schema.ts'
import { firstTime, generationOf, lines } from './memory-store.ts'
import { serve } from './serve.ts'

interface Schema {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly examples?: readonly unknown[]
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: Schema
}

/** What events of this store have, by parameter: so that answers are not empty. */
const known: Readonly<Record<string, readonly string[]>> = {
  cluster: ['prod'],
  app: ['2048'],
  instance: ['2048-5f9c'],
  dir: ['/nginx'],
  file: ['error.log'],
  host: ['10.3.11.18'],
  id: [`${generationOf(0)}-0`],
  time: ['2016-05-16T12:47:10.000000Z'],
  field: ['app', 'cluster', 'fields.a', '%00'],
  q: ['timeout -level:warn', '"a b"', '*x*', 'timeout OR 连接', '.a:1'],
  from: ['now-1h', '0', '2016-05-16'],
  to: ['now', 'now+1h'],
  tz: ['UTC', 'Asia/Shanghai'],
  cursor: (['asc', 'desc'] as const).map((order) =>
    encodeCursor({ time: firstTime, generation: generationOf(0), offset: 0, order, from: 0, to: 4e15 }),
  ),
}
const bad = [
  ...['', '%', '%FF', '%00', '%E8%BF', '+', '-1', '1e999', '9'.repeat(30), 'x'.repeat(5000), '(((((', '"', 'a OR'],
  ...['level:x', 'now-99999999d', 'now/x', '9999-12-31', '10000-01-01', '1969-01-01', '😀', '%ED%A0%80', '../..'],
  ...['<script>', "'; --", 'AAAA', btoa('1.a.1.x.1.9.1'), btoa('1.d.99999999999999999.g.1.0.x'), '-', '()', 'NaN'],
  ...['null', '[object Object]', '0', '1', 'true', 'zip', 'raw', 'previous', 'change'],
]

const anyText = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...bad) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed())),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('%', 'F', '0', '=', '&', '+', ';', '#') }) },
)

/** Values that the schema allows, and those just beyond its bounds. */
function valuesOf({ name, schema }: Parameter): readonly string[] {
  const own = known[name]
  if (own !== undefined) return own
  const one = schema.items ?? schema
  if (one.enum !== undefined) return one.enum
  if (one.type === 'boolean') return ['true', 'false']
  if (one.type === 'integer') {
    const { minimum = 0, maximum = 0 } = one
    return [minimum, minimum + 1, 7, 100, maximum, maximum + 1, minimum - 1].map(String)
  }
  return ['a', ...[one.examples?.[0] ?? []].flat().map(String)]
}

test('whatever is asked, the answer is bounded, and never an error of ours', { timeout: 60_000 }, async () => {
  const { api } = await serve(lines(['one timeout', 'two a=1 b=2', 'three', '连接失败']))
  const isProblem = new Ajv2020({ strict: false }).compile(ProblemAnswer)
  const { paths } = (await api.inject('/api/v1/openapi.json')).json() as {
    paths: Record<string, { get?: { parameters?: Parameter[] } }>
  }
  const routes = Object.entries(paths)
    // A tail does not end; a session is nobody's here, and there is no saved search and no alert by that name.
    .filter(([path, { get }]) => path.startsWith('/api/') && path !== '/api/v1/tail' && get !== undefined)
    .map(([path, { get }]) => ({ path, parameters: get?.parameters ?? [] }))
  expect(routes.length).toBeGreaterThan(8)
  const everyName = [...new Set(routes.flatMap(({ parameters }) => parameters.map(({ name }) => name)))]

  const parameterOf = (parameter: Parameter) =>
    fc
      .oneof(
        {
          weight: 5,
          arbitrary: fc
            .constantFrom(...valuesOf(parameter))
            .map((value) => (value === '%00' ? value : encodeURIComponent(value))),
        },
        { weight: 1, arbitrary: anyText },
      )
      .map((value) => ({ name: parameter.name, value }))
  const strange = fc
    .tuple(fc.constantFrom(...everyName, 'nosuch', '', '__proto__', 'toString'), anyText)
    .map(([name, value]) => ({ name, value }))
  const anyUrl = fc
    .constantFrom(...routes, { path: '/api/v1/nosuch', parameters: [] })
    .chain(({ path, parameters }) => {
      const needed = parameters.filter((one) => one.required)
      const others = parameters.filter((one) => !one.required)
      const some =
        others.length === 0
          ? fc.constant([])
          : fc.array(fc.constantFrom(...others).chain(parameterOf), { maxLength: 5 })
      return fc
        .tuple(
          fc.tuple(...needed.map(parameterOf)),
          some,
          fc.oneof(
            { weight: 4, arbitrary: fc.constant([]) },
            { weight: 1, arbitrary: fc.array(strange, { maxLength: 2 }) },
          ),
          fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
        )
        .map(([first, more, odd, complete]) => {
          const all = [...(complete ? first : first.slice(1)), ...more, ...odd]
          const inPath = (name: string): string =>
            all.find((one) => one.name === name)?.value.replaceAll('/', '%2F') ?? 'x'
          const query = all.filter(({ name }) => !path.includes(`{${name}}`))
          return `${path.replace(/\{(\w+)\}/g, (_, name: string) => inPath(name))}?${query.map(({ name, value }) => `${name}=${value}`).join('&')}`
        })
    })

  const answered = new Map<string, number>()
  let refused = 0
  await fc.assert(
    fc.asyncProperty(anyUrl, async (url) => {
      const answer = await api.inject(url)
      expect([200, 400, 404]).toContain(answer.statusCode)
      if (answer.statusCode === 200) {
        expect(answer.rawPayload.length).toBeLessThan(200_000)
        const route = url.split('?', 1)[0]?.replace(/values\/.*/, 'values') ?? ''
        answered.set(route, (answered.get(route) ?? 0) + 1)
        return
      }
      refused++
      expect(answer.body.length).toBeLessThan(10_000)
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
      const problem = answer.json()
      expect([isProblem(problem), isProblem.errors]).toEqual([true, null])
      expect(problem.hint).not.toBe('')
    }),
    { numRuns: 4000 },
  )
  // Both sides of every route were really tried.
  expect(refused).toBeGreaterThan(500)
  for (const { path } of routes) {
    if (path === '/api/v1/searches/{id}' || path === '/api/v1/alerts/{id}') continue
    expect([path, answered.get(path.replace(/\/\{.*/, '')) ?? 0]).toEqual([
      path,
      expect.toSatisfy((n: number) => n > 20),
    ])
  }
})

test('whatever is sent to be saved, it is saved as it can be searched, or refused', { timeout: 30_000 }, async () => {
  const { api, parts } = await serve(lines(['one']))
  const isProblem = new Ajv2020({ strict: false }).compile(ProblemAnswer)
  const isSaved = new Ajv2020({ strict: false }).compile(SavedSearchAnswer)
  const names = ['name', 'shared', 'version', 'owner', 'order', 'limit', 'nosuch', '', '__proto__', 'toString']
  const anyText = fc.oneof(
    fc.constantFrom(...Object.values(known).flat()),
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
        .tuple(fc.boolean(), fc.dictionary(fc.constantFrom(...Object.keys(known), ...names), anyMember, { maxKeys: 4 }))
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
