/** Which fields lines have, of what type, with which values: counted. Pure. */
import type { Field } from '../pipeline/fields.ts'
import { lowerCase } from '../pipeline/words.ts'

/** Names that are counted; those that come later are left out and `complete` turns false. */
export const namesMax = 2000
/** Different values of one name that are counted. */
export const distinctMax = 1000

export type FieldType = 'number' | 'boolean' | 'time' | 'text' | 'mixed'

export interface FieldCount {
  /** As it was written first; names that differ in case only are one, as in a query. */
  readonly name: string
  /** Undefined while every value was `null`, which says nothing of what the values are. */
  type: FieldType | undefined
  /** Lines, each with its weight. A line with several values of one name counts once. */
  weight: number
  /** By value; the weight of its lines. */
  readonly values: Map<string, number>
  /** True when values were left out. */
  more: boolean
}

const numberText = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const timeText = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/

export function typeOf(value: string): Exclude<FieldType, 'mixed'> {
  if (numberText.test(value)) return 'number'
  if (value === 'true' || value === 'false') return 'boolean'
  return timeText.test(value) ? 'time' : 'text'
}

export class FieldTally {
  readonly #fields = new Map<string, FieldCount>()
  /** Lines with at least one field. */
  weight = 0
  complete = true

  add(fields: readonly Field[], weight: number): void {
    if (fields.length === 0) return
    this.weight += weight
    const counted = new Set<FieldCount>()
    const pairs = new Set<string>()
    for (const [name, value] of fields) {
      const field = this.#field(name)
      if (field === undefined) continue
      if (!counted.has(field)) field.weight += weight
      counted.add(field)
      if (value !== 'null' && field.type !== 'mixed') {
        const type = typeOf(value)
        field.type = field.type === undefined || field.type === type ? type : 'mixed'
      }
      const pair = `${lowerCase(name)}=${value}`
      if (pairs.has(pair)) continue
      pairs.add(pair)
      const before = field.values.get(value)
      if (before === undefined && field.values.size >= distinctMax) field.more = true
      else field.values.set(value, (before ?? 0) + weight)
    }
  }

  /** Most frequent first. */
  result(): FieldCount[] {
    return [...this.#fields.values()].sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
  }

  #field(name: string): FieldCount | undefined {
    const key = lowerCase(name)
    let field = this.#fields.get(key)
    if (field !== undefined) return field
    if (this.#fields.size >= namesMax) {
      this.complete = false
      return undefined
    }
    field = { name, type: undefined, weight: 0, values: new Map(), more: false }
    this.#fields.set(key, field)
    return field
  }
}

/** The most frequent values; of two as frequent ones the one that sorts first. */
export function topValues({ values }: FieldCount, limit: number): { value: string; weight: number }[] {
  return [...values]
    .map(([value, weight]) => ({ value, weight }))
    .sort((a, b) => b.weight - a.weight || (a.value < b.value ? -1 : 1))
    .slice(0, limit)
}
