import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../copy-button.tsx'
import { bodyOf, nameUnitsMax, type SavedSearch, searchOf, summaryOf, viewOf } from '../state/saved-model.ts'
import { useView } from '../view-context.tsx'
import { linkTo } from './link-to.ts'
import { ShareChoice } from './share-choice.tsx'
import { useChangeProblem } from './use-change-problem.ts'
import { useSavedChanges } from './use-saved.ts'

interface SavedRowProps {
  readonly search: SavedSearch
  /** Whether people sign in here: then it matters whose it is. */
  readonly rights: boolean
  readonly mayChange: boolean
  onClose(): void
}

export function SavedRow({ search, rights, mayChange, onClose }: SavedRowProps) {
  const { t } = useTranslation()
  const page = useView()
  const [doing, setDoing] = useState<'edit' | 'remove'>()
  const copyText = t(rights && search.shared !== true ? 'saved.copyOwnLink' : 'saved.copyLink')
  return (
    <li>
      <div className="saved-row">
        <button
          type="button"
          className="saved-open"
          title={search.name}
          onClick={() => {
            page.search(viewOf(search))
            onClose()
          }}
        >
          <b>{search.name}</b>
          {rights && !search.own && <span className="saved-owner">{search.owner}</span>}
          {rights && search.own && search.shared === true && <span className="saved-owner">{t('saved.shared')}</span>}
          <span className="saved-summary">{summaryOf(search)}</span>
        </button>
        <CopyButton className="icon-button" label={copyText} text={() => linkTo(search.link)}>
          <Icon path="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8" />
        </CopyButton>
        {mayChange && (
          <>
            <button
              type="button"
              className="icon-button"
              aria-expanded={doing === 'edit'}
              aria-label={t('saved.edit', { name: search.name })}
              title={t('saved.edit', { name: search.name })}
              onClick={() => setDoing(doing === 'edit' ? undefined : 'edit')}
            >
              <Icon path="M3 13l.8-3L10.5 3.3a1.4 1.4 0 0 1 2 0l.2.2a1.4 1.4 0 0 1 0 2L6 12.2zM9.2 4.6l2.2 2.2" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-expanded={doing === 'remove'}
              aria-label={t('saved.remove', { name: search.name })}
              title={t('saved.remove', { name: search.name })}
              onClick={() => setDoing(doing === 'remove' ? undefined : 'remove')}
            >
              <Icon path="M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4" />
            </button>
          </>
        )}
      </div>
      {doing === 'edit' && <EditForm search={search} onDone={() => setDoing(undefined)} />}
      {doing === 'remove' && <RemoveForm search={search} onKeep={() => setDoing(undefined)} />}
    </li>
  )
}

interface EditFormProps {
  readonly search: SavedSearch
  onDone(): void
}

function EditForm({ search, onDone }: EditFormProps) {
  const { t } = useTranslation()
  const { view } = useView()
  const changes = useSavedChanges()
  const [name, setName] = useState(search.name)
  const [shared, setShared] = useState(search.shared === true)
  const [withThis, setWithThis] = useState(false)
  const { busy, problem, attempt } = useChangeProblem()
  const here = view.page === 'search' && view.cluster !== undefined && view.app.length > 0
  const save = () =>
    attempt(async () => {
      // Of the list as it is now: when somebody else was first, the second attempt is on top of theirs.
      const content = withThis && view.cluster !== undefined ? searchOf(view, view.cluster) : bodyOf(search)
      await changes.change(search, { ...content, name: name.trim(), shared })
      onDone()
    })
  return (
    <form
      className="saved-change"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <div className="saved-form-row">
        <input
          className="small-input"
          value={name}
          maxLength={nameUnitsMax}
          aria-label={t('saved.name')}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: who opens it wants to type a name
          autoFocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" className="solid-button" disabled={busy || name.trim() === ''}>
          {t('saved.save')}
        </button>
      </div>
      <ShareChoice shared={shared} onChange={setShared} />
      {here && (
        <label className="saved-share">
          <input type="checkbox" checked={withThis} onChange={(event) => setWithThis(event.currentTarget.checked)} />
          {t('saved.withThis')}
        </label>
      )}
      {problem !== undefined && (
        <p className="saved-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}

function RemoveForm({ search, onKeep }: { readonly search: SavedSearch; onKeep(): void }) {
  const { t } = useTranslation()
  const changes = useSavedChanges()
  const { busy, problem, attempt } = useChangeProblem()
  return (
    <div className="saved-change saved-remove">
      <span>{t('saved.removeAsk')}</span>
      <button
        type="button"
        className="solid-button saved-remove-now"
        disabled={busy}
        // biome-ignore lint/a11y/noAutofocus: it was asked for; Tab leads to keeping it
        autoFocus
        onClick={() => void attempt(() => changes.remove(search))}
      >
        {t('saved.removeNow')}
      </button>
      <button type="button" className="quiet-button" onClick={onKeep}>
        {t('saved.keep')}
      </button>
      {problem !== undefined && (
        <p className="saved-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  )
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor">
      <path d={path} strokeWidth="1.3" />
    </svg>
  )
}
