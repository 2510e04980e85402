/** The six fields of the query screen in one row. Pickers act at once; the keyword acts with Enter or the button. */
import { type RefObject, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useView } from '../view-context.tsx'
import { ExportButton } from './export-button.tsx'
import { rememberSearch } from './history.ts'
import { KeywordInput } from './keyword-input.tsx'
import { RangePicker } from './range-picker.tsx'
import { ValuePicker } from './value-picker.tsx'
import './query-bar.css'

export function QueryBar({ keywordRef }: { readonly keywordRef: RefObject<HTMLInputElement | null> }) {
  const { t } = useTranslation()
  const { view, change, search } = useView()
  const [draft, setDraft] = useState(view.q)
  // Back, forward and "search for this field" change the query from elsewhere.
  useEffect(() => setDraft(view.q), [view.q])

  const searchFor = (q: string) => {
    setDraft(q)
    rememberSearch(q)
    search({ q })
  }

  return (
    <search>
      <form
        className="query-bar"
        aria-label={t('app.title')}
        onSubmit={(event) => {
          event.preventDefault()
          searchFor(draft)
        }}
      >
        <ValuePicker
          field="cluster"
          kind="one"
          required
          chosen={view.cluster === undefined ? [] : [view.cluster]}
          without={['level', 'q', 'app', 'instance', 'dir', 'file', 'host', 'cluster']}
          always
          onChoose={([cluster]) => change({ cluster })}
        />
        <ValuePicker
          field="app"
          kind="one"
          required
          chosen={view.app}
          without={['level', 'q', 'app', 'instance', 'dir', 'file', 'host']}
          onChoose={(app) => change({ app })}
        />
        <ValuePicker
          field="instance"
          kind="many"
          chosen={view.instance}
          without={['level', 'q', 'instance', 'dir', 'file', 'host']}
          onChoose={(instance) => change({ instance })}
        />
        <ValuePicker
          field="dir"
          kind="many"
          chosen={view.dir}
          without={['level', 'q', 'dir', 'file', 'host']}
          onChoose={(dir) => change({ dir })}
        />
        <KeywordInput inputRef={keywordRef} text={draft} onChange={setDraft} onSearch={searchFor} />
        <RangePicker />
        <button type="submit" className="solid-button query-bar-search">
          {t('action.search')}
        </button>
        <ExportButton />
      </form>
    </search>
  )
}
