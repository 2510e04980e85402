/** A notification as an HTTP POST: JSON of our own, or the text message that DingTalk, WeCom and Slack take. */
import { createHmac } from 'node:crypto'
import type { Notice } from '../pipeline/alert.ts'
import type { AlertAction, AlertPolicy } from '../pipeline/alert-policy.ts'
import { linesOf, subjectOf } from './wording.ts'

export type WebhookAction = Extract<AlertAction, { kind: 'webhook' }>

/** Of an answer that is read; the rest is not. */
const answerBytesMax = 16 * 1024
/** Bytes of a text message: the least of the three, WeCom's, takes 2,048. */
const textBytesMax = 2000

/** Resolves with what the target answered; rejects with that when it did not take the notification. */
export async function sendWebhook(
  action: WebhookAction,
  policy: AlertPolicy,
  notice: Notice,
  link: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const response = await fetch(targetOf(action, Date.now()), {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'idempotency-key': notice.key },
    body: JSON.stringify(bodyOf(action, policy, notice, link)),
    // Where it leads nobody has said.
    redirect: 'error',
    signal,
  })
  const text = await beginningOf(response)
  const answer = `${response.status} ${text}`.trim()
  if (!response.ok) throw new Error(answer)
  // Both answer 200 to what they refuse; the code in the body decides.
  if ((action.body === 'dingtalk' || action.body === 'wecom') && errorCodeOf(text) !== 0) throw new Error(answer)
  return answer
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop ends the body: it may be without end.
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= answerBytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, answerBytesMax)
}

function errorCodeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { errcode?: unknown } | null)?.errcode
  } catch {
    return undefined
  }
}

/** DingTalk signs: base64 of HMAC-SHA256 over `<ms>\n<secret>`; https://open.dingtalk.com/document/robots/customize-robot-security-settings */
export function targetOf({ url, body, secret }: WebhookAction, nowMs: number): URL {
  const target = new URL(url)
  if (body !== 'dingtalk' || secret === undefined) return target
  target.searchParams.set('timestamp', String(nowMs))
  target.searchParams.set('sign', createHmac('sha256', secret).update(`${nowMs}\n${secret}`).digest('base64'))
  return target
}

export function bodyOf(
  action: WebhookAction,
  policy: AlertPolicy,
  notice: Notice,
  link: string | undefined,
): Readonly<Record<string, unknown>> {
  const text = [subjectOf(policy, notice), ...linesOf(policy, notice, link)].join('\n')
  switch (action.body) {
    case 'dingtalk':
    case 'wecom':
      return { msgtype: 'text', text: { content: shortened(text) } }
    case 'slack':
      return { text: shortened(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') }
    case 'json':
      return {
        key: notice.key,
        event: notice.kind,
        name: policy.name,
        cluster: policy.cluster,
        app: policy.app ?? null,
        query: policy.query,
        windowMs: policy.windowMs,
        condition: policy.condition,
        value: notice.value ?? null,
        detail: notice.detail ?? null,
        time: new Date(notice.at).toISOString(),
        text,
        link: link ?? null,
      }
  }
}

/** In UTF-8, never inside a character. */
function shortened(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= textBytesMax) return text
  let end = textBytesMax
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return `${bytes.toString('utf8', 0, end)}…`
}
