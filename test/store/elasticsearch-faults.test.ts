/** What goes wrong between Shiplog and Elasticsearch, and in it. The contract itself is in elasticsearch.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ShiplogError } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import type { Refused, Store } from '../../pipeline/store.ts'
import { type ElasticsearchOptions, openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { dayUs, drain, generationOf, linesOf, Model, noonUs, queryOf } from '../contract/store-model.ts'
import { type Fault, randomFaults, startFaultProxy } from '../services/fault-proxy.ts'
import { ask, elasticsearch, newPrefix, removeAll } from './elasticsearch-place.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const index = 'prod-2026.05.16'

const lines = (n: number, count: number, text = 'line'): EventBatch =>
  linesOf(
    Array.from({ length: count }, (_, i) => ({ message: `${text} ${n}/${i} a=1 b=${i}`, time: noonUs + i * 1000 })),
    { generation: generationOf(n) },
  )

/** As every caller does: what is given back is written again, all of it. */
async function writeForEver(
  store: Store,
  batches: readonly EventBatch[],
): Promise<{ refused: Refused[]; tries: number }> {
  for (let tries = 1; ; tries++) {
    try {
      return { refused: await store.write(batches), tries }
    } catch (error) {
      if ((error as ShiplogError).retryable !== true || tries > 200) throw error
    }
  }
}

