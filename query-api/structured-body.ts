/**
 * A body of JSON that is more than a list of names: read by its schema, refused with the place and with what was expected there.
 * Ajv is not used for the same reasons as in parameters.ts; of a choice it would name every branch that does not fit.
 */
import type { FastifySchemaCompiler } from 'fastify'
import { nearestOf } from '../pipeline/config.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { ParameterError, type Reading, readerOf } from './parameters.ts'

/** What these schemas are made of; a part of JSON Schema. */
interface StructureSchema {
  readonly type?: string
  readonly const?: unknown
  /** Of literals, or of objects that say their `kind`. */
  readonly anyOf?: readonly StructureSchema[]
  readonly properties?: Readonly<Record<string, StructureSchema>>
  readonly required?: readonly string[]
  readonly items?: StructureSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly description?: string
}

/** For routes whose body is such a one. */
export const structuredBody: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) =>
  httpPart === 'body' ? (given: unknown) => readStructure(schema, given) : readerOf(schema, httpPart)

/** The value as it is given, when it fits; what it leaves out stays left out. */
export function readStructure(schema: unknown, given: unknown): Reading {
  try {
    check(schema as StructureSchema, given, '')
    return { value: given as Record<string, unknown> }
  } catch (error) {
    if (error instanceof ShiplogError) return { error }
    throw error
  }
}

function check(schema: StructureSchema, value: unknown, path: string): void {
  const { anyOf, items = {}, properties = {}, required = [] } = schema
  if (anyOf?.some((branch) => kindOf(branch) !== undefined)) {
    const branch = anyOf.find((one) => kindOf(one) === kindIn(value))
    if (branch === undefined)
      throw refusal(schema, value, path, `an object whose kind is ${anyOf.map(kindOf).join(', ')}`)
    check(branch, value, path)
    return
  }
  const expected = expectedOf(schema, value)
  if (expected !== undefined) throw refusal(schema, value, path, expected)
  if (Array.isArray(value)) for (const [i, one] of value.entries()) check(items, one, `${path}[${i}]`)
  else if (typeof value === 'object' && value !== null) checkMembers(properties, required, value, path)
}

/** What the schema wants instead of this value, its members aside; undefined = it is right. */
function expectedOf(schema: StructureSchema, value: unknown): string | undefined {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, minLength = 0, maxLength = 1024, pattern } = schema
  const unless = (right: boolean, expected: string): string | undefined => (right ? undefined : expected)
  if (schema.anyOf !== undefined) {
    const values = schema.anyOf.map((branch) => branch.const)
    return unless(values.includes(value), values.join(' or '))
  }
  if (schema.const !== undefined) return unless(value === schema.const, String(schema.const))
  switch (schema.type) {
    case 'object':
      return unless(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object')
    case 'array':
      return unless(
        Array.isArray(value) && value.length >= minItems && value.length <= maxItems,
        `a list of ${minItems} to ${maxItems}`,
      )
    case 'integer':
    case 'number':
      return unless(
        (schema.type === 'integer' ? Number.isInteger(value) : typeof value === 'number') &&
          (value as number) >= minimum &&
          (value as number) <= maximum,
        `${schema.type === 'integer' ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}`,
      )
    case 'boolean':
      return unless(typeof value === 'boolean', 'true or false')
    default:
      if (typeof value !== 'string' || value.includes('\0')) return 'text without NUL'
      if (value.length < minLength || value.length > maxLength) return `text of ${minLength} to ${maxLength} characters`
      return unless(pattern === undefined || new RegExp(pattern, 'u').test(value), `a value of the form ${pattern}`)
  }
}

function kindOf(branch: StructureSchema): unknown {
  return branch.properties?.kind?.const
}

function kindIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
}

function checkMembers(
  properties: Readonly<Record<string, StructureSchema>>,
  required: readonly string[],
  value: object,
  path: string,
): void {
  const names = Object.keys(properties)
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  for (const [name, member] of Object.entries(value)) {
    if (!names.includes(name)) {
      const nearest = nearestOf(name.slice(0, 100), names)
      const hint = nearest === undefined ? `Known here: ${names.join(', ')}.` : `Did you mean ${nearest}?`
      throw new ParameterError(at(name), `“${at(name).slice(0, 80)}” is not known`, hint)
    }
    check(properties[name] as StructureSchema, member, at(name))
  }
  for (const name of required) {
    if (!Object.hasOwn(value, name)) check(properties[name] as StructureSchema, undefined, at(name))
  }
}

function refusal({ description }: StructureSchema, value: unknown, path: string, expected: string): ParameterError {
  const what = value === undefined ? 'is missing' : `is ${shorten(value)}, expected ${expected}`
  const place = path === '' ? 'the body' : path
  return new ParameterError(path, `${place} ${what}`, description ?? `Expected for ${place}: ${expected}.`)
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}
