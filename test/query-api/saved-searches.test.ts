import { describe, expect, test } from 'vitest'
import { savedSearchesMax } from '../../query-api/saved-searches.ts'
import { firstTime, generationOf, lines, originOf } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'

const events = [
  ...lines(['one', 'two']),
  ...lines(['three'], originOf({ cluster: 'stage', app: 'billing' }, generationOf(3))),
]

async function people() {
  const served = await serveWithRights(events)
  const { api, tokens } = served
  const as = (token: string) => async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const answer = await api.inject({ method, url, headers: bearer(token), ...(payload && { payload }) })
    const { statusCode: status, headers } = answer
    return { status, body: answer.body === '' ? undefined : answer.json(), location: String(headers.location) }
  }
  return {
    ...served,
    alice: as(tokens.issue('alice', 'reader', ['prod/*'])),
    bob: as(tokens.issue('bob', 'reader', ['prod/2048'])),
    carol: as(tokens.issue('carol', 'reader', ['stage/*'])),
    operator: as(tokens.issue('root', 'operator', ['*/*'])),
  }
}

const url = '/api/v1/searches'
const search = { name: 'timeouts', cluster: 'prod', app: ['2048'], level: ['error'], q: 'timeout', from: 'now-1h' }

describe('a saved search', () => {
  test('is made, read, changed by version, and removed', async () => {
    const { alice } = await people()
    const made = await alice('POST', url, search)
    expect(made.status).toBe(200)
    const { id } = made.body
    expect(made.body).toEqual({
      ...search,
      shared: false,
      id,
      version: 1,
      owner: 'alice',
      own: true,
      link: `s/${id}`,
      createdAt: '2016-05-16T12:48:10.000Z',
      updatedAt: '2016-05-16T12:48:10.000Z',
    })
    expect(id).toMatch(/^[\w-]{11}$/)
    const changed = await alice('PUT', `${url}/${id}?version=1`, { ...search, q: 'reset' })
    expect(changed.body).toMatchObject({ version: 2, q: 'reset' })
    expect((await alice('PUT', `${url}/${id}?version=1`, search)).status).toBe(409)
    expect((await alice('GET', `${url}/${id}`)).body).toEqual(changed.body)
    expect((await alice('GET', url)).body).toEqual({ searches: [changed.body] })
    expect((await alice('DELETE', `${url}/${id}?version=2`)).status).toBe(204)
    expect((await alice('GET', `${url}/${id}`)).status).toBe(404)
    expect((await alice('DELETE', `${url}/${id}?version=2`)).status).toBe(404)
  })

  test('is its owner’s; shared, it is for those who may see what it is about', async () => {
    const { alice, bob, carol, operator } = await people()
    const mine = (await alice('POST', url, search)).body
    const shared = (await alice('POST', url, { ...search, name: 'all', shared: true })).body
    const other = (await alice('POST', url, { ...search, app: ['billing'], shared: true })).body
    const wide = (await alice('POST', url, { name: 'wide', cluster: 'prod', shared: true })).body
    const sees = async (who: typeof alice) => {
      const { searches } = (await who('GET', url)).body
      const ids = searches.map((one: { id: string }) => one.id)
      for (const { id } of [mine, shared, other, wide]) {
        expect((await who('GET', `${url}/${id}`)).status).toBe(ids.includes(id) ? 200 : 404)
        expect((await who('GET', `/s/${id}`)).status).toBe(ids.includes(id) ? 302 : 404)
      }
      return ids
    }
    expect((await sees(alice)).length).toBe(4)
    expect(await sees(bob)).toEqual([shared.id, wide.id])
    expect(await sees(carol)).toEqual([])
    expect((await sees(operator)).toSorted()).toEqual([shared.id, other.id, wide.id].toSorted())
    expect((await bob('GET', `${url}/${shared.id}`)).body).toMatchObject({ owner: 'alice', own: false })
    expect((await bob('PUT', `${url}/${shared.id}?version=1`, search)).status).toBe(403)
    expect((await bob('DELETE', `${url}/${shared.id}?version=1`)).status).toBe(403)
    expect((await operator('PUT', `${url}/${shared.id}?version=1`, { ...search, shared: true })).body).toMatchObject({
      owner: 'alice',
      version: 2,
    })
    expect((await operator('DELETE', `${url}/${shared.id}?version=2`)).status).toBe(204)
  })

  test.each<[what: string, payload: unknown, detail: string]>([
    ['no name', { cluster: 'prod' }, 'name is missing'],
    ['a long name', { ...search, name: 'x'.repeat(101) }, 'at most 100'],
    ['a member that is not known', { ...search, nme: 'x' }, '“nme” is not known'],
    ['another owner', { ...search, owner: 'bob' }, '“owner” is not known'],
    ['a query that cannot be read', { ...search, q: '(' }, ''],
    ['a time that is none', { ...search, from: 'yesterday' }, 'yesterday'],
    ['an object for a text', { ...search, q: { a: 1 } }, 'neither text nor a list'],
    ['null for a text', { ...search, q: null }, 'neither text nor a list'],
    ['two names', { ...search, name: ['a', 'b'] }, 'given 2 times'],
    ['too many filters', { ...search, app: Array(101).fill('x') }, 'given 101 times'],
    ['too much', { ...search, app: Array(50).fill('x'.repeat(1000)) }, 'bytes as JSON'],
    ['a list', [], 'no JSON object'],
    ['a text', '"x"', 'no JSON object'],
    ['a prototype', '{"__proto__":{"x":1}}', ''],
    ['no JSON', '{', ''],
    ['nothing', '', ''],
  ])('%s is refused', async (_, payload, detail) => {
    const { api, tokens, parts } = await people()
    const headers = { ...bearer(tokens.issue('x', 'reader', ['*/*'])), 'content-type': 'application/json' }
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const answer = await api.inject({ method: 'POST', url, headers, payload: body })
    expect([answer.statusCode, answer.json().detail]).toEqual([400, expect.stringContaining(detail)])
    expect(await parts.state.list('search/')).toEqual([])
  })

  test('a body of megabytes is not read, another type is not taken', async () => {
    const { api, tokens } = await people()
    const headers = { ...bearer(tokens.issue('x', 'reader', ['*/*'])), 'content-type': 'application/json' }
    const large = await api.inject({ method: 'POST', url, headers, payload: `"${'x'.repeat(1e6)}"` })
    expect(large.statusCode).toBe(413)
    const xml = await api.inject({
      method: 'POST',
      url,
      headers: { ...headers, 'content-type': 'text/xml' },
      payload: '<a/>',
    })
    expect(xml.statusCode).toBe(415)
  })

  test('an owner has at most so many', async () => {
    const { parts, alice, bob } = await people()
    for (let i = 0; i < savedSearchesMax; i++) await parts.state.put(`search/${i}`, { ...search, owner: 'alice' })
    expect((await alice('POST', url, search)).status).toBe(409)
    expect((await bob('POST', url, search)).status).toBe(200)
  })
})

