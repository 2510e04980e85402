/** Lines over time, stacked by level. A click or a drag narrows the range; with the keyboard the arrows and Enter do. */
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useHistogram, useSearch } from '../queries.ts'
import { type Bar, barsOf, rangeOfBars, ticksOf } from '../state/histogram-model.ts'
import { countText } from '../state/number-text.ts'
import { fullTime, spanText, tickText } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import './histogram.css'

export const histogramBuckets = 90
const ticksMax = 9
/** Behind it there is no room for a tick's text. */
const tickShareMax = 0.96

export function Histogram() {
  const { t } = useTranslation()
  const { zone, search } = useView()
  const { data, isPlaceholderData, isFetching, isError, error } = useHistogram(histogramBuckets)
  const bars = useMemo(() => (data ? barsOf(data) : []), [data])
  const { stepMs, ticks } = useMemo(() => ticksOf(bars, zone, ticksMax), [bars, zone])
  const [at, setAt] = useState<number>()
  const [dragFrom, setDragFrom] = useState<number>()

  const indexOf = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    return Math.min(bars.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * bars.length)))
  }
  const narrow = (one: number, other: number) => {
    const range = rangeOfBars(bars, one, other)
    if (range !== undefined) search(range)
    setAt(undefined)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -bars.length, End: bars.length }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt(Math.min(bars.length - 1, Math.max(0, (at ?? bars.length) + step)))
    } else if (event.key === 'Enter' && at !== undefined) narrow(at, at)
    else if (event.key === 'Escape') setDragFrom(undefined)
  }

  const bar = at === undefined ? undefined : bars[at]
  const describe = ({ fromMs, toMs, count, errors }: Bar) =>
    t(errors > 0 ? 'histogram.bucketErrors' : 'histogram.bucket', {
      span: spanText(fromMs, toMs, zone),
      amount: countText(count),
      errors: countText(errors),
    })
  const low = Math.min(at ?? 0, dragFrom ?? 0)
  const high = Math.max(at ?? 0, dragFrom ?? 0)

  if (isError) {
    // A wrong query says so under its box; once is enough.
    const inKeyword = error instanceof Problem && error.position !== undefined
    const isCostly = error instanceof Problem && error.status === 422
    return (
      <div className="histogram histogram-note">
        {!inKeyword && t(isCostly ? 'histogram.costly' : 'histogram.failed')}
      </div>
    )
  }
  // While lines are followed it is asked for again and again, which is no news.
  const isWaiting = isFetching && (isPlaceholderData || data === undefined)
  return (
    <div className={`histogram${isPlaceholderData ? ' stale' : ''}`} aria-busy={isWaiting}>
      {isWaiting && <div className="results-progress" />}
      <div
        className="histogram-bars"
        role="slider"
        tabIndex={0}
        aria-label={`${t('histogram.label')}. ${t('histogram.hint')}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, bars.length - 1)}
        aria-valuenow={at ?? 0}
        aria-valuetext={bar && describe(bar)}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(undefined)}
        onPointerMove={(event) => setAt(indexOf(event))}
        onPointerLeave={() => dragFrom === undefined && setAt(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0 || bars.length === 0) return
          event.currentTarget.setPointerCapture(event.pointerId)
          setDragFrom(indexOf(event))
        }}
        onPointerUp={(event) => {
          if (dragFrom !== undefined) narrow(dragFrom, indexOf(event))
          setDragFrom(undefined)
        }}
        onPointerCancel={() => setDragFrom(undefined)}
      >
        {bars.map(({ fromMs, errorShare, warnShare, restShare }, index) => (
          <div
            key={fromMs}
            className="histogram-bar"
            data-on={dragFrom === undefined ? index === at : index >= low && index <= high}
          >
            <i className="histogram-error" style={{ height: `${errorShare * 100}%` }} data-some={errorShare > 0} />
            <i className="histogram-warn" style={{ height: `${warnShare * 100}%` }} data-some={warnShare > 0} />
            <i className="histogram-rest" style={{ height: `${restShare * 100}%` }} data-some={restShare > 0} />
          </div>
        ))}
      </div>
      <Unsearched bars={bars} />
      <div className="histogram-ticks" aria-hidden="true">
        {ticks
          .filter(({ share }) => share < tickShareMax)
          .map(({ atMs, share }) => (
            <span key={atMs} style={{ left: `${share * 100}%` }}>
              {tickText(atMs, stepMs, zone)}
            </span>
          ))}
      </div>
      {bar && at !== undefined && (
        <div
          className="histogram-tip"
          aria-hidden="true"
          data-side={at > bars.length / 2 ? 'left' : 'right'}
          style={{ left: `${((at + 0.5) / bars.length) * 100}%` }}
        >
          {dragFrom === undefined ? describe(bar) : spanText(bars[low]?.fromMs ?? 0, bars[high]?.toMs ?? 0, zone)}
        </div>
      )}
    </div>
  )
}

/** Over the time that the search has not looked at yet, because it ran out of time: its bars are counted, its lines not there. */
function Unsearched({ bars }: { readonly bars: readonly Bar[] }) {
  const { t } = useTranslation()
  const { zone } = useView()
  const { data, hasNextPage, isPlaceholderData } = useSearch()
  const coveredFrom = data?.pages.at(-1)?.partial?.coveredFrom
  const [first, last] = [bars[0], bars.at(-1)]
  if (coveredFrom === undefined || !hasNextPage || isPlaceholderData || first === undefined || last === undefined)
    return null
  const share = (Date.parse(coveredFrom) - first.fromMs) / (last.toMs - first.fromMs)
  if (share <= 0) return null
  return (
    <div className="histogram-unsearched" role="note" style={{ width: `${Math.min(1, share) * 100}%` }}>
      <span>{t('histogram.unsearched', { time: fullTime(coveredFrom, zone).slice(0, 19) })}</span>
    </div>
  )
}
