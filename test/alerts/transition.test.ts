import { describe, expect, test } from 'vitest'
import { judge } from '../../alerts/judge.ts'
import { dueNotices, withoutGone } from '../../alerts/outbox.ts'
import { evaluate, waitingMax } from '../../alerts/transition.ts'
import { type Alert, type Notice, newAlert } from '../../pipeline/alert.ts'
import { policyOf, type StoredPolicy } from '../../pipeline/alert-policy.ts'

const policy = policyOf({
  name: 'errors',
  cluster: 'prod',
  query: 'level>=error',
  windowMs: 60_000,
  condition: { kind: 'count', comparison: 'over', events: 10 },
  clearMs: 0,
  actions: [{ kind: 'zabbix', server: '127.0.0.1:10051', host: 'h', key: 'k' }],
})
const yes = { holds: true, value: 11 } as const
const no = { holds: false, value: 3 } as const
const down = { holds: undefined, failed: true, reason: 'the store is down' } as const
const few = { holds: undefined, failed: false, reason: '3 events, fewer than 20', value: 3 } as const
type Found = typeof yes | typeof no | typeof down | typeof few

function storedWith({ silencedUntil, ...more }: Partial<StoredPolicy['policy']> & { silencedUntil?: number } = {}) {
  const stored = { v: 1, policy: { ...policy, ...more }, changedAt: '', changedBy: '' } as const
  return silencedUntil === undefined ? stored : { ...stored, silencedUntil }
}

/** Evaluates every two seconds; returns the alert with what was told, in order. */
function run(found: readonly Found[], more: Parameters<typeof storedWith>[0] = {}) {
  let alert: Alert = newAlert(0)
  const told: string[] = []
  const keys: string[] = []
  found.forEach((one, i) => {
    const before = new Set(alert.outbox.map(({ key }) => key))
    alert = evaluate('a', storedWith(more), alert, one, i * 2000)
    for (const notice of alert.outbox) {
      if (before.has(notice.key)) continue
      told.push(`${i} ${notice.kind}`)
      keys.push(notice.key)
    }
  })
  expect(new Set(keys).size, 'a key is one notice').toBe(keys.length)
  return { alert, told }
}

describe('what was counted is judged', () => {
  test.each([
    [{ kind: 'count', comparison: 'over', events: 5 }, { events: 5, errors: 0 }, false],
    [{ kind: 'count', comparison: 'over', events: 5 }, { events: 6, errors: 0 }, true],
    [{ kind: 'count', comparison: 'under', events: 5 }, { events: 4, errors: 0 }, true],
    [{ kind: 'count', comparison: 'under', events: 5 }, { events: 5, errors: 0 }, false],
    [{ kind: 'no-lines' }, { events: 0, errors: 0 }, true],
    [{ kind: 'no-lines' }, { events: 1, errors: 0 }, false],
    [{ kind: 'error-share', percent: 10, eventsMin: 20 }, { events: 20, errors: 3 }, true],
    [{ kind: 'error-share', percent: 10, eventsMin: 20 }, { events: 20, errors: 2 }, false],
    [{ kind: 'error-share', percent: 10, eventsMin: 20 }, { events: 19, errors: 19 }, undefined],
  ] as const)('%j with %j: %s', (condition, measure, holds) => {
    expect(judge(condition, measure).holds).toBe(holds)
  })
})

