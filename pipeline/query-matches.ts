import type { Expression, LevelComparison, ValueMatch, WordPattern } from './query.ts'
import { type Level, levels } from './record.ts'
import { lowerCase, splitWords, wordsOf } from './words.ts'

/**
 * What a query means, said without any index: the judge of every store, and what a store asks about candidates that its
 * index cannot decide. Pure and plain rather than fast.
 */
export interface Matchable {
  readonly message: string
  readonly level: Level
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string
  /** As fieldsOf gives them; a name may repeat. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** True when a word (lower-cased, as words.ts gives it) is one that the pattern means. */
export function matchesWord(pattern: WordPattern, word: string): boolean {
  const first = pattern[0] as string
  if (pattern.length === 1) return word === first
  const last = pattern.at(-1) as string
  if (word.length < first.length + last.length || !word.startsWith(first) || !word.endsWith(last)) return false
  // Taking the leftmost place for each inner piece never rules out a later one.
  let at = first.length
  for (const piece of pattern.slice(1, -1)) {
    const found = word.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return at <= word.length - last.length
}

/** True when the words stand next to each other in `words`, beginning at `from`. */
function phraseAt(patterns: readonly WordPattern[], words: readonly string[], from: number): boolean {
  if (from + patterns.length > words.length) return false
  return patterns.every((pattern, index) => matchesWord(pattern, words[from + index] as string))
}

/** True when the phrase is anywhere in the words of a message. */
export function matchesPhrase(patterns: readonly WordPattern[], words: readonly string[]): boolean {
  return words.some((_word, from) => phraseAt(patterns, words, from))
}

/** Compares a value as it was written with one of the tree (lower-cased). */
export function matchesValue(match: ValueMatch, wanted: string, actual: string): boolean {
  const value = lowerCase(actual)
  switch (match) {
    case 'exact':
      return value === wanted
    case 'prefix':
      return value.startsWith(wanted)
    case 'suffix':
      return value.endsWith(wanted)
    case 'contains':
      return value.includes(wanted)
  }
}

const levelComparisons: { readonly [comparison in LevelComparison]: (actual: number, wanted: number) => boolean } = {
  '=': (actual, wanted) => actual === wanted,
  '<': (actual, wanted) => actual < wanted,
  '<=': (actual, wanted) => actual <= wanted,
  '>': (actual, wanted) => actual > wanted,
  '>=': (actual, wanted) => actual >= wanted,
}

/** True when the comparison holds for `actual`, by the order of `levels`. */
export function matchesLevel(comparison: LevelComparison, wanted: Level, actual: Level): boolean {
  return levelComparisons[comparison](levels.indexOf(actual), levels.indexOf(wanted))
}

/** The levels that a comparison means, in the order of `levels`. May be empty (`level<none`). */
export function levelsOf(comparison: LevelComparison, wanted: Level): readonly Level[] {
  return levels.filter((actual) => matchesLevel(comparison, wanted, actual))
}

/** True when the record is one that the query means. */
export function matches(expression: Expression, record: Matchable): boolean {
  let words: readonly string[] | undefined
  const holds = (node: Expression): boolean => {
    switch (node.kind) {
      case 'all':
        return true
      case 'words':
        words ??= wordsOf(record.message)
        return matchesPhrase(node.words, words)
      case 'text':
        return matchesValue(node.match, node.value, record[node.field])
      case 'field':
        return record.fields.some(
          ([name, value]) => lowerCase(name) === node.name && matchesValue(node.match, node.value, value),
        )
      case 'level':
        return matchesLevel(node.comparison, node.level, record.level)
      case 'not':
        return !holds(node.part)
      case 'and':
        return node.parts.every(holds)
      case 'or':
        return node.parts.some(holds)
    }
  }
  return holds(expression)
}

/**
 * What to mark in a message: each place where a word or phrase of the query stands that is not under a NOT. UTF-16 units, end
 * exclusive, ascending, apart.
 */
export function highlightRanges(expression: Expression, message: string): [start: number, end: number][] {
  const phrases: (readonly WordPattern[])[] = []
  const collect = (node: Expression, wanted: boolean): void => {
    if (node.kind === 'words' && wanted) phrases.push(node.words)
    else if (node.kind === 'not') collect(node.part, !wanted)
    else if (node.kind === 'and' || node.kind === 'or') for (const part of node.parts) collect(part, wanted)
  }
  collect(expression, true)
  if (phrases.length === 0) return []
  const places = splitWords(message)
  const words = places.map(({ word }) => word)
  const found: [start: number, end: number][] = []
  for (let from = 0; from < words.length; from++) {
    for (const phrase of phrases) {
      if (!phraseAt(phrase, words, from)) continue
      const start = places[from]?.start ?? 0
      const end = places[from + phrase.length - 1]?.end ?? 0
      const last = found.at(-1)
      // Starts never go back, so only the last range can overlap.
      if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end)
      else found.push([start, end])
    }
  }
  return found
}
