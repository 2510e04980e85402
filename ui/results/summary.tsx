/** How much was found, how fast, and the filters that are not in the bar: levels, files, hosts. */
import { useTranslation } from 'react-i18next'
import type { Level } from '../../pipeline/record.ts'
import type { ApiRecord } from '../api.ts'
import { ResultTabs } from '../patterns/result-tabs.tsx'
import { useHistogram, useSearch, useValues } from '../queries.ts'
import { countText } from '../state/number-text.ts'
import { followChange } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import { ColumnsMenu } from './columns-menu.tsx'
import { histogramBuckets } from './histogram.tsx'

const chipOrder: readonly Level[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'none']

export function Summary({ records }: { readonly records: readonly ApiRecord[] }) {
  const { t } = useTranslation()
  const histogram = useHistogram(histogramBuckets)
  const search = useSearch()
  const total = histogram.data?.total
  const tookMs = search.data?.pages[0]?.tookMs
  return (
    <div className="summary">
      <p className="summary-total" role="status">
        {total === undefined ? (
          <span className="muted">{search.isError ? '' : t('lines.loading')}</span>
        ) : (
          <>
            <b>{countText(total)}</b> {t('summary.hits', { count: total })}
          </>
        )}
        {tookMs !== undefined && (
          <span className="summary-took">{t('summary.took', { ms: countText(Math.ceil(tookMs)) })}</span>
        )}
      </p>
      <ResultTabs />
      <FilterChips />
      <LevelChips />
      <ViewChips records={records} />
    </div>
  )
}

/** How the lines are shown. */
function ViewChips({ records }: { readonly records: readonly ApiRecord[] }) {
  const { t } = useTranslation()
  const { view, change } = useView()
  return (
    <div className="chips">
      <button
        type="button"
        className="chip"
        aria-pressed={view.wrap}
        title={`${t('lines.wrap')} (w)`}
        onClick={() => change({ wrap: !view.wrap }, 'replace')}
      >
        {t('lines.wrap')}
      </button>
      <ColumnsMenu records={records} />
      <button
        type="button"
        className="chip chip-follow"
        aria-pressed={view.follow}
        title={`${t('live.title')} (f)`}
        onClick={() => change(followChange(view), 'replace')}
      >
        {view.follow ? '■' : '▶'} {t('live.follow')}
      </button>
    </div>
  )
}

function LevelChips() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const { data = [] } = useValues('level', { without: ['level'], limit: 10 })
  const counts = new Map(data.map(({ value, count }) => [value, count]))
  return (
    <fieldset className="chips" aria-label={t('summary.levels')}>
      {chipOrder
        .filter((level) => counts.has(level) || view.level.includes(level))
        .map((level) => {
          const amount = countText(counts.get(level) ?? 0)
          const on = view.level.includes(level)
          return (
            <button
              key={level}
              type="button"
              className={`chip chip-${level}`}
              aria-pressed={on}
              aria-label={t('summary.chip', { level, amount })}
              onClick={() =>
                change({ level: on ? view.level.filter((other) => other !== level) : [...view.level, level] })
              }
            >
              {level} {amount}
            </button>
          )
        })}
    </fieldset>
  )
}

function FilterChips() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const filters = (['host', 'file'] as const).flatMap((field) => view[field].map((value) => ({ field, value })))
  if (filters.length === 0) return null
  return (
    <fieldset className="chips" aria-label={t('summary.filters')}>
      {filters.map(({ field, value }) => (
        <button
          key={`${field} ${value}`}
          type="button"
          className="chip chip-filter"
          title={value}
          aria-label={t('action.remove', { field: t(`field.${field}`), value })}
          onClick={() => change({ [field]: view[field].filter((other) => other !== value) })}
        >
          <span className="muted">{t(`field.${field}`)}</span> <span className="chip-value">{value}</span> ×
        </button>
      ))}
    </fieldset>
  )
}
