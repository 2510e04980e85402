import { memo, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Expression } from '../../pipeline/query.ts'
import type { ApiRecord } from '../api.ts'
import { hitsIn } from '../state/highlight.ts'
import {
  type Excerpt,
  foldedCharsMax,
  foldMessage,
  segments,
  unfoldMessage,
  wrappedCharsMax,
} from '../state/line-model.ts'
import { countText } from '../state/number-text.ts'
import { columnTime, type DateShape, fullTime } from '../state/time-text.ts'

interface LineRowProps {
  readonly record: ApiRecord
  readonly expression: Expression | undefined
  readonly zone: string
  readonly shape: DateShape
  readonly wrap: boolean
  /** Room for the message, in characters; none is too far in wrap mode. */
  readonly columns: number
  readonly selected: boolean
  readonly unfolded: boolean
  onOpen(record: ApiRecord): void
  onFold(id: string): void
}

/** One event. The whole row opens its context, except while text is being selected in it. */
export const LineRow = memo(function LineRow(props: LineRowProps) {
  const { record, expression, zone, shape, wrap, columns, selected, unfolded, onOpen, onFold } = props
  const { t } = useTranslation()
  const { message } = record
  const hits = useMemo(() => hitsIn(expression, message), [expression, message])
  const folded = foldMessage(message, hits, wrap ? wrappedCharsMax : foldedCharsMax, columns)
  const excerpt = unfolded ? unfoldMessage(message) : folded
  // Without wrapping the row ends where the window does: that says itself, but not what was left out before it.
  const foldable = folded.linesMore > 0 || ((wrap || folded.clipped) && folded.charsMore > 0)

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j, k and c do the same from anywhere on the page
    // biome-ignore lint/a11y/noStaticElementInteractions: the list item around it is what assistive tools read
    <div
      className="line"
      aria-current={selected ? 'true' : undefined}
      data-level={record.level}
      data-unfolded={unfolded}
      onClick={() => window.getSelection()?.isCollapsed !== false && onOpen(record)}
    >
      <time className="line-time" dateTime={record.time} title={fullTime(record.time, zone)}>
        {columnTime(record.time, zone, shape)}
      </time>
      <span className="line-host" title={record.host}>
        {record.host}
      </span>
      <span className="line-message">
        <span className="line-text">
          {record.continues !== undefined && (
            <span className="line-continued" title={t('lines.continued')}>
              ↳{' '}
            </span>
          )}
          {excerpt.clipped && <span className="muted">…</span>}
          <Marked message={message} excerpt={excerpt} hits={hits} />
          {unfolded && excerpt.charsMore > 0 && (
            <span className="muted">… {t('lines.moreChars', { amount: countText(excerpt.charsMore) })}</span>
          )}
        </span>
        {(foldable || unfolded) && (
          <button
            type="button"
            className="line-fold"
            aria-expanded={unfolded}
            onClick={(event) => {
              event.stopPropagation()
              onFold(record.id)
            }}
          >
            {unfolded ? `▾ ${t('lines.fold')}` : <FoldText folded={folded} />}
          </button>
        )}
      </span>
    </div>
  )
})

function FoldText({ folded }: { readonly folded: Excerpt }) {
  const { t } = useTranslation()
  const more = folded.linesMore > 0
  return (
    <>
      ▸{' '}
      {more
        ? t('lines.moreLines', { count: folded.linesMore })
        : t('lines.moreChars', { amount: countText(folded.charsMore) })}
      {folded.hitsMore > 0 && <b> · {t('lines.moreHits', { count: folded.hitsMore })}</b>}
    </>
  )
}

interface MarkedProps {
  readonly message: string
  readonly excerpt: { readonly start: number; readonly end: number }
  readonly hits: readonly { readonly start: number; readonly end: number }[]
}

/** Text with its hits marked. Always text nodes: a line never becomes markup. */
export function Marked({ message, excerpt, hits }: MarkedProps) {
  return segments(message, excerpt, hits).map(({ text, hit, start }) => (hit ? <mark key={start}>{text}</mark> : text))
}
