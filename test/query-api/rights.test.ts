/**
 * Every route × caller × app. The routes are those that the server has: one that is added and not entered here fails, as does
 * one that lets a line out to somebody who may not see it.
 */
import type { InjectOptions } from 'fastify'
import { describe, expect, test } from 'vitest'
import { newAlert } from '../../pipeline/alert.ts'
import { type PolicyBody, policyOf } from '../../pipeline/alert-policy.ts'
import type { FileState } from '../../pipeline/bus.ts'
import { batchOf } from '../../pipeline/event-batch.ts'
import { formatTime } from '../../pipeline/record.ts'
import { firstTime, generationOf, lines, originOf, source } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { config, until } from './serve.ts'
import { unzipped } from './unzipped.ts'

const places = [
  { cluster: 'prod', app: '2048' },
  { cluster: 'prod', app: 'order-api' },
  { cluster: 'prod', app: 'Order-API' },
  { cluster: 'stage', app: '2048' },
] as const
type Place = { readonly cluster: string; readonly app: string }

const nowhere = { cluster: 'prod', app: 'no-such-app' }
const markOf = ({ cluster, app }: Place): string =>
  `mark${cluster}${app.replace('-', app === 'Order-API' ? 'Upper' : 'lower')}`
const generationAt = (place: Place): string =>
  generationOf(places.findIndex(({ cluster, app }) => cluster === place.cluster && app === place.app) + 10)
const events = places.flatMap((place) =>
  lines([`${markOf(place)} x=${markOf(place)} y=1`, 'second'], originOf(place, generationAt(place))),
)

const callers: readonly {
  name: string
  role: 'reader' | 'operator'
  grants: readonly string[]
  sees: (place: Place) => boolean
}[] = [
  {
    name: 'one app',
    role: 'reader',
    grants: ['prod/2048'],
    sees: ({ cluster, app }) => cluster === 'prod' && app === '2048',
  },
  { name: 'a pattern', role: 'reader', grants: ['*/order-*'], sees: ({ app }) => app === 'order-api' },
  {
    name: 'two patterns',
    role: 'reader',
    grants: ['p*/*rder-*', 'stage/2*'],
    sees: ({ cluster, app }) => (app === '2048') === (cluster === 'stage'),
  },
  { name: 'a cluster', role: 'reader', grants: ['stage/*'], sees: ({ cluster }) => cluster === 'stage' },
  { name: 'a case', role: 'reader', grants: ['prod/order-API', 'PROD/*', 'prod/204', 'pro/*'], sees: () => false },
  {
    name: 'a pattern of expressions',
    role: 'reader',
    grants: ['prod/.*8', 'prod/[2]048', 'prod/2048|x'],
    sees: () => false,
  },
  { name: 'nothing', role: 'operator', grants: [], sees: () => false },
  { name: 'everything', role: 'operator', grants: ['*/*'], sees: () => true },
]
type Ask = (place: Place) => { readonly url: string } & Partial<InjectOptions>
const common = ({ cluster, app }: Place): string => `cluster=${cluster}&app=${app}`
const idAt = (place: Place): string => `${generationAt(place)}-0`
const time = formatTime(firstTime)
const alertId = ({ cluster, app }: Place): string => `${cluster}_${app}`
const alertBody = (place: Place): PolicyBody => ({
  name: 'errors',
  ...place,
  query: `${markOf(place)} level:error`,
  windowMs: 60_000,
  condition: { kind: 'no-lines' },
})

