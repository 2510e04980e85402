/** The keyword box: a plain input whose letters are invisible, above the same text in colours. */
import { type RefObject, useId, useLayoutEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useApps, useSearch } from '../queries.ts'
import { useView } from '../view-context.tsx'
import { KeywordProblem } from './keyword-problem.tsx'
import { KeywordText } from './keyword-text.tsx'

interface KeywordInputProps {
  readonly inputRef: RefObject<HTMLInputElement | null>
  readonly text: string
  onChange(text: string): void
  onClear(): void
}

export function KeywordInput({ inputRef, text, onChange, onClear }: KeywordInputProps) {
  const { t } = useTranslation()
  const id = useId()
  const coloursRef = useRef<HTMLDivElement>(null)
  const problem = useQueryProblem(text)

  const follow = () => {
    if (coloursRef.current !== null && inputRef.current !== null) {
      coloursRef.current.scrollLeft = inputRef.current.scrollLeft
    }
  }
  // After the render of a typed letter, so that the colours never lag behind a long query that scrolls.
  useLayoutEffect(follow)

  return (
    <div className={`field field-keyword${problem ? ' field-wrong' : ''}`}>
      <label className="field-label" htmlFor={id}>
        {t('field.keyword')}
      </label>
      <div className="keyword">
        <div className="keyword-colours" ref={coloursRef} aria-hidden="true">
          <KeywordText text={text} wrong={problem?.position} />
        </div>
        <input
          id={id}
          ref={inputRef}
          className="keyword-input"
          value={text}
          placeholder={t('keyword.placeholder')}
          onChange={(event) => onChange(event.currentTarget.value)}
          onScroll={follow}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          aria-invalid={problem !== undefined}
          aria-describedby={problem ? `${id}-problem` : undefined}
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          maxLength={4096}
        />
        {text !== '' && (
          <button type="button" className="keyword-clear" aria-label={t('keyword.clear')} onClick={onClear}>
            ×
          </button>
        )}
      </div>
      {problem && <KeywordProblem id={`${id}-problem`} query={text} problem={problem} />}
    </div>
  )
}

/** The server's judgement of the query, as long as the text is the one that was judged. */
function useQueryProblem(text: string): Problem | undefined {
  const { view } = useView()
  const search = useSearch()
  const apps = useApps(view.app.length === 0)
  const error = view.app.length === 0 ? apps.error : search.error
  if (!(error instanceof Problem) || error.position === undefined || text !== view.q) return undefined
  return error
}
