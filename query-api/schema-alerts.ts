/** The answers of /alerts; see schema.ts. What is sent is pipeline/alert-policy.ts's. */
import { Type } from 'typebox'
import { PolicyBody } from '../pipeline/alert-policy.ts'
import { oneOf } from './schema.ts'

const time = Type.String({ description: 'ISO 8601, UTC' })
const state = oneOf(['ok', 'firing', 'no-data'])
const value = Type.Optional(
  Type.Number({ description: 'what was counted then: events, percent of errors, or new shapes' }),
)
const detail = Type.Optional(Type.String())
const action = Type.String({ description: 'id of the action' })

const { actions: _, ...settings } = PolicyBody.properties
const required = ['query', 'holdMs', 'clearMs', 'repeatMs', 'enabled', 'language'] as const

const policyExample = {
  name: 'failed payments',
  cluster: 'prod',
  app: 'order-service',
  query: 'payment failed',
  windowMs: 300_000,
  condition: { kind: 'count', comparison: 'over', events: 10 },
  holdMs: 0,
  clearMs: 60_000,
  repeatMs: 0,
  actions: [{ id: 'a1', kind: 'webhook', url: 'https://oapi.dingtalk.com/…', body: 'dingtalk', secret: '…' }],
  enabled: true,
  language: 'en',
}

export const AlertAnswer = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer({ description: 'of the policy: grows with every change' }),
    ...settings,
    actions: Type.Array(
      Type.Object(
        { id: Type.String(), kind: oneOf(['webhook', 'email', 'zabbix']) },
        { description: 'as they were sent, but for the path of a webhook and its secret: … stands for what is kept' },
      ),
    ),
    changedAt: time,
    changedBy: Type.String(),
    mayChange: Type.Boolean({ description: 'the caller may change, silence and test it' }),
    state: oneOf(['ok', 'firing', 'silenced', 'no-data', 'off'], {
      description: 'silenced = nothing is sent until silencedUntil, beneath says what it is; off = not enabled',
    }),
    beneath: state,
    since: Type.Union([time, Type.Null()], { description: 'when beneath was reached; null = not evaluated yet' }),
    reason: Type.Optional(Type.String({ description: 'why nothing can be said' })),
    value,
    detail,
    silencedUntil: Type.Union([time, Type.Null()]),
    waiting: Type.Array(
      Type.Object({
        action,
        kind: oneOf(['firing', 'still-firing', 'resolved']),
        since: time,
        attempts: Type.Integer(),
        nextAt: time,
        error: Type.Optional(Type.String({ description: 'why its target did not take it' })),
      }),
      { description: 'notifications that their target has not taken yet' },
    ),
    history: Type.Optional(
      Type.Array(
        Type.Object({
          time,
          event: oneOf(['ok', 'firing', 'no-data', 'told', 'given-up']),
          notice: Type.Optional(
            oneOf(['firing', 'still-firing', 'resolved'], { description: 'what was told, or was not' }),
          ),
          value,
          detail,
        }),
        { description: 'newest first; only of a single alert' },
      ),
    ),
  },
  {
    required: ['id', 'version', 'name', 'cluster', 'windowMs', 'condition', ...required, 'actions', 'changedAt'],
    examples: [
      {
        id: 'kq3Xv0b2Gxo',
        version: 1,
        ...policyExample,
        changedAt: '2016-05-16T12:00:00.000Z',
        changedBy: 'alice',
        mayChange: true,
        state: 'firing',
        beneath: 'firing',
        since: '2016-05-16T12:47:12.000Z',
        value: 11,
        silencedUntil: null,
        waiting: [
          {
            action: 'a1',
            kind: 'firing',
            since: '2016-05-16T12:47:12.000Z',
            attempts: 3,
            nextAt: '2016-05-16T12:47:20.000Z',
            error: 'fetch failed: connect ECONNREFUSED',
          },
        ],
        history: [{ time: '2016-05-16T12:47:12.000Z', event: 'firing', value: 11 }],
      },
    ],
  },
)

export const AlertsAnswer = Type.Object(
  { alerts: Type.Array(AlertAnswer) },
  { examples: [{ alerts: (AlertAnswer as unknown as { examples: unknown[] }).examples }] },
)

export const AlertTestAnswer = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        action,
        target: Type.String({ description: 'its kind and host' }),
        taken: Type.Boolean(),
        answer: Type.String({ description: 'what the target answered, or why it did not take it' }),
        tookMs: Type.Integer(),
      }),
    ),
  },
  {
    examples: [
      {
        results: [
          { action: 'a1', target: 'dingtalk webhook oapi.dingtalk.com', taken: true, answer: '200 {…}', tookMs: 83 },
        ],
      },
    ],
  },
)

export const AlertImportAnswer = Type.Object(
  { made: Type.Integer(), changed: Type.Integer() },
  { examples: [{ made: 1, changed: 2 }] },
)

export const AlertExport = 'policies:\n  - id: kq3Xv0b2Gxo\n    name: failed payments\n    cluster: prod\n'
