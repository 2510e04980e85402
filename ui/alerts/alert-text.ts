/** An alert in words. */
import { useTranslation } from 'react-i18next'
import type { AlertAction, AlertCondition } from '../state/alert-model.ts'
import { durationText } from '../state/alert-model.ts'
import { countText } from '../state/number-text.ts'

/** `more than 10 lines in 5m`. */
export function useConditionText(): (condition: AlertCondition, windowMs: number) => string {
  const { t } = useTranslation()
  return (condition, windowMs) => {
    const window = durationText(windowMs)
    switch (condition.kind) {
      case 'count':
        return t(`alerts.is_${condition.comparison}`, { amount: countText(condition.events), window })
      case 'error-share':
        return t('alerts.is_error-share', { percent: condition.percent, window })
      default:
        return t(`alerts.is_${condition.kind}`, { window })
    }
  }
}

/** A target without what lets one write to it: the server does not tell that. */
export function targetText(action: AlertAction | undefined): string {
  switch (action?.kind) {
    case 'webhook':
      return `${formatNames[action.body]} ${URL.canParse(action.url) ? new URL(action.url).host : action.url}`
    case 'email':
      return action.to.join(', ')
    case 'zabbix':
      return `Zabbix ${action.server} ${action.host}`
    case undefined:
      return ''
  }
}

/** Names of products, the same in every language. */
export const formatNames = { json: 'JSON', dingtalk: 'DingTalk', wecom: 'WeCom', slack: 'Slack' } as const
