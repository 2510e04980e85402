/**
 * Lines of the same shape put together: a tree of fixed depth as in Drain (He et al., ICWS 2017), over the words of
 * pipeline/words.ts, so that a Chinese sentence has a word for each character. Pure. The same lines in the same order give
 * the same patterns.
 *
 *     level ─► separators and header ─► first word of the text ─► patterns, by how many words are the same
 */

import { maskLine, placeholders, shapeText } from './pattern-mask.ts'
import { splitWords } from './words.ts'

/** Patterns of one tree; lines of further shapes are counted together. */
export const patternsMax = 1000
/** Of the words of two lines so many have to be the same for one pattern. */
export const similarityMin = 0.7
/** First words of lines that are alike but for them; of more, the word is taken for something that varies. */
export const firstWordsMax = 24
/** Shapes that a tree remembers, so that the next line of the same shape costs one look-up. */
const shapesMaxDefault = 20_000

/** A word that varies. */
export const any = '<*>'
/** What stands for something that was masked. */
export const marks: ReadonlySet<string> = new Set(placeholders.map((name) => `<${name}>`))

export interface Pattern<Example> {
  readonly level: number
  /** What stands between the words, one more than there are words. */
  readonly between: readonly string[]
  /** Each a word, a placeholder, or `<*>`. */
  readonly words: string[]
  /** Index of the first word behind the header. */
  readonly body: number
  /** True when the lines may go on behind the last word. */
  cut: boolean
  /** By the ranges that are compared: lines they stand for, lines seen, first and last, µs. */
  readonly seen: Seen[]
  example: Example | undefined
}

export interface Seen {
  weight: number
  lines: number
  first: number
  last: number
}

type Shape = Pick<Pattern<unknown>, 'words' | 'between' | 'body' | 'cut'>

/** A pattern without what was seen of it: what is kept of one, and known again. */
export type KnownPattern = Shape & Pick<Pattern<unknown>, 'level'>

interface Node<Example> {
  readonly byFirst: Map<string, Pattern<Example>[]>
}

export class PatternTree<Example> {
  readonly patterns: Pattern<Example>[] = []
  /** Lines of shapes that came when there were `patternsMax` patterns, by range. */
  readonly others: Seen[]
  readonly #ranges: number
  readonly #shapesMax: number
  readonly #nodes = new Map<string, Node<Example>>()
  readonly #shapes = new Map<string, Pattern<Example> | undefined>()

  constructor(ranges = 1, shapesMax = shapesMaxDefault) {
    this.#ranges = ranges
    this.#shapesMax = shapesMax
    this.others = this.#nothingSeen()
  }

