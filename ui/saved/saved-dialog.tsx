/** Saved searches: the present one gets a name, others are opened, renamed, linked to, removed. */
import { Modal } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../copy-button.tsx'
import { useProblemText } from '../results/problem-notice.tsx'
import { useSession } from '../session/session.ts'
import { summaryOf } from '../state/saved-model.ts'
import { useView } from '../view-context.tsx'
import { SaveForm } from './save-form.tsx'
import { SavedRow } from './saved-row.tsx'
import { useSavedSearches } from './use-saved.ts'
import './saved.css'

/** With fewer nobody needs to filter. */
const filterFrom = 8

export function SavedDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation()
  const { view } = useView()
  const saved = useSavedSearches()
  const here = view.page === 'search' && view.cluster !== undefined && view.app.length > 0
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('saved.title')}
      size={620}
      yOffset="8vh"
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {here && (
        <section className="saved-here">
          <SaveForm saved={saved.data ?? []} />
          <CopyButton className="text-button" text={() => location.href}>
            {t('saved.copyAddress')}
          </CopyButton>
        </section>
      )}
      {saved.isError ? (
        <Failed error={saved.error} onRetry={() => void saved.refetch()} />
      ) : saved.data === undefined ? (
        <p className="muted">{t('saved.loading')}</p>
      ) : (
        <SavedList searches={saved.data} onClose={onClose} />
      )}
    </Modal>
  )
}

interface SavedListProps {
  readonly searches: NonNullable<ReturnType<typeof useSavedSearches>['data']>
  onClose(): void
}

function SavedList({ searches, onClose }: SavedListProps) {
  const { t } = useTranslation()
  const session = useSession()
  const [typed, setTyped] = useState('')
  if (searches.length === 0) return <p className="saved-none muted">{t('saved.none')}</p>
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = searches.filter((search) => {
    const where = `${search.name} ${summaryOf(search)} ${search.owner}`.toLowerCase()
    return words.every((word) => where.includes(word))
  })
  return (
    <>
      {searches.length >= filterFrom && (
        <input
          type="search"
          className="small-input saved-filter"
          value={typed}
          placeholder={t('saved.filter')}
          aria-label={t('saved.filter')}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <ul className="saved-list" aria-label={t('saved.title')}>
        {shown.map((search) => (
          <SavedRow
            key={search.id}
            search={search}
            rights={session.data?.rights === true}
            mayChange={search.own || session.data?.role === 'operator'}
            onClose={onClose}
          />
        ))}
      </ul>
      {shown.length === 0 && <p className="muted">{t('saved.noneNamed', { name: typed.trim() })}</p>}
    </>
  )
}

function Failed({ error, onRetry }: { readonly error: Error; onRetry(): void }) {
  const { t } = useTranslation()
  const { text, hint } = useProblemText(error)
  return (
    <div role="alert">
      <p>
        {t('saved.failed')} {text} {hint}
      </p>
      <button type="button" className="quiet-button" onClick={onRetry}>
        {t('action.retry')}
      </button>
    </div>
  )
}
