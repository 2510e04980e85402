import { expect, it } from 'vitest'
import {
  type AlertRow,
  bodyOf,
  draftOf,
  durationText,
  filterAlerts,
  newAction,
  newDraft,
  type PolicyBody,
  readDuration,
  sortAlerts,
  troubleOf,
} from '../../ui/state/alert-model.ts'
import { mockAlerts } from './mock-alerts.ts'

const alerts = mockAlerts as unknown as AlertRow[]

it.each([
  ['90s', 90_000],
  [' 5 m', 300_000],
  ['1H', 3_600_000],
  ['2d', 172_800_000],
  ['0s', 0],
  ['5', undefined],
  ['5 minutes', undefined],
  ['-5m', undefined],
  ['', undefined],
])('reads %j as a length of time', (text, ms) => expect(readDuration(text)).toBe(ms))

it.each([0, 1000, 90_000, 3_600_000, 86_400_000, 172_800_000, 3_661_000])('writes %i so that it is read back', (ms) =>
  expect(readDuration(durationText(ms))).toBe(ms),
)

it('makes of a policy a form, and of the form the policy', () => {
  for (const {
    name,
    cluster,
    app,
    query,
    windowMs,
    holdMs,
    clearMs,
    repeatMs,
    actions,
    enabled,
    language,
    condition,
  } of alerts) {
    const policy = { cluster, query, windowMs, holdMs, clearMs, repeatMs, actions, enabled, language, condition, name }
    const whole = { ...policy, ...(app === undefined ? {} : { app }) } as PolicyBody
    const learnt =
      condition.kind === 'new-pattern' ? { ...whole, condition: { ...condition, learnMs: 3_600_000 } } : whole
    expect(bodyOf(draftOf(whole))).toEqual({ body: learnt })
  }
})

it('names the field that is no number or no length of time, and only one that is asked for', () => {
  const draft = newDraft('prod', '', '', 'en')
  expect(bodyOf({ ...draft, window: 'x' })).toEqual({ wrong: 'window' })
  expect(bodyOf({ ...draft, events: '' })).toEqual({ wrong: 'events' })
  expect(bodyOf({ ...draft, kind: 'error-share', events: '', percent: '5%' })).toEqual({ wrong: 'percent' })
  expect(bodyOf({ ...draft, learn: 'x' })).toMatchObject({ body: { condition: { kind: 'count', events: 10 } } })
  expect(bodyOf({ ...draft, kind: 'new-pattern', learn: 'x' })).toEqual({ wrong: 'learn' })
})

it('takes several addresses as people write them, and a secret only where there is one to sign with', () => {
  const email = { ...newAction('email', 0), to: 'a@b.c; d@e.f,\n g@h.i ' }
  const hook = { ...newAction('webhook', 1), url: ' https://x/ ', body: 'slack', secret: 's' } as const
  expect(bodyOf({ ...newDraft('prod', '', '', 'en'), actions: [email, hook] })).toMatchObject({
    body: {
      actions: [
        { kind: 'email', to: ['a@b.c', 'd@e.f', 'g@h.i'] },
        { kind: 'webhook', url: 'https://x/', body: 'slack' },
      ],
    },
  })
})

it('shows the worst first, filters by words and state, and finds the target that takes nothing', () => {
  expect(sortAlerts(alerts.toReversed()).map(({ state }) => state)).toEqual([
    'firing',
    'no-data',
    'silenced',
    'ok',
    'off',
  ])
  expect(filterAlerts(alerts, 'order 支付', undefined).map(({ id }) => id)).toEqual(['fires'])
  expect(filterAlerts(alerts, 'upstream', 'silenced').map(({ id }) => id)).toEqual(['new'])
  expect(filterAlerts(alerts, '', 'off').map(({ id }) => id)).toEqual(['off'])
  expect(alerts.map((alert) => troubleOf(alert)?.action)).toEqual(['a3', undefined, undefined, undefined, undefined])
})
