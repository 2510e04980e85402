/** What one is told of, and how it is now: what fires on top. */
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { AppChips } from '../app-chips.tsx'
import { KeyBar } from '../keys/key-bar.tsx'
import { useKeys } from '../keys/use-keys.ts'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { useSession } from '../session/session.ts'
import { type AlertRow, alertStates, filterAlerts, sortAlerts } from '../state/alert-model.ts'
import { countText } from '../state/number-text.ts'
import { useView } from '../view-context.tsx'
import { AlertForm } from './alert-form.tsx'
import { AlertItem } from './alert-item.tsx'
import { useAlerts } from './alerts-api.ts'
import './alerts.css'

export function AlertsPage() {
  const { t } = useTranslation()
  const { view } = useView()
  const answer = useAlerts()
  const session = useSession()
  const [text, setText] = useState('')
  const [state, setState] = useState<string>()
  const [open, setOpen] = useState<string>()
  const [editing, setEditing] = useState<AlertRow | 'new'>()
  const filterRef = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => filterRef.current?.select() })

  const alerts = answer.data
  const shown = useMemo(() => alerts && sortAlerts(filterAlerts(alerts, text, state)), [alerts, text, state])
  const mayMake = session.data?.role === 'operator'

  return (
    <>
      <main className="screen-body alerts">
        <header className="alerts-head">
          <h1>{t('page.alerts')}</h1>
          {alerts && (
            <fieldset className="chips" aria-label={t('alerts.byState')}>
              {alertStates.map((name) => {
                const count = alerts.filter((alert) => alert.state === name).length
                if (count === 0 && name !== state) return null
                return (
                  <button
                    key={name}
                    type="button"
                    className={`chip${name === 'firing' ? ' chip-error' : name === 'no-data' ? ' chip-warn' : ''}`}
                    aria-pressed={name === state}
                    onClick={() => setState(name === state ? undefined : name)}
                  >
                    {t(`alerts.state_${name}`)} {countText(count)}
                  </button>
                )
              })}
            </fieldset>
          )}
          <div className="alerts-tools">
            <AppChips />
            <input
              ref={filterRef}
              type="search"
              className="small-input"
              value={text}
              placeholder={t('alerts.filter')}
              aria-label={t('alerts.filter')}
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
            />
            <a className="text-button" href={`api/v1/alerts.yaml?cluster=${view.cluster ?? ''}`} download>
              {t('alerts.yaml')}
            </a>
            {mayMake && (
              <button type="button" className="solid-button" onClick={() => setEditing('new')}>
                {t('alerts.make')}
              </button>
            )}
          </div>
        </header>
        {answer.isError && alerts === undefined && (
          <ProblemNotice error={answer.error} onRetry={() => void answer.refetch()} />
        )}
        {answer.isError && alerts !== undefined && (
          <p className="alerts-stale" role="alert">
            {t('files.stale')}
          </p>
        )}
        {shown && shown.length > 0 && (
          <ul className="alert-list">
            {shown.map((alert) => (
              <AlertItem
                key={alert.id}
                alert={alert}
                open={alert.id === open}
                onToggle={() => setOpen(alert.id === open ? undefined : alert.id)}
                onEdit={() => setEditing(alert)}
              />
            ))}
          </ul>
        )}
        {shown?.length === 0 && (
          <div className="notice">
            <h2>{t(alerts?.length === 0 ? 'alerts.none' : 'alerts.noneMatch')}</h2>
            {alerts?.length === 0 && <p>{t(mayMake ? 'alerts.noneHint' : 'alerts.noneHintReader')}</p>}
          </div>
        )}
      </main>
      {editing !== undefined && (
        <AlertForm before={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
      <KeyBar keys={['filter', 'palette', 'help']} />
    </>
  )
}
