/** A JSON message as a tree: inner parts fold, values can be searched for or left out. */
import { useTranslation } from 'react-i18next'
import { entriesOf, isInner, type Json, type JsonEntry } from '../state/json-model.ts'
import { FieldFilter } from './field-filter.tsx'
import './json-tree.css'

/** Entries of one object or list that are drawn; a list of thousands is better read in a file. */
const entriesMax = 200
/** Deeper parts are folded at first. */
const openDepth = 3

export function JsonTree({ value }: { readonly value: Json }) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: it only keeps clicks in the tree from opening the context
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <span className="json" onClick={(event) => event.stopPropagation()}>
      <Entries value={value} field="" depth={0} />
    </span>
  )
}

function Entries({ value, field, depth }: { readonly value: Json; readonly field: string; readonly depth: number }) {
  const { t } = useTranslation()
  const entries = entriesOf(value, field)
  return (
    <>
      {entries.slice(0, entriesMax).map((entry) => (
        <Entry key={entry.name} entry={entry} depth={depth} />
      ))}
      {entries.length > entriesMax && (
        <span className="json-entry muted">{t('lines.moreEntries', { count: entries.length - entriesMax })}</span>
      )}
    </>
  )
}

function Entry({ entry: { name, value, field }, depth }: { readonly entry: JsonEntry; readonly depth: number }) {
  if (isInner(value)) {
    const list = Array.isArray(value)
    return (
      <details className="json-entry" open={depth < openDepth}>
        <summary>
          <span className="json-name">{name}</span>: {list ? '[' : '{'}
          <span className="muted">{entriesOf(value, '').length}</span>
          {list ? ']' : '}'}
        </summary>
        <span className="json-inner">
          <Entries value={value} field={field} depth={depth + 1} />
        </span>
      </details>
    )
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return (
    <span className="json-entry">
      <span className="json-name">{name}</span>: <span className={`json-${typeof value}`}>{JSON.stringify(value)}</span>
      {text.length <= 1_024 && text !== '' && !text.includes('\n') && <FieldFilter name={field} value={text} />}
    </span>
  )
}
