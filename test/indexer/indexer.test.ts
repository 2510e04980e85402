import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLocalBus } from '../../bus/local.ts'
import { startIndexer } from '../../indexer/indexer.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batchOf, type EventBatch } from '../../pipeline/event-batch.ts'
import type { Retention } from '../../pipeline/retention.ts'
import type { Refused } from '../../pipeline/store.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'

const source = { cluster: 'prod', app: 'a', instance: 'i', host: 'h', dir: '/d', file: 'f' }
const origin = { source, generation: '01jd8rq4e2k5v9x7m3n6p8t0wz', encoding: 'utf-8', readAt: 1e15 }
const batch = batchOf(
  origin,
  ['one', 'two', 'three'].map((text, i) => ({ message: Buffer.from(text), offset: i * 10, bytes: 10, time: 1e15 + i })),
)

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder('indexer')
})
afterEach(() => folder.cleanUp())

function store(write: (batches: readonly EventBatch[]) => Promise<Refused[]>) {
  const retained: [string, number][] = []
  return {
    retained,
    write,
    retain: async (cluster: string, before: number) => {
      retained.push([cluster, before])
      return [{ partition: '2020-01-01', events: 1, bytes: 1 }]
    },
    stats: async () => ({
      events: 1,
      bytes: 1,
      damaged: [],
      partitions: ['prod', 'stage', 'audit'].map((cluster) => ({
        ...{ cluster, partition: '2020-01-01', events: 1, bytes: 1, from: 0, to: 1, newestReadAt: 1 },
      })),
    }),
  }
}

async function start(
  target: ReturnType<typeof store>,
  retention: Retention = { days: 0, of: [] },
  states = new Map<string, unknown>(),
) {
  const rejectsPath = join(folder.path, 'rejects/rejects.ndjson')
  const bus = createLocalBus({ rejectsPath })
  const registry = new Registry()
  const state = {
    get: async (key: string) => (states.has(key) ? { key, value: states.get(key), version: 1 } : undefined),
    put: async (key: string, value: unknown) => {
      states.set(key, value)
      return 1
    },
    list: async (prefix: string) =>
      [...states].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value, version: 1 })),
    delete: async (key: string) => states.delete(key),
  }
  const indexer = await startIndexer({
    bus,
    store: target,
    state,
    retention,
    log: pino({ level: 'silent' }),
    registry,
  })
  return { bus, indexer, registry, states, rejectsPath }
}

test('publish resolves only when the store has it, and followers see it then', async () => {
  let durable = false
  let asked = false
  const written = Promise.withResolvers<void>()
  const target = store(async () => {
    asked = true
    await written.promise
    durable = true
    return []
  })
  const { bus, indexer } = await start(target)
  const seen: string[] = []
  const follower = await bus.follow({
    events: (batches) => void seen.push(...batches.map((b) => b.origin.generation)),
    missed: () => {},
  })
  let resolved = false
  const published = bus.publish([batch]).then(() => (resolved = true))
  await waitFor(() => asked)
  expect(resolved).toBe(false)
  written.resolve()
  await published
  expect(durable).toBe(true)
  await waitFor(() => seen.length > 0)
  expect(seen).toEqual([origin.generation])
  await follower.close()
  await indexer.close()
  await bus.close()
  await expect(bus.publish([batch])).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a store that fails makes publish fail, so that the shipper tries again', async () => {
  const { bus, indexer } = await start(
    store(async () => {
      throw new ShiplogError('DATA_UNWRITABLE', 'full', { retryable: true })
    }),
  )
  await expect(bus.publish([batch])).rejects.toMatchObject({ code: 'DATA_UNWRITABLE', retryable: true })
  await indexer.close()
  await expect(bus.publish([batch])).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE', retryable: true })
})

