/** The target of an action for people: what lets one write to it is a secret, and is never shown. Pure. */
import type { AlertAction } from './alert-policy.ts'

/** Stands for what is kept and not shown. */
export const hidden = '…'

/** Names a target without its secrets: the path and query of a webhook are what lets one write to it. */
export function targetText(action: AlertAction): string {
  switch (action.kind) {
    case 'webhook':
      return `${action.body} webhook ${new URL(action.url).host}`
    case 'email':
      return `e-mail ${action.to.join(', ')}`
    case 'zabbix':
      return `Zabbix ${action.server} ${action.host} ${action.key}`
  }
}

/** `https://oapi.dingtalk.com/robot/send?access_token=…` → `https://oapi.dingtalk.com/…` */
export function withoutSecret(action: AlertAction): AlertAction {
  if (action.kind !== 'webhook') return action
  const { secret, url, ...rest } = action
  return { ...rest, url: hiddenUrl(url), ...(secret === undefined ? {} : { secret: hidden }) }
}

export function hiddenUrl(url: string): string {
  return `${new URL(url).origin}/${hidden}`
}

/** What a target, or the way to it, says may repeat where it was asked. */
export function withoutSecrets(text: string, action: AlertAction): string {
  if (action.kind !== 'webhook') return text
  const { pathname, search, username, password } = new URL(action.url)
  const values = [...new URL(action.url).searchParams.values()]
  return [action.url, `${pathname}${search}`, search, pathname, action.secret ?? '', username, password, ...values]
    .filter((secret) => secret.length > 3)
    .reduce((shown, secret) => shown.replaceAll(secret, hidden), text)
}
