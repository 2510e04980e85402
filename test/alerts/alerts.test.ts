/** The loop against real targets that fail half of the time, and against a state and a store that fail. */
import { describe, expect, test } from 'vitest'
import type { Send } from '../../alerts/outbox.ts'
import { createRandom } from '../../demo/random.ts'
import type { Notice } from '../../pipeline/alert.ts'
import { alertPrefix, newAlert } from '../../pipeline/alert.ts'
import { type PolicyBody, policyOf, policyPrefix } from '../../pipeline/alert-policy.ts'
import type { State } from '../../pipeline/state.ts'
import { createMemoryState, createMemoryStore } from '../query-api/memory-store.ts'
import { waitFor } from '../system/process.ts'
import { base, startEvaluator } from './evaluator.ts'
import { hookReceiver, mailServer, zabbixListener } from './receivers.ts'

const email: NonNullable<PolicyBody['actions']> = [{ id: 'a1', kind: 'email', to: ['a@b.example'] }]

/** Takes everything; says which keys it took. */
function recorder() {
  const sent: Notice[] = []
  const send: Send = async (_action, _policy, notice) => {
    sent.push(notice)
    return 'taken'
  }
  return { sent, send }
}

describe('an alert that fires and is resolved', () => {
  test('is told to each target once, in order, although each of them fails half of the time', {
    timeout: 60_000,
  }, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
    console.log(`seed ${seed} (SEED=${seed} repeats which attempts fail)`)
    const random = createRandom(seed)
    // A bad seed must not make a test of minutes: no more than three failures in a row.
    const half = () => {
      let row = 0
      return () => {
        const fails = row < 3 && random.percent(50)
        row = fails ? row + 1 : 0
        return fails
      }
    }
    const [json, dingtalk, zabbix, mail] = await Promise.all([
      hookReceiver(half()),
      hookReceiver(half()),
      zabbixListener(half()),
      mailServer(half()),
    ])
    const running = await startEvaluator(
      {
        actions: [
          { kind: 'webhook', url: json.url, body: 'json' },
          { kind: 'webhook', url: dingtalk.url, body: 'dingtalk', secret: 'SECfoo' },
          { kind: 'zabbix', server: zabbix.server, host: 'shop', key: 'shiplog.errors' },
          { kind: 'email', to: ['ops@example.com', 'dev@example.com'] },
        ],
      },
      { mailUrl: mail.url },
    )
    const all = [json, dingtalk, zabbix, mail]
    const rounds = 2
    for (let round = 0; round < rounds; round++) {
      for (const events of [11, 0]) {
        running.events = events
        const wanted = round * 2 + (events === 0 ? 2 : 1)
        await waitFor(() => all.every(({ taken }) => taken.length === wanted), 20_000)
      }
    }
    await waitFor(async () => (await running.alert())?.outbox.length === 0)
    const told = ['firing', 'resolved', 'firing', 'resolved']
    expect(json.taken.map(({ body }) => body.event)).toEqual(told)
    expect(json.taken[0]?.body).toMatchObject({ value: 11, cluster: 'prod', app: 'shop' })
    expect(json.taken[0]?.body.link).toMatch(/^https:\/\/logs\.example\/shiplog\/search\?cluster=prod&app=shop&from=/)
    expect(new Set(json.taken.map(({ key }) => key)).size).toBe(told.length)
    expect(dingtalk.taken.slice(0, 2).map(({ body }) => body)).toEqual([
      { msgtype: 'text', text: { content: expect.stringContaining('[告警] 支付失败 · prod/shop') } },
      { msgtype: 'text', text: { content: expect.stringContaining('[已恢复] 支付失败 · prod/shop') } },
    ])
    expect(dingtalk.taken[0]?.path).toMatch(/access_token=geheim&timestamp=\d+&sign=/)
    expect(zabbix.taken.map(({ host, key, value }) => [host, key, value])).toEqual(
      ['1', '0', '1', '0'].map((value) => ['shop', 'shiplog.errors', value]),
    )
    expect(mail.taken.map(({ to }) => to)).toEqual(told.map(() => ['ops@example.com', 'dev@example.com']))
    expect(mail.taken[0]?.text).toMatch(/Subject: =\?UTF-8\?.*Message-ID: <p-1-firing-a4@shiplog>/s)
    // Each attempt that failed was tried again, and none that was taken.
    for (const { asked, failed, taken } of all) expect(asked()).toBe(failed() + taken.length)
    expect(all.reduce((sum, { failed }) => sum + failed(), 0)).toBeGreaterThan(0)
    const history = (await running.alert())?.history ?? []
    expect(history.filter(({ event }) => event === 'told')).toHaveLength(rounds * 2 * all.length)
    expect(history.filter(({ event }) => event === 'firing')).toHaveLength(rounds)
  })

  test('what went wrong with a target is shown, without what lets one write to it', async () => {
    const running = await startEvaluator({
      actions: [{ kind: 'webhook', url: 'http://127.0.0.1:1/robot/geheim?token=geheim', body: 'slack' }],
    })
    running.events = 11
    await waitFor(async () => (await running.alert())?.outbox[0]?.error !== undefined)
    const error = (await running.alert())?.outbox[0]?.error
    expect(error).toMatch(/fetch failed: .*(ECONNREFUSED|bad port)/)
    expect(error).not.toContain('geheim')
  })

  test('an address that a mail server refuses is named; the others do not get it again', async () => {
    const mail = await mailServer(() => false, ['gone@example.com'])
    const running = await startEvaluator(
      { actions: [{ kind: 'email', to: ['ops@example.com', 'gone@example.com'] }] },
      { mailUrl: mail.url },
    )
    running.events = 11
    await waitFor(async () => (await running.alert())?.history.length === 2)
    expect((await running.alert())?.history[0]?.detail).toMatch(/refused for gone@example\.com/)
    expect(mail.taken).toHaveLength(1)
  })

  test('what DingTalk answers 200 to and refuses is not taken', async () => {
    const hook = await hookReceiver(() => false, '{"errcode":310000,"errmsg":"sign not match"}')
    const running = await startEvaluator({ actions: [{ kind: 'webhook', url: hook.url, body: 'dingtalk' }] })
    running.events = 11
    await waitFor(async () => (await running.alert())?.outbox[0]?.error?.includes('sign not match'))
  })

  test('a target that hangs keeps no other from being told', async () => {
    const { sent, send } = recorder()
    const running = await startEvaluator(
      { actions: [...email, { id: 'a2', kind: 'email', to: ['c@d.example'] }] },
      { send: (action, ...rest) => (action.id === 'a1' ? new Promise(() => {}) : send(action, ...rest)) },
    )
    running.events = 11
    await waitFor(() => sent.length === 1)
    running.events = 0
    await waitFor(() => sent.length === 2)
    expect(sent.map(({ kind, action }) => [kind, action])).toEqual([
      ['firing', 'a2'],
      ['resolved', 'a2'],
    ])
    expect((await running.alert())?.outbox.map(({ key }) => key)).toEqual(['p-1-firing-a1', 'p-1-resolved-a1'])
  })

  test('a target that is corrected gets what waited for the wrong one', async () => {
    const hook = await hookReceiver()
    const running = await startEvaluator({
      actions: [{ id: 'a1', kind: 'webhook', url: 'http://127.0.0.1:1/', body: 'json' }],
    })
    running.events = 11
    await waitFor(async () => (await running.alert())?.outbox[0]?.error !== undefined)
    await running.policy((policy) => ({
      ...policy,
      actions: [{ id: 'a1', kind: 'webhook', url: hook.url, body: 'json' }],
    }))
    await waitFor(() => hook.taken.length === 1)
    expect(hook.taken[0]?.body.event).toBe('firing')
  })

  test('while it is silenced nothing is told; what still holds at the end is', async () => {
    const { sent, send } = recorder()
    const running = await startEvaluator({ actions: email }, { send })
    await running.policy({ silencedUntil: Date.now() + 600_000 })
    running.events = 11
    await waitFor(async () => (await running.alert())?.state === 'firing')
    const { toldAt, outbox } = (await running.alert()) ?? newAlert(0)
    expect([toldAt, outbox, sent]).toEqual([undefined, [], []])
    await running.policy({ silencedUntil: 0 })
    await waitFor(() => sent.length === 1)
  })
})

