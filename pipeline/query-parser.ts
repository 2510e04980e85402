import {
  type Expression,
  type Leaf,
  type Place,
  QuerySyntaxError,
  queryDepthMax,
  queryTermsMax,
  queryUnitsMax,
  textFields,
  type ValueMatch,
  type WordPattern,
} from './query.ts'
import { type ComparisonToken, type QueryToken, querySpace, readTokens, type TextToken } from './query-lexer.ts'
import { levels } from './record.ts'
import { lowerCase, splitWords, standsAlone } from './words.ts'

const aTerm = 'a word, a phrase or a field'

/**
 * The words of a text with their wildcards. A star takes part only where it touches a word; between two words that cannot be
 * one (`连*timeout`) it belongs to each.
 */
function patternsOf(text: string): WordPattern[] {
  const patterns: string[][] = []
  let behind = -1
  let last = ''
  for (const { word, start, end } of splitWords(text)) {
    const pattern = patterns.at(-1)
    const starBefore = start > 0 && text[start - 1] === '*' && start - 1 >= behind
    if (
      pattern !== undefined &&
      starBefore &&
      /^\*+$/.test(text.slice(behind, start)) &&
      !standsAlone(last) &&
      !standsAlone(word)
    ) {
      pattern[pattern.length - 1] = word
    } else {
      patterns.push(starBefore ? ['', word] : [word])
    }
    if (text[end] === '*') patterns.at(-1)?.push('')
    behind = end
    last = word
  }
  return patterns
}

