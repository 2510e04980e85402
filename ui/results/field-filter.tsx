import { useTranslation } from 'react-i18next'
import { andField } from '../state/query-text.ts'
import { useView } from '../view-context.tsx'
import './field-filter.css'

/** Behind a value that was read from a line: search for it, or leave it out. */
export function FieldFilter({ name, value }: { readonly name: string; readonly value: string }) {
  const { t } = useTranslation()
  const { view, search } = useView()
  return (
    <span className="field-filter">
      <button
        type="button"
        title={t('context.searchField', { name, value })}
        aria-label={t('context.searchField', { name, value })}
        onClick={() => search({ q: andField(view.q, name, value) })}
      >
        +
      </button>
      <button
        type="button"
        title={t('context.excludeField', { name, value })}
        aria-label={t('context.excludeField', { name, value })}
        onClick={() => search({ q: andField(view.q, name, value, true) })}
      >
        −
      </button>
    </span>
  )
}