describe('links', () => {
  test('to a search open it on the page', async () => {
    const { alice } = await people()
    const { id } = (await alice('POST', url, { ...search, dir: ['/a&b', '/c'] })).body
    const { status, location } = await alice('GET', `/s/${id}`)
    expect(status).toBe(302)
    const { pathname, searchParams } = new URL(location, 'http://shiplog/under/s/x')
    expect(pathname).toBe('/under/')
    expect([...searchParams]).toEqual([
      ['cluster', 'prod'],
      ['app', '2048'],
      ['dir', '/a&b'],
      ['dir', '/c'],
      ['level', 'error'],
      ['q', 'timeout'],
      ['from', 'now-1h'],
    ])
  })

  test('to a line open it among its neighbours, for whoever may see it', async () => {
    const { alice, carol } = await people()
    const line = `/l/${firstTime}-${generationOf(3)}-0`
    const { status, location } = await carol('GET', line)
    expect(status).toBe(302)
    const params = new URL(location, 'http://shiplog/l/x').searchParams
    expect(Object.fromEntries(params)).toMatchObject({
      cluster: 'stage',
      app: 'billing',
      line: `${generationOf(3)}-0`,
      at: '2016-05-16T12:47:10.000000Z',
    })
    const hidden = await alice('GET', line)
    const missing = await alice('GET', `/l/${firstTime}-${generationOf(4)}-0`)
    expect({ ...hidden.body, requestId: '' }).toEqual({ ...missing.body, requestId: '' })
    expect(hidden.status).toBe(404)
  })

  test.each(['x', '1-2', `${firstTime}-x-y`, `${'9'.repeat(16)}-${generationOf(0)}-0`, `-1-${generationOf(0)}-0`])(
    'the line %s is not there',
    async (line) => {
      const { alice } = await people()
      expect((await alice('GET', `/l/${line}`)).status).toBe(404)
    },
  )
})
