/** Alert policies over HTTP: made, changed, silenced, tested, carried as YAML; what is secret stays here. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { newAlert } from '../../pipeline/alert.ts'
import { policiesMax, type StoredPolicy } from '../../pipeline/alert-policy.ts'
import { ProblemAnswer } from '../../query-api/schema.ts'
import { AlertAnswer, AlertsAnswer } from '../../query-api/schema-alerts.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { nowMs, type Served, serve } from './serve.ts'

const secretUrl = 'https://oapi.dingtalk.com/robot/send?access_token=geheim1'
const body = {
  name: '支付失败',
  cluster: 'prod',
  app: 'order',
  query: 'level>=error',
  windowMs: 60_000,
  condition: { kind: 'count', comparison: 'over', events: 10 },
  actions: [
    { kind: 'webhook', url: secretUrl, body: 'dingtalk', secret: 'SECgeheim2' },
    { kind: 'email', to: ['ops@example.com'] },
  ],
}
const check = (schema: object) => new Ajv2020({ strict: false }).compile(schema)
const isAlert = check(AlertAnswer)
const isProblem = check(ProblemAnswer)

function caller({ api }: Served, headers: Record<string, string> = { 'x-shiplog-request': '1' }) {
  return async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: unknown) => {
    const answer = await api.inject({
      method,
      url: `/api/v1/${path}`,
      headers,
      ...(payload === undefined ? {} : { payload: payload as object }),
    })
    return { status: answer.statusCode, text: answer.body, body: answer.body === '' ? undefined : answer.json() }
  }
}

async function storedPolicy({ parts }: Served, id: string): Promise<StoredPolicy> {
  const entry = await parts.state.get(`alert-policy/${id}`)
  return entry?.value as StoredPolicy
}

describe('a policy', () => {
  test('is made with its defaults, and shown without its secrets', async () => {
    const served = await serve()
    const ask = caller(served)
    const made = await ask('POST', 'alerts', body)
    expect([isAlert(made.body), isAlert.errors]).toEqual([true, null])
    expect(made.body).toMatchObject({
      version: 1,
      holdMs: 0,
      clearMs: 60_000,
      repeatMs: 0,
      enabled: true,
      language: 'en',
      state: 'ok',
      since: null,
      changedBy: 'everybody',
      actions: [
        { id: 'a1', url: 'https://oapi.dingtalk.com/…', secret: '…' },
        { id: 'a2', kind: 'email' },
      ],
    })
    for (const path of ['alerts', `alerts/${made.body.id}`]) {
      expect((await ask('GET', path)).text).not.toContain('geheim')
    }
    const list = (await ask('GET', 'alerts?cluster=prod&app=order')).body
    expect(check(AlertsAnswer)(list)).toBe(true)
    expect(list.alerts).toHaveLength(1)
    expect((await ask('GET', 'alerts?app=other')).body.alerts).toEqual([])
  })

  test('keeps its secrets when it is changed as it is shown, and only for the host that they were given for', async () => {
    const served = await serve()
    const ask = caller(served)
    const { id, actions } = (await ask('POST', 'alerts', body)).body
    const change = async (version: number, action: object) =>
      ask('PUT', `alerts/${id}?version=${version}`, { ...body, name: 'n', actions: [{ ...actions[0], ...action }] })
    const kept = async () => (await storedPolicy(served, id)).policy.actions[0]
    expect((await change(1, {})).body).toMatchObject({ name: 'n', version: 2 })
    expect(await kept()).toMatchObject({ url: secretUrl, secret: 'SECgeheim2' })
    const other = 'https://oapi.dingtalk.com/robot/send?access_token=new'
    expect((await change(2, { url: other })).status).toBe(200)
    expect(await kept()).toMatchObject({ url: other, secret: 'SECgeheim2' })
    expect((await change(3, { url: 'https://evil.example/x' })).body).toMatchObject({
      status: 400,
      detail: 'actions[0].secret is hidden',
    })
    expect((await change(3, { url: 'https://evil.example/…' })).body).toMatchObject({
      status: 400,
      detail: 'actions[0].url is hidden',
    })
    expect((await change(3, { id: 'b' })).status).toBe(400)
  })

  test('of two who change the same version one is told', async () => {
    const ask = caller(await serve())
    const { id } = (await ask('POST', 'alerts', body)).body
    expect((await ask('PUT', `alerts/${id}?version=1`, body)).status).toBe(200)
    expect((await ask('PUT', `alerts/${id}?version=1`, body)).body).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect((await ask('DELETE', `alerts/${id}?version=1`)).status).toBe(409)
    expect((await ask('DELETE', `alerts/${id}?version=2`)).status).toBe(204)
    expect((await ask('GET', `alerts/${id}`)).status).toBe(404)
  })

  test('is silenced until a time, and heard again', async () => {
    const ask = caller(await serve())
    const { id } = (await ask('POST', 'alerts', body)).body
    expect((await ask('PUT', `alerts/${id}/silence`, { until: 'now+2h' })).body).toMatchObject({
      state: 'silenced',
      beneath: 'ok',
      silencedUntil: new Date(nowMs + 7_200_000).toISOString(),
    })
    // A change of the policy is no end of its silence.
    expect((await ask('PUT', `alerts/${id}?version=2`, body)).body.state).toBe('silenced')
    expect((await ask('DELETE', `alerts/${id}/silence`)).body).toMatchObject({ state: 'ok', silencedUntil: null })
    for (const until of ['now-1h', 'now+3y', 'soon', ''])
      expect((await ask('PUT', `alerts/${id}/silence`, { until })).status, until).toBe(400)
  })

  test('says how it is, what its targets did not take, and what was', async () => {
    const served = await serve()
    const ask = caller(served)
    const { id } = (await ask('POST', 'alerts', body)).body
    const outbox = [
      { key: 'k', kind: 'firing', action: 'a1', at: 5, attempts: 3, nextAt: 9, error: 'refused' },
    ] as const
    const history = [{ at: 5, event: 'firing', value: 11 }] as const
    await served.parts.state.put(`alert/${id}`, { ...newAlert(5), state: 'firing', value: 11, outbox, history })
    const { body: alert } = await ask('GET', `alerts/${id}`)
    expect([isAlert(alert), isAlert.errors]).toEqual([true, null])
    expect(alert).toMatchObject({
      state: 'firing',
      since: '1970-01-01T00:00:00.005Z',
      waiting: [{ action: 'a1', attempts: 3, error: 'refused', nextAt: '1970-01-01T00:00:00.009Z' }],
      history: [{ time: '1970-01-01T00:00:00.005Z', event: 'firing', value: 11 }],
    })
    expect((await ask('GET', 'alerts')).body.alerts[0]).not.toHaveProperty('history')
    await ask('PUT', `alerts/${id}?version=1`, { ...body, enabled: false })
    expect((await ask('GET', `alerts/${id}`)).body).toMatchObject({ state: 'off', beneath: 'firing' })
  })

  test('is tested on demand', async () => {
    const ask = caller(await serve())
    const { id } = (await ask('POST', 'alerts', body)).body
    const { results } = (await ask('POST', `alerts/${id}/test`)).body
    expect(results).toMatchObject([
      { action: 'a1', taken: true },
      { action: 'a2', taken: true },
    ])
  })

  test('there are no more than are evaluated', async () => {
    const served = await serve()
    const stored = { v: 1, policy: body, changedAt: '', changedBy: '' }
    for (let i = 0; i < policiesMax; i++) await served.parts.state.put(`alert-policy/p${i}`, stored)
    expect((await caller(served)('POST', 'alerts', body)).status).toBe(409)
  })

  test('of a version that is not known is an error that says so, and stays as it is', async () => {
    const served = await serve()
    await served.parts.state.put('alert-policy/p', { v: 2 })
    expect((await caller(served)('GET', 'alerts/p')).body).toMatchObject({ status: 500, code: 'STATE_UNREADABLE' })
  })
})

describe('what cannot be a policy', () => {
  test.each([
    [{ windowMs: 0 }, 'windowMs is 0, expected a whole number from 1000'],
    [{ windowMs: '5m' }, 'windowMs is "5m"'],
    [{ name: '' }, 'name is ""'],
    [{ cluster: 'Prod!' }, 'cluster is "Prod!"'],
    [{ query: 'a OR' }, ''],
    [{ condition: { kind: 'silence' } }, 'kind is count, no-lines, error-share, new-pattern'],
    [
      { condition: { kind: 'count', comparison: 'above', events: 1 } },
      'condition.comparison is "above", expected over or under',
    ],
    [{ condition: { kind: 'count', comparison: 'over' } }, 'condition.events is missing'],
    [{ condition: null }, 'condition is null'],
    [{ actions: [{ kind: 'webhook', url: 'ftp://x', body: 'json' }] }, 'actions[0].url'],
    [{ actions: [{ kind: 'webhook', url: 'http://u:p@x/', body: 'json' }] }, 'actions[0].url is no URL without a user'],
    [{ actions: [{ kind: 'webhook', url: 'http://[', body: 'json' }] }, 'actions[0].url is no URL without a user'],
    [{ actions: [{ kind: 'email', to: ['a@b\r\nBcc: c@d'] }] }, 'actions[0].to[0]'],
    [{ actions: [{ kind: 'email', to: [] }] }, 'actions[0].to'],
    [{ actions: [{ kind: 'zabbix', server: 'zabbix', host: 'h', key: 'k' }] }, 'actions[0].server'],
    [{ actions: Array.from({ length: 9 }, () => body.actions[1]) }, 'actions is'],
    [{ actions: [1, 2].map(() => ({ id: 'x', ...body.actions[1] })) }, 'two actions have the same id'],
    [{ actons: [] }, '“actons” is not known'],
  ])('%j is refused with its place', async (more, detail) => {
    const answer = await caller(await serve())('POST', 'alerts', { ...body, ...more })
    expect(answer.body).toMatchObject({ status: 400, detail: expect.stringContaining(detail) })
    expect(answer.body.hint).not.toBe('')
  })

  test('whatever is sent, it is kept as it is described, or refused', { timeout: 30_000 }, async () => {
    const served = await serve()
    const ask = caller(served)
    const anyValue = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(0, -1, Number.MAX_VALUE, '', 'a OR', 'https://x/…', '…', '\0', '😀'),
    )
    const names = ['name', 'app', 'query', 'windowMs', 'condition', 'actions', 'clearMs', 'language', 'id', 'nosuch']
    const mutated = fc.dictionary(fc.constantFrom(...names), anyValue, { maxKeys: 2 })
    const action = fc
      .tuple(
        fc.constantFrom(...body.actions),
        fc.dictionary(fc.constantFrom('id', 'url', 'to', 'kind', 'x'), anyValue, { maxKeys: 1 }),
      )
      .map(([right, odd]) => ({ actions: [{ ...right, ...odd }] }))
    const seen = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, action), async (odd) => {
        const { status, body: answer } = await ask('POST', 'alerts', { ...body, ...odd })
        seen.set(status, (seen.get(status) ?? 0) + 1)
        if (status !== 200) {
          expect(status).toBe(400)
          expect([isProblem(answer), isProblem.errors]).toEqual([true, null])
          return
        }
        expect([isAlert(answer), isAlert.errors]).toEqual([true, null])
        expect((await ask('GET', `alerts/${answer.id}`)).body).toEqual(answer)
        expect(await served.parts.state.delete(`alert-policy/${answer.id}`)).toBe(true)
      }),
      { numRuns: 1500 },
    )
    expect(seen.get(200)).toBeGreaterThan(50)
    expect(seen.get(400)).toBeGreaterThan(300)
  })
})

describe('rights', () => {
  test('nobody carries a policy to logs that he does not see; readers see and change nothing', async () => {
    const served = await serveWithRights([])
    const as = (role: 'reader' | 'operator', ...grants: string[]) =>
      caller(served, bearer(served.tokens.issue('w', role, grants)))
    const all = as('operator', 'prod/*')
    const order = as('operator', 'prod/order')
    const reader = as('reader', 'prod/order')
    const { id } = (await all('POST', 'alerts', body)).body
    const wide = (await all('POST', 'alerts', { ...body, app: undefined })).body
    expect((await order('PUT', `alerts/${id}?version=1`, { ...body, app: 'pay' })).status).toBe(403)
    expect((await order('PUT', `alerts/${id}?version=1`, { ...body, app: undefined })).status).toBe(403)
    expect((await order('GET', `alerts/${wide.id}`)).status).toBe(404)
    const imported = { policies: [{ ...body, id: wide.id }] }
    expect((await order('POST', 'alerts.yaml', imported)).status).toBe(403)
    expect((await reader('GET', `alerts/${id}`)).body).toMatchObject({ mayChange: false, name: body.name })
    expect((await reader('DELETE', `alerts/${id}?version=1`)).status).toBe(403)
    expect((await order('PUT', `alerts/${id}?version=1`, body)).status).toBe(200)
  })
})

describe('as YAML', () => {
  test('policies go out without secrets, and come in again as they are kept', async () => {
    const served = await serve()
    const ask = caller(served)
    const { id } = (await ask('POST', 'alerts', body)).body
    await ask('PUT', `alerts/${id}/silence`, { until: 'now+1h' })
    const out = await served.api.inject('/api/v1/alerts.yaml')
    expect(out.headers['content-type']).toBe('application/yaml; charset=utf-8')
    expect(out.body).not.toContain('geheim')
    expect(parse(out.body).policies).toMatchObject([{ id, name: '支付失败', actions: [{ id: 'a1' }, { id: 'a2' }] }])
    const text = `${out.body.replace('支付失败', 'renamed')}  - name: second\n    cluster: prod\n    windowMs: 1000\n    condition: { kind: no-lines }\n`
    const taken = await served.api.inject({
      method: 'POST',
      url: '/api/v1/alerts.yaml',
      headers: { 'content-type': 'application/yaml', 'x-shiplog-request': '1' },
      payload: text,
    })
    expect(taken.json()).toEqual({ made: 1, changed: 1 })
    const stored = await storedPolicy(served, id)
    expect(stored.policy).toMatchObject({ name: 'renamed', actions: [{ url: secretUrl, secret: 'SECgeheim2' }, {}] })
    expect(stored.silencedUntil).toBe(nowMs + 3_600_000)
  })

  test('one that is wrong keeps all out, and is named; what is no YAML is refused', async () => {
    const served = await serve()
    const ask = caller(served)
    const wrong = await ask('POST', 'alerts.yaml', { policies: [body, { ...body, windowMs: 1 }] })
    expect(wrong.body).toMatchObject({ status: 400, detail: expect.stringContaining('policies[1].windowMs is 1') })
    const query = await ask('POST', 'alerts.yaml', { policies: [body, { ...body, query: 'a OR' }] })
    expect(query.status).toBe(400)
    expect((await ask('GET', 'alerts')).body.alerts).toEqual([])
    const garbage = await served.api.inject({
      method: 'POST',
      url: '/api/v1/alerts.yaml',
      headers: { 'content-type': 'application/yaml', 'x-shiplog-request': '1' },
      payload: 'policies: [',
    })
    expect(garbage.json()).toMatchObject({ status: 400, detail: expect.stringContaining('no YAML') })
    const elsewhere = {
      method: 'POST',
      url: '/api/v1/alerts',
      headers: { 'content-type': 'application/yaml', 'x-shiplog-request': '1' },
    }
    expect((await served.api.inject({ ...elsewhere, payload: 'name: x' } as never)).statusCode).toBe(415)
  })
})