/** How each route is asked for an app, also without naming it. */
const asks: Readonly<Record<string, readonly Ask[]>> = {
  'GET /api/v1/search': [
    (place) => ({ url: `/api/v1/search?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/search?cluster=${cluster}` }),
    ({ cluster }) => ({ url: `/api/v1/search?cluster=${cluster}&q=second&contextBefore=1&contextAfter=1` }),
    ({ cluster, app }) => ({ url: `/api/v1/search?cluster=${cluster}&q=app:${app}` }),
    ({ cluster, app }) => ({
      url: `/api/v1/search?cluster=${cluster}&order=asc&app=${places.map((one) => one.app).join('&app=')}&app=${app}`,
    }),
  ],
  'GET /api/v1/histogram': [
    (place) => ({ url: `/api/v1/histogram?${common(place)}&buckets=2` }),
    (place) => ({ url: `/api/v1/histogram?cluster=${place.cluster}&q=${markOf(place)}&buckets=2` }),
  ],
  'GET /api/v1/values/:field': [
    (place) => ({ url: `/api/v1/values/fields.x?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/values/fields.x?cluster=${cluster}` }),
    ({ cluster }) => ({ url: `/api/v1/values/app?cluster=${cluster}` }),
    () => ({ url: '/api/v1/values/cluster' }),
    (place) => ({ url: `/api/v1/values/cluster?${common(place)}` }),
  ],
  'GET /api/v1/patterns': [
    (place) => ({ url: `/api/v1/patterns?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/patterns?cluster=${cluster}&compare=previous&sort=change` }),
    ({ cluster, app }) => ({ url: `/api/v1/patterns?cluster=${cluster}&q=app:${app}` }),
  ],
  'GET /api/v1/fields': [
    (place) => ({ url: `/api/v1/fields?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/fields?cluster=${cluster}` }),
  ],
  'GET /api/v1/explain': [
    (place) => ({ url: `/api/v1/explain?${common(place)}` }),
    (place) => ({ url: `/api/v1/explain?${common(place)}&q=nowhere` }),
    ({ cluster }) => ({ url: `/api/v1/explain?cluster=${cluster}&q=nowhere` }),
    ({ app }) => ({ url: `/api/v1/explain?cluster=nowhere&app=${app}` }),
    ({ cluster }) => ({ url: `/api/v1/explain?cluster=${cluster}&app=nowhere&file=nowhere` }),
  ],
  'GET /api/v1/context': [
    (place) => ({ url: `/api/v1/context?cluster=${place.cluster}&id=${idAt(place)}&time=${time}` }),
  ],
  'GET /api/v1/export': [
    (place) => ({ url: `/api/v1/export?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/export?cluster=${cluster}&format=ndjson` }),
    ({ cluster }) => ({ url: `/api/v1/export?cluster=${cluster}&q=second&contextBefore=1` }),
    (place) => ({ url: `/api/v1/export?${common(place)}&format=zip&instance=${source.instance}` }),
    (place) => ({
      url: `/api/v1/export?${common(place)}&format=raw&instance=${source.instance}&dir=${source.dir}&file=${source.file}`,
    }),
  ],
  'GET /api/v1/tail': [
    (place) => ({ url: `/api/v1/tail?${common(place)}` }),
    ({ cluster }) => ({ url: `/api/v1/tail?cluster=${cluster}&lines=0` }),
  ],
  'GET /api/v1/files': [
    () => ({ url: '/api/v1/files' }),
    ({ cluster }) => ({ url: `/api/v1/files?cluster=${cluster}` }),
    ({ app }) => ({ url: `/api/v1/files?app=${app}` }),
  ],
  'GET /l/:line': [(place) => ({ url: `/l/${firstTime}-${idAt(place)}` })],
  'GET /s/:id': [() => ({ url: '/s/none' })],
  'GET /api/v1/searches': [() => ({ url: '/api/v1/searches' })],
  'POST /api/v1/searches': [
    (place) => ({ url: '/api/v1/searches', method: 'POST', payload: { name: 'mine', ...place } }),
  ],
  'GET /api/v1/searches/:id': [() => ({ url: '/api/v1/searches/none' })],
  'PUT /api/v1/searches/:id': [
    (place) => ({ url: '/api/v1/searches/none?version=1', method: 'PUT', payload: { name: 'mine', ...place } }),
  ],
  'DELETE /api/v1/searches/:id': [() => ({ url: '/api/v1/searches/none?version=1', method: 'DELETE' })],
  'GET /api/v1/alerts': [
    () => ({ url: '/api/v1/alerts' }),
    ({ cluster }) => ({ url: `/api/v1/alerts?cluster=${cluster}` }),
    (place) => ({ url: `/api/v1/alerts?${common(place)}` }),
  ],
  'POST /api/v1/alerts': [(place) => ({ url: '/api/v1/alerts', method: 'POST', payload: alertBody(place) })],
  'GET /api/v1/alerts/:id': [(place) => ({ url: `/api/v1/alerts/${alertId(place)}` })],
  'PUT /api/v1/alerts/:id': [
    (place) => ({
      url: `/api/v1/alerts/${alertId(place)}?version=9`,
      method: 'PUT' as const,
      payload: alertBody(place),
    }),
  ],
  'DELETE /api/v1/alerts/:id': [(place) => ({ url: `/api/v1/alerts/${alertId(place)}?version=9`, method: 'DELETE' })],
  'PUT /api/v1/alerts/:id/silence': [
    (place) => ({ url: `/api/v1/alerts/${alertId(place)}/silence`, method: 'PUT', payload: { until: 'now+1h' } }),
  ],
  'DELETE /api/v1/alerts/:id/silence': [
    (place) => ({ url: `/api/v1/alerts/${alertId(place)}/silence`, method: 'DELETE' }),
  ],
  'POST /api/v1/alerts/:id/test': [(place) => ({ url: `/api/v1/alerts/${alertId(place)}/test`, method: 'POST' })],
  'GET /api/v1/alerts.yaml': [() => ({ url: '/api/v1/alerts.yaml' })],
  'POST /api/v1/alerts.yaml': [
    (place) => ({
      url: '/api/v1/alerts.yaml',
      method: 'POST',
      payload: { policies: [{ id: alertId(place), ...alertBody(place) }] },
    }),
    (place) => ({ url: '/api/v1/alerts.yaml', method: 'POST', payload: { policies: [alertBody(place)] } }),
  ],
  'GET /api/v1/session': [() => ({ url: '/api/v1/session' })],
  'POST /api/v1/session': [() => ({ url: '/api/v1/session', method: 'POST', payload: { token: 'none' } })],
  'DELETE /api/v1/session': [() => ({ url: '/api/v1/session', method: 'DELETE' })],
  'GET /health': [() => ({ url: '/health' })],
  'GET /health/ready': [() => ({ url: '/health/ready' })],
  'GET /metrics': [() => ({ url: '/metrics' })],
  'GET /api/v1/openapi.json': [() => ({ url: '/api/v1/openapi.json' })],
  'GET /': [() => ({ url: '/' })],
  'HEAD /': [() => ({ url: '/', method: 'HEAD' })],
  'GET /*': [() => ({ url: '/assets/x.js' })],
  'HEAD /*': [() => ({ url: '/assets/x.js', method: 'HEAD' })],
}

