/** A JSON message as a tree: inner parts fold, values can be searched for or left out, hits are marked. */
import { createContext, useContext, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Expression } from '../../pipeline/query.ts'
import { hitsIn } from '../state/highlight.ts'
import { entriesOf, isInner, type Json, type JsonEntry } from '../state/json-model.ts'
import { segments } from '../state/line-model.ts'
import { FieldFilter } from './field-filter.tsx'
import './json-tree.css'

/** Entries of one object or list that are drawn; a list of thousands is better read in a file. */
const entriesMax = 200
/** Deeper parts are folded at first, unless something was found in them. */
const openDepth = 3

const SearchedFor = createContext<Expression | undefined>(undefined)

export function JsonTree({ value, expression }: { readonly value: Json; readonly expression: Expression | undefined }) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: it only keeps clicks in the tree from opening the context
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <span className="json" onClick={(event) => event.stopPropagation()}>
      <SearchedFor value={expression}>
        <Entries value={value} field="" depth={0} />
      </SearchedFor>
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
  const expression = useContext(SearchedFor)
  const isFound = useMemo(
    () => depth >= openDepth && isInner(value) && hitsIn(expression, JSON.stringify(value)).length > 0,
    [expression, value, depth],
  )
  if (isInner(value)) {
    const list = Array.isArray(value)
    return (
      <details className="json-entry" open={depth < openDepth || isFound}>
        <summary>
          <Pair name={name} value={undefined} />
          {list ? '[' : '{'}
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
      <Pair name={name} value={value} />
      {text.length <= 1_024 && text !== '' && !text.includes('\n') && <FieldFilter name={field} value={text} />}
    </span>
  )
}

/** Name and value as one text, as they stand beside each other in the message: so what is found there is found here. */
function Pair({ name, value }: { readonly name: string; readonly value: Json | undefined }) {
  const expression = useContext(SearchedFor)
  const written = value === undefined ? '' : JSON.stringify(value)
  const text = `${name}: ${written}`
  const hits = useMemo(() => hitsIn(expression, text), [expression, text])
  const styles = [
    { start: 0, end: name.length, className: 'json-name' },
    { start: name.length + 2, end: text.length, className: `json-${typeof value}` },
  ]
  return segments(text, { start: 0, end: text.length }, hits, styles).map(({ text, hit, start, className }) =>
    hit ? (
      <mark key={start}>{text}</mark>
    ) : (
      <span key={start} className={className}>
        {text}
      </span>
    ),
  )
}
