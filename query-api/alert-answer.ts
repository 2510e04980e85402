/** An alert policy with what became of it, as its reader sees it: never with a secret. */
import type { FastifyRequest } from 'fastify'
import { type Alert, alertOf, alertPrefix, type Notice } from '../pipeline/alert.ts'
import { isSilenced } from '../pipeline/alert-policy.ts'
import { withoutSecret } from '../pipeline/alert-target.ts'
import type { State } from '../pipeline/state.ts'
import type { FoundPolicy } from './alert-policies.ts'
import { callerOfRequest } from './auth.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

export function answerOf(
  { id, version, stored }: FoundPolicy,
  alert: Alert | undefined,
  request: FastifyRequest,
  nowMs: number,
) {
  const { policy, silencedUntil, changedAt, changedBy } = stored
  const beneath = alert?.state ?? 'ok'
  const silenced = isSilenced(stored, nowMs)
  return {
    id,
    version,
    ...policy,
    actions: policy.actions.map(withoutSecret),
    changedAt,
    changedBy,
    mayChange: callerOfRequest(request).rights.role === 'operator',
    state: !policy.enabled ? ('off' as const) : silenced ? ('silenced' as const) : beneath,
    beneath,
    since: alert === undefined ? null : iso(alert.since),
    ...(alert?.reason === undefined ? {} : { reason: alert.reason }),
    ...(alert?.value === undefined ? {} : { value: alert.value }),
    ...(alert?.detail === undefined ? {} : { detail: alert.detail }),
    silencedUntil: silenced ? iso(silencedUntil as number) : null,
    waiting: (alert?.outbox ?? []).map(waitingOf),
  }
}

function waitingOf({ action, kind, at, attempts, nextAt, error }: Notice) {
  return { action, kind, since: iso(at), attempts, nextAt: iso(nextAt), ...(error === undefined ? {} : { error }) }
}

/** With its history. */
export async function wholeAnswer(state: State, found: FoundPolicy, request: FastifyRequest, nowMs: number) {
  const alert = alertOf(await state.get(`${alertPrefix}${found.id}`))
  const history = (alert?.history ?? []).map(({ at, ...entry }) => ({ time: iso(at), ...entry }))
  return { ...answerOf(found, alert, request, nowMs), history }
}
