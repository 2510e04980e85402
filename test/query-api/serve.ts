/** A server over a store in memory, closed with its test. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import type { Api, ServerParts } from '../../query-api/routes.ts'
import { buildServer } from '../../query-api/server.ts'
import { createMemoryBus, type MemoryBus } from './memory-bus.ts'
import { createMemoryState, createMemoryStore, firstTime, type MemoryStore, type StoredEvent } from './memory-store.ts'

export interface Served {
  readonly api: Api
  readonly store: MemoryStore
  readonly bus: MemoryBus
  readonly parts: ServerParts
}

/** As they are configured. */
export const config = {
  searchTimeMsMax: 1000,
  requestsPerMinuteMax: 1_000_000,
  searchesPerClientMax: 32,
  exportsPerClientMax: 8,
  tailsPerClientMax: 3,
  tailBufferBytesMax: 64 * 1024,
  listen: '127.0.0.1:0',
}

/** The clock of these servers: a minute behind the first event, ms. */
export const nowMs = firstTime / 1000 + 60_000

export async function serve(events: StoredEvent[] = [], more: Partial<ServerParts> = {}): Promise<Served> {
  const store = createMemoryStore(events)
  const bus = createMemoryBus()
  const parts: ServerParts = {
    store,
    bus,
    state: createMemoryState(),
    registry: new Registry(),
    config,
    log: pino({ level: 'silent' }),
    health: () => ({ shipper: undefined }),
    uiFolder: '/nonexistent/ui',
    now: () => nowMs,
    testAlert: async ({ actions }) =>
      actions.map(({ id, kind }) => ({ action: id, target: kind, taken: true, answer: 'taken', tookMs: 1 })),
    ...more,
  }
  const api = await buildServer(parts)
  onTestFinished(() => api.close())
  return { api, store, bus, parts }
}

/** The address, once it listens on a free port. */
export async function listen({ api }: Served): Promise<string> {
  return api.listen({ host: '127.0.0.1', port: 0 })
}

/** Resolves when the condition holds, which is looked at every `everyMs`; rejects after five seconds. */
export async function until(condition: () => boolean, everyMs = 2): Promise<void> {
  const end = Date.now() + 5000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not come true: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
