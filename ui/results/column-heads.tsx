import { useTranslation } from 'react-i18next'
import { type Column, columnsOf } from '../state/column-model.ts'
import { useView } from '../view-context.tsx'
import { ColumnName } from './columns-menu.tsx'
import './column-heads.css'

/** Above the lines when the columns were chosen: what each is, and a way to be rid of it. */
export function ColumnHeads() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const columns = columnsOf(view.cols)
  const without = (column: Column) => change({ cols: columns.filter((name) => name !== column) }, 'replace')
  return (
    <div className="line line-heads">
      {columns.map((column) => (
        <span key={column} className="line-head">
          <ColumnName column={column} />
          {columns.length > 1 && (
            <button
              type="button"
              aria-label={t('columns.remove', { name: column })}
              title={t('columns.remove', { name: column })}
              onClick={() => without(column)}
            >
              ×
            </button>
          )}
        </span>
      ))}
      <span className="line-head">{t('field.message')}</span>
    </div>
  )
}
