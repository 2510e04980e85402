/** Where an alert goes: any number of webhooks, mails, items of Zabbix. */
import { useTranslation } from 'react-i18next'
import { type ActionDraft, newAction } from '../state/alert-model.ts'
import { formatNames } from './alert-text.ts'

const kinds = ['webhook', 'email', 'zabbix'] as const
const actionsMax = 8

interface AlertActionsProps {
  readonly actions: readonly ActionDraft[]
  onChange(actions: readonly ActionDraft[]): void
}

export function AlertActions({ actions, onChange }: AlertActionsProps) {
  const { t } = useTranslation()
  const nextRow = Math.max(-1, ...actions.map(({ row }) => row)) + 1
  return (
    <fieldset className="alert-field alert-actions" aria-label={t('alerts.targets')}>
      <span aria-hidden="true">{t('alerts.targets')}</span>
      <div>
        {actions.map((action) => (
          <Action
            key={action.row}
            action={action}
            onChange={(change) =>
              onChange(actions.map((one) => (one.row === action.row ? { ...one, ...change } : one)))
            }
            onRemove={() => onChange(actions.filter(({ row }) => row !== action.row))}
          />
        ))}
        {actions.length < actionsMax && (
          <span className="chips">
            {kinds.map((kind) => (
              <button
                key={kind}
                type="button"
                className="chip"
                onClick={() => onChange([...actions, newAction(kind, nextRow)])}
              >
                + {t(`alerts.action_${kind}`)}
              </button>
            ))}
          </span>
        )}
      </div>
    </fieldset>
  )
}

interface ActionProps {
  readonly action: ActionDraft
  onChange(change: Partial<ActionDraft>): void
  onRemove(): void
}

function Action({ action, onChange, onRemove }: ActionProps) {
  const { t } = useTranslation()
  const text = (name: 'url' | 'secret' | 'to' | 'server' | 'host' | 'key', label: string, more: object = {}) => (
    <input
      className="small-input"
      value={action[name]}
      aria-label={label}
      placeholder={label}
      required
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
      {...more}
    />
  )
  return (
    <fieldset className="alert-action" aria-label={t(`alerts.action_${action.kind}`)}>
      {action.kind === 'webhook' && (
        <>
          <select
            className="small-input"
            aria-label={t('alerts.format')}
            value={action.body}
            onChange={(event) => onChange({ body: event.currentTarget.value as ActionDraft['body'] })}
          >
            {Object.entries(formatNames).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
          {text('url', 'URL', { placeholder: 'https://…', inputMode: 'url' })}
          {action.body === 'dingtalk' && text('secret', t('alerts.secret'), { required: false, autoComplete: 'off' })}
        </>
      )}
      {action.kind === 'email' && (
        <>
          <b>{t('alerts.action_email')}</b>
          {text('to', t('alerts.to'), { placeholder: 'ops@example.com, dev@example.com' })}
        </>
      )}
      {action.kind === 'zabbix' && (
        <>
          <b>Zabbix</b>
          {text('server', t('alerts.server'), { placeholder: 'zabbix:10051' })}
          {text('host', t('alerts.zabbixHost'))}
          {text('key', t('alerts.zabbixKey'), { placeholder: 'shiplog.errors' })}
        </>
      )}
      <button type="button" className="icon-button" aria-label={t('alerts.removeTarget')} onClick={onRemove}>
        ×
      </button>
    </fieldset>
  )
}
