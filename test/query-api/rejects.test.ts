import { describe, expect, test } from 'vitest'
import { countRefused } from '../../indexer/reject-counts.ts'
import { batchOf } from '../../pipeline/event-batch.ts'
import { rejectId } from '../../pipeline/reject-group.ts'
import { lines, originOf } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { serve } from './serve.ts'

const own = { 'x-shiplog-request': '1' }
const at = 1_463_402_830_000_000

function refusedOf(app: string, reason: string) {
  const origin = originOf({ app })
  return [{ batch: batchOf(origin, lines([`the line of ${app}`], origin)), index: 0, reason }]
}

describe('rejects', () => {
  test('are listed, the newest first, and forgotten one group at a time', async () => {
    const { api, parts } = await serve()
    expect((await api.inject('/api/v1/rejects')).json()).toEqual({ total: 0, groups: [] })
    await countRefused(parts.state, refusedOf('2048', 'too large'), at)
    await countRefused(parts.state, refusedOf('order-api', 'too odd'), at + 1_000_000)
    await countRefused(parts.state, refusedOf('2048', 'too large'), at + 2_000_000)
    const { total, groups } = (await api.inject('/api/v1/rejects')).json()
    expect(total).toBe(3)
    expect(groups).toMatchObject([
      {
        id: rejectId('prod', '2048', 'too large'),
        version: 2,
        app: '2048',
        reason: 'too large',
        count: 2,
        first: '2016-05-16T12:47:10.000000Z',
        last: '2016-05-16T12:47:12.000000Z',
        sample: { message: 'the line of 2048', dir: '/nginx' },
      },
      { app: 'order-api', count: 1 },
    ])
    const forget = (version: number) =>
      api.inject({ url: `/api/v1/rejects/${groups[0].id}?version=${version}`, method: 'DELETE', headers: own })
    // More were refused since it was looked at.
    expect((await forget(1)).statusCode).toBe(409)
    expect((await forget(2)).statusCode).toBe(204)
    expect((await forget(2)).statusCode).toBe(404)
    expect((await api.inject('/api/v1/rejects')).json().groups).toMatchObject([{ app: 'order-api' }])
  })

  test('what is no id is not there', async () => {
    const { api } = await serve()
    for (const id of ['none', '..%2Ffile', '*']) {
      const url = `/api/v1/rejects/${id}?version=1`
      expect((await api.inject({ url, method: 'DELETE', headers: own })).statusCode).toBe(404)
    }
  })

  test('show a line only to operators who may see its app; of several apps only to those who see all', async () => {
    const served = await serveWithRights([])
    const { state } = served.parts
    await countRefused(state, refusedOf('2048', 'too large'), at)
    const [entry] = await state.list('reject/')
    await state.put('reject/0123456789abcdef', { ...(entry?.value as object), app: '*' })
    const apps = async (...grants: string[]) => {
      const headers = bearer(served.tokens.issue('o', 'operator', grants))
      const { groups } = (await served.api.inject({ url: '/api/v1/rejects', headers })).json()
      return (groups as { app: string }[]).map(({ app }) => app).sort()
    }
    expect(await apps('prod/order-api')).toEqual([])
    expect(await apps('prod/2048')).toEqual(['2048'])
    expect(await apps('prod/*')).toEqual(['*', '2048'])
    const reader = bearer(served.tokens.issue('r', 'reader', ['*/*']))
    expect((await served.api.inject({ url: '/api/v1/rejects', headers: reader })).statusCode).toBe(403)
  })
})
