/**
 * A query compiled for a partition file. Pure. What the index can answer becomes as few FTS5 expressions as possible;
 * source fields and levels are tested on what zones and columns say; the rest reads the text of candidates.
 */
import { fieldsOf } from '../../pipeline/fields.ts'
import { type Expression, patternShape, type WordPattern } from '../../pipeline/query.ts'
import { levelsOf, matchesPhrase, matchesValue } from '../../pipeline/query-matches.ts'
import { levels } from '../../pipeline/record.ts'
import type { Selection } from '../../pipeline/store.ts'
import { indexPrefix, indexWord, lowerCase, wordsOf } from '../../pipeline/words.ts'
import { gramsOfNeedles } from './grams.ts'
import type { ViewOrigin } from './view.ts'

export type Plan =
  | { readonly kind: 'all' }
  | IndexPlan
  /** Rows of the origins for which it holds. */
  | { readonly kind: 'origin'; readonly holds: (origin: ViewOrigin) => boolean }
  /** By level: 1 = wanted. */
  | { readonly kind: 'level'; readonly wanted: Uint8Array }
  | TextPlan
  /** Rows that continue an event. */
  | { readonly kind: 'part' }
  | { readonly kind: 'not'; readonly part: Plan }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Plan[] }

/** Rows that an FTS5 expression matches. */
export interface IndexPlan {
  readonly kind: 'index'
  readonly expression: string
  /**
   * The same, read from the text: only where the end of the expression is the beginning of a word. FTS5 then merges the rows
   * of all such words of the whole file for each question, however narrow its bounds are (`1*` in a million lines: 230 ms).
   */
  readonly text?: TextPlan
}

export interface TextPlan {
  readonly kind: 'text'
  /** Every one of these (lower-case ASCII) is in a message that matches; may be empty. */
  readonly needles: readonly string[]
  /** What a block must hold for any of its messages to match (grams.ts); may be empty. */
  readonly grams: readonly number[]
  /** True when a message with a backslash may match without the needles: JSON can spell any letter as an escape. */
  readonly escapes: boolean
  readonly holds: (message: string) => boolean
}

/** What the filters and the query of a selection mean together. */
export function planOf({ where, filters, parts: onlyParts }: Pick<Selection, 'where' | 'filters' | 'parts'>): Plan {
  const parts: Plan[] = []
  for (const field of ['app', 'instance', 'host', 'dir', 'file'] as const) {
    const values = filters[field]
    if (values === undefined || values.length === 0) continue
    const wanted = new Set(values)
    parts.push({ kind: 'origin', holds: (origin) => wanted.has(origin[field]) })
  }
  if (filters.level !== undefined && filters.level.length > 0) parts.push(levelPlan(filters.level))
  if (onlyParts) parts.push({ kind: 'part' })
  if (where !== undefined) parts.push(compile(where))
  return combine('and', parts)
}

/** True when the plan has a part for which a zone can say all or none. */
export function readsZones(plan: Plan): boolean {
  if (plan.kind === 'not') return readsZones(plan.part)
  if (plan.kind === 'and' || plan.kind === 'or') return plan.parts.some(readsZones)
  return plan.kind === 'origin' || plan.kind === 'level' || plan.kind === 'part'
}

function compile(node: Expression): Plan {
  const expression = indexExpression(node)
  if (expression !== undefined) return { kind: 'index', expression }
  switch (node.kind) {
    case 'all':
      return { kind: 'all' }
    case 'words':
      return prefixPlan(node.words) ?? wordsPlan(node.words)
    case 'text': {
      const { field, match, value } = node
      return { kind: 'origin', holds: (origin) => matchesValue(match, value, origin[field]) }
    }
    case 'field':
      return fieldPlan(node)
    case 'level':
      return levelPlan(levelsOf(node.comparison, node.level))
    case 'not':
      return { kind: 'not', part: compile(node.part) }
    case 'and':
    case 'or':
      return listPlan(node.kind, node.parts)
  }
}

/** What the index knows of the parts is asked in one expression. */
function listPlan(kind: 'and' | 'or', nodes: readonly Expression[]): Plan {
  const indexed: string[] = []
  const excluded: string[] = []
  const others: Expression[] = []
  for (const node of nodes) {
    const expression = indexExpression(node)
    const inner = kind === 'and' && node.kind === 'not' ? indexExpression(node.part) : undefined
    if (expression !== undefined) indexed.push(expression)
    else if (inner !== undefined) excluded.push(inner)
    else others.push(node)
  }
  const parts: Plan[] = []
  if (indexed.length > 0) {
    const positive = joined(kind, indexed)
    const expression = excluded.length === 0 ? positive : `(${positive} NOT ${joined('or', excluded)})`
    parts.push({ kind: 'index', expression })
  } else if (excluded.length > 0) {
    parts.push({ kind: 'not', part: { kind: 'index', expression: joined('or', excluded) } })
  }
  for (const node of others) parts.push(compile(node))
  return combine(kind, parts)
}

const cost = { all: 0, level: 1, origin: 1, part: 2, index: 2, not: 3, or: 4, and: 4, text: 5 } as const

