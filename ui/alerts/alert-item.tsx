import { useTranslation } from 'react-i18next'
import { type AlertRow, troubleOf } from '../state/alert-model.ts'
import { countText } from '../state/number-text.ts'
import { agoText, fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { AlertDetails } from './alert-details.tsx'
import { targetText, useConditionText } from './alert-text.ts'

interface AlertItemProps {
  readonly alert: AlertRow
  readonly open: boolean
  onToggle(): void
  onEdit(): void
}

/** One alert: how it is at a glance; all else when it is opened. */
export function AlertItem({ alert, open, onToggle, onEdit }: AlertItemProps) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  const conditionText = useConditionText()
  const trouble = troubleOf(alert)
  const { state, since, value, beneath, silencedUntil } = alert
  const says = alert.reason ?? alert.detail
  return (
    <li className="alert" data-state={state} data-beneath={beneath}>
      <button type="button" className="alert-row" aria-expanded={open} onClick={onToggle}>
        <span className="alert-state">
          <i aria-hidden="true" /> {t(`alerts.state_${state}`)}
        </span>
        <span className="alert-name">
          <b title={alert.name}>{alert.name}</b>
          <span className="muted">
            {alert.app ?? t('alerts.allApps')} · {conditionText(alert.condition, alert.windowMs)}
            {alert.query !== '' && (
              <>
                {' · '}
                <code>{alert.query}</code>
              </>
            )}
          </span>
          {says !== undefined && beneath !== 'ok' && (
            <span className={beneath === 'firing' ? 'alert-says mono' : 'alert-says'} title={says}>
              {says}
            </span>
          )}
          {trouble !== undefined && (
            <span className="alert-trouble">
              {t('alerts.notTold', {
                target: targetText(alert.actions.find(({ id }) => id === trouble.action)),
                count: trouble.attempts,
              })}
              {': '}
              {trouble.error}
            </span>
          )}
        </span>
        <span className="alert-since muted">
          {silencedUntil !== null && state === 'silenced' ? (
            <span title={fullTime(silencedUntil, zone)}>
              {t('alerts.until', { time: fullTime(silencedUntil, zone).slice(5, 16) })}
              {beneath === 'firing' && ` · ${t('alerts.state_firing')}`}
            </span>
          ) : (
            since !== null && <span title={fullTime(since, zone)}>{agoText(since, Date.now(), i18n.language)}</span>
          )}
          {value !== undefined && beneath !== 'no-data' && (
            <span>
              {t('alerts.value', {
                amount: alert.condition.kind === 'error-share' ? `${value} %` : countText(value),
              })}
            </span>
          )}
        </span>
      </button>
      {open && <AlertDetails alert={alert} onEdit={onEdit} />}
    </li>
  )
}
