import { describe, expect, test } from 'vitest'
import { sessionMsMax, sessionsPerTokenMax } from '../../query-api/sessions.ts'
import { lines } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { nowMs, serve } from './serve.ts'

const own = { 'x-shiplog-request': '1' }

async function signedIn(now = () => nowMs) {
  const served = await serveWithRights(lines(['a', 'b']), { now })
  const token = served.tokens.issue('alice', 'reader', ['prod/2048'])
  const login = (text = token, headers: Record<string, string> = own) =>
    served.api.inject({ method: 'POST', url: '/api/v1/session', headers, payload: { token: text } })
  const ask = (cookie: string, url = '/api/v1/search?cluster=prod') => served.api.inject({ url, headers: { cookie } })
  return { ...served, token, login, ask }
}

function cookieIn(answer: { headers: Record<string, unknown> }): string {
  return String(answer.headers['set-cookie']).split(';')[0] as string
}

describe('a session', () => {
  test('begins with a token, is good for what the token is good for, and ends with a logout', async () => {
    const { api, token, login, ask } = await signedIn()
    const answer = await login()
    expect(answer.json()).toEqual({ name: 'alice', role: 'reader', rights: true })
    const set = String(answer.headers['set-cookie'])
    expect(set).toMatch(
      /^shiplog_session=[0-9a-f]{12}\.\d+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    )
    expect(set).not.toContain(token.slice(21))
    const cookie = cookieIn(answer)
    expect((await ask(cookie)).json().records).toHaveLength(2)
    expect((await ask(cookie, '/api/v1/session')).json()).toMatchObject({ name: 'alice' })
    expect((await ask(cookie, '/metrics')).statusCode).toBe(403)
    expect((await ask(`${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`)).statusCode).toBe(401)
    const logout = await api.inject({ method: 'DELETE', url: '/api/v1/session', headers: { ...own, cookie } })
    expect([logout.statusCode, logout.body]).toEqual([204, ''])
    expect(logout.headers['set-cookie']).toContain('Max-Age=0')
    expect((await ask(cookie)).statusCode).toBe(401)
  })

  test('ends by itself, and with its token', async () => {
    let clock = nowMs
    const { tokens, token, login, ask } = await signedIn(() => clock)
    const first = cookieIn(await login())
    clock += sessionMsMax - 1
    expect((await ask(first)).statusCode).toBe(200)
    clock += 1
    expect((await ask(first)).statusCode).toBe(401)
    const second = cookieIn(await login())
    tokens.remove(token)
    expect((await ask(second)).statusCode).toBe(401)
  })

  test('is one of at most so many of its token', async () => {
    let clock = nowMs
    const { parts, login, ask } = await signedIn(() => clock++)
    const cookies: string[] = []
    for (let i = 0; i <= sessionsPerTokenMax; i++) cookies.push(cookieIn(await login()))
    expect(await parts.state.list('session/')).toHaveLength(sessionsPerTokenMax)
    expect(JSON.stringify(await parts.state.list('session/'))).not.toContain(cookies[1]?.split('.')[2])
    expect((await ask(cookies[0] as string)).statusCode).toBe(401)
    for (const cookie of cookies.slice(1)) expect((await ask(cookie)).statusCode).toBe(200)
  })

  test('behind HTTPS its cookie goes over nothing else', async () => {
    const { login } = await signedIn()
    const answer = await login(undefined, { ...own, origin: 'https://logs.example', 'sec-fetch-site': 'same-origin' })
    expect(answer.headers['set-cookie']).toMatch(/; Secure$/)
  })

  test('cannot begin without a token that holds; after ten failures the address waits for the minute to end', async () => {
    let clock = nowMs
    const { token, login } = await signedIn(() => clock)
    for (let i = 0; i < 10; i++) expect((await login(`${token.slice(0, -2)}xx`)).statusCode).toBe(401)
    const refused = await login()
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '60'])
    clock += 60_000
    expect((await login()).statusCode).toBe(200)
  })

  test('where rights are not enabled there is none', async () => {
    const { api } = await serve()
    const answer = await api.inject({ method: 'POST', url: '/api/v1/session', headers: own, payload: { token: 'x' } })
    expect([answer.statusCode, answer.json().hint]).toEqual([404, expect.stringContaining('--tokens')])
  })
})

describe('another site', () => {
  const search = { name: 'theirs', cluster: 'prod' }
  const refused: [what: string, headers: Record<string, string>][] = [
    ['a form', { 'content-type': 'text/plain' }],
    ['a form that names its site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['a sibling of our site', { ...own, 'sec-fetch-site': 'same-site' }],
    ['behind a proxy that asks for a password', { authorization: 'Basic YTpi' }],
  ]

  test.each(refused)('%s: changes nothing with our cookie', async (_, headers) => {
    const { api, parts, login } = await signedIn()
    const cookie = cookieIn(await login())
    for (const method of ['POST', 'PUT', 'DELETE'] as const) {
      const url = `/api/v1/searches${method === 'POST' ? '' : '/x?version=1'}`
      const answer = await api.inject({ method, url, headers: { ...headers, cookie }, payload: JSON.stringify(search) })
      expect([answer.statusCode, answer.json().code]).toEqual([403, 'FORBIDDEN'])
    }
    expect(await parts.state.list('search/')).toEqual([])
    expect((await login(undefined, headers)).statusCode).toBe(403)
  })

  test.each(refused)('%s: changes nothing where rights are not enabled', async (_, headers) => {
    const { api, parts } = await serve()
    const answer = await api.inject({
      method: 'POST',
      url: '/api/v1/searches',
      headers,
      payload: JSON.stringify(search),
    })
    expect(answer.statusCode).toBe(403)
    expect(await parts.state.list('search/')).toEqual([])
  })

  test('no answer allows another origin to read it', async () => {
    const { api, token } = await signedIn()
    const headers = { ...bearer(token), origin: 'https://evil.example' }
    for (const method of ['GET', 'OPTIONS'] as const) {
      const answer = await api.inject({ method, url: '/api/v1/search?cluster=prod', headers })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('a token needs no such header: no browser sends it by itself', async () => {
    const { api, token } = await signedIn()
    const answer = await api.inject({
      method: 'POST',
      url: '/api/v1/searches',
      headers: bearer(token),
      payload: search,
    })
    expect(answer.statusCode).toBe(200)
  })
})

test('a state that is away: what is open stays open, a session is not known now, a token is', async () => {
  const { api, parts, token, login } = await signedIn()
  const cookie = cookieIn(await login())
  parts.state.get = async () => {
    throw new Error('away')
  }
  expect((await api.inject({ url: '/health', headers: { cookie } })).statusCode).toBe(200)
  expect((await api.inject({ url: '/api/v1/search?cluster=prod', headers: { cookie } })).statusCode).toBe(500)
  expect((await api.inject({ url: '/api/v1/search?cluster=prod', headers: bearer(token) })).statusCode).toBe(200)
})
