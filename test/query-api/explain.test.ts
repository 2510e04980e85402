import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FileState } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { type Finding, findingCodes } from '../../query-api/explain-findings.ts'
import { firstTime, generationOf, lines, originOf, source } from './memory-store.ts'
import { type Served, serve } from './serve.ts'

const events = [
  ...lines(['connection timeout to db', 'request done', 'cache miss'], originOf({ app: 'shop', instance: 'shop-0' })),
  ...lines(['worker started'], originOf({ app: '2048', dir: '/nginx' }, generationOf(1)), { level: 4 }),
]
const day = 86_400_000_000
const old = lines(['legacy timeouts seen'], originOf({ app: 'shop' }, generationOf(2)), { time: firstTime - 5 * day })

async function explain(query: string, served?: Served): Promise<{ empty: boolean; findings: Finding[] }> {
  const { api } = served ?? (await serve([...events, ...old]))
  const answer = await api.inject(`/api/v1/explain?${query}`)
  expect([query, answer.statusCode]).toEqual([query, 200])
  return answer.json()
}

/** The search finds something with the change, as it promises. */
async function helps(query: string, found: Finding): Promise<boolean> {
  const parameters = new URLSearchParams(query)
  for (const name of found.change?.remove ?? []) parameters.delete(name)
  for (const [name, value] of Object.entries(found.change?.set ?? {})) {
    parameters.delete(name)
    for (const one of [value].flat()) parameters.append(name, one)
  }
  const { api } = await serve([...events, ...old])
  return (await api.inject(`/api/v1/search?${parameters}`)).json().records.length > 0
}

test('docs/http.md names every code, and no other', () => {
  const text = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')
  const rows = text.slice(text.indexOf('## Why a search finds nothing')).split('\n')
  const named = rows.flatMap((row) => (row.startsWith('| `') ? (row.split('|')[1]?.match(/[A-Z_]{5,}/g) ?? []) : []))
  expect(named.toSorted()).toEqual([...findingCodes].toSorted())
})

