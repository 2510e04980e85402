/** Gives the present search a name. One of one's own that has this name already is replaced, and that is said before. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../copy-button.tsx'
import { nameUnitsMax, type SavedSearch, searchOf, suggestedName } from '../state/saved-model.ts'
import { useView } from '../view-context.tsx'
import { linkTo } from './link-to.ts'
import { ShareChoice } from './share-choice.tsx'
import { useChangeProblem } from './use-change-problem.ts'
import { useSavedChanges } from './use-saved.ts'

export function SaveForm({ saved }: { readonly saved: readonly SavedSearch[] }) {
  const { t } = useTranslation()
  const { view } = useView()
  const changes = useSavedChanges()
  const [name, setName] = useState(() => suggestedName(view))
  const [shared, setShared] = useState<boolean>()
  const [done, setDone] = useState<SavedSearch>()
  const same = saved.find((search) => search.own && search.name === name.trim())
  // What is new can only be one too many.
  const { busy, problem, attempt } = useChangeProblem(same === undefined ? 'saved.full' : 'saved.changed')
  // Another name may have been typed since.
  const isDone = done !== undefined && done.name === name.trim()
  const isShared = shared ?? same?.shared ?? false

  const save = () =>
    attempt(async () => {
      if (view.cluster === undefined) return
      const body = { ...searchOf(view, view.cluster), name: name.trim(), shared: isShared }
      setDone(await (same === undefined ? changes.save(body) : changes.change(same, body)))
    })
  return (
    <form
      className="saved-form"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <label htmlFor="saved-name">{t('saved.saveThis')}</label>
      <div className="saved-form-row">
        <input
          id="saved-name"
          className="small-input"
          value={name}
          maxLength={nameUnitsMax}
          placeholder={t('saved.name')}
          autoComplete="off"
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" className="solid-button" disabled={busy || name.trim() === ''}>
          {t(same === undefined ? 'saved.save' : 'saved.replace')}
        </button>
      </div>
      <ShareChoice shared={isShared} onChange={setShared} />
      {problem !== undefined && (
        <p className="saved-problem" role="alert">
          {problem}
        </p>
      )}
      {isDone && problem === undefined && (
        <p className="saved-done" role="status">
          {t('saved.done')}{' '}
          <CopyButton className="text-button" text={() => linkTo(done.link)}>
            {t('saved.copyLink')}
          </CopyButton>
        </p>
      )}
    </form>
  )
}
