import { describe, expect, test } from 'vitest'
import { recordsOf } from '../../pipeline/event-batch.ts'
import { batchOfEvents, firstTime, generationOf, keyOf, lines, originOf } from './memory-store.ts'
import { listen, serve, until } from './serve.ts'

const messages = [
  'GET /a status=200 ms=3',
  'connection timeout',
  '连接失败 upstream',
  '{"status":500,"user":{"id":7}}',
  'bye',
]

describe('GET /search', () => {
  test('gives whole records, newest first, with their fields', async () => {
    const events = lines(messages)
    const { api } = await serve(events)
    const answer = await api.inject('/api/v1/search?cluster=prod')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    const { records, next, tookMs } = answer.json()
    expect(next).toBe(null)
    expect(tookMs).toBeGreaterThanOrEqual(0)
    const expected = recordsOf(batchOfEvents(events.toReversed()))
    expect(records.map(({ fields: _, ...record }: { fields: unknown }) => record)).toEqual(expected)
    expect(records.map(({ fields }: { fields: unknown }) => fields)).toEqual([
      undefined,
      { status: ['500'], 'user.id': ['7'] },
      undefined,
      undefined,
      { status: ['200'], ms: ['3'] },
    ])
  })

  test('a field called __proto__ is a field', async () => {
    const { api } = await serve(lines(['{"__proto__":"x","constructor":"y"}']))
    const answer = await api.inject('/api/v1/search?cluster=prod')
    expect(answer.body).toContain('"fields":{"__proto__":["x"],"constructor":["y"]}')
  })

  test.each([
    ['q=timeout', [1]],
    ['q=%E8%BF%9E%E6%8E%A5', [2]],
    ['q=.status:500', [3]],
    ['q=', [4, 3, 2, 1, 0]],
    ['order=asc&limit=2', [0, 1]],
    ['app=2048&app=other', [4, 3, 2, 1, 0]],
    ['app=other', []],
    ['level=info&level=error', [4, 3, 2, 1, 0]],
    ['level=warn', []],
    ['from=2016-05-16T12:47:10.002Z', [4, 3, 2]],
    ['to=2016-05-16T12:47:10.002Z', [1, 0]],
    ['from=2016-05-16T20:47:10.004&tz=Asia/Shanghai', [4]],
    ['from=now-59996ms'.replace('ms', 's'), []],
    ['q=time*+OR+bye', [4, 1]],
  ])('%s', async (query, expected) => {
    const events = lines(messages)
    const { api } = await serve(events)
    const answer = await api.inject(`/api/v1/search?cluster=prod&${query}`)
    if (query.startsWith('from=now-')) return expect(answer.statusCode).toBe(200)
    expect(answer.statusCode).toBe(200)
    const offsets = answer.json().records.map(({ offset }: { offset: number }) => offset)
    expect(offsets).toEqual(expected.map((i) => events[i]?.offset))
  })

  test('another cluster is another world, an unknown one is empty', async () => {
    const { api } = await serve([...lines(['a']), ...lines(['b'], originOf({ cluster: 'test' }, generationOf(1)))])
    const of = async (cluster: string) => (await api.inject(`/api/v1/search?cluster=${cluster}`)).json().records
    expect((await of('test')).map(({ message }: { message: string }) => message)).toEqual(['b'])
    expect(await of('nowhere')).toEqual([])
  })

  test.each(['asc', 'desc'])('pages (%s) give each record once, also where times are the same', async (order) => {
    const events = lines(Array.from({ length: 25 }, (_, i) => `line ${i}`)).map((event, i) => ({
      ...event,
      time: firstTime + Math.floor(i / 10),
    }))
    const { api, store } = await serve([...events])
    const seen: number[] = []
    let url = `/api/v1/search?cluster=prod&order=${order}&limit=4&from=now-1h`
    for (let page = 0; page < 20; page++) {
      const { records, next } = (await api.inject(url)).json()
      seen.push(...records.map(({ offset }: { offset: number }) => offset))
      if (next === null) break
      url = `/api/v1/search?cluster=prod&order=${order}&limit=4&from=now-1m&cursor=${next}`
      // What arrives in front of the cursor meanwhile does not move the pages.
      const time = order === 'asc' ? firstTime - 1000 - page : firstTime + 5000 + page
      store.events.push(...lines(['late'], originOf({}, generationOf(50 + page)), { time }))
    }
    const expected = events.toSorted((a, b) => keyOf(a).time - keyOf(b).time || a.offset - b.offset)
    if (order === 'desc') expected.reverse()
    expect(seen).toEqual(expected.map(({ offset }) => offset))
  })

  test('a next is taken also when the range is far, or has moved over its end since', async () => {
    // A page is asked for 882 s later than the first: by then now-882s lies behind the end that was written as a time.
    let clock = firstTime / 1000 + 882_000 - 1000
    const { api } = await serve(lines(messages), { now: () => clock })
    for (const range of ['from=0&to=9999-12-31', 'from=now-882s&to=2016-05-16T12:47:11Z']) {
      clock = firstTime / 1000 + 882_000 - 1000
      const url = `/api/v1/search?cluster=prod&limit=3&${range}`
      const first = (await api.inject(url)).json()
      expect(first.records).toHaveLength(3)
      clock += 60_000
      const second = await api.inject(`${url}&cursor=${first.next}`)
      expect([second.statusCode, second.json().records?.length]).toEqual([200, 2])
    }
  })

  test('a client that goes away ends the work of the store', async () => {
    const served = await serve(lines(messages))
    let signal: AbortSignal | undefined
    served.store.before = ({ bounds }) => {
      signal = bounds.signal
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason)))
    }
    const url = await listen(served)
    const away = new AbortController()
    const asked = fetch(`${url}/api/v1/search?cluster=prod`, { signal: away.signal })
    await until(() => signal !== undefined)
    away.abort()
    await expect(asked).rejects.toThrow()
    await until(() => signal?.aborted === true)
  })
})

