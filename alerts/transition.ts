/**
 * One evaluation: the alert as it was and what was found now → the alert as it is. Pure. A change of state and the
 * notices that tell of it are one value, which is stored at once: a crash leaves both or neither.
 */
import { type Alert, type AlertState, type Notice, type NoticeKind, withHistory } from '../pipeline/alert.ts'
import { type AlertPolicy, isSilenced, type StoredPolicy } from '../pipeline/alert-policy.ts'
import type { Judgement } from './judge.ts'

/** Notices of one target that wait for it; of more the oldest are given up. */
export const waitingMax = 20

/** `id` is the policy's. The same object comes back when nothing changed that has to be stored. */
export function evaluate(id: string, stored: StoredPolicy, alert: Alert, found: Judgement, nowMs: number): Alert {
  const moved = move(stored.policy, alert, found, nowMs)
  // Whoever is silenced is told later what is still so then: that it fires, or that what was told is over.
  const told = isSilenced(stored, nowMs) ? moved : tell(id, stored.policy, moved, found, nowMs)
  return bounded(told, nowMs)
}

function move(policy: AlertPolicy, alert: Alert, found: Judgement, nowMs: number): Alert {
  const wanted = found.holds === undefined ? 'no-data' : found.holds ? 'firing' : 'ok'
  // A store that is down resolves nothing.
  const stays = wanted === alert.state || (alert.state === 'firing' && found.holds === undefined && found.failed)
  if (stays) {
    if (alert.changingSince === undefined) return alert
    const { changingSince: _, ...steady } = alert
    return steady
  }
  const since = alert.changingSince ?? nowMs
  if (nowMs - since < waitMsOf(policy, alert.state, wanted)) {
    return alert.changingSince === undefined ? { ...alert, changingSince: since } : alert
  }
  const detail = found.holds === undefined ? found.reason : found.detail
  const value = found.value === undefined ? {} : { value: found.value }
  const { v, episode, toldAt, outbox, history } = alert
  const next: Alert = {
    v,
    state: wanted,
    since: nowMs,
    ...value,
    ...(detail === undefined ? {} : found.holds === undefined ? { reason: detail } : { detail }),
    episode: episode + (wanted === 'firing' ? 1 : 0),
    ...(toldAt === undefined ? {} : { toldAt }),
    outbox,
    history,
  }
  return withHistory(next, { at: nowMs, event: wanted, ...value, ...(detail === undefined ? {} : { detail }) })
}

function waitMsOf(policy: AlertPolicy, from: AlertState, to: AlertState): number {
  if (to === 'firing') return policy.holdMs
  return from === 'firing' ? policy.clearMs : 0
}

/**
 * Notices for what the targets do not know yet. Of reminders only the newest is kept; each firing and each resolving is told,
 * in order, also to a target that is down meanwhile.
 */
function tell(id: string, policy: AlertPolicy, alert: Alert, found: Judgement, nowMs: number): Alert {
  const { state, toldAt, episode, outbox } = alert
  const add = (kind: NoticeKind, key: string, before: readonly Notice[]): Alert => ({
    ...alert,
    toldAt: nowMs,
    outbox: [...before, ...noticesOf(`${id}-${episode}-${key}`, policy, kind, found, nowMs)],
  })
  if (state !== 'firing') {
    if (toldAt === undefined) return alert
    const { toldAt: _, ...over } = add('resolved', 'resolved', outbox)
    return over
  }
  if (toldAt === undefined) return add('firing', 'firing', outbox)
  if (policy.repeatMs === 0 || nowMs - toldAt < policy.repeatMs) return alert
  const others = outbox.filter(({ kind }) => kind !== 'still-firing')
  return add('still-firing', String(nowMs), others)
}

/** A notice for each action of the policy. */
export function noticesOf(
  key: string,
  { actions }: Pick<AlertPolicy, 'actions'>,
  kind: NoticeKind,
  found: Pick<Judgement, 'value'> & { readonly detail?: string; readonly reason?: string },
  nowMs: number,
): Notice[] {
  const { value, detail = found.reason } = found
  return actions.map(({ id }) => ({
    key: `${key}-${id}`,
    kind,
    action: id,
    at: nowMs,
    ...(value === undefined ? {} : { value }),
    ...(detail === undefined ? {} : { detail }),
    attempts: 0,
    nextAt: nowMs,
  }))
}

/** An alert that flaps while its target is down must not grow for ever. */
function bounded(alert: Alert, nowMs: number): Alert {
  const waiting = new Map<string, number>()
  const given: Notice[] = []
  const kept = alert.outbox.toReversed().filter((notice) => {
    const count = (waiting.get(notice.action) ?? 0) + 1
    waiting.set(notice.action, count)
    if (count > waitingMax) given.unshift(notice)
    return count <= waitingMax
  })
  if (given.length === 0) return alert
  const detail = `more than ${waitingMax} notices wait for this target`
  return withHistory(
    { ...alert, outbox: kept.toReversed() },
    ...given.map(({ action, kind: notice }) => ({
      at: nowMs,
      event: 'given-up' as const,
      notice,
      detail: `${action}: ${detail}`,
    })),
  )
}
