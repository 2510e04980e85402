/** What is shipped from where, how far behind it is, what was lost and why: the worst on top. */
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { AppChips } from '../app-chips.tsx'
import { KeyBar } from '../keys/key-bar.tsx'
import { useKeys } from '../keys/use-keys.ts'
import { useFiles } from '../queries.ts'
import { ProblemNotice } from '../results/problem-notice.tsx'
import { type FileOrder, filterFiles, sortFiles, statesOf } from '../state/file-model.ts'
import { bytesText, countText } from '../state/number-text.ts'
import { FileTable } from './file-table.tsx'
import { useStateText } from './state-text.ts'
import './files.css'

export function FilesPage() {
  const { t } = useTranslation()
  const stateText = useStateText()
  const answer = useFiles()
  const [text, setText] = useState('')
  const [state, setState] = useState<string>()
  const [order, setOrder] = useState<{ by: FileOrder; reversed: boolean }>({ by: 'state', reversed: false })
  const filterRef = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => filterRef.current?.select() })

  const files = answer.data?.files
  const totals = answer.data?.totals
  const states = useMemo(() => statesOf(totals?.states ?? {}), [totals])
  const unreadable = totals?.states.unreadable ?? 0
  const shown = useMemo(
    () => files && sortFiles(filterFiles(files, text, state), order.by, order.reversed),
    [files, text, state, order],
  )
  // Rows that come and go every few seconds must not take the chosen state with them.
  const gone = state !== undefined && states.every(([name]) => name !== state)

  return (
    <>
      <main className="screen-body files">
        <header className="files-head">
          <h1>{t('page.files')}</h1>
          {totals && (
            <ul className="files-totals">
              <Total
                text={t('files.total', { count: answer.data?.total ?? 0, amount: countText(answer.data?.total ?? 0) })}
              />
              <Total text={t('files.behind', { bytes: bytesText(totals.behind) })} bad={false} />
              <Total text={t('files.lost', { bytes: bytesText(totals.lost) })} bad={totals.lost > 0} />
              {unreadable > 0 && <Total text={t('files.unreadable', { count: unreadable })} bad />}
            </ul>
          )}
          <div className="files-tools">
            <AppChips />
            {(states.length > 1 || state !== undefined) && (
              <fieldset className="chips" aria-label={t('files.byState')}>
                {[...states, ...(gone ? [[state, 0] as const] : [])].map(([name, count]) => (
                  <button
                    key={name}
                    type="button"
                    className="chip"
                    aria-pressed={name === state}
                    onClick={() => setState(name === state ? undefined : name)}
                  >
                    {stateText(name)} {countText(count)}
                  </button>
                ))}
              </fieldset>
            )}
            <input
              ref={filterRef}
              type="search"
              className="small-input"
              value={text}
              placeholder={t('files.filter')}
              aria-label={t('files.filter')}
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
            />
          </div>
        </header>
        {answer.isError && files === undefined && (
          <ProblemNotice error={answer.error} onRetry={() => void answer.refetch()} />
        )}
        {answer.isError && files !== undefined && (
          <p className="files-stale" role="alert">
            {t('files.stale')}
          </p>
        )}
        {shown && (
          <FileTable
            files={shown}
            order={order.by}
            reversed={order.reversed}
            onOrder={(by) => setOrder({ by, reversed: by === order.by && !order.reversed })}
            empty={files?.length === 0 ? t('files.none') : t('files.noneMatch')}
          />
        )}
        {answer.data && answer.data.total > answer.data.files.length && (
          <p className="files-more muted">{t('files.more', { amount: countText(answer.data.files.length) })}</p>
        )}
      </main>
      <KeyBar keys={['filter', 'palette', 'help']} />
    </>
  )
}

function Total({ text, bad = false }: { readonly text: string; readonly bad?: boolean }) {
  return <li className={bad ? 'files-bad' : 'muted'}>{text}</li>
}
