/**
 * Small shared state in one index, `<prefix>-state`. Changes are optimistic: read, check, and write on the condition that
 * nobody has written since (`if_seq_no`), so that of many writers one wins.
 */
import { ShiplogError } from '../../pipeline/errors.ts'
import type { State, StateEntry } from '../../pipeline/state.ts'
import { Connection } from './connection.ts'
import { unavailable } from './failures.ts'
import { searchAll } from './reading.ts'
import { defaultPrefix, defaultSettings, type ElasticsearchOptions, waitForServer } from './store.ts'

/** Of an id in Elasticsearch, bytes. */
const idBytesMax = 512
/** Entries of one request of a list. */
const listSize = 1000
/** Someone else has won that often: something is wrong. */
const attemptsMax = 100

interface Entry {
  readonly key: string
  /** JSON; missing = deleted. A tombstone stays, so that a version never comes back. */
  readonly value?: string
  readonly version: number
}

interface Lease {
  readonly holder: string
  readonly untilMs: number
}

type Found<T> = { readonly _source: T; readonly _seq_no: number; readonly _primary_term: number }

/** Rejects as openElasticsearchStore. The state has its own connection: it ends by itself. */
export async function openElasticsearchState(options: ElasticsearchOptions): Promise<State> {
  const { prefix = defaultPrefix, settings, log, startMsMax = 60_000 } = options
  const connection = new Connection(options)
  const index = `${prefix}-state`
  try {
    const { replicas } = { ...defaultSettings, ...settings }
    await waitForServer(startMsMax, log, () => makeIndex(connection, index, replicas))
  } catch (error) {
    await connection.close()
    throw error
  }
  return new ElasticsearchState(connection, index)
}

/** Made at once, not by its first entry: then nothing is guessed about its fields. */
async function makeIndex(connection: Connection, index: string, replicas: number): Promise<void> {
  const path = `/${encodeURIComponent(index)}`
  const { status } = await connection.json({ method: 'GET', path, accept: [404] })
  if (status !== 404) return
  const body = {
    settings: { 'index.number_of_shards': 1, 'index.number_of_replicas': replicas },
    mappings: { dynamic: false, properties: { key: { type: 'keyword' }, deleted: { type: 'boolean' } } },
  }
  // 400: another process was faster.
  await connection.json({ method: 'PUT', path, body, accept: [400] })
}

class ElasticsearchState implements State {
  readonly #connection: Connection
  readonly #index: string

  constructor(connection: Connection, index: string) {
    this.#connection = connection
    this.#index = index
  }

  async get(key: string): Promise<StateEntry | undefined> {
    const found = await this.#get<Entry>(`entry:${key}`)
    return found === undefined ? undefined : entryOf(found._source)
  }

  async put(key: string, value: unknown, ifVersion?: number): Promise<number> {
    const text = JSON.stringify(value ?? null)
    return this.#change<Entry, number>(`entry:${key}`, (entry) => {
      checkVersion(key, entry, ifVersion)
      const version = (entry?.version ?? 0) + 1
      return { put: { key, value: text, version }, result: version }
    })
  }

  async list(prefix: string): Promise<StateEntry[]> {
    // A search sees what was refreshed; a list must see what was put.
    await this.#connection.json({ method: 'POST', path: `${this.#path}/_refresh` })
    const entries: StateEntry[] = []
    for (let after: string | undefined; ; after = entries.at(-1)?.key) {
      const body = {
        size: listSize,
        track_total_hits: false,
        sort: [{ key: 'asc' }],
        query: {
          bool: {
            // A lease has no key.
            filter: [{ exists: { field: 'key' } }, { prefix: { key: prefix } }],
            must_not: [{ term: { deleted: true } }],
          },
        },
        ...(after === undefined ? {} : { search_after: [after] }),
      }
      type Answer = { hits: { hits: { _source: Entry }[] } }
      const [answer] = await searchAll<Answer>(this.#connection, [{ indices: [this.#index], body }])
      const found = answer?.hits.hits ?? []
      entries.push(...found.flatMap(({ _source }) => entryOf(_source) ?? []))
      if (found.length < listSize) return entries
    }
  }

  async delete(key: string, ifVersion?: number): Promise<boolean> {
    return this.#change<Entry & { deleted?: true }, boolean>(`entry:${key}`, (entry) => {
      checkVersion(key, entry, ifVersion)
      if (entry?.value === undefined) return { result: false }
      return { put: { key, version: entry.version + 1, deleted: true }, result: true }
    })
  }

  /** By the clocks of the holders: they must agree to a small part of `ttlMs`. */
  async lease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#change<Lease, boolean>(`lease:${key}`, (lease) => {
      const now = Date.now()
      if (lease !== undefined && lease.holder !== holder && lease.untilMs > now) return { result: false }
      return { put: { holder, untilMs: now + ttlMs }, result: true }
    })
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  get #path(): string {
    return `/${encodeURIComponent(this.#index)}`
  }

  /** The newest document, also when no search would find it yet. */
  async #get<T>(id: string): Promise<Found<T> | undefined> {
    const path = `${this.#path}/_doc/${encodedId(id)}`
    const { status, body } = await this.#connection.json<Found<T>>({ method: 'GET', path, accept: [404] })
    return status === 404 ? undefined : body
  }

  /** Reads, decides and writes until nobody was in between. `decide` may throw; without `put` nothing is written. */
  async #change<T extends object, R>(
    id: string,
    decide: (current: T | undefined) => { readonly put?: T; readonly result: R },
  ): Promise<R> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await this.#get<T>(id)
      const { put, result } = decide(found?._source)
      if (put === undefined) return result
      const condition =
        found === undefined
          ? { op_type: 'create' }
          : { if_seq_no: String(found._seq_no), if_primary_term: String(found._primary_term) }
      const path = `${this.#path}/_doc/${encodedId(id)}`
      const { status } = await this.#connection.json({
        method: 'PUT',
        path,
        query: condition,
        body: put,
        accept: [409],
      })
      if (status !== 409) return result
    }
    throw unavailable(this.#connection.name, `${id} was changed by others ${attemptsMax} times in between`)
  }
}

function entryOf({ key, value, version }: Entry): StateEntry | undefined {
  return value === undefined ? undefined : { key, value: JSON.parse(value) as unknown, version }
}

function checkVersion(key: string, entry: Entry | undefined, ifVersion: number | undefined): void {
  if (ifVersion === undefined) return
  const version = entry?.value === undefined ? 0 : entry.version
  if (version === ifVersion) return
  throw new ShiplogError('CONFLICT', `${key} has version ${version}, not ${ifVersion}`, {
    hint: 'Read it again and repeat the change.',
  })
}

function encodedId(id: string): string {
  if (Buffer.byteLength(id) > idBytesMax) {
    throw new ShiplogError('QUERY_INVALID', `a key of the state has at most ${idBytesMax - 6} bytes`)
  }
  return encodeURIComponent(id)
}
