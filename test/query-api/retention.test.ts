import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { partitionEnd } from '../../pipeline/store.ts'
import { openAudit } from '../../query-api/audit.ts'
import { generationOf, lines, originOf } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { serve } from './serve.ts'

const day = '2016-05-16'
const own = { 'x-shiplog-request': '1' }
const events = () => [
  ...lines(['one', 'two']),
  ...lines(['three'], originOf({ cluster: 'stage' }, generationOf(1)), { time: Date.UTC(2016, 4, 14) * 1000 }),
  ...lines(['four'], originOf({ cluster: 'stage' }, generationOf(2)), { time: Date.UTC(2015, 0, 31) * 1000 }),
]

describe('the days', () => {
  test('of each cluster, with when they go', async () => {
    const { api, parts } = await serve(events())
    const of = [{ cluster: 'stage', days: 0 }]
    await parts.state.put('retention', { v: 1, days: 30, of })
    const answer = (await api.inject('/api/v1/retention')).json()
    expect(answer).toMatchObject({ days: 30, events: 4, bytes: 400 })
    expect(answer.clusters.map((one: { cluster: string; days: number }) => [one.cluster, one.days])).toEqual([
      ['prod', 30],
      ['stage', 0],
    ])
    expect(answer.clusters[0].partitions).toEqual([
      {
        partition: day,
        events: 2,
        bytes: 200,
        from: '2016-05-16T12:47:10.000000Z',
        to: '2016-05-16T12:47:10.001000Z',
        newestReadAt: '2016-05-16T12:47:10.412000Z',
        dropAt: '2016-06-16T00:00:00.000000Z',
      },
    ])
    const stage = answer.clusters[1].partitions as { partition: string; dropAt: string | null }[]
    expect(stage.map(({ partition, dropAt }) => [partition, dropAt])).toEqual([
      ['2016-05-14', null],
      ['2015-01', null],
    ])
  })

  test('what was read late stays as long as from when it was read', async () => {
    const { api, parts } = await serve(events())
    await parts.state.put('retention', { v: 1, days: 7, of: [] })
    const [, stage] = (await api.inject('/api/v1/retention')).json().clusters
    const readAt7 = '2016-05-23T12:47:10.412000Z'
    expect(stage.partitions.map((one: { dropAt: string }) => one.dropAt)).toEqual([readAt7, readAt7])
  })

  test('while no indexer has said how long they are kept, nothing is guessed', async () => {
    const { api } = await serve(events())
    const answer = (await api.inject('/api/v1/retention')).json()
    expect([answer.days, answer.clusters[0].days, answer.clusters[0].partitions[0].dropAt]).toEqual([null, null, null])
  })

  test.each([
    ['2016-05-16', '2016-05-17T00:00:00.000Z'],
    ['2016-02-29', '2016-03-01T00:00:00.000Z'],
    ['2015-12', '2016-01-01T00:00:00.000Z'],
    ['2015-01', '2015-02-01T00:00:00.000Z'],
  ])('%s ends at %s', (partition, end) => {
    expect(new Date(partitionEnd(partition) / 1000).toISOString()).toBe(end)
  })
})

describe('dropping one', () => {
  test('takes it, says what went, and is entered in both logs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shiplog-retention-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'audit.ndjson')
    const log = pino({ level: 'silent' })
    const audit = openAudit({ path, bytesMax: 1e6, registry: new Registry(), log })
    const logged: string[] = []
    const served = await serveWithRights(events(), {
      audit,
      log: pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) }),
    })
    const headers = bearer(served.tokens.issue('olga', 'operator', ['*/*']))
    const url = `/api/v1/retention/prod/${day}?confirm=${day}`
    const answer = await served.api.inject({ url, method: 'DELETE', headers })
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { cluster: 'prod', partition: day, events: 2, bytes: 200 },
    ])
    expect(served.store.events.map(({ message }) => String(message))).toEqual(['three', 'four'])
    expect((await served.api.inject({ url, method: 'DELETE', headers })).statusCode).toBe(404)
    await audit.close()
    const entries = readFileSync(path, 'utf8').trim().split('\n')
    expect(entries.map((line) => JSON.parse(line))).toMatchObject([
      {
        who: 'olga',
        method: 'DELETE',
        route: '/api/v1/retention/:cluster/:partition',
        asked: { cluster: 'prod', partition: day, confirm: day },
        status: 200,
        records: 2,
      },
      { who: 'olga', status: 404, records: 0 },
    ])
    expect(JSON.parse(logged.find((line) => line.includes('dropped')) ?? '{}')).toMatchObject({
      cluster: 'prod',
      partition: day,
      events: 2,
      who: 'olga',
    })
  })

  test.each([
    ['without the day once more', `prod/${day}`, 400],
    ['with another day', `prod/${day}?confirm=2016-05-17`, 400],
    ['with what is more than the day', `prod/${day}?confirm=${day}&confirm=${day}`, 400],
    ['of a cluster that is not there', `nowhere/${day}?confirm=${day}`, 404],
    ['of what is no day', 'prod/%2A?confirm=%2A', 404],
    ['outside of the store', 'prod/..%2Fstate?confirm=..%2Fstate', 404],
  ])('%s: nothing goes', async (_, path, status) => {
    const { api, store } = await serve(events())
    const answer = await api.inject({ url: `/api/v1/retention/${path}`, method: 'DELETE', headers: own })
    expect([answer.statusCode, store.events.length]).toEqual([status, 4])
    expect(answer.json().hint).not.toBe('')
  })

  test('is for operators who may see the whole cluster', async () => {
    const served = await serveWithRights(events())
    const ask = async (headers: Record<string, string>) => {
      const url = `/api/v1/retention/prod/${day}?confirm=${day}`
      return (await served.api.inject({ url, method: 'DELETE', headers })).statusCode
    }
    const { tokens } = served
    expect(await ask(own)).toBe(401)
    expect(await ask(bearer(tokens.issue('a', 'reader', ['*/*'])))).toBe(403)
    const some = bearer(tokens.issue('b', 'operator', ['prod/2*', 'stage/*']))
    expect(await ask(some)).toBe(404)
    const listed = (await served.api.inject({ url: '/api/v1/retention', headers: some })).json()
    expect(listed.clusters.map((one: { cluster: string }) => one.cluster)).toEqual(['stage'])
    expect(served.store.events).toHaveLength(4)
    expect(await ask(bearer(tokens.issue('c', 'operator', ['prod/*'])))).toBe(200)
  })

  test('of another site: not without our header', async () => {
    const { api, store } = await serve(events())
    const url = `/api/v1/retention/prod/${day}?confirm=${day}`
    expect((await api.inject({ url, method: 'DELETE' })).statusCode).toBe(403)
    expect(store.events).toHaveLength(4)
  })
})
