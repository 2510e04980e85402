/**
 * Query parameters, read by the schemas of schema.ts. Ajv is not used for them because everything in a URL is text: its
 * coercion takes ` 5`, `0x10` and `1e3` for numbers, drops what is given twice, and its messages name no nearest name.
 */
import { nearestOf } from '../pipeline/config.ts'
import { messageOf, ShiplogError } from '../pipeline/errors.ts'

/** What the schemas of parameters are made of; a part of JSON Schema. */
interface ParameterSchema {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly description?: string
  readonly items?: ParameterSchema
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, ParameterSchema>>
  readonly required?: readonly string[]
}

/** Every value of every name, in the order of the URL; `malformed` is a part with an escape that is no UTF-8. */
export interface RawParameters {
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly malformed: string | undefined
}

/** Takes a query string apart. Never throws: the router calls it before there is anyone to answer the client. */
export function readQueryString(text: string): RawParameters {
  const values = new Map<string, string[]>()
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    try {
      const name = unescaped(equals < 0 ? part : part.slice(0, equals))
      const list = values.get(name) ?? []
      list.push(equals < 0 ? '' : unescaped(part.slice(equals + 1)))
      values.set(name, list)
    } catch {
      return { values, malformed: part.slice(0, 80) }
    }
  }
  return { values, malformed: undefined }
}

function unescaped(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

/** A QUERY_INVALID that knows which parameter of ours it is about. */
export class ParameterError extends ShiplogError {
  readonly parameter: string

  constructor(parameter: string, message: string, hint: string) {
    super('QUERY_INVALID', message, hint === '' ? {} : { hint })
    this.parameter = parameter
  }
}

export type Reading = { readonly value: Record<string, unknown> } | { readonly error: ShiplogError }

/** The reader of a part of a request. What stands in the path is checked by its route: only it can say 404. */
export function readerOf(schema: unknown, httpPart: string | undefined): (given: unknown) => Reading | boolean {
  if (httpPart === 'querystring') return parameterReader(schema as ObjectSchema)
  return httpPart === 'body' ? bodyReader(schema as ObjectSchema) : () => true
}

/** A reader of parameters for one schema of an object. Its error is a QUERY_INVALID that names the parameter. */
export function parameterReader(schema: ObjectSchema): (given: unknown) => Reading {
  return (given) => {
    try {
      return { value: readParameters(schema, given as RawParameters) }
    } catch (error) {
      if (error instanceof ShiplogError) return { error }
      return { error: new ShiplogError('QUERY_INVALID', messageOf(error)) }
    }
  }
}

/** The same for a body of JSON: its members are what the parameters of a URL are. */
export function bodyReader(schema: ObjectSchema): (given: unknown) => Reading {
  const read = parameterReader(schema)
  return (given) => {
    const values = membersOf(given)
    if (values instanceof ShiplogError) return { error: values }
    return read({ values, malformed: undefined } satisfies RawParameters)
  }
}

function membersOf(given: unknown): Map<string, string[]> | ShiplogError {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return invalid('the body is no JSON object', 'Send one, as application/json.')
  }
  const values = new Map<string, string[]>()
  for (const [name, value] of Object.entries(given)) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (!list.every((one) => ['string', 'number', 'boolean'].includes(typeof one))) {
      return new ParameterError(name, `${shorten(name)} is neither text nor a list of texts`, '')
    }
    values.set(name, list.map(String))
  }
  return values
}

function readParameters(schema: ObjectSchema, { values, malformed }: RawParameters): Record<string, unknown> {
  if (malformed !== undefined) {
    throw invalid(`“${malformed}” has an escape that is no UTF-8`, 'Percent-encode parameters as UTF-8.')
  }
  const names = Object.keys(schema.properties)
  for (const name of values.keys()) {
    if (names.includes(name)) continue
    const nearest = nearestOf(name.slice(0, 100), names)
    const known = names.length === 0 ? 'There are no parameters here.' : `Known here: ${names.join(', ')}.`
    const hint = nearest === undefined ? known : `Did you mean ${nearest}?`
    throw invalid(`the parameter “${shorten(name)}” is not known`, hint)
  }
  const read: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const given = values.get(name)
    if (given === undefined) {
      if (schema.required?.includes(name) === true) {
        throw new ParameterError(
          name,
          `the parameter ${name} is missing`,
          `Give ${name}: ${property.description ?? 'a value'}.`,
        )
      }
      if (property.default !== undefined) read[name] = property.default
    } else if (property.items !== undefined) {
      const most = property.maxItems ?? Number.POSITIVE_INFINITY
      if (given.length > most) {
        throw new ParameterError(name, `${name} is given ${given.length} times`, `At most ${most} are looked for.`)
      }
      const items = { description: property.description ?? '', ...property.items }
      read[name] = given.map((text) => readValue(name, items, text))
    } else {
      if (given.length > 1)
        throw new ParameterError(name, `${name} is given ${given.length} times`, `Give ${name} once.`)
      read[name] = readValue(name, property, given[0] as string)
    }
  }
  return read
}

function readValue(name: string, schema: ParameterSchema, text: string): unknown {
  const refuse = (expected: string, hint = schema.description ?? ''): ShiplogError =>
    new ParameterError(name, `${name} is “${shorten(text)}”, expected ${expected}`, sentence(hint))
  if (text.includes('\0')) throw refuse('text without NUL')
  if (schema.enum !== undefined) {
    if (schema.enum.includes(text)) return text
    const nearest = nearestOf(text.slice(0, 100), schema.enum)
    throw refuse(schema.enum.join(', '), nearest === undefined ? undefined : `Did you mean ${nearest}?`)
  }
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema
    const amount = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!(amount >= minimum && amount <= maximum)) throw refuse(`a whole number from ${minimum} to ${maximum}`)
    return amount
  }
  if (schema.type === 'boolean') {
    if (text === 'true') return true
    if (text === 'false') return false
    throw refuse('true or false')
  }
  const { minLength = 0, maxLength = 1024 } = schema
  if (text.length < minLength) throw refuse('a value', `Leave ${name} out when it does not matter.`)
  if (text.length > maxLength) throw refuse(`at most ${maxLength} characters, not ${text.length}`)
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(text)) {
    throw refuse(`a value of the form ${schema.pattern}`)
  }
  return text
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}

function sentence(text: string): string {
  return text === '' || /[.?]$/.test(text) ? text : `${text}.`
}

function invalid(message: string, hint: string): ShiplogError {
  return new ShiplogError('QUERY_INVALID', message, hint === '' ? {} : { hint })
}
