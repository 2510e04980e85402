import { readTokens } from './query-lexer.ts'

/** What the query box colours. `error` is what cannot be part of a valid query as it stands. */
export interface ColouredToken {
  readonly kind: 'word' | 'wildcard' | 'phrase' | 'field' | 'operator' | 'value' | 'keyword' | 'parenthesis' | 'error'
  /** UTF-16 units, end exclusive. */
  readonly start: number
  readonly end: number
}

/**
 * The pieces of a query that is being typed, in order, without overlap; all that is left out is white space. Never throws, of
 * any text of any length: whether the query is valid says parseQuery.
 */
export function tokenizeQuery(text: string): ColouredToken[] {
  const coloured: ColouredToken[] = []
  const push = (kind: ColouredToken['kind'], start: number, end: number): void => {
    if (end > start) coloured.push({ kind, start, end })
  }
  for (const token of readTokens(text)) {
    const { start, end } = token
    switch (token.kind) {
      case 'open':
      case 'close':
        push('parenthesis', start, end)
        break
      case 'and':
      case 'or':
      case 'not':
      case 'minus':
        push('keyword', start, end)
        break
      case 'text': {
        const kind = token.quoted ? 'phrase' : text.slice(start, end).includes('*') ? 'wildcard' : 'word'
        push(token.closed ? kind : 'error', start, end)
        break
      }
      case 'comparison':
        push('field', start, token.operatorAt.start)
        push('operator', token.operatorAt.start, token.operatorAt.end)
        push(token.closed && token.starInside === undefined ? 'value' : 'error', token.valueAt.start, token.valueAt.end)
        break
    }
  }
  return coloured
}
