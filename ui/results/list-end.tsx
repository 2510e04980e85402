import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { linesMax } from '../queries.ts'
import { type LiveLines, liveLinesMax } from '../state/live-model.ts'
import { countText } from '../state/number-text.ts'
import { useView } from '../view-context.tsx'

interface ListEndProps {
  readonly search: UseInfiniteQueryResult
  readonly count: number
  readonly below: LiveLines<unknown>['below']
}

/** Below the oldest line: what comes next, or that nothing does. */
export function ListEnd({ search, count, below }: ListEndProps) {
  const { t } = useTranslation()
  const view = useView()
  if (below !== 'found') {
    return (
      <div className="lines-end">
        {t(`live.${below}`, { amount: countText(liveLinesMax) })}
        <button type="button" className="quiet-button" onClick={() => view.search()}>
          {t('live.again')}
        </button>
      </div>
    )
  }
  const failed = search.isFetchNextPageError && !search.isFetching
  const full = count >= linesMax
  return (
    <div className="lines-end">
      {failed && <span>{t('lines.olderFailed')}</span>}
      {search.isFetchingNextPage && t('lines.loadingOlder')}
      {search.hasNextPage && !search.isFetchingNextPage && (
        <button type="button" className="quiet-button" onClick={() => void search.fetchNextPage()}>
          {failed ? t('action.retry') : t('lines.older')}
        </button>
      )}
      {!search.hasNextPage && (full ? t('lines.limit', { amount: countText(count) }) : t('lines.end'))}
    </div>
  )
}
