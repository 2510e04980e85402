/** What is wrong with a query, as a key of the locales; the server's own words remain for what is not known here. Pure. */
import { QuerySyntaxError } from '../../pipeline/query.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'

const reasons = [
  [/^a closing "$/, 'closingQuote'],
  [/^a closing \)$/, 'closingParenthesis'],
  [/^no \)$/, 'noParenthesis'],
  [/^a letter or a digit$/, 'searchable'],
  [/^one of /, 'levelName'],
  [/^a value right behind/, 'value'],
  [/^one value$/, 'oneValue'],
  [/^a value without a star/, 'noStarInside'],
  [/^a colon$/, 'colon'],
  [/^fewer parentheses/, 'shallower'],
  [/^a shorter query$/, 'shorter'],
  [/^a word/, 'term'],
] as const

export type QueryReason = (typeof reasons)[number][1]

/** Undefined when the query is valid, or wrong in a way that has no words of its own here. */
export function queryReason(query: string): QueryReason | undefined {
  try {
    parseQuery(query)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof QuerySyntaxError)) throw thrown
    return reasons.find(([pattern]) => pattern.test(thrown.expected))?.[1]
  }
}

export interface MarkedQuery {
  readonly before: string
  readonly marked: string
  readonly after: string
}

/** The query cut at the place of its error. A place behind the end is marked by one space, so that there is something to see. */
export function markQuery(query: string, place: { readonly start: number; readonly end: number }): MarkedQuery {
  const start = Math.min(Math.max(0, place.start), query.length)
  const end = Math.min(Math.max(start, place.end), query.length)
  const marked = query.slice(start, end)
  return { before: query.slice(0, start), marked: marked.trim() === '' ? '\u00a0' : marked, after: query.slice(end) }
}
