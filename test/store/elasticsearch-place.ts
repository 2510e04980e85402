/** Stores and states in the real Elasticsearch, each with indices of its own that are removed behind it. */
import { beforeAll, describe } from 'vitest'
import type { State } from '../../pipeline/state.ts'
import type { Store } from '../../pipeline/store.ts'
import { openElasticsearchState } from '../../store/elasticsearch/state.ts'
import { type ElasticsearchOptions, openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import type { OpenedStore } from '../contract/store.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'

/** Tests on the real server; skipped where none can be started, which the run itself says loudly. */
export function elasticsearch(name: string, tests: (url: () => string) => void): void {
  describe.skipIf(whySkipped('elasticsearch') !== undefined)(name, () => {
    let url = ''
    beforeAll(async () => {
      url = await serviceUrl('elasticsearch')
    }, 400_000)
    tests(() => url)
  })
}

let places = 0

/** A prefix that no other test has, also none of another run on the same server. */
export function newPrefix(): string {
  return `test-${process.pid}-${Date.now().toString(36)}-${places++}`
}

/** An answer of the server, read as JSON: for what no port tells. */
export async function ask<T>(url: string, method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as T
}

/** Removes the indices and the template of a prefix. */
export async function removeAll(url: string, prefix: string): Promise<void> {
  const { indices } = await ask<{ indices?: { name: string }[] }>(url, 'GET', `/_resolve/index/${prefix}-*`)
  for (const { name } of indices ?? []) await ask(url, 'DELETE', `/${name}`)
  await ask(url, 'DELETE', `/_index_template/${prefix}`)
}

/** Makes what was written visible to searches: the port promises durability, an index shows it with its next refresh. */
export function refreshing(store: Store, url: string, prefix: string): Store {
  return {
    ...store,
    async write(batches) {
      const refused = await store.write(batches)
      await ask(url, 'POST', `/${prefix}-*-*.*/_refresh`)
      return refused
    },
  }
}

export async function openStore(url: string, options: Partial<ElasticsearchOptions> = {}): Promise<OpenedStore> {
  const prefix = options.prefix ?? newPrefix()
  const store = await openElasticsearchStore({
    url,
    ...options,
    prefix,
    settings: { replicas: 0, ...options.settings },
  })
  return {
    store: refreshing(store, url, prefix),
    async close() {
      await store.close()
      await removeAll(url, prefix)
    },
  }
}

export function statePlace(url: string): { open(): Promise<State>; remove(): Promise<void> } {
  const prefix = newPrefix()
  return {
    open: () => openElasticsearchState({ url, prefix, settings: { replicas: 0 } }),
    remove: () => removeAll(url, prefix),
  }
}
