/**
 * The named values inside a message: of a line that is one JSON object, or that looks like logfmt. Pure; never throws.
 * They are what `.status:500` searches. A value that does not fit a bound is left out, never cut: half a value would be
 * found by the wrong queries, and its words are found in the message anyway.
 */
export type Field = readonly [name: string, value: string]

/** Of one message; the first ones stay. */
export const fieldsMax = 256
/** Levels of objects and arrays inside each other. */
export const fieldDepthMax = 8
/** UTF-16 units of a flattened name. */
export const fieldNameUnitsMax = 128
/** UTF-16 units of a value. */
export const fieldValueUnitsMax = 1024
/** UTF-16 units of a message; a longer one has no fields. */
export const fieldsMessageUnitsMax = 524_288

const none: readonly Field[] = []

/** What was read of a message so far. `complete` = no more fits. */
class FieldList {
  readonly fields: Field[] = []

  get complete(): boolean {
    return this.fields.length >= fieldsMax
  }

  add(name: string, value: string): void {
    // In an index a field is `name=value`, so a name with a `=` would be taken for another one.
    if (this.complete || name === '' || name.length > fieldNameUnitsMax || name.includes('=')) return
    if (value.length <= fieldValueUnitsMax) this.fields.push([name, value])
  }
}

/** A number as it stands in the JSON text, where JavaScript would print another. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

// Long digits lose precision; `1.0`, `1e3`, `0.0000001` and `-0` lose their form. A false alarm costs time only.
const numbersThatChange = /\d{16}|[\d.]{17}|0\.0{6}|(?:\d\.\d*0|\d[eE][+-]?\d+|-0)[\s,\]}]/

function keepNumberText(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? new NumberText(context.source) : value
}

function flatten(list: FieldList, name: string, value: unknown, depth: number): void {
  if (list.complete) return
  if (typeof value === 'string') list.add(name, value)
  else if (value === null || typeof value !== 'object') list.add(name, String(value))
  else if (value instanceof NumberText) list.add(name, value.text)
  else if (depth >= fieldDepthMax) return
  else if (Array.isArray(value)) for (const item of value) flatten(list, name, item, depth + 1)
  else
    for (const [key, item] of Object.entries(value))
      flatten(list, name === '' ? key : `${name}.${key}`, item, depth + 1)
}

function jsonFields(message: string): readonly Field[] {
  // Most lines that begin with a brace and are not JSON end here, before a SyntaxError is built for them.
  if (!/^\s*\{\s*"/.test(message) || !/\}\s*$/.test(message.slice(-64))) return none
  let parsed: unknown
  try {
    parsed = JSON.parse(message, numbersThatChange.test(message) ? keepNumberText : undefined)
  } catch {
    return none
  }
  const list = new FieldList()
  flatten(list, '', parsed, 0)
  return list.fields
}

const nameStart = /[A-Za-z_@$]/
const nameUnit = /[A-Za-z0-9_@$./-]/
const pairBoundary = /[\s,;|[({]/

/** Where the name that ends at `end` (exclusive) begins, or -1 when no name with a boundary in front ends there. */
function nameStartBefore(message: string, end: number, behind: number): number {
  let start = end
  while (start > behind && end - start <= fieldNameUnitsMax && nameUnit.test(message[start - 1] as string)) start--
  if (start === end || !nameStart.test(message[start] as string)) return -1
  return start === 0 || (start >= behind && pairBoundary.test(message[start - 1] as string)) ? start : -1
}

/** The quoted value that begins at `start`, and where it ends; undefined when it is never closed. */
function quotedValue(message: string, start: number): { value: string; end: number } | undefined {
  let value = ''
  const limit = Math.min(message.length, start + 2 * fieldValueUnitsMax + 2)
  for (let at = start + 1; at < limit; at++) {
    const unit = message[at] as string
    if (unit === '"') return { value, end: at + 1 }
    if (unit === '\\' && at + 1 < limit) {
      const escaped = message[++at] as string
      value +=
        escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped === '"' || escaped === '\\' ? escaped : `\\${escaped}`
    } else {
      value += unit
    }
  }
  return undefined
}

// Bounded, so that one run without spaces is not walked over again for each of its pairs.
const bareRun = /[^\s"]{1,2048}/y
const brackets = [
  [')', '('],
  [']', '['],
  ['}', '{'],
] as const

/** A bare value: without the comma behind it, and without a bracket that was opened before it (`(a=1)`). */
function bareValue(run: string): string {
  // `{a=1,b=2}`: the comma ends a value when another pair follows it.
  const next = /[,;|](?=[A-Za-z_@$][A-Za-z0-9_@$./-]*=)/.exec(run)
  if (next !== null) return run.slice(0, next.index)
  if (!/[,;|)\]}]$/.test(run)) return run
  const unopened = new Map<string, number>()
  for (const [closer, opener] of brackets) unopened.set(closer, run.split(closer).length - run.split(opener).length)
  let end = run.length
  for (; end > 0; end--) {
    const last = run[end - 1] as string
    const left = unopened.get(last)
    if (left === undefined ? !/[,;|]/.test(last) : left <= 0) break
    if (left !== undefined) unopened.set(last, left - 1)
  }
  return run.slice(0, end)
}

function logfmtFields(message: string): readonly Field[] {
  const list = new FieldList()
  let behind = 0
  for (
    let at = message.indexOf('=');
    at !== -1 && !list.complete;
    at = message.indexOf('=', Math.max(at + 1, behind))
  ) {
    const start = nameStartBefore(message, at, behind)
    if (start === -1) continue
    const name = message.slice(start, at)
    if (message[at + 1] === '"') {
      const quoted = quotedValue(message, at + 1)
      if (quoted === undefined) continue
      list.add(name, quoted.value)
      behind = quoted.end
      continue
    }
    bareRun.lastIndex = at + 1
    const run = bareRun.exec(message)?.[0] ?? ''
    const value = bareValue(run)
    // `a == b`, `a => b` and `a=` are code, not pairs.
    if (value === '' || value.startsWith('=') || value.startsWith('>')) continue
    list.add(name, value)
    behind = at + 1 + value.length
  }
  return list.fields.length >= 2 ? list.fields : none
}

/**
 * The fields of a message, in order, names as they are written (a query compares them without regard to case). JSON: the whole
 * message is one object, also over several lines; inner names are joined by dots, an array repeats its name, numbers, booleans
 * and null are their JSON text. logfmt: two or more `key=value` or `key="quoted value"` pairs anywhere in the message. Anything
 * else, and whatever is beyond the bounds above, has none.
 */
export function fieldsOf(message: string): readonly Field[] {
  // A plain line leaves here: it has no brace in front and fewer than two equals signs.
  const first = message.charCodeAt(0)
  const object = first === 0x7b || (first <= 0x20 && /^\s*\{/.test(message))
  if (!object) {
    const equals = message.indexOf('=')
    if (equals === -1 || message.indexOf('=', equals + 1) === -1) return none
  }
  if (message.length > fieldsMessageUnitsMax) return none
  return object ? jsonFields(message) : logfmtFields(message)
}
