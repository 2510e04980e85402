/**
 * Sends what stands in the alerts' outboxes. A notice leaves its outbox only when its target took it: after a crash in
 * between it is sent once more, with the same key.
 */
import { type Alert, type HistoryEntry, type Notice, withHistory } from '../pipeline/alert.ts'
import type { AlertAction, AlertPolicy } from '../pipeline/alert-policy.ts'
import { targetText, withoutSecrets } from '../pipeline/alert-target.ts'
import { messageOf } from '../pipeline/errors.ts'
import { backoffMs } from '../pipeline/retry.ts'

/** Sends one notice; resolves with what its target answered, rejects with why it did not take it. */
export type Send = (action: AlertAction, policy: AlertPolicy, notice: Notice, signal: AbortSignal) => Promise<string>

export const sendBackoff = { firstMs: 1000, mostMs: 300_000 }
/** A target that is down for so long is given up for this notice. */
export const sendMsMax = 86_400_000
/** One attempt. */
export const attemptMsMax = 10_000
/** UTF-16 units of an answer or an error that are kept and shown. */
const answerUnitsMax = 300

export interface Outcome {
  readonly taken: boolean
  /** What the target answered, or why it did not take it; without secrets. */
  readonly answer: string
}

/**
 * The notices to be sent now: of each target the oldest one, so that it never hears that something is over before that it
 * began.
 */
export function dueNotices(outbox: readonly Notice[], nowMs: number): Notice[] {
  const targets = new Set<string>()
  return outbox.filter((notice) => {
    if (targets.has(notice.action)) return false
    targets.add(notice.action)
    return notice.nextAt <= nowMs
  })
}

/** Takes `attemptMsMax` at the most, whatever `send` does with its signal. Never rejects. */
export async function attempt(
  send: Send,
  action: AlertAction,
  policy: AlertPolicy,
  notice: Notice,
  stop: AbortSignal,
): Promise<Outcome> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(attemptMsMax)])
  const shown = (text: string): string => withoutSecrets(text, action).slice(0, answerUnitsMax)
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const give = (): void => reject(new Error(stop.aborted ? 'broken off' : `no answer within ${attemptMsMax} ms`))
      if (signal.aborted) return give()
      signal.addEventListener('abort', give, { once: true })
      send(action, policy, notice, signal).then(resolve, reject)
    })
    return { taken: true, answer: shown(answer) }
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : ''
    return { taken: false, answer: shown(`${messageOf(error)}${cause}`) }
  }
}

/** The alert after an attempt at a notice. Pure; the same object when the notice is not there any more. */
export function afterAttempt(
  alert: Alert,
  { key }: Notice,
  action: AlertAction,
  { taken, answer }: Outcome,
  nowMs: number,
): Alert {
  const notice = alert.outbox.find((one) => one.key === key)
  if (notice === undefined) return alert
  const outbox = alert.outbox.filter((one) => one !== notice)
  const detail = `${targetText(action)}${answer === '' ? '' : `: ${answer}`}`
  if (taken) return withHistory({ ...alert, outbox }, entryOf(notice, 'told', detail, nowMs))
  if (nowMs - notice.at >= sendMsMax) {
    return withHistory({ ...alert, outbox }, entryOf(notice, 'given-up', detail, nowMs))
  }
  const attempts = notice.attempts + 1
  const later = { ...notice, attempts, error: answer, nextAt: nowMs + Math.round(backoffMs(attempts - 1, sendBackoff)) }
  return { ...alert, outbox: alert.outbox.map((one) => (one === notice ? later : one)) }
}

/** Without the notices whose actions have been taken out of the policy. The same object when there are none. */
export function withoutGone(alert: Alert, { actions }: AlertPolicy, nowMs: number): Alert {
  const ids = new Set(actions.map(({ id }) => id))
  const gone = alert.outbox.filter(({ action }) => !ids.has(action))
  if (gone.length === 0) return alert
  return withHistory(
    { ...alert, outbox: alert.outbox.filter(({ action }) => ids.has(action)) },
    ...gone.map((notice) => entryOf(notice, 'given-up', `${notice.action}: the policy has no such action now`, nowMs)),
  )
}

function entryOf({ kind, value }: Notice, event: HistoryEntry['event'], detail: string, nowMs: number): HistoryEntry {
  return { at: nowMs, event, notice: kind, ...(value === undefined ? {} : { value }), detail }
}