describe('GET /explain', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['cluster=prdo', 'NO_SUCH_CLUSTER', { cluster: 'prdo', nearest: 'prod', known: ['prod'] }],
    ['cluster=prod&app=shpo', 'NO_SUCH_VALUE', { field: 'app', value: 'shpo', nearest: 'shop' }],
    ['cluster=prod&app=SHOP', 'NO_SUCH_VALUE', { nearest: 'shop' }],
    ['cluster=prod&dir=/zzzzzzzzz', 'NO_SUCH_VALUE', { field: 'dir', nearest: null }],
    ['cluster=prod&app=2048&instance=shop-0', 'FILTERS_NEVER_TOGETHER', { fields: ['app', 'instance'] }],
    ['cluster=prod&level=fatal', 'LEVEL_NEVER', { level: ['fatal'], known: ['info', 'warn'] }],
    ['cluster=prod&q=zebra', 'TERM_NEVER', { term: 'zebra', start: 0, end: 5 }],
    ['cluster=prod&q=timeout+zebra', 'TERM_NEVER', { term: 'zebra', start: 8, end: 13 }],
    ['cluster=prod&q=time', 'WORD_ONLY_LONGER', { term: 'time' }],
    ['cluster=prod&q=%22timeout+connection%22', 'PHRASE_NEVER', { term: '"timeout connection"' }],
    ['cluster=prod&q=timeout+cache', 'TERMS_NEVER_TOGETHER', { terms: ['timeout', 'cache'], without: 'timeout' }],
    ['cluster=prod&q=timeouts', 'TERM_NOT_IN_RANGE', { term: 'timeouts' }],
    ['cluster=prod&q=worker&level=info', 'TERM_NEVER', { term: 'worker' }],
    ['cluster=prod&level=warn&q=worker&from=now-3d&to=now-2d', 'MATCHES_OUTSIDE_RANGE', { before: null }],
    ['cluster=prod&from=now-3d&to=now-2d', 'NOTHING_IN_RANGE', {}],
    ['cluster=prod&from=now-30d&to=now-20d', 'BEFORE_OLDEST', { oldest: '2016-05-11T12:47:10.000000Z' }],
    ['cluster=prod&from=now%2B1d', 'RANGE_IN_FUTURE', {}],
  ])('%s: %s', async (query, code, values) => {
    const { empty, findings } = await explain(query)
    expect(empty).toBe(true)
    expect(findings.map((one) => one.code)).toContain(code)
    const found = findings.find((one) => one.code === code) as Finding
    expect(found.values).toMatchObject(values)
    expect(found.text).not.toMatch(/[{}]/)
    // A change that is offered is one that helps.
    const offered = findings.filter(({ change }) => change !== null)
    for (const one of offered) expect([one.code, await helps(query, one)]).toEqual([one.code, true])
  })

  test('matches lie outside of the range: where, and how to get there', async () => {
    const { findings } = await explain('cluster=prod&q=legacy')
    expect(findings.map(({ code }) => code)).toEqual([
      'TERM_NOT_IN_RANGE',
      'MATCHES_OUTSIDE_RANGE',
      'LAST_LINE',
      'NO_FILES',
    ])
    expect(findings[1]).toMatchObject({
      values: { before: '2016-05-11T12:47:10.000000Z', after: null },
      change: { set: { from: '2016-05-11T12:47:10.000000Z' }, remove: [] },
    })
  })

  test('what is found needs no explanation; what is not in the store at all is said', async () => {
    expect(await explain('cluster=prod&q=timeout')).toEqual({
      empty: false,
      findings: [{ code: 'FOUND', text: 'The search finds lines now.', values: {}, change: null }],
    })
    const { findings } = await explain('cluster=prod', await serve())
    expect(findings.map(({ code }) => code)).toEqual(['NOTHING_INDEXED', 'NO_FILES'])
  })

  test('a level that the range has not, beside one that it has', async () => {
    const served = await serve([
      ...events,
      ...lines(['old'], originOf({}, generationOf(5)), { time: firstTime - 5 * day, level: 5 }),
    ])
    const { findings } = await explain('cluster=prod&level=error', served)
    expect(findings[0]).toMatchObject({
      code: 'LEVEL_EXCLUDES',
      values: { level: ['error'] },
      change: { remove: ['level'] },
    })
  })

  test('how the pipeline is: files behind, unreadable, lost from; parts in trouble; damage', async () => {
    const served = await serve(events, { health: () => ({ shipper: 'the bus is away', indexer: undefined }) })
    const state = (file: string, more: Partial<FileState>): FileState => ({
      ...{
        source: { ...source, app: 'shop', file },
        generation: generationOf(0),
        path: `/logs/${file}`,
        state: 'following',
      },
      ...{ size: 100, read: 100, acknowledged: 100, lost: 0, updatedAt: firstTime },
      ...more,
    })
    const states = [
      state('a', { acknowledged: 40, state: 'behind' }),
      state('b', { state: 'unreadable', reason: 'EACCES' }),
      state('c', { lost: 7 }),
      state('d', { state: 'gone', acknowledged: 1 }),
      state('e', { acknowledged: 0, source: { ...source, app: 'other' } }),
    ]
    for (const [i, one] of states.entries()) await served.parts.state.put(`file/prod/${i}`, one)
    const stats = await served.store.stats()
    served.store.stats = async () => ({ ...stats, damaged: [{ path: 'x.db', reason: 'malformed' }] })
    const { findings } = await explain('cluster=prod&app=shop&q=zebra', served)
    expect(findings.map(({ code, values }) => [code, values])).toEqual([
      ['TERM_NEVER', { term: 'zebra', start: 0, end: 5 }],
      ['LAST_LINE', { time: '2016-05-16T12:47:10.002000Z' }],
      ['FILES_BEHIND', { files: 1, bytes: 60 }],
      ['FILES_UNREADABLE', { files: 1, path: '/logs/b', reason: 'EACCES' }],
      ['BYTES_LOST', { files: 1, bytes: 7 }],
      ['PART_IN_TROUBLE', { part: 'shipper', detail: 'the bus is away' }],
      ['PARTITIONS_DAMAGED', { partitions: 1 }],
    ])
  })

  test('what takes too long is said, with what was found out until then', async () => {
    const served = await serve(events)
    let asked = 0
    served.store.before = () => {
      if (++asked > 2) throw new ShiplogError('QUERY_TOO_COSTLY', 'too long')
    }
    const { findings } = await explain('cluster=prod&q=%2Azebra%2A', served)
    expect(findings.map(({ code }) => code)).toContain('NOT_CHECKED')
    served.store.before = () => {
      throw new ShiplogError('STORE_UNAVAILABLE', 'away')
    }
    expect((await served.api.inject('/api/v1/explain?cluster=prod')).statusCode).toBe(503)
  })
})