describe('an alert', () => {
  test('fires once and is resolved once', () => {
    const { alert, told } = run([no, yes, yes, yes, no, no, yes, no])
    expect(told).toEqual(['1 firing', '4 resolved', '6 firing', '7 resolved'])
    expect(alert).toMatchObject({ state: 'ok', episode: 2 })
    expect(alert.history.map(({ event }) => event)).toEqual(['ok', 'firing', 'ok', 'firing'])
  })

  test('fires only when the condition held for a while, and is resolved only when it was over for a while', () => {
    const slow = { holdMs: 4000, clearMs: 4000 }
    expect(run([yes, no, yes, yes, no, yes], slow).told).toEqual([])
    expect(run([yes, yes, yes], slow).told).toEqual(['2 firing'])
    expect(run([yes, yes, yes, no, yes, no, no, yes], slow).told).toEqual(['2 firing'])
    expect(run([yes, yes, yes, no, no, no], slow).told).toEqual(['2 firing', '5 resolved'])
    // While nobody can say anything it is not over.
    expect(run([yes, yes, yes, no, down, no, no, no], slow).told).toEqual(['2 firing', '7 resolved'])
  })

  test('is told again when that is wanted; of reminders that wait only the newest is kept', () => {
    const { alert, told } = run([yes, yes, yes, yes, yes], { repeatMs: 4000 })
    expect(told).toEqual(['0 firing', '2 still-firing', '4 still-firing'])
    expect(alert.outbox.map(({ kind, at }) => [kind, at])).toEqual([
      ['firing', 0],
      ['still-firing', 8000],
    ])
  })

  test('a silence holds everything back; what still holds at its end is told then', () => {
    expect(run([yes, yes, no], { silencedUntil: 60_000 }).told).toEqual([])
    expect(run([yes, yes, yes, yes, no], { silencedUntil: 5000 }).told).toEqual(['3 firing', '4 resolved'])
    expect(run([yes, no, no, no, no], { silencedUntil: 5000 }).told).toEqual([])
  })

  test('one that was told hears of its end also when that falls into a silence, once the silence is over', () => {
    let alert = evaluate('a', storedWith(), newAlert(0), yes, 0)
    const silenced = storedWith({ silencedUntil: 10_000 })
    alert = evaluate('a', silenced, alert, no, 2000)
    expect([alert.state, alert.outbox.length]).toEqual(['ok', 1])
    expect(evaluate('a', silenced, alert, no, 12_000).outbox.map(({ kind }) => kind)).toEqual(['firing', 'resolved'])
    // When it fires again by then nothing has changed for the target.
    alert = evaluate('a', silenced, alert, yes, 4000)
    expect(evaluate('a', silenced, alert, yes, 12_000).outbox.map(({ kind }) => kind)).toEqual(['firing'])
  })

  test('goes on firing while the store is down, and is over when there is too little to judge by', () => {
    expect(run([yes, down, down, yes, no]).told).toEqual(['0 firing', '4 resolved'])
    expect(run([yes, few, no]).told).toEqual(['0 firing', '1 resolved'])
    expect(run([yes, few]).alert).toMatchObject({ state: 'no-data', reason: few.reason })
    expect(run([down]).alert).toMatchObject({ state: 'no-data', reason: 'the store is down' })
    expect(run([down, yes]).told).toEqual(['1 firing'])
  })

  test('an evaluation that changes nothing is the same object: nothing is stored', () => {
    const { alert } = run([yes])
    expect(evaluate('a', storedWith(), alert, yes, 9000)).toBe(alert)
    const held = storedWith({ clearMs: 60_000 })
    const changing = evaluate('a', held, alert, no, 9000)
    expect(changing.changingSince).toBe(9000)
    expect(evaluate('a', held, changing, no, 11_000)).toBe(changing)
  })

  test('that flaps while its target is down keeps the newest notices, and says that others are given up', () => {
    const { alert } = run(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? yes : no)))
    expect(alert.outbox).toHaveLength(waitingMax)
    expect(alert.outbox.at(-1)).toMatchObject({ kind: 'resolved', at: 118_000 })
    expect(alert.history.filter(({ event }) => event === 'given-up')).toHaveLength(60 - waitingMax)
  })
})

describe('the outbox', () => {
  const notice: Notice = { key: 'k1', kind: 'firing', action: 'a1', value: 1, at: 0, attempts: 3, nextAt: 5000 }

  test('a target never hears the end before the beginning; others do not wait for it', () => {
    const end: Notice = { ...notice, key: 'k2', kind: 'resolved', nextAt: 0 }
    const other: Notice = { ...end, key: 'k3', action: 'a2' }
    expect(dueNotices([notice, end, other], 1000)).toEqual([other])
    expect(dueNotices([notice, end], 6000)).toEqual([notice])
  })

  test('what waits for an action that is gone is given up, and said so', () => {
    const alert = { ...newAlert(0), outbox: [notice, { ...notice, key: 'k2', action: 'gone' }] }
    const after = withoutGone(alert, policy, 9)
    expect(after.outbox).toEqual([notice])
    expect(after.history).toMatchObject([{ at: 9, event: 'given-up', detail: expect.stringContaining('gone') }])
    expect(withoutGone(after, policy, 9)).toBe(after)
  })
})