async function served(holds: (place: Place) => boolean = () => true) {
  const made = await serveWithRights(
    events.filter(({ origin }) => holds(origin.source)),
    {
      health: () => ({ shipper: 'at /var/log/secret' }),
      config: { ...config, tailsPerClientMax: 100 },
    },
  )
  for (const place of places.filter(holds)) {
    const file: FileState = {
      source: { ...source, ...place },
      generation: generationAt(place),
      path: `/logs/${markOf(place)}.log`,
      state: 'unreadable',
      reason: `${markOf(place)} is not ours`,
      size: 2,
      read: 1,
      acknowledged: 1,
      lost: 1,
      updatedAt: firstTime,
    }
    await made.parts.state.put(`file/${place.cluster}/${file.generation}`, file)
    const policy = policyOf(alertBody(place))
    await made.parts.state.put(`alert-policy/${alertId(place)}`, { v: 1, policy, changedAt: time, changedBy: 'a' })
    const alert = { ...newAlert(0), detail: markOf(place), history: [{ at: 0, event: 'ok', detail: markOf(place) }] }
    await made.parts.state.put(`alert/${alertId(place)}`, alert)
  }
  return made
}

/** The answer of a route; of a tail, which never ends, what it says until it is quiet. */
async function answered({ api, bus }: Awaited<ReturnType<typeof served>>, options: InjectOptions) {
  if (String(options.url).includes('format=zip')) {
    const answer = await api.inject(options)
    const { statusCode, headers } = answer
    const isZip = headers['content-type'] === 'application/zip'
    const body = isZip
      ? JSON.stringify([...(await unzipped(answer.rawPayload))].map(([path, bytes]) => [path, String(bytes)]))
      : answer.body
    return { statusCode, headers, body, json: () => JSON.parse(body) }
  }
  if (!String(options.url).includes('/tail?')) return api.inject(options)
  const answer = await api.inject({ ...options, payloadAsStream: true })
  const stream = answer.stream()
  let body = ''
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
  if (answer.statusCode === 200) {
    for (const event of events) bus.publish(batchOf(event.origin, [event]))
    await until(() => body.includes(': following'))
    await new Promise((resolve) => setTimeout(resolve, 20))
  } else await new Promise((resolve) => stream.once('end', resolve))
  stream.destroy()
  const { statusCode, headers } = answer
  return { statusCode, headers, body, json: () => JSON.parse(body) }
}

