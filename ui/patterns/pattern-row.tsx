/** One pattern: how often, what it looks like, since when; a click shows its lines. */
import { type KeyboardEvent, memo } from 'react'
import { useTranslation } from 'react-i18next'
import { countText, shareText } from '../state/number-text.ts'
import { onlyPattern, withoutPattern } from '../state/pattern-model.ts'
import { spanText } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { PatternDetails } from './pattern-details.tsx'
import { PatternText } from './pattern-text.tsx'
import type { Pattern } from './use-patterns.ts'

interface PatternRowProps {
  readonly pattern: Pattern
  /** Of the most frequent one: its bar is full. */
  readonly shareMax: number
  /** Nothing is new where there was nothing before. */
  readonly showNew: boolean
  readonly opened: boolean
  onToggle(pattern: Pattern): void
}

export const PatternRow = memo(function PatternRow({ pattern, shareMax, showNew, opened, onToggle }: PatternRowProps) {
  const { t } = useTranslation()
  const { view, zone, search } = useView()
  const { level, count, share, query, first, last, previous } = pattern
  const exclude = () => query !== null && search(withoutPattern(view, { level, query }))
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'o') onToggle(pattern)
    else if (event.key === 'x') exclude()
    else return
    event.preventDefault()
  }
  return (
    <li className="pattern" data-level={level} data-opened={opened} onKeyDown={onKeyDown}>
      <button
        type="button"
        className="pattern-unfold"
        aria-expanded={opened}
        aria-label={t('patterns.details')}
        title={`${t('patterns.details')} (o)`}
        onClick={() => onToggle(pattern)}
      >
        <span aria-hidden="true">{opened ? '▾' : '▸'}</span>
      </button>
      <button
        type="button"
        className="pattern-main"
        disabled={query === null}
        title={query === null ? t('patterns.noQuery') : t('patterns.lines')}
        onClick={() => query !== null && search(onlyPattern(view, { level, query }))}
      >
        <span className="pattern-count">{countText(count)}</span>
        <span className="pattern-share">
          {shareText(share)}
          {view.sort === 'change' && previous !== undefined ? (
            <span>{t('patterns.was', { share: shareText(previous.share) })}</span>
          ) : (
            <span className="pattern-bar" aria-hidden="true">
              <i style={{ width: `${(share / shareMax) * 100}%` }} />
            </span>
          )}
        </span>
        <span className="pattern-text">
          {showNew && pattern.new === true && <b className="pattern-new">{t('patterns.new')}</b>}
          <span className="mono">
            <PatternText pattern={pattern.pattern} />
          </span>
        </span>
        <span className="pattern-level">{level}</span>
        <span className="pattern-span">
          {first !== null && last !== null && spanText(Date.parse(first), Date.parse(last), zone)}
        </span>
      </button>
      <button
        type="button"
        className="icon-button pattern-exclude"
        disabled={query === null}
        aria-label={t('patterns.exclude')}
        title={query === null ? t('patterns.noQuery') : `${t('patterns.exclude')} (x)`}
        onClick={exclude}
      >
        −
      </button>
      {opened && <PatternDetails pattern={pattern} showNew={showNew} />}
    </li>
  )
})
