import { describe, expect, test } from 'vitest'
import { readSample } from '../../query-api/sample.ts'
import { firstTime, generationOf, lines, originOf, type StoredEvent } from './memory-store.ts'
import { config, nowMs, serve } from './serve.ts'

const secondUs = 1_000_000

function at(message: string, seconds: number, n: number, level = 3): StoredEvent {
  const [event] = lines([message], originOf({}, generationOf(n)), { time: firstTime + seconds * secondUs, level })
  return event as StoredEvent
}

describe('GET /patterns', () => {
  test('all lines, when they are few: exact counts, first, last, an example and a query', async () => {
    const { api } = await serve([
      ...lines(['order 1 paid', 'order 22 paid', 'x']),
      ...lines(['order 3 paid'], originOf({}, generationOf(1)), { level: 5 }),
    ])
    const answer = (await api.inject('/api/v1/patterns?cluster=prod')).json()
    expect(answer).toMatchObject({
      total: 4,
      sample: { lines: 4, of: 4, exact: true, stretches: 0 },
      more: 0,
      other: 0,
    })
    expect(answer.patterns[0]).toEqual({
      pattern: 'order <num> paid',
      level: 'info',
      count: 2,
      share: 0.5,
      lines: 2,
      first: '2016-05-16T12:47:10.000000Z',
      last: '2016-05-16T12:47:10.001000Z',
      query: '"order" "paid"',
      example: expect.objectContaining({ id: `${generationOf(0)}-0`, app: '2048', message: 'order 1 paid' }),
    })
    expect(answer.patterns.map(({ pattern, level }: Record<string, string>) => [pattern, level])).toEqual([
      ['order <num> paid', 'info'],
      ['order <num> paid', 'error'],
      ['x', 'info'],
    ])
  })

  test('of many lines some, from all over the range; the counts are scaled and add up', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => at(i % 10 === 0 ? `slow query ${i}` : `ok ${i}`, i / 100, i))
    // For a while something else is all there is: no sample may miss it.
    const burst = Array.from({ length: 40 }, (_, i) => at(`disk sda${i} is full`, 20 + i / 40, 9000 + i))
    const { api } = await serve([...many, ...burst])
    const url = '/api/v1/patterns?cluster=prod&sample=500'
    const answer = (await api.inject(url)).json()
    expect(answer.total).toBe(5040)
    expect(answer.sample).toMatchObject({ of: 5040, exact: false })
    expect(answer.sample.stretches).toBeGreaterThan(40)
    expect(answer.sample.lines).toBeLessThan(2500)
    const counts = new Map(
      answer.patterns.map(({ pattern, count }: { pattern: string; count: number }) => [pattern, count]),
    )
    expect(counts.get('slow query <num>')).toBeGreaterThan(300)
    expect(counts.get('slow query <num>')).toBeLessThan(700)
    expect(counts.has('disk sda<num> is full')).toBe(true)
    const sum = answer.patterns.reduce((total: number, { count }: { count: number }) => total + count, 0)
    expect(Math.abs(sum - 5040)).toBeLessThan(5)
    const again = (await api.inject(url)).json()
    expect({ ...again, tookMs: 0 }).toEqual({ ...answer, tookMs: 0 })
  })

  test('compared with the range before: what is new, what is gone, what changed most', async () => {
    const before = [...Array(8)].map((_, i) => at(`tick ${i}`, -50, i)).concat(at('old trouble', -40, 20))
    const now = [...Array(4)].map((_, i) => at(`tick ${i}`, 1, 30 + i)).concat(at('new trouble', 5, 40, 5))
    const { api } = await serve([...before, ...now])
    const from = new Date(firstTime / 1000).toISOString()
    const url = `/api/v1/patterns?cluster=prod&from=${from}&compare=previous&sort=change`
    const answer = (await api.inject(url)).json()
    expect(answer.total).toBe(5)
    expect(answer.previous).toMatchObject({
      from: new Date(2 * (firstTime / 1000) - nowMs).toISOString().replace('Z', '000Z'),
      to: from.replace('Z', '000Z'),
      total: 9,
      sample: { exact: true },
      gone: [{ pattern: 'old trouble', count: 1, level: 'info' }],
    })
    expect(answer.patterns).toMatchObject([
      { pattern: 'new trouble', level: 'error', new: true, previous: { count: 0 }, change: 0.2 },
      { pattern: 'tick <num>', new: false, previous: { count: 8 }, count: 4 },
    ])
    const refused = await api.inject('/api/v1/patterns?cluster=prod&sort=change')
    expect([refused.statusCode, refused.json().hint]).toEqual([400, 'Add compare=previous.'])
  })

  test('nothing found is an empty list', async () => {
    const { api } = await serve()
    expect((await api.inject('/api/v1/patterns?cluster=prod&compare=previous')).json()).toMatchObject({
      total: 0,
      patterns: [],
      previous: { total: 0, gone: [] },
    })
  })

  test('what takes too long ends with what to do', async () => {
    const { api, store } = await serve(lines(['a']), {
      config: { ...config, searchTimeMsMax: 20 },
    })
    store.before = () => new Promise((resolve) => setTimeout(resolve, 30))
    const answer = await api.inject('/api/v1/patterns?cluster=prod')
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'QUERY_TOO_COSTLY'])
  })
})

test('other requests have their turn between the lines, however many come at once', async () => {
  const { store } = await serve(lines(Array.from({ length: 60 }, (_, i) => `line ${i}`)))
  store.batchEvents = 60
  const selection = { cluster: 'prod', filters: {}, where: undefined, from: 0, to: Number.POSITIVE_INFINITY }
  let waited = 0
  let longest = 0
  let ends = false
  const next = (): void => {
    longest = Math.max(longest, waited)
    waited = 0
    if (!ends) setImmediate(next)
  }
  next()
  const bounds = { signal: new AbortController().signal, timeMsMax: 10_000 }
  await readSample(store, selection, 100, bounds, () => {
    const started = performance.now()
    while (performance.now() - started < 2);
    waited += 2
  })
  ends = true
  expect(longest).toBeLessThanOrEqual(12)
})

describe('GET /fields', () => {
  test('names, types, coverage and values', async () => {
    const { api } = await serve(
      lines([
        'status=200 user=li took=1.5',
        'Status=500 user=wang took=fast',
        '{"status":200,"ok":true,"at":"2026-11-24T10:00:00Z","tags":["a","b"],"none":null}',
        'plain',
      ]),
    )
    const answer = (await api.inject('/api/v1/fields?cluster=prod')).json()
    expect(answer).toMatchObject({ total: 4, sample: { exact: true }, withFields: { count: 3, share: 0.75 }, more: 0 })
    const of = (name: string) => answer.fields.find((field: { name: string }) => field.name === name)
    expect(answer.fields[0]).toEqual({
      name: 'status',
      type: 'number',
      count: 3,
      share: 0.75,
      distinct: 2,
      distinctMore: false,
      values: [
        { value: '200', count: 2 },
        { value: '500', count: 1 },
      ],
    })
    expect(of('took').type).toBe('mixed')
    expect(of('ok').type).toBe('boolean')
    expect(of('at').type).toBe('time')
    expect(of('user')).toMatchObject({ type: 'text', count: 2 })
    expect(of('tags')).toMatchObject({ count: 1, distinct: 2 })
    expect(of('none')).toMatchObject({ type: 'text', count: 1, values: [{ value: 'null' }] })
    const few = (await api.inject('/api/v1/fields?cluster=prod&limit=1&values=0')).json()
    expect(few).toMatchObject({ more: 6, fields: [{ name: 'status', values: [] }] })
  })
})