describe('the routes', () => {
  test('are all here', async () => {
    const { api } = await served()
    const routes = api.exposed.map(({ method, url }) => `${method} ${url}`)
    expect(routes.toSorted()).toEqual(Object.keys(asks).toSorted())
  })

  test('one that does not say what it exposes cannot be added', async () => {
    const { api } = await served()
    expect(() => api.get('/api/v1/new', async () => 'everything')).toThrow()
    const { guard } = await import('../../query-api/auth.ts')
    const { fastify } = await import('fastify')
    const fresh = fastify()
    guard(fresh as never, { tokens: undefined, sessions: undefined, now: Date.now })
    expect(() => fresh.get('/new', async () => 'everything')).toThrow('does not say what it exposes')
    fresh.get('/fine', { config: { access: 'open' } }, async () => 'nothing')
    await fresh.close()
  })
})

describe('nobody', () => {
  test.each([
    ['without anything', {}],
    ['with what is no token', { authorization: 'Bearer shiplog' }],
    ['with another scheme', { authorization: 'Basic YTpi' }],
    ['with a cookie that is none', { cookie: 'a=b; shiplog_session=0123456789ab.0.x' }],
  ])('%s: gets nothing but what is open', async (_, headers) => {
    const made = await served()
    for (const { method, url, access } of made.api.exposed) {
      for (const ask of asks[`${method} ${url}`] ?? []) {
        const answer = await answered(made, {
          ...ask(places[0]),
          headers: { ...headers, 'x-shiplog-request': '1' },
        } as InjectOptions)
        const expected = access === 'open' ? [200, 204, 401, 404, 503] : access === 'link' ? [302] : [401]
        expect(expected, `${method} ${url}`).toContain(answer.statusCode)
        if (access === 'link')
          expect(answer.headers.location).toBe(`../?after=${encodeURIComponent(ask(places[0]).url.slice(1))}`)
        if (answer.statusCode === 401) expect(answer.headers['www-authenticate']).toContain('Bearer')
        expect(answer.body).not.toContain('mark')
        expect(answer.body).not.toContain('/var/log/secret')
      }
    }
  })

  test('a token that has ended, or is not quite one, is none', async () => {
    const { api, tokens } = await served()
    const text = tokens.issue('a', 'operator', ['*/*'])
    const other = tokens.issue('b', 'operator', ['*/*'])
    const ended = tokens.issue('c', 'operator', ['*/*'], -1)
    const ask = async (token: string) => (await api.inject({ url: '/api/v1/files', headers: bearer(token) })).statusCode
    expect(await ask(text)).toBe(200)
    expect(await ask(ended)).toBe(401)
    expect(await ask(text.slice(0, -1))).toBe(401)
    expect(await ask(`${text}x`)).toBe(401)
    expect(await ask(`${text.slice(0, 21)}${other.slice(21)}`)).toBe(401)
    tokens.remove(text)
    expect(await ask(text)).toBe(401)
  })
})

/** These answer with counts and names, not with lines. */
const counting = new Set(['/api/v1/values/:field', '/api/v1/histogram', '/api/v1/explain'])

/** How the pipeline is belongs to an explanation, for operators. */
function isTold(role: string, answer: { json(): { empty: boolean } }): boolean {
  return role === 'operator' && answer.json().empty
}

/** Of a hidden app there is no alert, operators alone change one, and 9 is no version of any. */
function alertStatus(route: string, role: string, seen: boolean): number {
  if (route === 'GET /api/v1/alerts' || route === 'GET /api/v1/alerts.yaml') return 200
  if (!route.startsWith('GET') && role !== 'operator') return 403
  if (route === 'POST /api/v1/alerts' || route === 'POST /api/v1/alerts.yaml') return seen ? 200 : 403
  if (!seen) return 404
  return !route.startsWith('GET') && route.endsWith('/:id') ? 409 : 200
}

