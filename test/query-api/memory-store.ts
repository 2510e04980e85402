/** A store and a state in memory, by the letter of the ports: what the tests of the API hold the answers against. */
import { ShiplogError } from '../../pipeline/errors.ts'
import { columnsOf, type NewEvent, type Origin, type RecordBatch } from '../../pipeline/event-batch.ts'
import { fieldsOf } from '../../pipeline/fields.ts'
import { matches } from '../../pipeline/query-matches.ts'
import { compareKeys, type EventKey, levels, type Source } from '../../pipeline/record.ts'
import type { State, StateEntry } from '../../pipeline/state.ts'
import type { Bounds, SearchQuery, Selection, Store } from '../../pipeline/store.ts'

export interface StoredEvent extends NewEvent {
  readonly origin: Origin
}

export interface MemoryStore extends Store {
  readonly events: StoredEvent[]
  /** Scans that were begun and that ended: by their end, by the reader, by a failure. */
  readonly scans: { begun: number; ended: number; aborted: number; batches: number }
  /** Called before each batch of a scan and each search; what it throws or waits for happens there. */
  before: (about: { call: 'search' | 'scan'; batch: number; bounds: Bounds }) => Promise<void> | void
  /** Events in one batch of a scan. */
  batchEvents: number
}

export const source: Source = {
  cluster: 'prod',
  app: '2048',
  instance: '2048-5f9c',
  host: '10.3.11.18',
  dir: '/nginx',
  file: 'error.log',
}

export function generationOf(n: number): string {
  return `01jd${String(n).padStart(22, '0')}`
}

export function originOf(more: Partial<Source> = {}, generation = generationOf(0)): Origin {
  return { source: { ...source, ...more }, generation, encoding: 'utf-8', readAt: 1_463_402_830_412_000 }
}

export const firstTime = 1_463_402_830_000_000

/** Lines of one file, a millisecond apart. */
export function lines(messages: readonly string[], origin = originOf(), more: Partial<NewEvent> = {}): StoredEvent[] {
  let offset = 0
  return messages.map((text, i) => {
    const message = Buffer.from(text)
    const event = { message, offset, bytes: message.length + 1, time: firstTime + i * 1000, level: 3, ...more, origin }
    offset += message.length + 1
    return event
  })
}

export function keyOf(event: StoredEvent): EventKey {
  return { time: event.time, generation: event.origin.generation, offset: event.offset }
}

export function batchOfEvents(events: readonly StoredEvent[]): RecordBatch {
  const origins = [...new Set(events.map((event) => event.origin))]
  return {
    ...columnsOf(events),
    origins,
    originOf: Uint32Array.from(events, (event) => origins.indexOf(event.origin)),
  }
}

