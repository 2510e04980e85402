/** Patterns as the page shows them and searches for them. Pure. */
import type { Level } from '../../pipeline/record.ts'
import { andQuery } from './query-text.ts'
import type { View } from './url-state.ts'

/** What a part of a pattern stands for; `any` is a word that varies. */
export const masks = ['time', 'num', 'ip', 'mac', 'hex', 'uuid', 'id', 'path', 'url', 'email', 'agent', 'any'] as const
export type Mask = (typeof masks)[number]

export interface PatternPart {
  readonly text: string
  /** Undefined = the text itself. */
  readonly mask: Mask | undefined
}

const maskPattern = new RegExp(`<(${masks.join('|')}|\\*)>`, 'g')

/** `took <num> ms` in pieces. */
export function patternParts(pattern: string): PatternPart[] {
  const parts: PatternPart[] = []
  let end = 0
  for (const { 0: text, 1: name, index } of pattern.matchAll(maskPattern)) {
    if (index > end) parts.push({ text: pattern.slice(end, index), mask: undefined })
    parts.push({ text, mask: name === '*' ? 'any' : (name as Mask) })
    end = index + text.length
  }
  if (end < pattern.length) parts.push({ text: pattern.slice(end), mask: undefined })
  return parts
}

interface Findable {
  readonly level: Level
  readonly query: string
}

/** What shows its lines: its words and its level, in what is searched already. */
export function onlyPattern({ q }: View, { level, query }: Findable): Partial<View> {
  return { q: andQuery(q, query), level: [level], tab: 'lines' }
}

/** What leaves its lines out; those of another level with the same words stay. */
export function withoutPattern({ q }: View, { level, query }: Findable): Partial<View> {
  return { q: andQuery(q, `${query} level:${level}`, true) }
}