describe('of several processes', () => {
  test('one evaluates and tells; another takes over when it ends', async () => {
    const state = createMemoryState()
    const { sent, send } = recorder()
    let counted = [0, 0]
    const start = (i: number) =>
      startEvaluator(
        { actions: email },
        {
          state,
          send,
          store: {
            ...createMemoryStore(),
            async histogram({ from, to }) {
              counted[i] = (counted[i] ?? 0) + 1
              return { from, bucketUs: to - from, counts: [Uint32Array.of(events)], total: events }
            },
          },
        },
      )
    let events = 11
    const [first] = [await start(0), await start(1)]
    await waitFor(async () => sent.length === 1 && (await first.alert())?.outbox.length === 0)
    expect(Math.min(...counted), 'one of them never counts').toBe(0)
    expect(counted[0]).toBeGreaterThan(0)
    counted = [0, 0]
    await first.alerts.close()
    events = 0
    await waitFor(() => sent.length === 2)
    expect(counted[1]).toBeGreaterThan(0)
    expect(sent.map(({ key }) => key)).toEqual(['p-1-firing-a1', 'p-1-resolved-a1'])
  })

  test('one that cannot renew its lease does nothing more, and goes on when it can', async () => {
    const state = createMemoryState()
    let away = false
    let asked = 0
    const failing: State = {
      ...state,
      lease: async (key, holder, ttlMs) => {
        asked++
        if (away) throw new Error('the state is away')
        return state.lease(key, holder, ttlMs)
      },
    }
    const { sent, send } = recorder()
    const running = await startEvaluator({ actions: email }, { state: failing, send })
    await waitFor(async () => (await running.alert()) !== undefined)
    away = true
    await waitFor(() => running.alerts.trouble()?.includes('the state is away'))
    running.events = 11
    const before = asked
    await waitFor(() => asked > before + 5)
    expect([sent, (await running.alert())?.state]).toEqual([[], 'ok'])
    away = false
    await waitFor(() => sent.length === 1 && running.alerts.trouble() === undefined)
  })

  test('one that had no lease for a while goes by what another has stored since', async () => {
    const state = createMemoryState()
    const { sent, send } = recorder()
    let away = false
    const lease: State['lease'] = async (key, holder, ttlMs) =>
      (await state.lease(key, holder, away ? 0 : ttlMs)) && !away
    const running = await startEvaluator({ actions: email }, { state: { ...state, lease }, send })
    await waitFor(async () => (await running.alert()) !== undefined)
    away = true
    const other = await startEvaluator({ actions: email }, { state, holder: 'other', send })
    other.events = 11
    await waitFor(async () => sent.length === 1 && (await other.alert())?.outbox.length === 0)
    await other.alerts.close()
    away = false
    await waitFor(() => sent.length === 2)
    expect(sent.map(({ key }) => key)).toEqual(['p-1-firing-a1', 'p-1-resolved-a1'])
  })

  test('one that died behind its decision: the next sends what stands in the outbox, and decides nothing again', async () => {
    const first = await startEvaluator({ actions: email }, { send: () => new Promise(() => {}) })
    first.events = 11
    await waitFor(async () => (await first.alert())?.state === 'firing')
    // It never comes back from sending: as good as dead. What it stored is what the next one finds.
    const state = createMemoryState()
    for (const { key, value } of await first.state.list('alert')) await state.put(key, value)
    const { sent, send } = recorder()
    const second = await startEvaluator({}, { state, send })
    second.events = 11
    await waitFor(async () => (await second.alert())?.outbox.length === 0)
    expect(sent.map(({ key }) => key)).toEqual(['p-1-firing-a1'])
    expect((await second.alert())?.episode).toBe(1)
  })
})

