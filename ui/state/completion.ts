/** What a query may go on with at the caret. Pure. */
import { levels } from '../../pipeline/record.ts'

export const completedFields = ['level', 'host', 'instance', 'dir', 'file', 'app'] as const
/** Values are asked of the server by this name. */
export type ValueField = (typeof completedFields)[number] | `fields.${string}`

export type Wanted =
  /** A name is being typed: `le`, `.sta`. */
  | { readonly kind: 'field'; readonly start: number; readonly end: number; readonly typed: string }
  /** A value is being typed behind `field:`. */
  | {
      readonly kind: 'value'
      readonly start: number
      readonly end: number
      readonly typed: string
      readonly field: ValueField
    }

/** The term that the caret stands in, from behind a space, a parenthesis or a minus; not inside quotes. */
const termPattern = /(?:^|[\s(])-?(?<term>[^\s()"]*(?:"[^"]*)?)$/
const comparisonPattern =
  /^(?<name>level|host|instance|dir|file|app|fields\.[^\s:"]+|\.[^\s:"]+)(?<operator>:|>=|<=|>|<)"?(?<value>.*)$/s

/** Undefined when there is nothing to complete: at an empty place, inside a quoted phrase, in the middle of a word. */
export function wantedAt(query: string, caret: number): Wanted | undefined {
  const before = query.slice(0, caret)
  const behind = query.slice(caret)
  if (/^[^\s()]/.test(behind)) return undefined
  const term = termPattern.exec(before)?.groups?.term
  if (term === undefined || term === '' || term.startsWith('"')) return undefined
  const parts = comparisonPattern.exec(term)?.groups
  if (parts === undefined) {
    if (!/^\.?[\p{L}\p{N}_.@$-]*$/u.test(term)) return undefined
    return { kind: 'field', start: caret - term.length, end: caret, typed: term }
  }
  const { name = '', operator = ':', value = '' } = parts
  if (name !== 'level' && operator !== ':') return undefined
  const quoted = term.charAt(name.length + operator.length) === '"'
  const start = caret - value.length - (quoted ? 1 : 0)
  return { kind: 'value', start, end: caret, typed: value, field: fieldOf(name) }
}

function fieldOf(name: string): ValueField {
  if (name.startsWith('.')) return `fields.${name.slice(1)}`
  return name as ValueField
}

/** Fields whose name begins so; those read from lines are written with a dot in front. */
export function fieldNames(typed: string, known: readonly string[]): string[] {
  const lower = typed.toLowerCase()
  const own = completedFields.filter((name) => name.startsWith(lower)).map((name) => `${name}:`)
  const bare = lower.replace(/^\./, '')
  const read = known.filter((name) => {
    const found = name.toLowerCase().indexOf(bare)
    // Without the dot a field is meant only when its name begins so: most words that are typed are words to find.
    return lower.startsWith('.') ? found >= 0 : bare !== '' && found === 0
  })
  return [...own, ...read.map((name) => `.${writtenName(name)}:`)]
}

export function levelNames(typed: string): string[] {
  return levels.filter((level) => level.startsWith(typed.toLowerCase()))
}

/** Puts what was chosen in the place of what was typed. A value is done, a field waits for its value. */
export function complete(query: string, wanted: Wanted, chosen: string): { text: string; caret: number } {
  const written = wanted.kind === 'field' ? chosen : `${writtenValue(chosen)} `
  const behind = query.slice(wanted.end)
  const rest = written.endsWith(' ') ? behind.replace(/^ /, '') : behind
  return { text: query.slice(0, wanted.start) + written + rest, caret: wanted.start + written.length }
}

function writtenValue(value: string): string {
  return value !== '' && !/[\s()"*]/.test(value) ? value : `"${value.replace(/["\\*]/g, '\\$&')}"`
}

function writtenName(name: string): string {
  return /^[\p{L}_@$][\p{L}\p{N}_.@$-]*$/u.test(name) ? name : `"${name.replace(/["\\*]/g, '\\$&')}"`
}

export const historyMax = 50

/** The newest first, each once. */
export function withSearch(history: readonly string[], query: string): string[] {
  const text = query.trim()
  return text === '' ? [...history] : [text, ...history.filter((other) => other !== text)].slice(0, historyMax)
}

/** As it was kept; whatever else stands there is as good as nothing. */
export function readHistory(kept: string | null): string[] {
  try {
    const read: unknown = JSON.parse(kept ?? '[]')
    return Array.isArray(read) ? read.filter((entry) => typeof entry === 'string').slice(0, historyMax) : []
  } catch {
    return []
  }
}
