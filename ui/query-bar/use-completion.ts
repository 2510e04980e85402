/** What the keyword box offers at the caret: names and values, and the recent searches while it is empty. */
import { useDebouncedValue } from '@mantine/hooks'
import { useMemo } from 'react'
import { useSearch, useValues } from '../queries.ts'
import { fieldsOf } from '../state/column-model.ts'
import { complete, fieldNames, levelNames, type Wanted, wantedAt } from '../state/completion.ts'
import type { View } from '../state/url-state.ts'
import { useHistory } from './history.ts'

export interface Offer {
  readonly text: string
  readonly count?: number
  /** The query when it is chosen, and where the caret then stands. */
  readonly query: string
  readonly caret: number
}

export interface Completion {
  readonly kind: 'history' | 'field' | 'value' | 'none'
  readonly offers: readonly Offer[]
}

const offersMax = 10
const typingMs = 120

export function useCompletion(text: string, caret: number, active: boolean): Completion {
  const history = useHistory()
  const wanted = useMemo(() => (active ? wantedAt(text, caret) : undefined), [active, text, caret])
  const fields = useFieldNames()
  const values = useWantedValues(wanted)

  if (!active) return none
  if (text.trim() === '') {
    const offers = history.slice(0, offersMax).map((query) => ({ text: query, query, caret: query.length }))
    return { kind: 'history', offers }
  }
  if (wanted === undefined) return none
  const offer = (chosen: string, count?: number): Offer => {
    const { text: query, caret } = complete(text, wanted, chosen)
    return { text: chosen, query, caret, ...(count !== undefined && { count }) }
  }
  if (wanted.kind === 'field') {
    const names = fieldNames(wanted.typed, fields).filter((name) => name !== `${wanted.typed}:`)
    return { kind: 'field', offers: names.slice(0, offersMax).map((name) => offer(name)) }
  }
  const offers = values.filter(({ value }) => value !== wanted.typed).map(({ value, count }) => offer(value, count))
  return { kind: 'value', offers: offers.slice(0, offersMax) }
}

const none: Completion = { kind: 'none', offers: [] }

/** Of the lines that are loaded: what is in view is what one wants to narrow by. */
function useFieldNames(): string[] {
  const { data } = useSearch()
  const first = data?.pages[0]
  return useMemo(() => fieldsOf(first?.records ?? []), [first])
}

function useWantedValues(wanted: Wanted | undefined): { value: string; count?: number }[] {
  const field = wanted?.kind === 'value' ? wanted.field : 'level'
  const [prefix] = useDebouncedValue(wanted?.kind === 'value' ? wanted.typed : '', typingMs)
  const without: (keyof View)[] = ['q', ...(field in filters ? [field as keyof View] : [])]
  const found = useValues(field, { without, limit: offersMax + 1, prefix, enabled: wanted?.kind === 'value' })
  if (wanted?.kind !== 'value') return []
  if (field === 'level') {
    const counts = new Map(found.data?.map(({ value, count }) => [value, count]))
    return levelNames(wanted.typed).map((value) => ({ value, count: counts.get(value) ?? 0 }))
  }
  return found.isPlaceholderData ? [] : (found.data ?? [])
}

const filters = { level: 1, host: 1, instance: 1, dir: 1, file: 1, app: 1 }
