/** The alerts' loop over a store in memory that counts what the test says. Closed with its test. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { type Alerts, type AlertsOptions, startAlerts } from '../../alerts/alerts.ts'
import { sendTo } from '../../alerts/targets.ts'
import { type Alert, alertOf, alertPrefix } from '../../pipeline/alert.ts'
import {
  type AlertAction,
  type PolicyBody,
  policyOf,
  policyPrefix,
  type StoredPolicy,
} from '../../pipeline/alert-policy.ts'
import type { State } from '../../pipeline/state.ts'
import { createMemoryState, createMemoryStore } from '../query-api/memory-store.ts'

export type ActionBody = Omit<AlertAction, 'id'> & { readonly id?: string }

export const base: PolicyBody = {
  name: '支付失败',
  cluster: 'prod',
  app: 'shop',
  windowMs: 60_000,
  condition: { kind: 'count', comparison: 'over', events: 10 },
  clearMs: 0,
  language: 'zh-CN',
}

export interface Evaluator {
  readonly state: State
  readonly alerts: Alerts
  /** What the store counts. */
  events: number
  alert(): Promise<Alert | undefined>
  policy(change: Partial<StoredPolicy> | ((policy: StoredPolicy['policy']) => StoredPolicy['policy'])): Promise<void>
}

export async function startEvaluator(
  policy: Partial<PolicyBody> = {},
  { state = createMemoryState(), ...more }: Partial<AlertsOptions> & { mailUrl?: string } = {},
): Promise<Evaluator> {
  const key = `${policyPrefix}p`
  const stored: StoredPolicy = { v: 1, policy: policyOf({ ...base, ...policy }), changedAt: '', changedBy: '' }
  if ((await state.get(key)) === undefined) await state.put(key, stored)
  const evaluator = {
    state,
    events: 0,
    alert: async () => alertOf(await state.get(`${alertPrefix}p`)),
    async policy(change: Parameters<Evaluator['policy']>[0]) {
      const entry = await state.get(key)
      const before = entry?.value as StoredPolicy
      await state.put(
        key,
        typeof change === 'function' ? { ...before, policy: change(before.policy) } : { ...before, ...change },
      )
    },
  }
  const alerts = startAlerts({
    store: {
      ...createMemoryStore(),
      async histogram({ from, to }) {
        return { from, bucketUs: to - from, counts: [Uint32Array.of(evaluator.events)], total: evaluator.events }
      },
    },
    state,
    send: sendTo({
      mail: { url: more.mailUrl ?? '', from: 'shiplog@localhost' },
      publicUrl: 'https://logs.example/shiplog/',
    }),
    holder: `evaluator ${Math.random()}`,
    log: pino({ level: 'silent' }),
    registry: new Registry(),
    intervalMs: 10,
    settleMs: 0,
    ...more,
  })
  onTestFinished(() => alerts.close())
  return Object.assign(evaluator, { alerts })
}