describe('what fails', () => {
  test('a state that cannot be written makes no notice go out twice', async () => {
    const state = createMemoryState()
    let full = false
    let refused = 0
    const { sent, send } = recorder()
    const running = await startEvaluator(
      { actions: email },
      {
        state: {
          ...state,
          put: async (key, value, ifVersion) => {
            refused += full ? 1 : 0
            if (full) throw new Error('the disk is full')
            return state.put(key, value, ifVersion)
          },
        },
        send: async (...all) => {
          full = true
          return send(...all)
        },
      },
    )
    running.events = 11
    await waitFor(() => running.alerts.trouble()?.includes('the disk is full'))
    await waitFor(() => refused > 5)
    expect(sent).toHaveLength(1)
    full = false
    await waitFor(async () => (await running.alert())?.outbox.length === 0)
    expect(sent).toHaveLength(1)
    expect(running.alerts.trouble()).toBeUndefined()
  })

  test('a store that fails makes no alert fire; a policy that is deleted leaves nothing behind', async () => {
    const running = await startEvaluator(
      { condition: { kind: 'no-lines' } },
      {
        store: {
          ...createMemoryStore(),
          async histogram() {
            throw new Error('the store is down')
          },
        },
      },
    )
    await waitFor(async () => (await running.alert())?.state === 'no-data')
    expect((await running.alert())?.reason).toBe('the store is down')
    await running.state.delete(`${policyPrefix}p`)
    await waitFor(async () => (await running.state.list(alertPrefix)).length === 0)
  })

  test('a policy of a newer version is named, and keeps no other from being evaluated', async () => {
    const state = createMemoryState()
    await state.put(`${policyPrefix}newer`, { v: 2 })
    const running = await startEvaluator({}, { state })
    running.events = 11
    await waitFor(async () => (await running.alert())?.state === 'firing')
    expect(running.alerts.trouble()).toContain('alert-policy/newer')
  })

  test('what is missed right after the start is not missed yet', async () => {
    const running = await startEvaluator({ condition: { kind: 'no-lines' } }, { settleMs: 600_000 })
    await running.state.put(`${policyPrefix}q`, (await running.state.get(`${policyPrefix}p`))?.value)
    await running.policy((policy) => ({ ...policy, condition: { kind: 'count', comparison: 'over', events: 0 } }))
    await waitFor(async () => (await running.alert()) !== undefined)
    expect(await running.state.get(`${alertPrefix}q`)).toBeUndefined()
  })

  test('a policy whose count hangs holds up no other, and is not counted twice at once', async () => {
    const state = createMemoryState()
    let slow = 0
    let counted = 0
    await startEvaluator(
      {},
      {
        state,
        store: {
          ...createMemoryStore(),
          async histogram({ filters, from, to }, _buckets, bounds) {
            if (filters.app?.[0] !== 'slow') counted++
            else {
              slow++
              await new Promise((_, reject) => bounds?.signal?.addEventListener('abort', reject))
            }
            return { from, bucketUs: to - from, counts: [Uint32Array.of(11)], total: 11 }
          },
        },
      },
    )
    const policy = policyOf({ ...base, app: 'slow' })
    await state.put(`${policyPrefix}slow`, { v: 1, policy, changedAt: '', changedBy: '' })
    await waitFor(() => slow === 1)
    const before = counted
    await waitFor(() => counted > before + 5)
    expect(slow).toBe(1)
  })
})
