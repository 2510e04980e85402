import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { FieldFilter } from '../results/field-filter.tsx'
import { type Column, columnsOf, isColumn, toggledColumn } from '../state/column-model.ts'
import { countText, shareText } from '../state/number-text.ts'
import { useView } from '../view-context.tsx'
import type { Field, FieldValue } from './use-fields.ts'

interface FieldRowProps {
  readonly field: Field
  readonly opened: boolean
  onToggle(name: string): void
}

/** A field; unfolded with its most frequent values, each of which can be searched for or left out. */
export function FieldRow({ field, opened, onToggle }: FieldRowProps) {
  const { t } = useTranslation()
  const { name, type, share, count } = field
  const valuesId = useId()
  return (
    <li className="fields-field">
      <div className="fields-head-row">
        <button
          type="button"
          className="fields-name"
          aria-expanded={opened}
          aria-controls={valuesId}
          title={`${name} · ${t(`fields.type_${type}`)} · ${t('fields.lines', { count, amount: countText(count) })}`}
          onClick={() => onToggle(name)}
        >
          <span aria-hidden="true">{opened ? '▾' : '▸'}</span>
          <span className="mono">{name}</span>
          <span className="fields-share">{shareText(share)}</span>
        </button>
        <ColumnToggle name={name} />
      </div>
      {opened && (
        <div id={valuesId}>
          <ul className="fields-values">
            {field.values.map((value) => (
              <ValueRow key={value.value} name={name} count={count} value={value} />
            ))}
          </ul>
          {(field.distinctMore || field.distinct > field.values.length) && (
            <p className="fields-note">
              {t(field.distinctMore ? 'fields.distinctMore' : 'fields.distinct', { amount: countText(field.distinct) })}
            </p>
          )}
        </div>
      )}
    </li>
  )
}

interface ValueRowProps {
  readonly name: string
  /** Lines that have the field. */
  readonly count: number
  readonly value: FieldValue
}

function ValueRow({ name, count, value: { value, count: some } }: ValueRowProps) {
  const share = count === 0 ? 0 : Math.min(1, some / count)
  return (
    <li>
      <span className="fields-value mono" title={value}>
        {value === '' ? '""' : value}
      </span>
      <span className="fields-count" title={shareText(share)}>
        {countText(some)}
      </span>
      <FieldFilter name={name} value={value} />
      <span className="fields-bar" aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </span>
    </li>
  )
}

function ColumnToggle({ name }: { readonly name: string }) {
  const { t } = useTranslation()
  const { view, change } = useView()
  const column: Column = `.${name}`
  // The address separates columns by commas.
  if (!isColumn(column) || name.includes(',')) return null
  const shown = columnsOf(view.cols).includes(column)
  const text = t(shown ? 'columns.remove' : 'fields.asColumn', { name: column })
  return (
    <button
      type="button"
      className="icon-button fields-column"
      aria-pressed={shown}
      aria-label={text}
      title={text}
      onClick={() => change({ cols: toggledColumn(view.cols, column), tab: 'lines' }, 'replace')}
    >
      <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor">
        <path d="M2.5 3.5h11v9h-11zM6.2 3.5v9M9.8 3.5v9" />
      </svg>
    </button>
  )
}
