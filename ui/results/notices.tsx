/** The empty states: each says what is so, and offers what to try. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import type { ValueCount } from '../api.ts'
import { PageLink } from '../page-link.tsx'
import { useRangeText } from '../query-bar/range-picker.tsx'
import { countText } from '../state/number-text.ts'
import { presetRange } from '../state/time-range.ts'
import { fullTime } from '../state/time-text.ts'
import type { View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

const WhyEmpty = lazy(() => import('../explain/why-empty.tsx').then(({ WhyEmpty }) => ({ default: WhyEmpty })))

export function NothingFound() {
  const { t } = useTranslation()
  const { view, search } = useView()
  const range = useRangeText()
  const narrowed = [view.instance, view.dir, view.file, view.host].some((chosen) => chosen.length > 0)
  const tries: [shown: boolean, text: string, change: Partial<View>][] = [
    [view.from !== 'now-7d' || view.to !== '', t('empty.wider'), presetRange('7d')],
    [view.q !== '', t('empty.withoutKeyword'), { q: '' }],
    [view.level.length > 0, t('empty.withoutLevel'), { level: [] }],
    [narrowed, t('empty.withoutFilters'), { instance: [], dir: [], file: [], host: [] }],
  ]
  return (
    <div className="notice">
      <h2>{t('empty.title')}</h2>
      <p>
        {t('empty.inRange', { range })} {view.q !== '' && t('empty.words')}
      </p>
      <Suspense>
        <WhyEmpty>
          <div className="notice-actions">
            {tries.map(
              ([shown, text, change]) =>
                shown && (
                  <button key={text} type="button" className="quiet-button" onClick={() => search(change)}>
                    {text}
                  </button>
                ),
            )}
          </div>
        </WhyEmpty>
      </Suspense>
    </div>
  )
}

/** While lines are followed, there being none is no failure. */
export function NothingCame() {
  const { t } = useTranslation()
  return (
    <div className="notice">
      <h2>{t('live.waiting')}</h2>
      <p>{t('live.waitingHint')}</p>
    </div>
  )
}

/** The search ran out of time before it found anything: that is not the same as nothing. */
export function NothingYet({
  coveredFrom,
  search,
}: {
  readonly coveredFrom: string
  readonly search: UseInfiniteQueryResult
}) {
  const { t } = useTranslation()
  const { zone } = useView()
  return (
    <div className="notice">
      <h2>{t('empty.yet')}</h2>
      <p>{t('empty.yetFrom', { time: fullTime(coveredFrom, zone) })}</p>
      <button
        type="button"
        className="quiet-button"
        disabled={search.isFetchingNextPage}
        onClick={() => void search.fetchNextPage()}
      >
        {search.isFetchingNextPage ? t('lines.loadingOlder') : t('empty.further')}
      </button>
    </div>
  )
}

export function NoData({ onRetry }: { onRetry(): void }) {
  const { t } = useTranslation()
  return (
    <div className="notice">
      <h2>{t('empty.noDataTitle')}</h2>
      <p>{t('empty.noData')}</p>
      <div className="notice-actions">
        <button type="button" className="quiet-button" onClick={onRetry}>
          {t('empty.noDataCheck')}
        </button>
        <PageLink className="quiet-button" to={{ page: 'files' }}>
          {t('empty.noDataFiles')}
        </PageLink>
      </div>
    </div>
  )
}

export function NoCluster({ clusters }: { readonly clusters: readonly ValueCount[] }) {
  const { t } = useTranslation()
  const { change } = useView()
  return (
    <div className="notice">
      <h2>{t('empty.noCluster')}</h2>
      <div className="notice-actions">
        {clusters.map(({ value, count }) => (
          <button key={value} type="button" className="quiet-button" onClick={() => change({ cluster: value })}>
            {value} <span className="muted">{countText(count)}</span>
          </button>
        ))}
      </div>
    </div>
  )
}
