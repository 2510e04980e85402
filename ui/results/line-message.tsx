/** The text of a line: folded to its first line or whole, with hits marked and the terminal's colours. */
import { type ReactNode, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Expression } from '../../pipeline/query.ts'
import type { ApiRecord } from '../api.ts'
import { styledRanges } from '../state/ansi.ts'
import { looksLikeJson, parseJson } from '../state/json-model.ts'
import {
  type Excerpt,
  foldedCharsMax,
  foldMessage,
  type Range,
  segments,
  unfoldedCharsMax,
  unfoldMessage,
  wrappedCharsMax,
} from '../state/line-model.ts'
import { countText } from '../state/number-text.ts'
import { JsonTree } from './json-tree.tsx'
import './ansi.css'

interface LineMessageProps {
  readonly record: ApiRecord
  readonly hits: readonly Range[]
  /** What the hits are those of. */
  readonly expression: Expression | undefined
  readonly wrap: boolean
  /** Room for the message, in characters; none is too far in wrap mode. */
  readonly columns: number
  /** Characters that are shown unfolded; 0 = folded. */
  readonly unfolded: number
  /** What can be done with the line: over its end, but never over the button that unfolds it. */
  readonly actions: ReactNode
  onFold(id: string, chars: number): void
}

export function LineMessage(props: LineMessageProps) {
  const { record, hits, expression, wrap, columns, unfolded, actions, onFold } = props
  const { t } = useTranslation()
  const { message } = record
  const folded = foldMessage(message, hits, wrap ? wrappedCharsMax : foldedCharsMax, columns)
  const open = unfolded > 0
  const excerpt = open ? unfoldMessage(message, unfolded) : folded
  const json = useMemo(() => (open ? parseJson(message) : undefined), [open, message])
  const foldable = folded.linesMore > 0 || folded.charsMore > 0 || looksLikeJson(message)
  const foldButton = (foldable || open) && (
    <button
      type="button"
      className="line-fold"
      aria-expanded={open}
      onClick={(event) => {
        event.stopPropagation()
        onFold(record.id, open ? 0 : unfoldedCharsMax)
      }}
    >
      {open ? `▾ ${t('lines.fold')}` : <FoldText folded={folded} />}
    </button>
  )

  return (
    <span className="line-message" data-unfolded={open}>
      {json === undefined ? (
        <span className="line-text">
          {record.continues !== undefined && (
            <span className="line-continued" title={t('lines.continued')}>
              ↳{' '}
            </span>
          )}
          {excerpt.clipped && <span className="muted">…</span>}
          <Marked message={message} excerpt={excerpt} hits={hits} />
        </span>
      ) : (
        <JsonTree value={json} expression={expression} />
      )}
      {json === undefined && open && excerpt.charsMore > 0 && (
        <button
          type="button"
          className="line-fold"
          onClick={(event) => {
            event.stopPropagation()
            onFold(record.id, unfolded + unfoldedCharsMax)
          }}
        >
          ▸ {t('lines.showMore', { amount: countText(excerpt.charsMore) })}
        </button>
      )}
      {foldButton && !wrap && !open ? (
        <span className="line-tail">
          {actions}
          {foldButton}
        </span>
      ) : (
        <>
          {foldButton}
          {actions}
        </>
      )}
    </span>
  )
}

function FoldText({ folded }: { readonly folded: Excerpt }) {
  const { t } = useTranslation()
  const { linesMore, charsMore, hitsMore } = folded
  const more =
    linesMore > 0
      ? t('lines.moreLines', { count: linesMore })
      : charsMore > 0
        ? t('lines.moreChars', { amount: countText(charsMore) })
        : '{ }'
  return (
    <>
      ▸ {more}
      {hitsMore > 0 && <b> · {t('lines.moreHits', { count: hitsMore })}</b>}
    </>
  )
}

interface MarkedProps {
  readonly message: string
  readonly excerpt: Range
  readonly hits: readonly Range[]
}

/** Text with its hits marked and its colours. Always text nodes: a line never becomes markup. */
export function Marked({ message, excerpt, hits }: MarkedProps) {
  const styles = useMemo(() => styledRanges(message), [message])
  return segments(message, excerpt, hits, styles).map(({ text, hit, start, className }) => {
    if (hit) {
      return (
        <mark key={start} className={className}>
          {text}
        </mark>
      )
    }
    return className === undefined ? (
      text
    ) : (
      <span key={start} className={className}>
        {text}
      </span>
    )
  })
}
