/** The selected event: where it stands, its fields, and the lines around it in the same file. Beside the list, never over it. */
import { useDebouncedValue } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import type { View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import { ContextLines } from './context-lines.tsx'
import { RecordDetails } from './record-details.tsx'
import { useContextLines } from './use-context-lines.ts'
import './context.css'

/** Holding j runs through many lines: only where it rests are the lines around asked for. */
const restMs = 120

export function ContextPanel({ line }: { readonly line: NonNullable<View['line']> }) {
  const { t } = useTranslation()
  const { change } = useView()
  const [rested] = useDebouncedValue(line, restMs)
  const context = useContextLines(rested)
  return (
    <aside className="context" aria-label={t('context.title')}>
      <header className="context-head">
        <h2>
          {t('context.title')} <span className="muted">· {t('context.sameFile')}</span>
        </h2>
        <button
          type="button"
          className="icon-button"
          aria-label={t('action.close')}
          onClick={() => change({ line: undefined })}
        >
          ✕
        </button>
      </header>
      {context.record && <RecordDetails record={context.record} />}
      <ContextLines key={rested.id} context={context} />
    </aside>
  )
}
