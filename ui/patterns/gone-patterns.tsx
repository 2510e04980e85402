import { useTranslation } from 'react-i18next'
import { countText } from '../state/number-text.ts'
import { andQuery } from '../state/query-text.ts'
import { useView } from '../view-context.tsx'
import { PatternText } from './pattern-text.tsx'
import type { PatternsAnswer } from './use-patterns.ts'

/** What there was in the range before and is no more; a click shows its lines there. */
export function GonePatterns({ previous }: { readonly previous: NonNullable<PatternsAnswer['previous']> }) {
  const { t } = useTranslation()
  const { view, search } = useView()
  const { gone, from, to } = previous
  if (gone.length === 0) return null
  return (
    <details className="patterns-gone">
      <summary>{t('patterns.gone', { count: gone.length })}</summary>
      <ul>
        {gone.map(({ pattern, level, query, count = 0 }) => (
          <li key={`${level} ${pattern}`} className="pattern" data-level={level}>
            <button
              type="button"
              className="pattern-main"
              disabled={query === null}
              title={query === null ? t('patterns.noQuery') : t('patterns.goneLines')}
              onClick={() =>
                query !== null && search({ q: andQuery(view.q, query), level: [level], from, to, tab: 'lines' })
              }
            >
              <span className="pattern-count">{countText(count)}</span>
              <span className="pattern-text">
                <span className="mono">
                  <PatternText pattern={pattern} />
                </span>
              </span>
              <span className="pattern-level">{level}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}