describe.each(callers)('$name', ({ role, grants, sees }) => {
  test.each(places)('sees of $cluster/$app what it may', async (place) => {
    const made = await served()
    const headers = bearer(made.tokens.issue('who', role, grants))
    for (const { method, url, access } of made.api.exposed) {
      for (const ask of asks[`${method} ${url}`] ?? []) {
        const answer = await answered(made, { ...ask(place), headers } as InjectOptions)
        const what = `${method} ${ask(place).url}: ${answer.statusCode} ${answer.body.slice(0, 300)}`
        for (const hidden of places.filter((one) => !sees(one))) {
          expect(answer.body, what).not.toContain(markOf(hidden))
          expect(String(answer.headers.location ?? ''), what).not.toContain(`${common(hidden)}&`)
        }
        if (access !== 'open') expect(answer.headers['cache-control'], what).toBe('no-store')
        if (access === 'operator' && role !== 'operator') expect(answer.statusCode, what).toBe(403)
        if (url === '/metrics' && role === 'operator') expect(answer.statusCode, what).toBe(200)
        if (url.startsWith('/api/v1/alerts'))
          expect(answer.statusCode, what).toBe(alertStatus(`${method} ${url}`, role, sees(place)))
        if (url.startsWith('/api/v1/alerts') && method === 'GET')
          expect(answer.body.includes(markOf(place)), what).toBe(sees(place))
        if (access === 'open')
          expect(answer.body.includes('/var/log/secret'), what).toBe(role === 'operator' && url.startsWith('/health'))
        if (url === '/api/v1/explain') expect(answer.body.includes('/var/log/secret'), what).toBe(isTold(role, answer))
        if (access !== 'logs' || counting.has(url)) continue
        expect(answer.body.includes(markOf(place)), what).toBe(sees(place))
      }
    }
  })

  test('what is hidden answers as what is not there', async () => {
    const made = await served()
    const headers = bearer(made.tokens.issue('who', role, grants))
    const plain = async (ask: Ask, place: Place) => {
      const { statusCode, body, headers: got } = await answered(made, { ...ask(place), headers } as InjectOptions)
      expect(statusCode).toBe(200)
      const text = body.replace(/"(tookMs|requestId)":[^,}]+/g, '').replaceAll(generationAt(place), 'generation')
      return [statusCode, text.replaceAll(place.app, 'app'), got['content-length'] === undefined]
    }
    for (const place of places.filter((one) => !sees(one))) {
      for (const ask of Object.values(asks).flat()) {
        const { url, method = 'GET' } = ask(place)
        // Only those that name the app, and no clock.
        if (!url.includes(common(place)) || method !== 'GET' || url.includes('/explain?')) continue
        expect(await plain(ask, place), url).toEqual(await plain(ask, { ...nowhere, cluster: place.cluster }))
      }
    }
  })

  test('explains as if nothing else were there', async () => {
    const made = await served()
    const other = await served(sees)
    const who = (of: typeof made) => bearer(of.tokens.issue('who', role, of === made ? grants : ['*/*']))
    const [headers, otherHeaders] = [who(made), who(other)]
    for (const place of [...places, nowhere]) {
      for (const ask of asks['GET /api/v1/explain'] ?? []) {
        const { url } = ask(place)
        const { body } = await made.api.inject({ url, headers })
        expect([url, body]).toEqual([url, (await other.api.inject({ url, headers: otherHeaders })).body])
      }
    }
  })

  test('lists the clusters and apps that it may see, with what it may count of them', async () => {
    const { api, tokens } = await served()
    const headers = bearer(tokens.issue('who', role, grants))
    const list = async (url: string): Promise<[string, number][]> => {
      const { values } = (await api.inject({ url: `/api/v1/values/${url}`, headers })).json()
      return values.map(({ value, count }: { value: string; count: number }) => [value, count])
    }
    for (const cluster of ['prod', 'stage']) {
      const seen = places.filter((place) => place.cluster === cluster && sees(place))
      expect((await list(`app?cluster=${cluster}`)).toSorted()).toEqual(seen.map(({ app }) => [app, 2]).toSorted())
      const clusters = new Map(await list('cluster'))
      expect(clusters.get(cluster)).toBe(seen.length === 0 ? undefined : 2 * seen.length)
      const { total } = (await api.inject({ url: `/api/v1/histogram?cluster=${cluster}`, headers })).json()
      expect(total).toBe(2 * seen.length)
    }
  })
})

test('where rights are not enabled, everybody who gets here sees everything', async () => {
  const { api } = await serveWithRights(events, { tokens: undefined as never })
  expect((await api.inject('/api/v1/search?cluster=prod')).json().records).toHaveLength(6)
  expect((await api.inject('/metrics')).statusCode).toBe(200)
  expect((await api.inject('/api/v1/session')).json()).toEqual({ name: 'everybody', role: 'operator', rights: false })
})