function textLeaf(text: string, token: TextToken): Leaf {
  const { start, end, quoted } = token
  if (!token.closed) {
    const opening = { start, end: start + 1 }
    throw new QuerySyntaxError('This quote is never closed.', opening, 'a closing "')
  }
  if (!quoted && /^\*+$/.test(text.slice(start, end))) return { kind: 'all', start, end }
  // Whatever is escaped separates words; spaces keep it so and keep the places.
  const inside = quoted
    ? text.slice(start + 1, token.starBehind ? end - 2 : end - 1).replace(/\\["\\*]/g, '  ')
    : text.slice(start, end)
  const words = patternsOf(token.starBehind ? `${inside}*` : inside)
  if (words.length === 0) {
    throw new QuerySyntaxError(
      'There is nothing here that can be searched.',
      { start, end },
      'a letter or a digit',
      'Only words are indexed: runs of letters and digits, Chinese characters, emoji.',
    )
  }
  return { kind: 'words', words, start, end }
}

function valueMatch(token: ComparisonToken): ValueMatch {
  if (token.value === '') return token.starStart || token.starEnd ? 'prefix' : 'exact'
  if (token.starStart) return token.starEnd ? 'contains' : 'suffix'
  return token.starEnd ? 'prefix' : 'exact'
}

const levelNames = levels.join(', ')

function comparisonLeaf(text: string, token: ComparisonToken): Leaf {
  const { start, end, field, name, operator, operatorAt, valueAt } = token
  if (field === 'fields' && operator !== ':') {
    throw new QuerySyntaxError(
      `Only level can be compared with ${operator}.`,
      operatorAt,
      'a colon',
      'Fields are compared as text: .name:value, .name:value*',
    )
  }
  if (!token.closed) {
    throw new QuerySyntaxError(
      'This quote is never closed.',
      { start: valueAt.start, end: valueAt.start + 1 },
      'a closing "',
    )
  }
  if (text[valueAt.start] === '(' && field !== 'level') {
    throw new QuerySyntaxError(
      'A field takes one value.',
      valueAt,
      'one value',
      `Write (${field}:a OR ${field}:b); a value that begins with a parenthesis goes in quotes.`,
    )
  }
  if (valueAt.start === valueAt.end) {
    const what = field === 'level' ? `one of ${levelNames}` : 'a value right behind the colon'
    throw new QuerySyntaxError(
      'The value is missing.',
      { start, end },
      what,
      `Expected ${what}; to search for text, put it in quotes.`,
    )
  }
  if (field === 'level') {
    const level = levels.find((known) => known === lowerCase(token.value))
    if (level === undefined || token.starStart || token.starEnd) {
      throw new QuerySyntaxError(
        `There is no level ${text.slice(valueAt.start, valueAt.end)}.`,
        valueAt,
        `one of ${levelNames}`,
      )
    }
    return { kind: 'level', comparison: operator === ':' ? '=' : operator, level, start, end }
  }
  if (token.starInside !== undefined) {
    throw new QuerySyntaxError(
      'A star can stand at the beginning and at the end of a value only.',
      { start: token.starInside, end: token.starInside + 1 },
      'a value without a star inside',
      'Write "\\*" inside quotes for the star itself.',
    )
  }
  const value = lowerCase(token.value)
  const match = valueMatch(token)
  const textField = textFields.find((known) => known === field)
  return textField === undefined
    ? { kind: 'field', name: lowerCase(name), match, value, start, end }
    : { kind: 'text', field: textField, match, value, start, end }
}

/** Joins parts, flat: `(a b) c` is one list of three. */
function listOf(kind: 'and' | 'or', parts: readonly Expression[]): Expression {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]))
  const first = flat[0] as Expression
  return flat.length === 1 ? first : { kind, parts: flat, start: first.start, end: (flat.at(-1) as Expression).end }
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly QueryToken[]
  #at = 0
  #terms = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = readTokens(text)
  }

  parse(): Expression {
    if (this.#tokens.length === 0) return { kind: 'all', start: 0, end: 0 }
    const expression = this.#or(0)
    const left = this.#tokens[this.#at]
    if (left !== undefined) {
      // Only a `)` ends an expression early.
      throw new QuerySyntaxError(
        'This parenthesis was never opened.',
        left,
        'no )',
        'To search for text with parentheses and spaces, put it in quotes.',
      )
    }
    return expression
  }

  #kind(): QueryToken['kind'] | undefined {
    return this.#tokens[this.#at]?.kind
  }

  #or(depth: number): Expression {
    const parts = [this.#and(depth)]
    while (this.#kind() === 'or') {
      this.#at++
      parts.push(this.#and(depth))
    }
    return listOf('or', parts)
  }

  #and(depth: number): Expression {
    const parts = [this.#unary(depth)]
    for (let kind = this.#kind(); kind !== undefined && kind !== 'or' && kind !== 'close'; kind = this.#kind()) {
      if (kind === 'and') this.#at++
      parts.push(this.#unary(depth))
    }
    return listOf('and', parts)
  }

  #unary(depth: number): Expression {
    const token = this.#tokens[this.#at]
    if (token === undefined) {
      const before = this.#tokens[this.#at - 1] as QueryToken
      throw this.#missing(`Something is missing behind ${this.#quote(before)}.`, { start: before.end, end: before.end })
    }
    if (depth > queryDepthMax) {
      throw new QuerySyntaxError(
        `The query is nested more than ${queryDepthMax} levels deep (queryDepthMax).`,
        token,
        'fewer parentheses and NOTs inside each other',
      )
    }
    this.#at++
    switch (token.kind) {
      case 'not':
      case 'minus': {
        const next = this.#text[token.end]
        if (token.kind === 'minus' && (next === undefined || next === ')' || querySpace.test(next))) {
          throw this.#missing(
            'A - alone has no meaning.',
            token,
            'To search for a dash is not possible: only words are indexed.',
          )
        }
        const part = this.#unary(depth + 1)
        return { kind: 'not', part, start: token.start, end: part.end }
      }
      case 'open': {
        if (this.#kind() === 'close') {
          const close = this.#tokens[this.#at] as QueryToken
          throw this.#missing('There is nothing between these parentheses.', { start: token.start, end: close.end })
        }
        const inside = this.#or(depth + 1)
        if (this.#kind() !== 'close')
          throw new QuerySyntaxError('This parenthesis is never closed.', token, 'a closing )')
        this.#at++
        return inside
      }
      case 'text':
        return this.#counted(textLeaf(this.#text, token))
      case 'comparison':
        return this.#counted(comparisonLeaf(this.#text, token))
      case 'and':
      case 'or':
      case 'close': {
        const hint =
          token.kind === 'close' ? undefined : `To search for the word itself, write it in lower case or in quotes.`
        throw this.#missing(`Something is missing in front of ${this.#quote(token)}.`, token, hint)
      }
    }
  }

  #counted(leaf: Leaf): Leaf {
    this.#terms += leaf.kind === 'words' ? leaf.words.length : 1
    if (this.#terms > queryTermsMax) {
      throw new QuerySyntaxError(
        `The query has more than ${queryTermsMax} words and fields (queryTermsMax).`,
        leaf,
        'a shorter query',
      )
    }
    return leaf
  }

  #missing(message: string, { start, end }: Place, hint?: string): QuerySyntaxError {
    return new QuerySyntaxError(message, { start, end }, aTerm, hint)
  }

  #quote(token: QueryToken): string {
    return this.#text.slice(token.start, token.end)
  }
}

/**
 * The tree of a query. Nothing typed is everything. Throws QuerySyntaxError (QUERY_INVALID) and nothing else, whatever the
 * text; its position is in the text as given.
 */
export function parseQuery(text: string): Expression {
  if (text.length > queryUnitsMax) {
    throw new QuerySyntaxError(
      `The query has ${text.length} characters, more than ${queryUnitsMax} (queryUnitsMax).`,
      { start: queryUnitsMax, end: text.length },
      'a shorter query',
    )
  }
  return new Parser(text).parse()
}
