/** Which fields the lines have that were found, with their most frequent values. Beside the list. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useProblemText } from '../results/problem-notice.tsx'
import { SampleNote } from '../sample-note.tsx'
import { countText, shareText } from '../state/number-text.ts'
import { useView } from '../view-context.tsx'
import { FieldRow } from './field-row.tsx'
import { useFields } from './use-fields.ts'
import './fields.css'

/** With fewer nobody needs to filter. */
const filterFrom = 8

export function FieldsPanel() {
  const { t } = useTranslation()
  const { change } = useView()
  const answer = useFields()
  return (
    <aside className="fields" aria-label={t('fields.title')} aria-busy={answer.isFetching}>
      <header className="fields-head">
        <h2>{t('fields.title')}</h2>
        <button
          type="button"
          className="icon-button"
          aria-label={t('action.close')}
          onClick={() => change({ fields: false }, 'replace')}
        >
          ✕
        </button>
      </header>
      {answer.isFetching && <div className="results-progress" />}
      {answer.isError ? (
        <Failed error={answer.error} onRetry={() => void answer.refetch()} />
      ) : answer.data === undefined ? (
        <p className="fields-note">{t('fields.loading')}</p>
      ) : (
        <FieldList answer={answer.data} />
      )}
    </aside>
  )
}

function FieldList({ answer }: { readonly answer: NonNullable<ReturnType<typeof useFields>['data']> }) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState('')
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const { fields, withFields, total, more } = answer
  if (total === 0) return <p className="fields-note">{t('fields.nothing')}</p>
  if (fields.length === 0) return <p className="fields-note">{t('fields.none')}</p>
  const wanted = typed.trim().toLowerCase()
  const shown = fields.filter(({ name }) => name.toLowerCase().includes(wanted))
  const toggle = (name: string) =>
    setOpened((names) => (names.has(name) ? names.difference(new Set([name])) : names.union(new Set([name]))))
  return (
    <>
      <p className="fields-note">
        {t('fields.withFields', { share: shareText(withFields.share) })} <SampleNote sample={answer.sample} />
      </p>
      {fields.length >= filterFrom && (
        <input
          type="search"
          className="small-input"
          value={typed}
          placeholder={t('fields.filter', { amount: countText(fields.length + more) })}
          aria-label={t('fields.filter', { amount: countText(fields.length + more) })}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <ul className="fields-list">
        {shown.map((field) => (
          <FieldRow key={field.name} field={field} opened={opened.has(field.name)} onToggle={toggle} />
        ))}
      </ul>
      {shown.length === 0 && <p className="fields-note">{t('fields.noneNamed', { name: typed.trim() })}</p>}
      {more > 0 && <p className="fields-note">{t('fields.more', { count: more, amount: countText(more) })}</p>}
    </>
  )
}

function Failed({ error, onRetry }: { readonly error: Error; onRetry(): void }) {
  const { t } = useTranslation()
  const { text, hint } = useProblemText(error)
  // A query that cannot be read says so under its box.
  if (error instanceof Problem && error.position !== undefined)
    return <p className="fields-note">{t('keyword.invalid')}</p>
  return (
    <div className="fields-note" role="alert">
      <p>
        {t('fields.failed')} {text} {hint}
      </p>
      <button type="button" className="quiet-button" onClick={onRetry}>
        {t('action.retry')}
      </button>
    </div>
  )
}
