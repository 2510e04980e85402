/** Where notices go, by the kind of their action. */
import { randomUUID } from 'node:crypto'
import type { AlertPolicy } from '../pipeline/alert-policy.ts'
import { targetText } from '../pipeline/alert-target.ts'
import { type MailServer, sendEmail } from './email.ts'
import { attempt, type Outcome, type Send } from './outbox.ts'
import { noticesOf } from './transition.ts'
import { sendWebhook } from './webhook.ts'
import { sendZabbix } from './zabbix.ts'

export interface TargetParts {
  readonly mail: MailServer
  /** Where the page is for those who get a notification; empty = no link. */
  readonly publicUrl: string
}

export function sendTo({ mail, publicUrl }: TargetParts): Send {
  return async (action, policy, notice, signal) => {
    const link = publicUrl === '' ? undefined : linkTo(publicUrl, policy, notice.at)
    switch (action.kind) {
      case 'webhook':
        return sendWebhook(action, policy, notice, link, signal)
      case 'email':
        return sendEmail(mail, action, policy, notice, link, signal)
      case 'zabbix':
        return sendZabbix(action, notice, signal)
    }
  }
}

/** The search that was counted, at that time. */
function linkTo(publicUrl: string, { cluster, app, query, windowMs }: AlertPolicy, atMs: number): string {
  const parameters = new URLSearchParams({ cluster })
  if (app !== undefined) parameters.set('app', app)
  if (query !== '') parameters.set('q', query)
  parameters.set('from', new Date(atMs - windowMs).toISOString())
  parameters.set('to', new Date(atMs).toISOString())
  return `${publicUrl.replace(/\/+$/, '')}/search?${parameters}`
}

export interface TestResult extends Outcome {
  /** Id of the action. */
  readonly action: string
  readonly target: string
  readonly tookMs: number
}

/** Sends one notice to each action of a policy, at once and once. Never rejects. */
export function testOf(send: Send) {
  return async (policy: AlertPolicy, signal: AbortSignal): Promise<TestResult[]> => {
    const notices = noticesOf(`test-${randomUUID()}`, policy, 'test', {}, Date.now())
    return Promise.all(
      policy.actions.map(async (action, i) => {
        const began = performance.now()
        const outcome = await attempt(send, action, policy, notices[i] as (typeof notices)[number], signal)
        const tookMs = Math.round(performance.now() - began)
        return { action: action.id, target: targetText(action), ...outcome, tookMs }
      }),
    )
  }
}