function costOf(plan: Plan): number {
  return plan.kind === 'index' && plan.text !== undefined ? cost.and : cost[plan.kind]
}

/** Cheap parts first: they decide which rows the costly ones look at. */
function combine(kind: 'and' | 'or', parts: readonly Plan[]): Plan {
  if (parts.length === 0) return { kind: 'all' }
  if (parts.length === 1) return parts[0] as Plan
  return { kind, parts: [...parts].sort((a, b) => costOf(a) - costOf(b)) }
}

/** The node as an FTS5 expression; undefined when the index alone cannot decide it. */
function indexExpression(node: Expression): string | undefined {
  if (node.kind === 'words') return node.words.every(isExact) ? phraseExpression(node.words) : undefined
  if (node.kind !== 'and' && node.kind !== 'or') return undefined
  const positive: string[] = []
  const negative: string[] = []
  for (const part of node.parts) {
    const excluded = node.kind === 'and' && part.kind === 'not'
    const expression = indexExpression(excluded ? part.part : part)
    if (expression === undefined) return undefined
    if (excluded) negative.push(expression)
    else positive.push(expression)
  }
  // The index knows no complement of its own: `-a -b` alone is left to the bits.
  if (positive.length === 0) return undefined
  const expression = joined(node.kind, positive)
  return negative.length === 0 ? expression : `(${expression} NOT ${joined('or', negative)})`
}

function joined(kind: 'and' | 'or', expressions: readonly string[]): string {
  return expressions.length === 1
    ? (expressions[0] as string)
    : `(${expressions.join(kind === 'and' ? ' AND ' : ' OR ')})`
}

/** A phrase of whole words, of which the last may be the beginning of one. */
function phraseExpression(words: readonly WordPattern[]): string | undefined {
  const tokens: string[] = []
  for (const pattern of words.slice(0, -1)) {
    if (patternShape(pattern) !== 'exact') return undefined
    tokens.push(indexWord(pattern[0] as string))
  }
  const last = words.at(-1) as WordPattern
  const shape = patternShape(last)
  if (shape === 'wildcard') return undefined
  const ends =
    shape === 'exact' ? [{ token: indexWord(last[0] as string), prefix: false }] : indexPrefix(last[0] as string)
  return joined(
    'or',
    ends.map(({ token, prefix }) => `"${[...tokens, token].join(' ')}"${prefix ? '*' : ''}`),
  )
}

function isExact(pattern: WordPattern): boolean {
  return patternShape(pattern) === 'exact'
}

/** A phrase that ends in the beginning of a word; undefined when it is none. */
function prefixPlan(words: readonly WordPattern[]): IndexPlan | undefined {
  const expression = phraseExpression(words)
  if (expression === undefined) return undefined
  return {
    kind: 'index',
    expression,
    text: phraseText(words, words.map((pattern) => pattern[0] as string).filter(isAscii)),
  }
}

function phraseText(words: readonly WordPattern[], needles: readonly string[]): TextPlan {
  return {
    kind: 'text',
    needles: longest(needles),
    grams: gramsOfNeedles(needles),
    escapes: false,
    holds: (message) => matchesPhrase(words, wordsOf(message)),
  }
}

/** A phrase with a wildcard inside: the index finds what has its whole words, the text decides. */
function wordsPlan(words: readonly WordPattern[]): Plan {
  const needles: string[] = []
  const whole: string[] = []
  for (const pattern of words) {
    const shape = patternShape(pattern)
    if (shape === 'wildcard') needles.push(...pattern.filter(isAscii))
    else whole.push(phraseExpression([pattern]) as string)
  }
  const text = phraseText(words, needles)
  return whole.length === 0 ? text : combine('and', [{ kind: 'index', expression: joined('and', whole) }, text])
}

function fieldPlan(node: Extract<Expression, { kind: 'field' }>): Plan {
  const { name, match, value } = node
  // Only the last part of a nested name stands in the line as one piece. A number keeps its own spelling (fields.ts).
  const needles = asciiRuns(name.slice(name.lastIndexOf('.') + 1))
  needles.push(...asciiRuns(value))
  return {
    kind: 'text',
    needles: longest(needles),
    grams: gramsOfNeedles(needles),
    escapes: true,
    holds: (message) =>
      fieldsOf(message).some(([key, text]) => lowerCase(key) === name && matchesValue(match, value, text)),
  }
}

function levelPlan(names: readonly string[]): Plan {
  const wanted = new Uint8Array(levels.length)
  for (const name of names) {
    const level = (levels as readonly string[]).indexOf(name)
    if (level >= 0) wanted[level] = 1
  }
  return { kind: 'level', wanted }
}

function asciiRuns(text: string): string[] {
  return text.match(/[a-z0-9]+/g) ?? []
}

function isAscii(text: string): boolean {
  return /^[a-z0-9]+$/.test(text)
}

/** The two longest: more of them cost more than they rule out. */
function longest(needles: readonly string[]): string[] {
  return [...needles].sort((a, b) => b.length - a.length).slice(0, 2)
}
