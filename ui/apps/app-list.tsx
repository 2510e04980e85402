/** Before an app is chosen: what there is in the cluster, the busiest first. */
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { appsMax, useAppErrors, useApps } from '../queries.ts'
import { useRangeText } from '../query-bar/range-picker.tsx'
import { NothingFound } from '../results/notices.tsx'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { useView } from '../view-context.tsx'
import { AppCard } from './app-card.tsx'
import './apps.css'

export function AppList() {
  const { t } = useTranslation()
  const { view } = useView()
  const range = useRangeText()
  const apps = useApps()
  const errors = useAppErrors()
  const errorsOf = new Map(errors.data?.map(({ value, count }) => [value, count]))

  if (apps.isError) {
    // Its place in the keyword box says it already.
    if (apps.error instanceof Problem && apps.error.position !== undefined) return null
    return <ProblemNotice error={apps.error} onRetry={() => void apps.refetch()} />
  }
  if (apps.data === undefined) return <div className="lines-blank muted">{t('lines.loading')}</div>
  if (apps.data.length === 0) return <NothingFound />
  return (
    <section className={`apps${apps.isPlaceholderData ? ' stale' : ''}`} aria-label={t('apps.label')}>
      <header className="apps-head">
        <h1>{view.cluster}</h1>
        <span className="muted">
          {t('apps.count', { count: apps.data.length })}
          {view.q !== '' && ` ${t('apps.matching')}`} · {range}
        </span>
      </header>
      <ul className="apps-cards">
        {apps.data.map((app) => (
          <li key={app.value}>
            <AppCard app={app} errors={errorsOf.get(app.value) ?? (errors.data ? 0 : undefined)} />
          </li>
        ))}
      </ul>
      {apps.data.length >= appsMax && <p className="muted">{t('picker.onlySome', { count: appsMax })}</p>}
    </section>
  )
}
