/** What can be done with an alert, where it goes, and what was. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PageLink } from '../page-link.tsx'
import { useProblemText } from '../results/problem-notice.tsx'
import { type AlertRow, durationText } from '../state/alert-model.ts'
import { fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { targetText } from './alert-text.ts'
import {
  alertsKey,
  removeAlert,
  silenceAlert,
  type TestResult,
  testAlert,
  unsilenceAlert,
  useAlert,
} from './alerts-api.ts'

const silences = ['1h', '8h', '1d', '7d'] as const

interface AlertDetailsProps {
  readonly alert: AlertRow
  onEdit(): void
}

export function AlertDetails({ alert, onEdit }: AlertDetailsProps) {
  const { t } = useTranslation()
  const { zone } = useView()
  const client = useQueryClient()
  const one = useAlert(alert.id)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Error>()
  const [results, setResults] = useState<readonly TestResult[]>()
  const [removing, setRemoving] = useState(false)
  const { id, actions } = alert

  /** `list`: what is gone is not asked for. */
  const run = async (work: () => Promise<unknown>, only?: 'list') => {
    setBusy(true)
    setFailure(undefined)
    try {
      await work()
      await client.invalidateQueries({
        queryKey: alertsKey,
        predicate: ({ queryKey }) => only !== 'list' || queryKey[1] !== 'one',
      })
    } catch (thrown) {
      setFailure(thrown instanceof Error ? thrown : new Error(String(thrown)))
    } finally {
      setBusy(false)
    }
  }
  const search = {
    page: 'search',
    cluster: alert.cluster,
    app: alert.app === undefined ? [] : [alert.app],
    q: alert.query,
    level: [],
    from: `now-${durationText(alert.windowMs)}`,
    to: '',
  } as const

  return (
    <div className="alert-details">
      <div className="alert-buttons">
        {alert.app !== undefined && (
          <PageLink className="quiet-button" to={search}>
            {t('alerts.lines')}
          </PageLink>
        )}
        {alert.mayChange && (
          <>
            <button type="button" className="quiet-button" onClick={onEdit}>
              {t('alerts.change')}
            </button>
            <button
              type="button"
              className="quiet-button"
              disabled={busy || actions.length === 0}
              onClick={() => void run(async () => setResults(await testAlert(id)))}
            >
              {t('alerts.test')}
            </button>
            {alert.silencedUntil === null ? (
              <fieldset className="alert-silences">
                <legend>{t('alerts.silence')}</legend>
                {silences.map((length) => (
                  <button
                    key={length}
                    type="button"
                    className="chip"
                    disabled={busy}
                    aria-label={`${t('alerts.silence')} ${length}`}
                    onClick={() => void run(() => silenceAlert(id, `now+${length}`))}
                  >
                    {length}
                  </button>
                ))}
              </fieldset>
            ) : (
              <button
                type="button"
                className="quiet-button"
                disabled={busy}
                onClick={() => void run(() => unsilenceAlert(id))}
              >
                {t('alerts.unsilence')}
              </button>
            )}
            <button
              type="button"
              className="quiet-button alert-remove"
              disabled={busy}
              onBlur={() => setRemoving(false)}
              onClick={() => (removing ? void run(() => removeAlert(alert), 'list') : setRemoving(true))}
            >
              {t(removing ? 'alerts.reallyRemove' : 'alerts.remove')}
            </button>
          </>
        )}
      </div>
      {failure !== undefined && <Failure error={failure} />}
      {results !== undefined && (
        <ul className="alert-results" role="status">
          {results.map(({ action, target, taken, answer, tookMs }) => (
            <li key={action}>
              <b className={taken ? undefined : 'alert-refused'}>
                {t(taken ? 'alerts.taken' : 'alerts.refused', { target })}
              </b>{' '}
              <span className="muted">{tookMs} ms</span> <span className="mono">{answer}</span>
            </li>
          ))}
        </ul>
      )}
      <div className="alert-columns">
        <section>
          <h2>{t('alerts.targets')}</h2>
          {actions.length === 0 && <p className="muted">{t('alerts.noTargets')}</p>}
          <ul>
            {actions.map((action) => {
              const waiting = alert.waiting.filter((notice) => notice.action === action.id)
              return (
                <li key={action.id} className="alert-target">
                  {targetText(action)}
                  {waiting.map(({ kind, since, error, nextAt, attempts }) => (
                    <span key={`${kind} ${since}`} className={error === undefined ? 'muted' : 'alert-trouble'}>
                      {t('alerts.waits', {
                        notice: t(`alerts.notice_${kind}`),
                        count: attempts,
                        time: fullTime(nextAt, zone).slice(11, 19),
                      })}
                      {error !== undefined && `: ${error}`}
                    </span>
                  ))}
                </li>
              )
            })}
          </ul>
          <p className="muted">
            {t('alerts.changedBy', { name: alert.changedBy, time: fullTime(alert.changedAt, zone).slice(0, 16) })}
          </p>
        </section>
        <section>
          <h2>{t('alerts.history')}</h2>
          {one.data?.history?.length === 0 && <p className="muted">{t('alerts.noHistory')}</p>}
          <ol className="alert-history">
            {one.data?.history?.map(({ time, event, notice, value, detail }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two entries may be alike in everything
              <li key={`${time} ${event} ${i}`} data-event={event}>
                <time className="mono muted" dateTime={time} title={fullTime(time, zone)}>
                  {fullTime(time, zone).slice(5, 19)}
                </time>
                <b>
                  {t(`alerts.event_${event}`)}
                  {notice !== undefined && `: ${t(`alerts.notice_${notice}`)}`}
                </b>
                <span>{value ?? ''}</span>
                <span className="alert-detail" title={detail}>
                  {detail}
                </span>
              </li>
            ))}
          </ol>
        </section>
      </div>
    </div>
  )
}

export function Failure({ error }: { readonly error: Error }) {
  const { text, hint } = useProblemText(error)
  return (
    <p className="alert-failure" role="alert">
      {text} {hint}
    </p>
  )
}
