/** A message that is one JSON object or array, as the tree that is drawn of it. Pure. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Characters; what is longer is shown as text. */
const jsonCharsMax = 1_000_000

/** A guess that costs nothing: it is made for every row. */
export function looksLikeJson(message: string): boolean {
  const first = message.charCodeAt(0)
  const last = message.charCodeAt(message.length - 1)
  return message.length > 2 && ((first === 123 && last === 125) || (first === 91 && last === 93))
}

export function parseJson(message: string): Json | undefined {
  if (!looksLikeJson(message) || message.length > jsonCharsMax) return undefined
  try {
    const value = JSON.parse(message) as Json
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

export interface JsonEntry {
  readonly name: string
  readonly value: Json
  /** The name under which the value is searched: inner names joined by dots, none for the places of a list. */
  readonly field: string
}

export function entriesOf(value: Json, field: string): JsonEntry[] {
  if (Array.isArray(value)) return value.map((item: Json, place) => ({ name: String(place), value: item, field }))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).map(([name, inner]) => ({
    name,
    value: inner as Json,
    field: field === '' ? name : `${field}.${name}`,
  }))
}

export function isInner(value: Json): boolean {
  return typeof value === 'object' && value !== null && entriesOf(value, '').length > 0
}
