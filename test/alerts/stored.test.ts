/**
 * What is kept of alerts, as version 1 has written it: it must be read for ever. A change that breaks this needs a new `v` and
 * a way from here to there.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { afterAttempt } from '../../alerts/outbox.ts'
import { evaluate } from '../../alerts/transition.ts'
import { type KnownPatterns, PatternWatch, patternsPrefix } from '../../alerts/watch.ts'
import { type Alert, alertOf, alertPrefix, newAlert } from '../../pipeline/alert.ts'
import {
  type AlertAction,
  type PolicyBody,
  policyOf,
  policyPrefix,
  storedPolicyOf,
} from '../../pipeline/alert-policy.ts'
import { createMemoryState, createMemoryStore, lines, originOf } from '../query-api/memory-store.ts'

const kept = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/alerts/version-1.json'), 'utf8'))
const at = Date.parse('2026-11-24T10:00:00.000Z')

test('a policy is kept as it always was', () => {
  const body: PolicyBody = {
    name: '支付失败',
    cluster: 'prod',
    app: 'order',
    query: 'level>=error',
    windowMs: 300_000,
    condition: { kind: 'error-share', percent: 2.5, eventsMin: 20 },
    actions: [
      { kind: 'webhook', url: 'https://oapi.dingtalk.com/robot/send?access_token=t', body: 'dingtalk', secret: 's' },
      { kind: 'email', to: ['ops@example.com'] },
      { kind: 'zabbix', server: 'zabbix:10051', host: 'order', key: 'shiplog.errors' },
    ],
  }
  const changed = { changedAt: '2026-11-24T10:00:00.000Z', changedBy: 'alice' }
  expect({ v: 1, policy: policyOf(body), silencedUntil: at, ...changed }).toEqual(kept.policy)
  expect(storedPolicyOf({ key: `${policyPrefix}p`, value: kept.policy, version: 1 })).toBe(kept.policy)
})

test('an alert is kept as it always was, and goes on from there', () => {
  const stored = { ...kept.policy, silencedUntil: 0 }
  const before: Alert = { ...newAlert(at - 60_000), state: 'ok' }
  const fired = evaluate('p', stored, before, { holds: true, value: 12.5, detail: 'd' }, at)
  const told = afterAttempt(
    fired,
    fired.outbox[2] as never,
    stored.policy.actions[2],
    { taken: true, answer: 'a' },
    at + 1,
  )
  const outbox = told.outbox.map((notice, i) => ({ ...notice, attempts: i, ...(i === 0 ? {} : { error: 'refused' }) }))
  expect({ ...told, outbox, changingSince: at + 2 }).toEqual(kept.alert)
  const read = alertOf({ key: `${alertPrefix}p`, value: kept.alert, version: 1 }) as Alert
  const over = evaluate('p', stored, read, { holds: false, value: 0 }, at + 120_000)
  expect(over.outbox.map(({ key }) => key)).toEqual([
    'p-1-firing-a1',
    'p-1-firing-a2',
    ...(stored.policy.actions as AlertAction[]).map(({ id }) => `p-1-resolved-${id}`),
  ])
})

test('shapes are kept as they always were, and are known again', async () => {
  const state = createMemoryState()
  const store = createMemoryStore(lines(['paid order 1 in 3 ms', '连接失败'], originOf(), { time: (at - 1000) * 1000 }))
  const look = async (watch: PatternWatch) =>
    watch.look(
      store,
      { cluster: 'prod', filters: {}, where: undefined, from: 0, to: at * 1000 },
      { kind: 'new-pattern', learnMs: 0 },
      60_000,
      at,
      {},
    )
  const watch = await PatternWatch.open(state, 'p', 'scope', at)
  await look(watch)
  await watch.keep()
  const written = (await state.get(`${patternsPrefix}p`))?.value as KnownPatterns
  expect(written).toEqual(kept.patterns)
  const later = createMemoryState()
  await later.put(`${patternsPrefix}p`, {
    ...kept.patterns,
    patterns: kept.patterns.patterns.map((one: object) => ({ ...one, firstSeen: 0 })),
  })
  expect(await look(await PatternWatch.open(later, 'p', 'scope', at))).toEqual({ holds: false, value: 0 })
})
