/** A small stand-in for the query API, that serves the built page as the real one does: same addresses, same headers. */
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { QuerySyntaxError } from '../../pipeline/query.ts'
import { matches } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { mockAlerts } from './mock-alerts.ts'
import { type MockRecord, mockRecords } from './mock-records.ts'
import { mockTails } from './mock-tails.ts'

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
export const contentSecurityPolicy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'"

export interface MockApi {
  readonly url: string
  /** Every request to the API since the start, path and query. */
  readonly requests: string[]
  records: MockRecord[]
  /** While set, a search runs out of time here, and goes on with its next page. */
  coveredFrom: string | undefined
  /** Behind each of these something was lost. */
  losses: MockRecord[]
  /** While set, each answer of this path (`search` …) is this status. */
  failing: { path: string; status: number } | undefined
  /** While set, nobody is known. */
  signedOut: boolean
  /** While set, exports begin and never end. */
  stuckExports: boolean
  /** Exports whose client is still there. */
  openExports: number
  /** Live tails whose client is still there. */
  readonly tails: Set<ServerResponse>
  /** What was written since the start, as the bus has it: those who follow get it, and who comes back from behind a place. */
  write(records: readonly MockRecord[]): void
  /** As a restart: nobody is followed any more, and places of before mean nothing. */
  restart(): void
  close(): Promise<void>
}

