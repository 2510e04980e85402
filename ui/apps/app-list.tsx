/** The apps of the cluster as cards, the busiest first, behind them those that have fallen silent. */
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem, type ValueCount } from '../api.ts'
import { appsMax, useAllApps, useAppErrors, useApps } from '../queries.ts'
import { useRangeText } from '../query-bar/range-picker.tsx'
import { NothingFound } from '../results/notices.tsx'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { useView } from '../view-context.tsx'
import { AppCard } from './app-card.tsx'
import './apps.css'

interface AppListProps {
  /** Only apps with this in their name. */
  readonly name?: string
  /** Also those that wrote nothing in the time range. */
  readonly silentToo?: boolean
  readonly children?: ReactNode
}

export function AppList({ name = '', silentToo = false, children }: AppListProps) {
  const { t } = useTranslation()
  const { view } = useView()
  const range = useRangeText()
  const apps = useApps()
  const ever = useAllApps(silentToo)
  const errors = useAppErrors()
  const errorsOf = new Map(errors.data?.map(({ value, count }) => [value, count]))

  const active = apps.data ?? []
  const known = new Set(active.map(({ value }) => value))
  const silent = apps.isPlaceholderData ? [] : (ever.data ?? []).filter(({ value }) => !known.has(value))
  const named = ({ value }: ValueCount) => value.toLowerCase().includes(name.trim().toLowerCase())

  const body = () => {
    if (apps.isError) {
      // Its place in the keyword box says it already.
      if (apps.error instanceof Problem && apps.error.position !== undefined) return null
      return <ProblemNotice error={apps.error} onRetry={() => void apps.refetch()} />
    }
    if (apps.data === undefined) return <p className="muted">{t('lines.loading')}</p>
    if (active.length === 0 && silent.length === 0) return silentToo && !ever.data ? null : <NothingFound />
    const shown = [...active.filter(named), ...silent.filter(named)]
    if (shown.length === 0) return <p className="muted">{t('apps.noneNamed', { name })}</p>
    return (
      <ul className="apps-cards">
        {shown.map((app) => (
          <li key={app.value}>
            <AppCard
              app={known.has(app.value) ? app : { ...app, count: 0 }}
              errors={errorsOf.get(app.value) ?? (errors.data ? 0 : undefined)}
            />
          </li>
        ))}
      </ul>
    )
  }

  return (
    <section className={`apps${apps.isPlaceholderData ? ' stale' : ''}`} aria-label={t('apps.label')}>
      <header className="apps-head">
        <h1>{view.cluster}</h1>
        <span className="muted">
          {apps.data && t('apps.count', { count: active.length + silent.length })}
          {view.q !== '' && ` ${t('apps.matching')}`} · {range}
        </span>
        {children && <div className="apps-tools">{children}</div>}
      </header>
      {body()}
      {active.length >= appsMax && <p className="muted">{t('picker.onlySome', { count: appsMax })}</p>}
    </section>
  )
}