describe('GET /histogram', () => {
  test('covers the range with counts by level', async () => {
    const events = lines(messages).map((event, i) => ({ ...event, level: i === 0 ? 5 : 3, time: firstTime + i * 1e6 }))
    const { api } = await serve(events)
    const answer = await api.inject(
      '/api/v1/histogram?cluster=prod&buckets=2&from=2016-05-16T12:47:10Z&to=2016-05-16T12:47:20Z',
    )
    expect(answer.json()).toEqual({
      bucketMs: 5000,
      total: 5,
      buckets: [
        { time: '2016-05-16T12:47:10.000000Z', count: 5, levels: { info: 4, error: 1 } },
        { time: '2016-05-16T12:47:15.000000Z', count: 0, levels: {} },
      ],
    })
  })

  test.each([0, 8 * 3600, 400 * 86_400])('an open range holds lines that are %d s ahead', async (ahead) => {
    const events = lines(messages).map((event) => ({ ...event, time: event.time + 60e6 + ahead * 1e6 }))
    const { api } = await serve([...events, ...lines(['now'], originOf({}, generationOf(1)))])
    const { records } = (await api.inject('/api/v1/search?cluster=prod')).json()
    const { total, buckets, bucketMs } = (await api.inject('/api/v1/histogram?cluster=prod')).json()
    expect([records.length, total]).toEqual([6, 6])
    expect(bucketMs % 1).toBe(0)
    expect(buckets.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(6)
  })

  test('an open range ends now; one that begins later is empty', async () => {
    const { api } = await serve(lines(messages))
    const open = await api.inject('/api/v1/histogram?cluster=prod&from=now-1h')
    expect(open.json()).toMatchObject({ total: 5, bucketMs: 60_000 })
    expect(open.json().buckets).toHaveLength(60)
    const later = await api.inject('/api/v1/histogram?cluster=prod&from=now%2B1h')
    expect(later.statusCode).toBe(200)
    expect(later.json().total).toBe(0)
  })
})
