/** Selections as queries of Elasticsearch, with the meaning that pipeline/query-matches.ts gives them. Pure. */
import { fieldValueUnitsMax } from '../../pipeline/fields.ts'
import type { Expression, ValueMatch, WordPattern } from '../../pipeline/query.ts'
import { patternShape } from '../../pipeline/query.ts'
import { levelsOf } from '../../pipeline/query-matches.ts'
import { formatTime } from '../../pipeline/record.ts'
import type { Selection } from '../../pipeline/store.ts'
import { regexEscaped, regexOfValue } from './value-regex.ts'

export type Query = object

/** What `date_nanos` holds: nanoseconds since 1970 in 63 bits. The last second of it is left out. */
export const latestUs = Date.UTC(2262, 3, 11, 23, 47, 16) * 1000

/** A selection as a filter; `from` and `to` as they are given, which may be a part of the selection's. */
export function compileSelection(selection: Selection): Query {
  const { cluster, filters, where, from, to, parts } = selection
  // The names of the indices say it already; an index that somebody filled by hand must not show up in another cluster.
  const filter: Query[] = [{ term: { cluster } }, ...compileTime(from, to)]
  for (const [field, values] of Object.entries(filters)) {
    if (values !== undefined && values.length > 0) filter.push({ terms: { [field]: values } })
  }
  if (parts) filter.push({ exists: { field: 'continues' } })
  if (where !== undefined && where.kind !== 'all') filter.push(compileExpression(where))
  return { bool: { filter } }
}

/** from <= time < to, µs. Always with a beginning: a date_histogram would begin before 1970 and fail. */
export function compileTime(from: number, to: number): Query[] {
  if (from > latestUs || to <= 0) return [nothing]
  const range = { gte: formatTime(Math.max(0, Math.ceil(from))) }
  return [{ range: { time: to > latestUs ? range : { ...range, lt: formatTime(Math.ceil(to)) } } }]
}

const everything: Query = { match_all: {} }
export const nothing: Query = { match_none: {} }

export function compileExpression(node: Expression): Query {
  switch (node.kind) {
    case 'all':
      return everything
    case 'words':
      return compileWords(node.words)
    case 'text':
      return compileValue(node.field, '', node.match, node.value)
    case 'field':
      // Longer ones are no fields (fields.ts); and no regular expression of such a length is built.
      return node.value.length > fieldValueUnitsMax
        ? nothing
        : compileValue('fields', `${node.name}=`, node.match, node.value)
    case 'level': {
      const levels = levelsOf(node.comparison, node.level)
      return levels.length === 0 ? nothing : { terms: { level: levels } }
    }
    case 'not':
      return { bool: { must_not: [compileExpression(node.part)] } }
    case 'and':
      return { bool: { filter: node.parts.map(compileExpression) } }
    case 'or':
      return { bool: { should: node.parts.map(compileExpression), minimum_should_match: 1 } }
  }
}

/**
 * A phrase. Its words are split already, and are not split again: `whitespace` takes them as they are. With wildcards it is
 * `intervals`: match_phrase_prefix would silently look at 50 words only.
 */
function compileWords(words: readonly WordPattern[]): Query {
  const [first = []] = words
  if (words.length === 1) {
    if (patternShape(first) === 'exact') return { term: { message: first[0] } }
    if (patternShape(first) === 'prefix') return { prefix: { message: first[0] } }
    return { wildcard: { message: wildcardOf(first) } }
  }
  if (words.every((pattern) => pattern.length === 1)) {
    return { match_phrase: { message: { query: words.map(([word]) => word).join(' '), analyzer: 'whitespace' } } }
  }
  const intervals = words.map((pattern) => {
    if (patternShape(pattern) === 'exact') return { match: { query: pattern[0], analyzer: 'whitespace' } }
    if (patternShape(pattern) === 'prefix') return { prefix: { prefix: pattern[0], analyzer: 'whitespace' } }
    return { wildcard: { pattern: wildcardOf(pattern), analyzer: 'whitespace' } }
  })
  return { intervals: { message: { all_of: { ordered: true, max_gaps: 0, intervals } } } }
}

/** `*️⃣` is a word too: what is no wildcard is escaped. */
function wildcardOf(pattern: WordPattern): string {
  return pattern.map((piece) => piece.replace(/[*?\\]/g, '\\$&')).join('*')
}

/** A keyword that begins with `head` as it is, then has the value in any case. */
function compileValue(field: string, head: string, match: ValueMatch, value: string): Query {
  if (value === '' && match === 'prefix') return head === '' ? everything : { prefix: { [field]: head } }
  const any = '.*'
  const before = match === 'suffix' || match === 'contains' ? any : ''
  const behind = match === 'prefix' || match === 'contains' ? any : ''
  const regex = `${regexEscaped(head)}${before}${regexOfValue(value)}${behind}`
  return { regexp: { [field]: { value: regex, flags: 'NONE' } } }
}
