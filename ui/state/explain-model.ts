/** What the API found out about an empty search, as the page says it and mends it. Pure. */
import { type Level, levels } from '../../pipeline/record.ts'
import { bytesText, countText } from './number-text.ts'
import { edgeText } from './time-range.ts'
import { emptyView, listFields, type View } from './url-state.ts'

export interface SearchChange {
  readonly set: { readonly [parameter: string]: string | readonly string[] }
  readonly remove: readonly string[]
}

export type FindingValue = string | number | null | readonly string[]

export interface Finding {
  readonly code: string
  /** In English, for a code that is new to the page. */
  readonly text: string
  readonly values: { readonly [name: string]: FindingValue }
  readonly change: SearchChange | null
}

/** What the page has words for; `FOUND` ends the question. */
export const findingCodes = [
  'NOTHING_INDEXED',
  'NO_SUCH_CLUSTER',
  'NO_SUCH_VALUE',
  'FILTERS_NEVER_TOGETHER',
  'LEVEL_NEVER',
  'TERM_NEVER',
  'PHRASE_NEVER',
  'WORD_ONLY_LONGER',
  'TERMS_NEVER_TOGETHER',
  'RANGE_IN_FUTURE',
  'BEFORE_OLDEST',
  'NOTHING_IN_RANGE',
  'MATCHES_OUTSIDE_RANGE',
  'LEVEL_EXCLUDES',
  'TERM_NOT_IN_RANGE',
  'TERMS_NOT_TOGETHER_IN_RANGE',
  'LAST_LINE',
  'NO_FILES',
  'FILES_BEHIND',
  'FILES_UNREADABLE',
  'BYTES_LOST',
  'PART_IN_TROUBLE',
  'PARTITIONS_DAMAGED',
  'NOT_CHECKED',
] as const
export type FindingCode = (typeof findingCodes)[number]

/** Findings that the files page tells more about. */
const aboutFiles: readonly string[] = ['NO_FILES', 'FILES_BEHIND', 'FILES_UNREADABLE', 'BYTES_LOST']

export function isAboutFiles({ code }: Finding): boolean {
  return aboutFiles.includes(code)
}

const changeable = ['cluster', ...listFields, 'level', 'q', 'from', 'to'] as const
type Changeable = (typeof changeable)[number]

/** The change of the parameters as one of what the page shows. */
export function viewChange({ set, remove }: SearchChange): Partial<View> {
  const change: { -readonly [field in keyof View]?: View[field] } = {}
  for (const field of changeable) {
    if (remove.includes(field)) Object.assign(change, { [field]: emptyView[field] })
    const value = set[field]
    if (value === undefined) continue
    if (field === 'level')
      change.level = [value].flat().filter((one): one is Level => (levels as readonly string[]).includes(one))
    else if ((listFields as readonly string[]).includes(field)) Object.assign(change, { [field]: [value].flat() })
    else Object.assign(change, { [field]: [value].flat()[0] ?? emptyView[field] })
  }
  return change
}

/** What a change does, for the words on its button. */
export type ChangeName = 'query' | 'noQuery' | 'value' | 'noLevel' | 'noFilter' | 'range' | 'upToNow' | 'lastDay'

export function changeName({ set, remove }: SearchChange): { name: ChangeName; field: Changeable; value: string } {
  const field = changeable.find((one) => one in set) ?? changeable.find((one) => remove.includes(one)) ?? 'q'
  const value = [set[field] ?? ''].flat().join(', ')
  const named = (name: ChangeName) => ({ name, field, value })
  if (field in set) return named(field === 'q' ? 'query' : field === 'from' || field === 'to' ? 'range' : 'value')
  if (field === 'q') return named('noQuery')
  if (field === 'level') return named('noLevel')
  if (field === 'from') return named('lastDay')
  return named(field === 'to' ? 'upToNow' : 'noFilter')
}

/** The names of all values that a text may take up. */
export const valueNames = [
  ...(['cluster', 'field', 'fields', 'value', 'known', 'level', 'term', 'terms', 'from', 'to', 'oldest'] as const),
  ...(['before', 'after', 'time', 'files', 'bytes', 'path', 'reason', 'part', 'detail', 'partitions'] as const),
] as const
export type ValueTexts = { readonly [name in (typeof valueNames)[number]]: string }

/** Values that stand in a text as they are written in a query or a name: each between two of these. */
export const quoteMark = '\u0001'
const quoted: readonly string[] = ['cluster', 'value', 'term', 'terms', 'path', 'part']
const times: readonly string[] = ['time', 'from', 'to', 'oldest', 'before', 'after']

/** A value as it is read; `nameOf` names a field in the language of the page. */
export function valueText(name: string, value: FindingValue, zone: string, nameOf: (field: string) => string): string {
  if (value === null) return '–'
  if (quoted.includes(name))
    return [value]
      .flat()
      .map((one) => `${quoteMark}${one}${quoteMark}`)
      .join(', ')
  if (typeof value === 'number') return name === 'bytes' ? bytesText(value) : countText(value)
  if (name === 'field' || name === 'fields') return [value].flat().map(nameOf).join(', ')
  if (typeof value !== 'string') return value.join(', ')
  return times.includes(name) ? edgeText(value, zone) : value
}
