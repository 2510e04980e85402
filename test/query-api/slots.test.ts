import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { lines } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { config, listen, serve, until } from './serve.ts'

/** A store whose answers wait until `free` is called. */
function held(store: Awaited<ReturnType<typeof serve>>['store']) {
  const waiting: (() => void)[] = []
  store.before = ({ bounds }) =>
    new Promise<void>((resolve, reject) => {
      waiting.push(resolve)
      bounds.signal?.addEventListener('abort', () => reject(bounds.signal?.reason))
    })
  return {
    waiting,
    free: () => {
      store.before = () => {}
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

test('one client has so many searches under way; another is not held up by it', async () => {
  const { api, store, tokens } = await serveWithRights(lines(['a']), { config: { ...config, searchesPerClientMax: 2 } })
  const alice = bearer(tokens.issue('alice', 'reader', ['*/*']))
  const bob = bearer(tokens.issue('bob', 'reader', ['*/*']))
  const { waiting, free } = held(store)
  const ask = async (headers: { authorization: string }, path = 'search') =>
    api.inject({ url: `/api/v1/${path}?cluster=prod`, headers })
  const running = [ask(alice), ask(alice, 'histogram')]
  await until(() => waiting.length === 2)
  const refused = await ask(alice)
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1'])
  expect(refused.json().hint).toContain('--searches-per-client-max')
  const other = ask(bob)
  await until(() => waiting.length === 3)
  // What is no search is not counted.
  expect((await api.inject({ url: '/api/v1/session', headers: alice })).statusCode).toBe(200)
  free()
  for (const answer of await Promise.all([...running, other])) expect(answer.statusCode).toBe(200)
  expect((await ask(alice)).statusCode).toBe(200)
})

test('exports are counted apart, until their last byte or until their client goes away', async () => {
  const served = await serve(lines(Array.from({ length: 9 }, (_, i) => `line ${i}`)), {
    config: { ...config, exportsPerClientMax: 1 },
  })
  const url = await listen(served)
  const { waiting, free } = held(served.store)
  const first = request(`${url}/api/v1/export?cluster=prod`)
  onTestFinished(() => void first.destroy())
  first.on('error', () => {})
  first.end()
  await until(() => waiting.length === 1)
  const status = async (path: string) => {
    const answer = await fetch(`${url}/api/v1/${path}?cluster=prod`)
    await answer.arrayBuffer()
    return answer.status
  }
  expect(await status('export')).toBe(429)
  first.destroy()
  await until(() => served.store.scans.ended === 1)
  free()
  await expect.poll(() => status('export')).toBe(200)
  expect(await status('export')).toBe(200)
  expect(await status('search')).toBe(200)
})

test('a request that is refused before it begins holds no place', async () => {
  const { api } = await serve(lines(['a']), { config: { ...config, searchesPerClientMax: 1 } })
  for (let i = 0; i < 5; i++) expect((await api.inject('/api/v1/search?cluster=prod&q=(')).statusCode).toBe(400)
  for (let i = 0; i < 5; i++) expect((await api.inject('/api/v1/search?cluster=prod&limit=x')).statusCode).toBe(400)
  expect((await api.inject('/api/v1/search?cluster=prod')).statusCode).toBe(200)
})
