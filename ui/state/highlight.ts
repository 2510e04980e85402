/** The places of a query's words in a message. Pure. */
import type { Expression } from '../../pipeline/query.ts'
import { highlightRanges } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import type { Range } from './line-model.ts'

/** Finding words is linear in the text; what lies beyond this is not on the screen anyway. */
export const highlightedCharsMax = 65_536

/** Undefined when there is nothing to mark: an empty query, or one that the server will refuse. */
export function expressionOf(query: string): Expression | undefined {
  if (query.trim() === '') return undefined
  try {
    return parseQuery(query)
  } catch {
    return undefined
  }
}

/** Enough for the first look at a row: a screen full of lines of 200 KB would else keep the reader waiting. */
export const firstLookChars = 4_096

export function hitsIn(
  expression: Expression | undefined,
  message: string,
  charsMax: number = highlightedCharsMax,
): Range[] {
  if (expression === undefined) return []
  const text = message.length > charsMax ? message.slice(0, charsMax) : message
  return highlightRanges(expression, text).map(([start, end]) => ({ start, end }))
}
