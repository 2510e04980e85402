/** The shapes of the lines that were found: the most frequent ones, or those that changed most since the range before. */
import { useCallback, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useKeys } from '../keys/use-keys.ts'
import { NothingFound } from '../results/notices.tsx'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { SampleNote } from '../sample-note.tsx'
import { countText } from '../state/number-text.ts'
import { rangeText } from '../state/time-range.ts'
import { patternOrders } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import { GonePatterns } from './gone-patterns.tsx'
import { PatternRow } from './pattern-row.tsx'
import { type Pattern, type PatternsAnswer, usePatterns } from './use-patterns.ts'
import './patterns.css'

const patternsAtFirst = 50
const patternsMax = 500

export function PatternsTab() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const [limit, setLimit] = useState(patternsAtFirst)
  const answer = usePatterns(limit)
  const { data } = answer

  if (answer.isError) {
    // A query that cannot be read says so under its box.
    if (answer.error instanceof Problem && answer.error.position !== undefined)
      return <div className="lines-blank muted">{t('keyword.invalid')}</div>
    return (
      <ProblemNotice error={answer.error} onRetry={() => void answer.refetch()}>
        {view.compare && (
          <button type="button" className="quiet-button" onClick={() => change({ compare: false }, 'replace')}>
            {t('patterns.alone')}
          </button>
        )}
      </ProblemNotice>
    )
  }
  if (data === undefined) return <div className="lines-blank muted">{t('patterns.loading')}</div>
  if (data.total === 0 && !answer.isPlaceholderData) return <NothingFound />
  return (
    <div className={`patterns${answer.isPlaceholderData ? ' stale' : ''}`} aria-busy={answer.isFetching}>
      {answer.isFetching && <div className="results-progress" />}
      <PatternsHead answer={data} />
      <PatternList
        answer={data}
        more={data.more > 0 && limit < patternsMax && !answer.isFetching}
        onMore={() => setLimit(patternsMax)}
      />
    </div>
  )
}

function PatternsHead({ answer }: { readonly answer: PatternsAnswer }) {
  const { t } = useTranslation()
  const { view, zone, change } = useView()
  const { previous } = answer
  const count = answer.patterns.length + answer.more
  return (
    <header className="patterns-head">
      <p role="status">
        <b>{countText(count)}</b> {t('patterns.count', { count })} · <SampleNote sample={answer.sample} />
        {previous !== undefined && (
          <span className="muted">
            {' · '}
            {t(previous.total === 0 ? 'patterns.nothingBefore' : 'patterns.compared', {
              range: rangeText(secondsOf(previous), zone, ''),
            })}
          </span>
        )}
      </p>
      <div className="chips">
        {view.compare &&
          patternOrders.map((order) => (
            <button
              key={order}
              type="button"
              className="chip"
              aria-pressed={view.sort === order}
              onClick={() => change({ sort: order }, 'replace')}
            >
              {t(`patterns.order_${order}`)}
            </button>
          ))}
        <button
          type="button"
          className="chip"
          aria-pressed={view.compare}
          onClick={() => change({ compare: !view.compare, sort: 'count' }, 'replace')}
        >
          {t('patterns.compare')}
        </button>
      </div>
    </header>
  )
}

/** Edges that nobody chose are read to the second. */
function secondsOf({ from, to }: { readonly from: string; readonly to: string }) {
  return { from: from.replace(/\.\d+Z$/, 'Z'), to: to.replace(/\.\d+Z$/, 'Z') }
}

interface PatternListProps {
  readonly answer: PatternsAnswer
  readonly more: boolean
  onMore(): void
}

function PatternList({ answer, more, onMore }: PatternListProps) {
  const { t } = useTranslation()
  const listRef = useRef<HTMLOListElement>(null)
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback((pattern: Pattern) => setOpened((keys) => toggled(keys, keyOf(pattern))), [])
  const { previous } = answer
  const shareMax = Math.max(...answer.patterns.map(({ share }) => share))

  const step = (by: number) => {
    const mains = [...(listRef.current?.querySelectorAll<HTMLElement>('.pattern-main:enabled') ?? [])]
    const at = mains.findIndex((row) => row.closest('.pattern')?.contains(document.activeElement))
    mains[Math.min(mains.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus()
  }
  const [nextRow, previousRow] = [() => step(1), () => step(-1)]
  useKeys({ j: nextRow, k: previousRow, ArrowDown: nextRow, ArrowUp: previousRow })

  return (
    <div className="patterns-list">
      <ol ref={listRef}>
        {answer.patterns.map((pattern) => (
          <PatternRow
            key={keyOf(pattern)}
            pattern={pattern}
            shareMax={shareMax}
            showNew={(previous?.total ?? 0) > 0}
            opened={opened.has(keyOf(pattern))}
            onToggle={toggle}
          />
        ))}
      </ol>
      {(answer.other > 0 || answer.more > 0) && (
        <p className="patterns-more muted">
          {answer.more > 0 && t('patterns.more', { count: answer.more, amount: countText(answer.more) })}{' '}
          {answer.other > 0 && t('patterns.other', { count: answer.other, amount: countText(answer.other) })}
          {more && (
            <button type="button" className="quiet-button" onClick={onMore}>
              {t('patterns.showMore')}
            </button>
          )}
        </p>
      )}
      {previous !== undefined && <GonePatterns previous={previous} />}
    </div>
  )
}

function keyOf({ level, pattern }: Pattern): string {
  return `${level} ${pattern}`
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys)
  if (!next.delete(key)) next.add(key)
  return next
}
