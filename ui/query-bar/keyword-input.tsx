/** The keyword box: a plain input whose letters are invisible, above the same text in colours, with what may come next below. */
import { Combobox, useCombobox } from '@mantine/core'
import { type RefObject, useId, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useApps, useSearch } from '../queries.ts'
import { useView } from '../view-context.tsx'
import { KeywordOffers } from './keyword-offers.tsx'
import { KeywordProblem } from './keyword-problem.tsx'
import { KeywordText } from './keyword-text.tsx'
import { useCompletion } from './use-completion.ts'

interface KeywordInputProps {
  readonly inputRef: RefObject<HTMLInputElement | null>
  readonly text: string
  onChange(text: string): void
  onSearch(text: string): void
}

export function KeywordInput({ inputRef, text, onChange, onSearch }: KeywordInputProps) {
  const { t } = useTranslation()
  const id = useId()
  const coloursRef = useRef<HTMLDivElement>(null)
  const problem = useQueryProblem(text)
  const [caret, setCaret] = useState(0)
  const caretToSet = useRef<number>(undefined)
  const combobox = useCombobox()
  const completion = useCompletion(text, caret, combobox.dropdownOpened)
  const offered = completion.offers.length > 0

  const follow = () => {
    if (coloursRef.current !== null && inputRef.current !== null) {
      coloursRef.current.scrollLeft = inputRef.current.scrollLeft
    }
  }
  // After the render of a typed letter, so that the colours never lag behind a long query that scrolls.
  useLayoutEffect(() => {
    if (caretToSet.current !== undefined) inputRef.current?.setSelectionRange(caretToSet.current, caretToSet.current)
    caretToSet.current = undefined
    follow()
  })

  const take = (value: string) => {
    const offer = completion.offers[Number(value)]
    if (offer === undefined) return
    combobox.resetSelectedOption()
    if (completion.kind === 'history') {
      combobox.closeDropdown()
      onSearch(offer.query)
      return
    }
    caretToSet.current = offer.caret
    setCaret(offer.caret)
    onChange(offer.query)
  }

  return (
    <Combobox
      // Without anything to offer it is not open, whatever it was asked to be.
      store={{ ...combobox, dropdownOpened: combobox.dropdownOpened && offered }}
      onOptionSubmit={take}
      position="bottom-start"
      width="target"
      offset={14}
      transitionProps={{ duration: 0 }}
      keepMounted={false}
    >
      <div className={`field field-keyword${problem ? ' field-wrong' : ''}`}>
        <label className="field-label" htmlFor={id}>
          {t('field.keyword')}
        </label>
        <div className="keyword">
          <div className="keyword-colours" ref={coloursRef} aria-hidden="true">
            <KeywordText text={text} wrong={problem?.position} />
          </div>
          <Combobox.Target withExpandedAttribute>
            <input
              id={id}
              ref={inputRef}
              className="keyword-input"
              role="combobox"
              aria-expanded={combobox.dropdownOpened && offered}
              aria-autocomplete="list"
              value={text}
              placeholder={t('keyword.placeholder')}
              onChange={({ currentTarget }) => {
                onChange(currentTarget.value)
                setCaret(currentTarget.selectionStart ?? currentTarget.value.length)
                combobox.openDropdown()
                combobox.resetSelectedOption()
              }}
              onSelect={({ currentTarget }) => setCaret(currentTarget.selectionStart ?? 0)}
              onScroll={follow}
              onClick={() => combobox.openDropdown()}
              onBlur={() => combobox.closeDropdown()}
              onKeyDown={(event) => {
                if (event.key === 'Escape') {
                  if (combobox.dropdownOpened && offered) combobox.closeDropdown()
                  else event.currentTarget.blur()
                } else if (event.key === 'Tab' && combobox.getSelectedOptionIndex() >= 0 && offered) {
                  event.preventDefault()
                  take(String(combobox.getSelectedOptionIndex()))
                } else if (event.key === 'Enter' && combobox.getSelectedOptionIndex() < 0) combobox.closeDropdown()
              }}
              aria-invalid={problem !== undefined}
              aria-describedby={problem ? `${id}-problem` : undefined}
              autoComplete="off"
              autoCapitalize="off"
              autoCorrect="off"
              spellCheck={false}
              maxLength={4096}
            />
          </Combobox.Target>
          {text !== '' && (
            <button
              type="button"
              className="keyword-clear"
              aria-label={t('keyword.clear')}
              onClick={() => onSearch('')}
            >
              ×
            </button>
          )}
        </div>
        {problem && !(combobox.dropdownOpened && offered) && (
          <KeywordProblem id={`${id}-problem`} query={text} problem={problem} />
        )}
      </div>
      {offered && <KeywordOffers completion={completion} />}
    </Combobox>
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