export function createMemoryStore(events: StoredEvent[] = []): MemoryStore {
  const wanted = (event: StoredEvent, selection: Omit<Selection, 'cluster'> & { cluster?: string }): boolean => {
    const { origin, time } = event
    const level = levels[event.level ?? 0] ?? 'none'
    if (selection.cluster !== undefined && origin.source.cluster !== selection.cluster) return false
    if (time < selection.from || time >= selection.to) return false
    if (selection.parts && event.continues === undefined) return false
    const record = { ...origin.source, level }
    for (const [field, values] of Object.entries(selection.filters)) {
      if (values.length > 0 && !values.includes(record[field as keyof typeof record])) return false
    }
    if (selection.where === undefined) return true
    const message = event.message.toString()
    return matches(selection.where, { ...record, message, fields: fieldsOf(message) })
  }
  const found = (query: SearchQuery): StoredEvent[] => {
    const sign = query.order === 'asc' ? 1 : -1
    return store.events
      .filter((event) => wanted(event, query))
      .filter((event) => query.after === undefined || sign * compareKeys(keyOf(event), query.after) > 0)
      .sort((a, b) => sign * compareKeys(keyOf(a), keyOf(b)))
  }
  async function* batches(all: readonly StoredEvent[], bounds: Bounds): AsyncGenerator<RecordBatch> {
    store.scans.begun++
    try {
      for (let at = 0, batch = 0; at < all.length; at += store.batchEvents, batch++) {
        await store.before({ call: 'scan', batch, bounds })
        bounds.signal?.throwIfAborted()
        store.scans.batches++
        yield batchOfEvents(all.slice(at, at + store.batchEvents))
      }
    } catch (error) {
      if (bounds.signal?.aborted === true) store.scans.aborted++
      throw error
    } finally {
      store.scans.ended++
    }
  }
  const store: MemoryStore = {
    events,
    scans: { begun: 0, ended: 0, aborted: 0, batches: 0 },
    before: () => {},
    batchEvents: 3,
    async write() {
      return []
    },
    async search(query, limit, bounds = {}) {
      await store.before({ call: 'search', batch: 0, bounds })
      bounds.signal?.throwIfAborted()
      const all = found(query)
      return { records: batchOfEvents(all.slice(0, limit)), more: all.length > limit }
    },
    scan: (query, bounds = {}) => batches(found(query), bounds),
    scanFile({ source: file, start, order, from, to, most }, bounds = {}) {
      const sign = order === 'asc' ? 1 : -1
      const place = ({ origin, offset }: StoredEvent): EventKey => ({ time: 0, generation: origin.generation, offset })
      const all = store.events
        .filter(({ origin }) =>
          Object.entries(file).every(([field, value]) => origin.source[field as keyof Source] === value),
        )
        .filter(({ time }) => time >= from && time < to)
        .filter((event) => start === undefined || sign * compareKeys(place(event), { time: 0, ...start }) >= 0)
        .sort((a, b) => sign * compareKeys(place(a), place(b)))
      return batches(all.slice(0, most), bounds)
    },
    async histogram(selection, buckets, bounds = {}) {
      await store.before({ call: 'search', batch: 0, bounds })
      if (!Number.isFinite(selection.to)) throw new Error('to must be finite')
      const bucketUs = Math.max(1, Math.ceil((selection.to - selection.from) / buckets))
      const width = Math.ceil((selection.to - selection.from) / bucketUs)
      const counts = Array.from({ length: width }, () => new Uint32Array(levels.length))
      const all = store.events.filter((event) => wanted(event, selection))
      for (const { time, level = 0 } of all) {
        const bucket = counts[Math.floor((time - selection.from) / bucketUs)] as Uint32Array
        bucket[level] = (bucket[level] as number) + 1
      }
      return { from: selection.from, bucketUs, counts, total: all.length }
    },
    async values(field, selection, { limit, prefix = '' }) {
      const counts = new Map<string, { count: number; last: number }>()
      for (const event of store.events.filter((one) => wanted(one, selection))) {
        const values = field.startsWith('fields.')
          ? fieldsOf(event.message.toString()).flatMap(([name, value]) => (name === field.slice(7) ? [value] : []))
          : [field === 'level' ? levels[event.level ?? 0] : event.origin.source[field as keyof Source]]
        for (const value of values) {
          if (value === undefined || !value.toLowerCase().startsWith(prefix.toLowerCase())) continue
          const { count = 0, last = 0 } = counts.get(value) ?? {}
          counts.set(value, { count: count + 1, last: Math.max(last, event.time) })
        }
      }
      const all = [...counts].map(([value, counted]) => ({ value, ...counted }))
      return all.sort((a, b) => b.count - a.count).slice(0, limit)
    },
    async retain() {
      return []
    },
    async stats() {
      return { events: store.events.length, bytes: 0, partitions: [], damaged: [] }
    },
    async close() {},
  }
  return store
}

export function createMemoryState(): State {
  const entries = new Map<string, StateEntry>()
  const leases = new Map<string, { readonly holder: string; readonly until: number }>()
  return {
    async get(key) {
      return entries.get(key)
    },
    async put(key, value, ifVersion) {
      const version = entries.get(key)?.version ?? 0
      if (ifVersion !== undefined && ifVersion !== version) throw new ShiplogError('CONFLICT', 'another version')
      entries.set(key, { key, value, version: version + 1 })
      return version + 1
    },
    async list(prefix) {
      return [...entries.values()].filter(({ key }) => key.startsWith(prefix))
    },
    async delete(key, ifVersion) {
      const version = entries.get(key)?.version ?? 0
      if (ifVersion !== undefined && ifVersion !== version) throw new ShiplogError('CONFLICT', 'another version')
      return entries.delete(key)
    },
    async lease(key, holder, ttlMs) {
      const held = leases.get(key)
      if (held !== undefined && held.holder !== holder && held.until > Date.now()) return false
      leases.set(key, { holder, until: Date.now() + ttlMs })
      return true
    },
    async close() {},
  }
}