  /**
   * Takes a line in; `example` is asked where it is the first one of its pattern in the last range. Gives its pattern,
   * undefined where there are too many.
   */
  add(
    message: string,
    level: number,
    time: number,
    weight: number,
    range: number,
    example: () => Example,
  ): Pattern<Example> | undefined {
    const { text, cut } = shapeText(message)
    const masked = maskLine(text)
    const key = `${level}${cut ? '+' : ' '}${masked}`
    let pattern = this.#shapes.get(key)
    if (pattern === undefined && !this.#shapes.has(key)) {
      pattern = this.#place(shapeOf(masked, cut), level)
      if (this.#shapes.size < this.#shapesMax) this.#shapes.set(key, pattern)
    }
    const seen = (pattern?.seen ?? this.others)[range] as Seen
    seen.weight += weight
    seen.lines++
    if (time < seen.first) seen.first = time
    if (time > seen.last) seen.last = time
    if (pattern !== undefined && (pattern.example === undefined || (range === this.#ranges - 1 && seen.lines === 1)))
      pattern.example = example()
    return pattern
  }

  /** Takes a pattern of another tree in, before any line; what is of it is then of this one. */
  know({ level, words, between, body, cut }: KnownPattern): Pattern<Example> | undefined {
    return this.#place({ words: [...words], between, body, cut }, level)
  }

  /** The patterns, once all lines are in. */
  finish(): readonly Pattern<Example>[] {
    const gone = new Set<Pattern<Example>>()
    for (const { byFirst } of this.#nodes.values()) {
      // First words that came before there were too many of them vary as those behind do.
      const varying = byFirst.get(any)
      if (varying === undefined) continue
      for (const [word, patterns] of byFirst) {
        if (word === any) continue
        for (const pattern of patterns) {
          const into = nearest(varying, pattern)
          if (into === undefined) continue
          merge(into, pattern)
          gone.add(pattern)
        }
      }
    }
    return this.patterns.filter((pattern) => !gone.has(pattern))
  }

  #place(shape: Shape, level: number): Pattern<Example> | undefined {
    const { words, between, body, cut } = shape
    const header = words.slice(0, body).join('\u0001')
    const key = `${level}\u0000${between.join('\u0001')}\u0000${header}`
    let node = this.#nodes.get(key)
    if (node === undefined) this.#nodes.set(key, (node = { byFirst: new Map() }))
    const written = words[body] ?? ''
    const first = node.byFirst.has(written) || node.byFirst.size < firstWordsMax ? written : any
    let patterns = node.byFirst.get(first)
    if (patterns === undefined) node.byFirst.set(first, (patterns = []))
    const fitting = nearest(patterns, { words })
    if (fitting !== undefined) {
      generalize(fitting.words, words)
      fitting.cut ||= cut
      return fitting
    }
    if (this.patterns.length >= patternsMax) return undefined
    const made: Pattern<Example> = { level, between, words, body, cut, seen: this.#nothingSeen(), example: undefined }
    patterns.push(made)
    this.patterns.push(made)
    return made
  }

  #nothingSeen(): Seen[] {
    return Array.from({ length: this.#ranges }, () => ({
      weight: 0,
      lines: 0,
      first: Number.POSITIVE_INFINITY,
      last: Number.NEGATIVE_INFINITY,
    }))
  }
}

/** The pattern with the most words in common, the older one of two that are alike; undefined when none has enough. */
function nearest<Example>(
  patterns: readonly Pattern<Example>[],
  { words }: { readonly words: readonly string[] },
): Pattern<Example> | undefined {
  let best: Pattern<Example> | undefined
  let most = 0
  for (const pattern of patterns) {
    const share = similarity(pattern.words, words)
    if (share >= similarityMin && share > most) [best, most] = [pattern, share]
  }
  return best
}

/** Both have the same number of words. Placeholders that both have say nothing. */
function similarity(one: readonly string[], other: readonly string[]): number {
  let same = 0
  let counted = 0
  for (let i = 0; i < one.length; i++) {
    const word = one[i] as string
    if (word === other[i]) {
      if (marks.has(word)) continue
      if (word !== any) same++
    }
    counted++
  }
  return counted === 0 ? 1 : same / counted
}

function generalize(words: string[], other: readonly string[]): void {
  for (let i = 0; i < words.length; i++) if (words[i] !== other[i]) words[i] = any
}

function merge<Example>(into: Pattern<Example>, from: Pattern<Example>): void {
  generalize(into.words, from.words)
  into.cut ||= from.cut
  into.example ??= from.example
  for (const [range, seen] of into.seen.entries()) {
    const more = from.seen[range] as Seen
    seen.weight += more.weight
    seen.lines += more.lines
    seen.first = Math.min(seen.first, more.first)
    seen.last = Math.max(seen.last, more.last)
  }
}

/** Stamp, level, thread, class, dashes: what loggers put in front of the text. Two lines that differ in it differ. */
const header =
  /^(?:<(?:time|num|ip)>|\[[^\]]{0,80}\]|\(?[A-Z]{3,8}\)?(?![\w])|[A-Za-z_$][\w$]*(?:\.[\w$]+){2,}(?![\w])|[-:|#*\s])+/

function shapeOf(masked: string, cut: boolean): Shape {
  const bodyAt = header.exec(masked)?.[0].length ?? 0
  const words: string[] = []
  const between: string[] = []
  let end = 0
  let body = -1
  for (const { start, end: behind } of splitWords(masked)) {
    const marked = masked[start - 1] === '<' && masked[behind] === '>' && marks.has(masked.slice(start - 1, behind + 1))
    const from = marked ? start - 1 : start
    const to = marked ? behind + 1 : behind
    if (body === -1 && from >= bodyAt) body = words.length
    between.push(masked.slice(end, from))
    words.push(masked.slice(from, to))
    end = to
  }
  between.push(masked.slice(end))
  return { words, between, body: body === -1 ? words.length : body, cut }
}
