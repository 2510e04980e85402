/** Query text made by a click. Pure. */
import { type Expression, printQuery } from '../../pipeline/query.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'

/** The query, and the field with exactly this value, or without it. A query that is already wrong is replaced. */
export function andField(query: string, name: string, value: string, not = false): string {
  return and(query, { kind: 'field', name, match: 'exact', value, start: 0, end: 0 }, not)
}

/** The same for what a record says of itself: its host, its file … */
export function andSource(query: string, name: string, value: string, not = false): string {
  return `${grouped(query)}${not ? '-' : ''}${name}:${quoted(value)}`
}

/** The query, and another one; or without what the other one finds. */
export function andQuery(query: string, other: string, not = false): string {
  return `${grouped(query)}${not ? `-(${other})` : other}`
}

export interface Selected {
  readonly text: string
  /** Whether the word goes on in front of the text, or behind it. */
  readonly cutStart: boolean
  readonly cutEnd: boolean
}

/** The query, and the words of a piece of a message next to each other. Undefined when there is no word in it. */
export function andWords(query: string, { text, cutStart, cutEnd }: Selected, not = false): string | undefined {
  const trimmed = text.trim()
  const bare = /^[\p{L}\p{N}]+$/u.test(trimmed) && !['AND', 'OR', 'NOT'].includes(trimmed)
  // Inside quotes a star that is no wildcard is written with a backslash.
  const written = bare ? trimmed : trimmed.replace(/["\\*]/g, '\\$&')
  const open = `${cutStart && !/^\s/.test(text) ? '*' : ''}${written}${cutEnd && !/\s$/.test(text) ? '*' : ''}`
  const term = bare ? open : `"${open}"`
  try {
    const { kind } = parseQuery(term)
    return kind === 'words' ? `${grouped(query)}${not ? '-' : ''}${term}` : undefined
  } catch {
    return undefined
  }
}

function and(query: string, term: Expression, not: boolean): string {
  return `${grouped(query)}${not ? '-' : ''}${printQuery(term)}`
}

/** What stands in front of the new term: nothing for a query that says nothing or cannot be read. */
function grouped(query: string): string {
  if (query.trim() === '') return ''
  try {
    const { kind } = parseQuery(query)
    return kind === 'or' ? `(${query.trim()}) ` : `${query.trim()} `
  } catch {
    return ''
  }
}

function quoted(value: string): string {
  return value !== '' && !/[\s()"*]/.test(value) ? value : `"${value.replace(/["\\*]/g, '\\$&')}"`
}