elasticsearch('faults of Elasticsearch', (url) => {
  let prefix: string
  let closings: (() => Promise<unknown>)[]
  let warnings: string[]

  beforeEach(() => {
    prefix = newPrefix()
    closings = [() => removeAll(url(), prefix)]
    warnings = []
  })
  afterEach(async () => {
    for (const closing of closings.reverse()) await closing()
  })

  const open = async (options: Partial<ElasticsearchOptions> = {}): Promise<Store> => {
    const log = { warn: (details: object, message: string) => warnings.push(`${message} ${JSON.stringify(details)}`) }
    const store = await openElasticsearchStore({ url: url(), prefix, settings: { replicas: 0 }, log, ...options })
    closings.push(() => store.close())
    return store
  }
  const proxied = async (faultOf: (path: string, bytes: number) => Fault) => {
    const proxy = await startFaultProxy(url(), faultOf)
    closings.push(() => proxy.close())
    return proxy
  }
  const refresh = (): Promise<unknown> => ask(url(), 'POST', `/${prefix}-*-*.*/_refresh`)
  const messagesOf = async (store: Store, query = queryOf('', { order: 'asc' })): Promise<string[]> => {
    await refresh()
    return (await drain(store.scan(query))).map(({ message }) => message)
  }

  test(`what is written is found, and once, whatever answers come back (SEED=${seed})`, async () => {
    const healthy = await open()
    const faults = randomFaults(seed, 0.3)
    const proxy = await proxied(faults)
    const store = await open({ url: proxy.url, writer: { bodyBytesMax: 20_000, retryMsMax: 300 } })
    const model = new Model()
    const batches = Array.from({ length: 40 }, (_, n) => lines(n, 50))
    model.write(batches)
    await Promise.all(batches.map((batch) => writeForEver(store, [batch])))
    await refresh()
    const expected = model.search(queryOf('', { order: 'asc' }))
    expect(await drain(healthy.scan(queryOf('', { order: 'asc' })))).toEqual(expected)
    // A scan that meets the same faults gives the same.
    expect(await drain(store.scan(queryOf('', { order: 'asc' })))).toEqual(expected)
    for (const fault of ['429', '503', 'refuse', 'drop', 'half'] as const)
      expect(proxy.counts[fault]).toBeGreaterThan(0)
  }, 60_000)

  test('an index that was made read-only holds writing up, says what to do, and goes on when it is free', async () => {
    const store = await open({ writer: { retryMsMax: 300 } })
    await store.write([lines(1, 10)])
    await ask(url(), 'PUT', `/${prefix}-${index}/_settings`, { 'index.blocks.read_only_allow_delete': true })
    await expect(store.write([lines(2, 10)])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      hint: expect.stringMatching(/disk|block/),
    })
    expect(warnings[0]).toMatch(/disk|block/)
    const later = writeForEver(store, [lines(2, 10)])
    await ask(url(), 'PUT', `/${prefix}-${index}/_settings`, { 'index.blocks.read_only_allow_delete': null })
    expect((await later).refused).toEqual([])
    expect(await messagesOf(store)).toHaveLength(20)
  })

  test('an index that was closed holds writing up, never refuses events', async () => {
    const store = await open({ writer: { retryMsMax: 300 } })
    await store.write([lines(1, 10)])
    await ask(url(), 'POST', `/${prefix}-${index}/_close`)
    await expect(store.write([lines(2, 10)])).rejects.toMatchObject({
      retryable: true,
      hint: expect.stringMatching(/_open/),
    })
    await ask(url(), 'POST', `/${prefix}-${index}/_open`)
    expect((await writeForEver(store, [lines(2, 10)])).refused).toEqual([])
  })

  test('an event whose fields are not taken is stored without them; one that is not taken at all is refused alone', async () => {
    const store = await open()
    const time = { type: 'date_nanos' }
    // As an index that somebody made by hand: fields are numbers, an offset has a byte.
    const mappings = { dynamic: false, properties: { fields: { type: 'long' }, offset: { type: 'byte' }, time } }
    await ask(url(), 'PUT', `/${prefix}-${index}`, { mappings })
    const batch = lines(1, 10)
    const refused = await store.write([batch])
    const beyond = Array.from(batch.offset).findIndex((offset) => offset > 127)
    expect(refused.map(({ index: i }) => i)).toEqual(Array.from({ length: 10 - beyond }, (_, i) => beyond + i))
    expect(refused[0]).toMatchObject({ batch, reason: expect.stringMatching(/offset/) })
    await refresh()
    const { count } = await ask<{ count: number }>(url(), 'GET', `/${prefix}-${index}/_count`)
    expect(count).toBe(beyond)
  })

  test('a large request that fails costs no more than one that does not: an outage keeps nobody busy', async () => {
    const store = await open({
      url: (await proxied((path) => (path.startsWith('/_bulk') ? 'refuse' : 'pass'))).url,
      writer: { retryMsMax: 0 },
    })
    const batch = lines(1, 8000, 'x'.repeat(300))
    // The client once made an object of each byte of a request that had failed, to take secrets out of it.
    await expect(store.write([lines(2, 10)])).rejects.toMatchObject({ retryable: true })
    const before = process.cpuUsage()
    for (let i = 0; i < 3; i++) await expect(store.write([batch])).rejects.toMatchObject({ retryable: true })
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 3 / 1000, 'ms of CPU for a request of 4 MB').toBeLessThan(500)
  })

  test('a body that is too large is cut; an event that is too large by itself is refused, its neighbours are stored', async () => {
    const bytesMax = 100_000
    const proxy = await proxied((path, bytes) => (path.startsWith('/_bulk') && bytes > bytesMax ? '413' : 'pass'))
    const store = await open({ url: proxy.url })
    const batch = linesOf(
      Array.from({ length: 600 }, (_, i) => ({
        message: i === 311 ? `long ${'x'.repeat(2 * bytesMax)}` : `line ${i}`,
        time: noonUs + i,
      })),
    )
    const refused = await store.write([batch])
    expect(refused).toEqual([{ batch, index: 311, reason: expect.stringContaining('413') }])
    expect(await messagesOf(store)).toHaveLength(599)
    expect(proxy.counts['413']).toBeGreaterThan(1)
  })

  test('messages that are too many for one answer come in smaller ones', async () => {
    const store = await open()
    const text = 'x'.repeat(500_000)
    for (let n = 0; n < 4; n++) {
      await store.write([
        linesOf(
          Array.from({ length: 20 }, (_, i) => ({ message: `${n}/${i} ${text}`, time: noonUs + i })),
          { generation: generationOf(n) },
        ),
      ])
    }
    const found = await messagesOf(store)
    expect(found).toHaveLength(80)
    expect(new Set(found).size).toBe(80)
    expect((await store.search(queryOf(), 75)).records.count).toBe(75)
  })

  test('a cluster whose name begins as another’s shares nothing with it', async () => {
    const store = await open()
    const of = (cluster: string, count: number): EventBatch =>
      linesOf(
        Array.from({ length: count }, (_, i) => ({ message: `${cluster} ${i}`, time: noonUs + i })),
        { source: { cluster }, readAt: noonUs },
      )
    await store.write([of('prod', 3), of('prod-eu', 5), of('prod-2026.05.16', 7)])
    await refresh()
    for (const [cluster, count] of [
      ['prod', 3],
      ['prod-eu', 5],
      ['prod-2026.05.16', 7],
    ] as const) {
      expect((await store.search(queryOf('', { cluster }), 100)).records.count).toBe(count)
    }
    const dropped = await store.retain('prod', noonUs + 30 * dayUs)
    expect(dropped).toEqual([{ partition: '2026-05-16', events: 3, bytes: expect.any(Number) }])
    const { partitions } = await store.stats()
    expect(partitions.map(({ cluster, events }) => [cluster, events])).toEqual([
      ['prod-2026.05.16', 7],
      ['prod-eu', 5],
    ])
  })

  test('an aborted search closes its connection', async () => {
    const proxy = await proxied((path) => (path.startsWith('/_msearch') ? 'hold' : 'pass'))
    const store = await open({ url: proxy.url })
    await (await open()).write([lines(1, 10)])
    const abort = new AbortController()
    const search = store.search(queryOf('line'), 10, { signal: abort.signal })
    await expect.poll(() => proxy.counts.hold).toBe(1)
    abort.abort()
    await expect(search).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => proxy.left()).toBe(1)
    await expect(store.search(queryOf('line'), 10, { timeMsMax: 50 })).rejects.toMatchObject({
      code: 'QUERY_TOO_COSTLY',
    })
    await expect.poll(() => proxy.left()).toBe(2)
  })

  test('… which ends its work inside Elasticsearch', async () => {
    const store = await open()
    // Words that are all different: a star in front of a word looks at each of them.
    const wordOf = (n: number): string => (Math.imul(n, 2_654_435_761) >>> 0).toString(36)
    const messageOf = (n: number): string => Array.from({ length: 50_000 }, (_, i) => wordOf(n * 50_000 + i)).join(' ')
    await store.write([linesOf(Array.from({ length: 8 }, (_, n) => ({ message: messageOf(n), time: noonUs + n })))])
    await refresh()
    // More than Elasticsearch has threads for: most of them wait there for their turn.
    const searches = 30
    const abort = new AbortController()
    const costly = queryOf(Array.from({ length: 8 }, (_, i) => `*${i}`).join(' or '))
    const all = Promise.allSettled(
      Array.from({ length: searches }, () => store.search(costly, 2, { signal: abort.signal })),
    )
    const tasks = async (): Promise<number> => {
      type Tasks = { nodes: Record<string, { tasks: Record<string, { description: string }> }> }
      const { nodes } = await ask<Tasks>(url(), 'GET', '/_tasks?actions=*search*&detailed=true')
      const descriptions = Object.values(nodes).flatMap((node) => Object.values(node.tasks))
      return descriptions.filter(({ description }) => description.includes(prefix)).length
    }
    await expect.poll(tasks).toBeGreaterThan(searches / 2)
    abort.abort()
    await expect.poll(tasks).toBe(0)
    for (const one of await all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ABORTED' })
    type Searched = { _all: { total: { search: { query_total: number; query_failure: number } } } }
    const { search } = (await ask<Searched>(url(), 'GET', `/${prefix}-*-*.*/_stats/search`))._all.total
    // Searches that came to their end, and those that were ended in the middle of it.
    expect(search.query_total).toBeLessThan(searches / 2)
    expect(search.query_failure).toBeGreaterThan(0)
  }, 60_000)

  test('an index whose shard is on no node is told as damaged, until it is back; the others are counted', async () => {
    const store = await open()
    await store.write([lines(1, 10)])
    await refresh()
    const red = `${prefix}-prod-2026.05.17`
    // No node has this name.
    const nowhere = { 'index.routing.allocation.require._name': 'nobody' }
    await ask(url(), 'PUT', `/${red}?wait_for_active_shards=0`, { settings: nowhere })
    await expect.poll(async () => (await store.stats()).damaged).toHaveLength(1)
    expect(await store.stats()).toMatchObject({
      events: 10,
      damaged: [{ path: red, reason: expect.stringContaining('_cluster/allocation/explain') }],
    })
    await ask(url(), 'PUT', `/${red}/_settings`, { 'index.routing.allocation.require._name': null })
    await expect.poll(async () => (await store.stats()).damaged).toEqual([])
  })

  test('what comes in while retention looks is not dropped', async () => {
    const store = await open()
    await store.write([linesOf([{ message: 'old', time: noonUs }], { readAt: noonUs })])
    // Not refreshed: no search finds it yet.
    await store.write([
      linesOf([{ message: 'read late', time: noonUs }], { generation: generationOf(2), readAt: noonUs + 40 * dayUs }),
    ])
    expect(await store.retain('prod', noonUs + 30 * dayUs)).toEqual([])
    expect(await messagesOf(store)).toEqual(['old', 'read late'])
    expect(await store.retain('prod', noonUs + 50 * dayUs)).toHaveLength(1)
  })

  describe('at the start', () => {
    test('a template of a newer Shiplog is left alone', async () => {
      const template = { index_patterns: [`${prefix}-*-*.*`], priority: 500, version: 999 }
      await ask(url(), 'PUT', `/_index_template/${prefix}`, template)
      await expect(open()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('999') })
    })

    test('a template that Elasticsearch refuses is an error with a hint', async () => {
      const other = `${prefix}-other`
      closings.push(() => ask(url(), 'DELETE', `/_index_template/${other}`))
      await ask(url(), 'PUT', `/_index_template/${other}`, { index_patterns: [`${prefix}-*-*.*`], priority: 500 })
      await expect(open()).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        hint: expect.stringContaining('_index_template'),
      })
    })
  })
})
