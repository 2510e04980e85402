/** What was found: summary, histogram, lines, and beside them the context of the selected line. */
import { lazy, Suspense, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type ApiRecord, Problem } from '../api.ts'
import { ContextPanel } from '../context/context-panel.tsx'
import { useKeys } from '../keys/use-keys.ts'
import { LiveBar } from '../live/live-bar.tsx'
import { useLive } from '../live/use-live.ts'
import { useSearch } from '../queries.ts'
import { shownLines } from '../state/live-model.ts'
import { useView } from '../view-context.tsx'
import { Histogram } from './histogram.tsx'
import { LineList } from './line-list.tsx'
import { NothingCame, NothingFound, NothingYet } from './notices.tsx'
import { ProblemNotice } from './problem-notice.tsx'
import { SelectionBar } from './selection-bar.tsx'
import { Summary } from './summary.tsx'
import { useNewer } from './use-newer.ts'
import './results.css'

const PatternsTab = lazy(() =>
  import('../patterns/patterns-tab.tsx').then(({ PatternsTab }) => ({ default: PatternsTab })),
)
const FieldsPanel = lazy(() =>
  import('../fields/fields-panel.tsx').then(({ FieldsPanel }) => ({ default: FieldsPanel })),
)
const none: readonly ApiRecord[] = []

export function Results() {
  const { t } = useTranslation()
  const { view, search: searchAgain } = useView()
  const search = useSearch()
  // Which record's context is shown is in the address; where j and k stand, when none is, is not worth an address.
  const [cursor, setCursor] = useState<string>()
  const boxRef = useRef<HTMLDivElement>(null)
  const found = useMemo(() => search.data?.pages.flatMap((page) => page.records), [search.data])
  const { hasNextPage, isPlaceholderData } = search
  const isCurrent = found !== undefined && !isPlaceholderData
  const live = useLive(isCurrent ? found : none, isCurrent)
  const { lines, waiting, below } = live.live
  const records = useMemo(
    () => found && (lines.length === 0 && below === 'found' ? found : shownLines(live.live, found, hasNextPage)),
    [found, hasNextPage, live.live, lines, below],
  )
  const counted = useNewer(isCurrent ? (waiting[0] ?? records?.[0]) : undefined)
  useKeys({ p: () => view.follow && live.pause(live.status !== 'paused') })

  const body = () => {
    if (view.tab === 'patterns') return <PatternsTab />
    // A failure to load older lines stands at the end of the list, where the lines would have come.
    if (search.isError && records === undefined) {
      const inKeyword = search.error instanceof Problem && search.error.position !== undefined
      if (inKeyword) return <div className="lines-blank muted">{t('keyword.invalid')}</div>
      return <ProblemNotice error={search.error} onRetry={() => void search.refetch()} />
    }
    if (records === undefined) return <div className="lines-blank muted">{t('lines.loading')}</div>
    if (records.length === 0 && !search.isPlaceholderData) {
      if (view.follow) return <NothingCame />
      const coveredFrom = search.data?.pages.at(-1)?.partial?.coveredFrom
      if (coveredFrom === undefined || !search.hasNextPage) return <NothingFound />
      return <NothingYet coveredFrom={coveredFrom} search={search} />
    }
    return (
      <LineList
        records={records}
        newer={waiting.length + counted}
        below={below}
        search={search}
        cursor={view.line?.id ?? cursor}
        onCursor={setCursor}
        onHeld={live.hold}
        onShowNewer={counted > 0 ? () => searchAgain() : live.show}
      />
    )
  }

  return (
    <>
      <Summary records={records ?? []} />
      <Histogram />
      <div ref={boxRef} className={`results${search.isPlaceholderData ? ' stale' : ''}`}>
        <Suspense>{view.fields && <FieldsPanel />}</Suspense>
        <section
          className="results-lines"
          aria-label={t(view.tab === 'patterns' ? 'patterns.title' : 'lines.label')}
          aria-busy={search.isFetching}
        >
          {view.follow && view.tab === 'lines' && <LiveBar live={live} />}
          {search.isFetching && !search.isFetchingNextPage && <div className="results-progress" />}
          <Suspense>{body()}</Suspense>
        </section>
        {view.line !== undefined && <ContextPanel line={view.line} />}
        <SelectionBar boxRef={boxRef} />
      </div>
    </>
  )
}
