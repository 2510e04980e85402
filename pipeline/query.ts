import { ShiplogError } from './errors.ts'
import type { Level } from './record.ts'

/**
 * The query language as a tree: its shape, its bounds, its error, its canonical text (docs/query-language.md). Pure.
 * query-parser.ts makes the tree, the stores compile it, query-matches.ts says what it means.
 */

/** UTF-16 units of the text. */
export const queryUnitsMax = 4096
/** Levels of parentheses and NOTs inside each other. */
export const queryDepthMax = 32
/** Words (each word of a phrase counts) and comparisons in one query. */
export const queryTermsMax = 512

/** Where a piece stands in the text, UTF-16 units, end exclusive. Nothing that is compiled depends on it. */
export interface Place {
  readonly start: number
  readonly end: number
}

/**
 * One word, lower-cased, cut at its wildcards: `['timeout']` is the word itself, `['time', '']` is `time*`, `['', 'rror', '']`
 * is `*rror*`, `['re', 'ed']` is `re*ed`. Between two pieces stands any number of characters of that word, also none.
 * At least one piece is not empty.
 */
export type WordPattern = readonly string[]

/** The fields of a record that can be compared with a text; `level` has its own node. */
export const textFields = ['host', 'instance', 'dir', 'file', 'app'] as const
export type TextField = (typeof textFields)[number]

/** How a value is compared; an open end is a `*`. `contains` of `''` is never made: `*` and `**` are `prefix` of `''`. */
export type ValueMatch = 'exact' | 'prefix' | 'suffix' | 'contains'
export type LevelComparison = '=' | '<' | '<=' | '>' | '>='

/** Everything: nothing typed, or `*`. */
export interface AllNode extends Place {
  readonly kind: 'all'
}
/** The words next to each other, in this order, in `message`. At least one. */
export interface WordsNode extends Place {
  readonly kind: 'words'
  readonly words: readonly WordPattern[]
}
/** A source field against a value that is lower-cased by `lowerCase` of words.ts; so must be the other side. */
export interface TextNode extends Place {
  readonly kind: 'text'
  readonly field: TextField
  readonly match: ValueMatch
  readonly value: string
}
/** One of the fields read from a line. Name and value are both lower-cased; true when any value of that name matches. */
export interface FieldNode extends Place {
  readonly kind: 'field'
  readonly name: string
  readonly match: ValueMatch
  readonly value: string
}
/** By the order of `levels`, in which `none` is the lowest. */
export interface LevelNode extends Place {
  readonly kind: 'level'
  readonly comparison: LevelComparison
  readonly level: Level
}
export interface NotNode extends Place {
  readonly kind: 'not'
  readonly part: Expression
}
/** At least two parts, none of which is of the same kind. */
export interface ListNode extends Place {
  readonly kind: 'and' | 'or'
  readonly parts: readonly Expression[]
}
export type Leaf = AllNode | WordsNode | TextNode | FieldNode | LevelNode
export type Expression = Leaf | NotNode | ListNode

/** QUERY_INVALID with the place in the text and what could have stood there. */
export class QuerySyntaxError extends ShiplogError {
  readonly position: Place
  /** What would have been right there, as a noun phrase: `a word`, `a closing "`. */
  readonly expected: string

  constructor(message: string, position: Place, expected: string, hint?: string) {
    super('QUERY_INVALID', message, { hint: hint ?? `Expected ${expected}.` })
    this.position = position
    this.expected = expected
  }
}

/** How costly a word is for an index: a look-up, a range of its dictionary, or a walk over all of it. */
export function patternShape(pattern: WordPattern): 'exact' | 'prefix' | 'wildcard' {
  if (pattern.length === 1) return 'exact'
  return pattern.length === 2 && pattern[0] !== '' && pattern[1] === '' ? 'prefix' : 'wildcard'
}

function printValue(match: ValueMatch, value: string): string {
  const bare = value !== '' && !/[\s()"*]/.test(value)
  const text = bare ? value : match === 'prefix' && value === '' ? '' : `"${value.replace(/["\\*]/g, '\\$&')}"`
  return `${match === 'suffix' || match === 'contains' ? '*' : ''}${text}${match === 'prefix' || match === 'contains' ? '*' : ''}`
}

function printName(name: string): string {
  return /^[\p{L}_@$][\p{L}\p{N}_.@$-]*$/u.test(name) ? name : `"${name.replace(/["\\*]/g, '\\$&')}"`
}

/**
 * The one canonical text of a tree. `parseQuery` gives the same tree back (places aside), as long as the text is within
 * `queryUnitsMax`: a phrase may get longer, `连接` is printed as `"连 接"`.
 */
export function printQuery(expression: Expression): string {
  switch (expression.kind) {
    case 'all':
      return '*'
    case 'words': {
      const words = expression.words.map((pattern) => pattern.join('*'))
      return words.length === 1 ? (words[0] as string) : `"${words.join(' ')}"`
    }
    case 'text':
      return `${expression.field}:${printValue(expression.match, expression.value)}`
    case 'field':
      return `.${printName(expression.name)}:${printValue(expression.match, expression.value)}`
    case 'level':
      return `level${expression.comparison === '=' ? ':' : expression.comparison}${expression.level}`
    case 'not': {
      const text = printQuery(expression.part)
      return expression.part.kind === 'and' || expression.part.kind === 'or' ? `-(${text})` : `-${text}`
    }
    case 'and':
      return expression.parts.map((part) => (part.kind === 'or' ? `(${printQuery(part)})` : printQuery(part))).join(' ')
    case 'or':
      return expression.parts.map(printQuery).join(' OR ')
  }
}

/** The tree without places: two texts mean the same tree when these are deeply equal. */
export function withoutPlaces(expression: Expression): unknown {
  const { start: _start, end: _end, ...rest } = expression
  if ('part' in rest) return { ...rest, part: withoutPlaces(rest.part) }
  if ('parts' in rest) return { ...rest, parts: rest.parts.map(withoutPlaces) }
  return rest
}
