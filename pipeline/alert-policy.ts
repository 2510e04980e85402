/**
 * What an alert policy is, once: how it is checked when someone saves it, what is kept, and what the evaluator reads. Pure.
 * A policy is kept in the State port under `alert-policy/<id>`; what became of it is an Alert (alert.ts).
 */
import { type Static, Type } from 'typebox'
import { ShiplogError } from './errors.ts'
import { queryUnitsMax } from './query.ts'
import { clusterPattern } from './record.ts'
import type { StateEntry } from './state.ts'

/** So many in one deployment: each is counted every two seconds. */
export const policiesMax = 500
export const actionsMax = 8
/** Of a window, and of what waits for a condition to hold or to be over. */
const dayMs = 86_400_000

const closed = { additionalProperties: false }
const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description })
const duration = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, default: fallback, description }))

const count = Type.Object(
  {
    kind: Type.Literal('count'),
    comparison: Type.Union([Type.Literal('over'), Type.Literal('under')]),
    events: Type.Integer({ minimum: 0, maximum: 1e12 }),
  },
  { ...closed, description: 'more, or fewer, events than this in the window' },
)
const noLines = Type.Object(
  { kind: Type.Literal('no-lines') },
  { ...closed, description: 'not one event in the window' },
)
const errorShare = Type.Object(
  {
    kind: Type.Literal('error-share'),
    percent: Type.Number({ minimum: 0, maximum: 100 }),
    eventsMin: Type.Integer({ minimum: 1, maximum: 1e12, description: 'with fewer there is nothing to say' }),
  },
  { ...closed, description: 'errors (error and fatal) are more than this share of the events' },
)
const newPattern = Type.Object(
  {
    kind: Type.Literal('new-pattern'),
    learnMs: duration(0, 7 * dayMs, 3_600_000, 'for so long shapes are only learnt'),
  },
  { ...closed, description: 'a line in the window is of a shape that was not seen before' },
)

const id = Type.Optional(
  Type.String({
    pattern: '^[A-Za-z0-9_-]{1,32}$',
    description: 'names the action within its policy; given by the server where it is left out',
  }),
)
const webhook = Type.Object(
  {
    id,
    kind: Type.Literal('webhook'),
    url: Type.String({ pattern: '^https?://[^/\\s]', maxLength: 2048 }),
    body: Type.Union([Type.Literal('json'), Type.Literal('dingtalk'), Type.Literal('wecom'), Type.Literal('slack')]),
    secret: Type.Optional(text(512, 'DingTalk signs with it')),
  },
  closed,
)
const address = Type.String({ pattern: '^[^\\s@,;<>"]{1,64}@[^\\s@,;<>"]{1,255}$', description: 'address' })
const email = Type.Object(
  { id, kind: Type.Literal('email'), to: Type.Array(address, { minItems: 1, maxItems: 20 }) },
  closed,
)
const zabbix = Type.Object(
  {
    id,
    kind: Type.Literal('zabbix'),
    server: Type.String({ pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):\\d{1,5}$', maxLength: 300 }),
    host: text(128, 'the host in Zabbix that has the item'),
    key: text(255, 'key of its trapper item: gets 1 while the alert fires, else 0'),
  },
  closed,
)

export const AlertCondition = Type.Union([count, noLines, errorShare, newPattern])
export type AlertCondition = Static<typeof AlertCondition>

/** As it is sent to us; what may be left out has a default. */
export const PolicyBody = Type.Object(
  {
    name: text(120, 'shown in lists and in notifications'),
    cluster: Type.String({ pattern: clusterPattern.source, maxLength: 63 }),
    app: Type.Optional(text(1024, 'all apps of the cluster where it is left out')),
    query: Type.Optional(
      Type.String({ maxLength: queryUnitsMax, default: '', description: 'query language; empty = every event' }),
    ),
    windowMs: Type.Integer({ minimum: 1000, maximum: dayMs, description: 'events of the last so many ms are counted' }),
    condition: AlertCondition,
    holdMs: duration(0, dayMs, 0, 'the condition must hold for so long before the alert fires'),
    clearMs: duration(0, dayMs, 60_000, '… and be over for so long before it is resolved'),
    repeatMs: duration(0, 30 * dayMs, 0, 'a firing alert is told again so often; 0 = once'),
    actions: Type.Optional(Type.Array(Type.Union([webhook, email, zabbix]), { maxItems: actionsMax, default: [] })),
    enabled: Type.Optional(Type.Boolean({ default: true })),
    language: Type.Optional(
      Type.Union([Type.Literal('en'), Type.Literal('zh-CN')], { default: 'en', description: 'of the notifications' }),
    ),
  },
  closed,
)
export type PolicyBody = Static<typeof PolicyBody>

type ActionBody = NonNullable<PolicyBody['actions']>[number]
/** Each has an id, so that what waits for a target finds it when the policy has changed. */
export type AlertAction = ActionBody & { readonly id: string }
export type AlertPolicy = Required<Omit<PolicyBody, 'app' | 'actions'>> &
  Pick<PolicyBody, 'app'> & { readonly actions: readonly AlertAction[] }

/** The body with its defaults; actions without an id get the first free of a1, a2 … */
export function policyOf(body: PolicyBody): AlertPolicy {
  const { query = '', holdMs = 0, clearMs = 60_000, repeatMs = 0, actions = [], enabled = true, language = 'en' } = body
  const taken = new Set(actions.map((action) => action.id))
  const freeId = (): string => {
    let n = 1
    while (taken.has(`a${n}`)) n++
    taken.add(`a${n}`)
    return `a${n}`
  }
  return {
    ...body,
    query,
    holdMs,
    clearMs,
    repeatMs,
    actions: actions.map((action) => ({ ...action, id: action.id ?? freeId() })),
    enabled,
    language,
  }
}

/** What is kept. A golden test pins it: fields are only ever added. */
export interface StoredPolicy {
  readonly v: 1
  readonly policy: AlertPolicy
  /** Nothing is sent before; ms since the epoch. */
  readonly silencedUntil?: number
  /** ISO 8601. */
  readonly changedAt: string
  readonly changedBy: string
}

export const policyPrefix = 'alert-policy/'

/** Throws STATE_UNREADABLE for what another version has written: it is left as it is. */
export function storedPolicyOf({ key, value }: StateEntry): StoredPolicy {
  if ((value as Partial<StoredPolicy> | null)?.v === 1) return value as StoredPolicy
  throw new ShiplogError('STATE_UNREADABLE', `${key} is not of a form that this version knows`, {
    hint: 'It is of a newer version: run that one, or remove it there.',
  })
}

export function isSilenced({ silencedUntil = 0 }: StoredPolicy, nowMs: number): boolean {
  return silencedUntil > nowMs
}
