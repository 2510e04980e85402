/** A notification as an e-mail over SMTP. */
import { connect } from 'node:net'
import type { Notice } from '../pipeline/alert.ts'
import type { AlertAction, AlertPolicy } from '../pipeline/alert-policy.ts'
import { messageOf, ShiplogError } from '../pipeline/errors.ts'
import { attemptMsMax } from './outbox.ts'
import { linesOf, subjectOf } from './wording.ts'

export type EmailAction = Extract<AlertAction, { kind: 'email' }>

export interface MailServer {
  /** `smtp://user:password@host:587`, `smtps://…`; empty = there is none. */
  readonly url: string
  readonly from: string
}

/**
 * Resolves with what the server answered. Rejects when it took it for none of the addresses; those that it refuses while
 * it takes others are named in the answer, for to send it again would repeat it to the others.
 */
export async function sendEmail(
  server: MailServer,
  action: EmailAction,
  policy: AlertPolicy,
  notice: Notice,
  link: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (server.url === '') {
    throw new ShiplogError('CONFIG_INVALID', 'no mail server is configured: say --smtp-url and --mail-from')
  }
  // Most processes never send a mail.
  const { createTransport } = await import('nodemailer')
  const url = new URL(server.url)
  const secure = url.protocol === 'smtps:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port)
  const transport = createTransport({
    host,
    port,
    secure,
    // A server that hangs must not hold up the end of the process: the signal ends what nodemailer would wait for.
    getSocket(_options, callback) {
      const connection = connect({ host, port, signal })
      const refused = (error: Error): void => callback(error, {})
      connection.once('error', refused)
      connection.once('connect', () => {
        callback(null, { connection })
        connection.off('error', refused)
      })
    },
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    greetingTimeout: attemptMsMax,
    socketTimeout: attemptMsMax,
  })
  try {
    const { response, rejected } = await transport.sendMail({
      from: server.from,
      to: [...action.to],
      subject: subjectOf(policy, notice),
      text: linesOf(policy, notice, link).join('\n'),
      // A mail server or reader that gets it twice can tell.
      messageId: `<${notice.key}@shiplog>`,
    })
    const refused = rejected.length > 0 ? `; refused for ${rejected.map(String).join(', ')}` : ''
    return `${response}${refused}`
  } catch (error) {
    const password = decodeURIComponent(url.password)
    throw new Error(password === '' ? messageOf(error) : messageOf(error).replaceAll(password, '…'))
  } finally {
    transport.close()
  }
}