export async function startMockApi(dist: string): Promise<MockApi> {
  const live = mockTails()
  const api: Omit<MockApi, 'url' | 'close'> = {
    tails: live.tails,
    write(records) {
      api.records = [...api.records, ...records]
      live.write(records)
    },
    restart: live.restart,
    requests: [],
    records: mockRecords(Date.now()),
    coveredFrom: undefined,
    losses: [],
    failing: undefined,
    signedOut: false,
    stuckExports: false,
    openExports: 0,
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://mock')
    response.setHeader('content-security-policy', contentSecurityPolicy)
    const path = /^\/api\/v1\/(.*)$/.exec(url.pathname)?.[1]
    if (path === undefined) return void serveFile(dist, url.pathname, response)
    api.requests.push(`${path}${url.search}`)
    if (api.signedOut) return problem(response, 401, { title: 'Unauthenticated' })
    if (api.failing !== undefined && path.startsWith(api.failing.path)) {
      return problem(response, api.failing.status, { title: 'Store unavailable', detail: 'The store does not answer.' })
    }
    try {
      if (path === 'export' && api.stuckExports) {
        api.openExports++
        response.on('close', () => api.openExports--)
        response.write('10.3.11.18 : the first line\n10.3.11.18 : the second one\n')
      } else if (path === 'tail') live.follow(url.searchParams, response)
      else if (path === 'files') json(response, filesOf(url.searchParams, api.records, api.losses))
      else answer(path, url.searchParams, api.records, response, api.coveredFrom)
    } catch (thrown) {
      if (!(thrown instanceof QuerySyntaxError)) throw thrown
      problem(response, 400, {
        title: 'Invalid query',
        detail: thrown.message,
        hint: thrown.hint,
        position: thrown.position,
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(api, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function answer(
  path: string,
  params: URLSearchParams,
  all: readonly MockRecord[],
  response: ServerResponse,
  coveredFrom: string | undefined,
): void {
  if (path === 'session') return void json(response, { name: 'everybody', role: 'operator', rights: false })
  if (path === 'context') return void json(response, contextOf(params, all))
  const found = select(params, all)
  const [kind, field = ''] = path.split('/')
  if (kind === 'search') return void json(response, pageOf(params, found, coveredFrom))
  if (kind === 'histogram') return void json(response, histogramOf(params, found))
  if (kind === 'values') return void json(response, { values: valuesOf(field, params, found) })
  if (path === 'alerts') return void json(response, { alerts: mockAlerts })
  if (kind === 'alerts')
    return void json(
      response,
      mockAlerts.find(({ id }) => id === field),
    )
  if (kind === 'export') {
    response.setHeader('content-disposition', 'attachment; filename="export.txt"')
    return void response.end(found.map(({ host, message }) => `${host} : ${message}\n`).join(''))
  }
  problem(response, 404, { title: 'Not found' })
}

export function select(params: URLSearchParams, all: readonly MockRecord[], always = false): MockRecord[] {
  const [from, to] = always ? [0, Number.POSITIVE_INFINITY] : rangeOf(params)
  const where = parseQuery(params.get('q') ?? '')
  const names = ['cluster', 'app', 'instance', 'dir', 'file', 'host', 'level'] as const
  const filters = names
    .map((name) => [name, new Set(params.getAll(name))] as const)
    .filter(([, wanted]) => wanted.size > 0)
  return all.filter((record) => {
    const ms = Date.parse(record.time)
    if (ms < from || ms >= to || !filters.every(([name, wanted]) => wanted.has(record[name]))) return false
    const fields = Object.entries(record.fields ?? {}).flatMap(([name, values]) =>
      values.map((value) => [name, value] as const),
    )
    return where.kind === 'all' || matches(where, { ...record, fields })
  })
}

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function rangeOf(params: URLSearchParams): [from: number, to: number] {
  const edge = (text: string, open: number) => {
    const relative = /^now-(\d+)([mhd])$/.exec(text)
    if (relative !== null) return Date.now() - Number(relative[1]) * (unitMs[relative[2] ?? ''] ?? 0)
    return text === '' ? open : Date.parse(text)
  }
  return [edge(params.get('from') ?? 'now-1d', 0), edge(params.get('to') ?? '', Date.now())]
}

function pageOf(params: URLSearchParams, found: readonly MockRecord[], coveredFrom: string | undefined) {
  const limit = Number(params.get('limit') ?? 200)
  const start = Number(params.get('cursor') ?? 0)
  const ordered = params.get('order') === 'asc' ? found : found.toReversed()
  const records = ordered.slice(start, start + limit)
  if (coveredFrom !== undefined && start === 0 && params.get('order') !== 'asc') {
    const inTime = records.filter(({ time }) => time >= coveredFrom)
    return { records: inTime, next: String(inTime.length), tookMs: 10_000, partial: { coveredFrom } }
  }
  return { records, next: start + limit < found.length ? String(start + limit) : null, tookMs: 3.4 }
}

function histogramOf(params: URLSearchParams, found: readonly MockRecord[]) {
  const [from, to] = rangeOf(params)
  const wanted = Number(params.get('buckets') ?? 60)
  const bucketMs = Math.max(1, Math.ceil((to - from) / wanted))
  const buckets = Array.from({ length: Math.ceil((to - from) / bucketMs) }, (_, index) => ({
    time: new Date(from + index * bucketMs).toISOString(),
    count: 0,
    levels: {} as Record<string, number>,
  }))
  for (const { time, level } of found) {
    const bucket = buckets[Math.floor((Date.parse(time) - from) / bucketMs)]
    if (bucket === undefined) continue
    bucket.count++
    bucket.levels[level] = (bucket.levels[level] ?? 0) + 1
  }
  return { bucketMs, total: found.length, buckets }
}

function valuesOf(field: string, params: URLSearchParams, found: readonly MockRecord[]) {
  const values = new Map<string, { value: string; count: number; last: string }>()
  for (const record of found) {
    const name = field.replace(/^fields\./, '')
    for (const value of name === field ? [record[field as 'app']] : (record.fields?.[name] ?? [])) {
      const known = values.get(value)
      values.set(value, { value, count: (known?.count ?? 0) + 1, last: record.time })
    }
  }
  const prefix = (params.get('prefix') ?? '').toLowerCase()
  return [...values.values()]
    .filter(({ value }) => value.toLowerCase().startsWith(prefix))
    .sort((a, b) => b.count - a.count)
    .slice(0, Number(params.get('limit') ?? 100))
}

function contextOf(params: URLSearchParams, all: readonly MockRecord[]) {
  const record = all.find(({ id }) => id === params.get('id'))
  if (record === undefined) return { before: [], record: undefined, after: [] }
  const file = all.filter(({ generation }) => generation === record.generation)
  const at = file.indexOf(record)
  const before = file.slice(Math.max(0, at - Number(params.get('before') ?? 20)), at)
  return { before, record, after: file.slice(at + 1, at + 1 + Number(params.get('after') ?? 20)) }
}

/** Of each incarnation one row; what can be wrong with a file is wrong with one of them. */
function filesOf(params: URLSearchParams, all: readonly MockRecord[], losses: readonly MockRecord[]) {
  const newest = new Map<string, MockRecord>()
  for (const record of all) newest.set(record.generation, record)
  const files = [...newest.values()].map(({ cluster, app, instance, host, dir, file, generation, offset, bytes }) => {
    const size = offset + bytes
    return {
      ...{ cluster, app, instance, host, dir, file, generation, size, read: size, acknowledged: size, lost: 0 },
      path: `/var/log/apps/${app}/${instance}${dir}/${file}`,
      state: 'following',
      behind: 0,
      updatedAt: new Date().toISOString(),
    }
  })
  const lostAt = new Date().toISOString()
  const wrong = [
    { state: 'unreadable', acknowledged: 0, behind: 178_000, reason: 'EACCES: permission denied' },
    { state: 'behind', acknowledged: 12_000, behind: 1_800_000 },
    {
      lost: 18_200,
      loss: { first: lostAt, last: lostAt, cause: 'truncated', atLeast: true },
    },
    { state: 'hibernating' },
  ]
  const truncated = losses.map(({ cluster, app, instance, host, dir, file, generation, offset, bytes, time }) => ({
    ...{ cluster, app, instance, host, dir, file, generation, size: offset + bytes, read: offset + bytes },
    ...{ path: `/var/log/apps/${app}/${instance}${dir}/${file}`, state: 'gone', behind: 0 },
    ...{ acknowledged: offset + bytes, reached: time, lost: 18_200, updatedAt: lostAt },
    loss: { first: lostAt, last: lostAt, cause: 'truncated', atLeast: true },
  }))
  const others = params.get('lost') === 'true' ? [] : files.map((file, index) => ({ ...file, ...wrong[index - 1] }))
  const rows = [...others, ...truncated].filter(({ app }) => (params.get('app') ?? app) === app)
  const states: Record<string, number> = {}
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1
  const sum = (name: 'behind' | 'lost') => rows.reduce((bytes, row) => bytes + row[name], 0)
  return { total: rows.length, totals: { behind: sum('behind'), lost: sum('lost'), states }, files: rows }
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body))
}

function problem(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', status, ...body }))
}

async function serveFile(dist: string, path: string, response: ServerResponse): Promise<void> {
  // As the real server: every path that is no file of the page is the page.
  const name = extname(path) === '' ? 'index.html' : normalize(path).slice(1)
  try {
    const body = await readFile(join(dist, name))
    response.setHeader('content-type', `${types[extname(name)] ?? 'application/octet-stream'}; charset=utf-8`)
    response.end(body)
  } catch {
    response.writeHead(404).end()
  }
}