test('what the store refuses for good is kept with its reason before the batch is acknowledged', async () => {
  const { bus, indexer, registry, rejectsPath, states } = await start(
    store(async () => [{ batch, index: 1, reason: 'too odd' }]),
  )
  await bus.publish([batch])
  const [line] = readFileSync(rejectsPath, 'utf8').trim().split('\n')
  expect(JSON.parse(line as string)).toMatchObject({
    reason: 'too odd',
    record: { message: 'two', offset: 10, app: 'a' },
  })
  const metrics = await registry.metrics()
  expect(metrics).toMatch(/shiplog_events_rejected_total 1/)
  expect(metrics).toMatch(/shiplog_events_written_total 2/)
  const counted = [...states].filter(([key]) => key.startsWith('reject/')).map(([, value]) => value)
  expect(counted).toMatchObject([
    { v: 1, cluster: 'prod', app: 'a', reason: 'too odd', count: 1, sample: { message: 'two', file: 'f' } },
  ])
  await indexer.close()
})

test('a state that does not take the counts of rejects holds nothing up: the rejects are kept', async () => {
  const states = new Map<string, unknown>()
  states.set = () => {
    throw new ShiplogError('STORE_UNAVAILABLE', 'no state', { retryable: true })
  }
  const target = store(async () => [{ batch, index: 1, reason: 'too odd' }])
  const { bus, indexer, rejectsPath } = await start(target, { days: 0, of: [] }, states)
  await bus.publish([batch])
  expect(readFileSync(rejectsPath, 'utf8')).toContain('too odd')
  await indexer.close()
})

test('rejects that cannot be kept hold the acknowledgement back', async () => {
  const { bus, indexer, rejectsPath } = await start(store(async () => [{ batch, index: 1, reason: 'too odd' }]))
  mkdirSync(rejectsPath, { recursive: true })
  await expect(bus.publish([batch])).rejects.toMatchObject({ code: 'DATA_UNWRITABLE', retryable: true })
  await indexer.close()
})

test('file states are kept, newest for each incarnation', async () => {
  const { bus, indexer, states } = await start(store(async () => []))
  const file = {
    source,
    generation: origin.generation,
    path: 'p',
    state: 'following' as const,
    size: 1,
    read: 1,
    acknowledged: 1,
    lost: 0,
    updatedAt: 1,
  }
  await bus.report([file])
  await bus.report([{ ...file, size: 2 }])
  expect([...states].filter(([key]) => key !== 'retention')).toEqual([
    [`file/prod/${origin.generation}`, { ...file, size: 2 }],
  ])
  await indexer.close()
})

test('retention asks for what is older than it has to be kept, cluster by cluster', async () => {
  const target = store(async () => [])
  const [prod, audit] = [{ source: { cluster: 'prod' } }, { source: { cluster: 'audit' } }]
  const states = new Map<string, unknown>([
    ['file/prod/old', { ...prod, state: 'gone', updatedAt: 1 }],
    ['file/prod/new', { ...prod, state: 'gone', updatedAt: Date.now() * 1000 }],
    ['file/prod/quiet', { ...prod, state: 'following', updatedAt: 1 }],
    ['file/audit/old', { ...audit, state: 'gone', updatedAt: 1 }],
  ])
  const of = [
    { cluster: 'stage', days: 7 },
    { cluster: 'audit', days: 0 },
  ]
  const { indexer } = await start(target, { days: 30, of }, states)
  await waitFor(() => !states.has('file/prod/old'))
  expect(target.retained.map(([cluster]) => cluster)).toEqual(['prod', 'stage'])
  for (const [i, days] of [30, 7].entries()) {
    const before = target.retained[i]?.[1] ?? 0
    expect(Math.abs(Date.now() * 1000 - before - days * 86_400_000_000)).toBeLessThan(60_000_000)
  }
  expect(states.get('retention')).toEqual({ v: 1, days: 30, of })
  expect([...states.keys()].sort()).toEqual(['file/audit/old', 'file/prod/new', 'file/prod/quiet', 'retention'])
  await indexer.close()
})
