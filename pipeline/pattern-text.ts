/** A pattern as text for people, and as a query that finds its lines. Pure. */

import { plainSequence } from './pattern-mask.ts'
import { any, marks, type Pattern } from './pattern-tree.ts'
import { standsAlone } from './words.ts'

type Words = Pick<Pattern<unknown>, 'words' | 'between' | 'cut'>

/** The pattern as text: `用户<*>登录成功, ip <ip>`. What varies side by side is one thing. */
export function patternText({ words, between, cut }: Words): string {
  let text = between[0] as string
  for (const [i, word] of words.entries()) {
    if (word !== any || !text.endsWith(any)) text += word
    text += between[i + 1]
  }
  const plain = text.replaceAll(plainSequence, '')
  return cut ? `${plain}…` : plain
}

/** What does not end a word: nothing, marks and joiners, and the rest of a list, which stands for anything. */
const glue = /^[\p{M}\p{Cf}…]*$/u
/** Phrases of a query; more would not make it narrower. */
const phrasesMax = 8
const phraseWordsMax = 24
const queryUnitsMax = 2000

/**
 * A query that finds all lines of the pattern (and perhaps others): its words, as phrases where they stand side by side.
 * Undefined when it has no word that is the same in all of them.
 */
export function patternQuery({ words, between, cut }: Words): string | undefined {
  const phrases: string[][] = []
  let phrase: string[] = []
  for (const [i, word] of words.entries()) {
    const varies = word === any || marks.has(word)
    // A word that grows into a placeholder (`worker<num>`) is no whole word of the line, nor is one that is cut.
    const touches = (side: string, next: string | undefined): boolean =>
      glue.test(side) && next !== undefined && marks.has(next) && !standsAlone(word)
    const partial =
      touches(between[i] as string, words[i - 1]) ||
      touches(between[i + 1] as string, words[i + 1]) ||
      (cut && i === words.length - 1)
    if (!varies && !partial) phrase.push(word)
    else if (phrase.length > 0) {
      phrases.push(phrase)
      phrase = []
    }
  }
  if (phrase.length > 0) phrases.push(phrase)
  const longest = phrases
    .map((one) => one.slice(0, phraseWordsMax))
    .sort((a, b) => b.length - a.length)
    .slice(0, phrasesMax)
  let text = ''
  for (const one of new Set(longest.map((words) => `"${words.join(' ')}"`))) {
    if (text.length + one.length < queryUnitsMax) text += `${text === '' ? '' : ' '}${one}`
  }
  return text === '' ? undefined : text
}
