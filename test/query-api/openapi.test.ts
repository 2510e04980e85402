import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { decodeCursor } from '../../pipeline/cursor.ts'
import { ExplainAnswer } from '../../query-api/explain.ts'
import { parameterReader, readQueryString } from '../../query-api/parameters.ts'
import * as schema from '../../query-api/schema.ts'
import * as alertsSchema from '../../query-api/schema-alerts.ts'
import * as patternsSchema from '../../query-api/schema-patterns.ts'
import { generationOf, lines } from './memory-store.ts'
import { serve } from './serve.ts'

interface Operation {
  readonly summary: string
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: object }[]
  readonly responses: Readonly<Record<string, { description: string; content?: Record<string, { schema: object }> }>>
}
interface Description {
  readonly openapi: string
  readonly info: { title: string; version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

async function described(): Promise<Description> {
  const { api } = await serve()
  const answer = await api.inject('/api/v1/openapi.json')
  expect(answer.statusCode).toBe(200)
  return answer.json()
}

// What OpenAPI 3.1 requires of the parts that we use; https://spec.openapis.org/oas/v3.1.0
const text = { type: 'string', minLength: 1 }
const shape = {
  type: 'object',
  required: ['openapi', 'info', 'paths'],
  properties: {
    openapi: { const: '3.1.0' },
    info: { type: 'object', required: ['title', 'version'], properties: { title: text, version: text } },
    servers: { type: 'array', items: { type: 'object', required: ['url'] } },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        propertyNames: { enum: ['get', 'post', 'put', 'delete'] },
        additionalProperties: {
          type: 'object',
          required: ['summary', 'tags', 'responses', 'security'],
          properties: {
            summary: text,
            security: { type: 'array', items: { type: 'object', propertyNames: { enum: ['token', 'cookie'] } } },
            requestBody: {
              type: 'object',
              required: ['content'],
              properties: { content: { type: 'object', required: ['application/json'] } },
            },
            parameters: {
              type: 'array',
              items: {
                type: 'object',
                required: ['name', 'in', 'schema', 'required'],
                properties: { in: { enum: ['query', 'path'] }, schema: { type: 'object' } },
              },
            },
            responses: {
              type: 'object',
              minProperties: 1,
              propertyNames: { pattern: '^([1-5][0-9][0-9]|[45]XX|default)$' },
              additionalProperties: {
                type: 'object',
                required: ['description'],
                properties: {
                  content: { type: 'object', additionalProperties: { type: 'object', required: ['schema'] } },
                },
              },
            },
          },
        },
      },
    },
  },
}

describe('OpenAPI', () => {
  test('is well formed and names every route', async () => {
    const description = await described()
    const check = new Ajv2020({ strict: false }).compile(shape)
    expect([check(description), check.errors]).toEqual([true, null])
    expect(Object.keys(description.paths).sort()).toEqual([
      '/api/v1/alerts',
      '/api/v1/alerts.yaml',
      '/api/v1/alerts/{id}',
      '/api/v1/alerts/{id}/silence',
      '/api/v1/alerts/{id}/test',
      '/api/v1/context',
      '/api/v1/explain',
      '/api/v1/export',
      '/api/v1/fields',
      '/api/v1/files',
      '/api/v1/histogram',
      '/api/v1/patterns',
      '/api/v1/search',
      '/api/v1/searches',
      '/api/v1/searches/{id}',
      '/api/v1/session',
      '/api/v1/tail',
      '/api/v1/values/{field}',
      '/health',
      '/health/ready',
      '/l/{line}',
      '/s/{id}',
    ])
  })

  test('has an example of each answer, and of each parameter that is not a number, a switch or one of a list', async () => {
    const { paths } = await described()
    const without: string[] = []
    for (const [path, { get }] of Object.entries(paths)) {
      for (const { schema } of Object.values(get?.responses['200']?.content ?? {})) {
        if (!('examples' in schema) && !('example' in schema)) without.push(`${path}: answer`)
      }
      for (const parameter of get?.parameters ?? []) {
        const { name, schema } = parameter
        const telling = ['examples', 'example', 'enum', 'default'].some((key) => key in schema || key in parameter)
        if (!telling && !('type' in schema && schema.type === 'integer')) without.push(`${path}: ${name}`)
      }
    }
    expect(without).toEqual([])
  })

  test('says of each parameter whether it is needed, and its bounds', async () => {
    const { paths } = await described()
    const parameters = paths['/api/v1/search']?.get?.parameters ?? []
    expect(parameters.filter(({ required }) => required).map(({ name }) => name)).toEqual(['cluster'])
    expect(parameters.find(({ name }) => name === 'limit')?.schema).toMatchObject({
      minimum: 1,
      maximum: 1000,
      default: 100,
    })
    expect(parameters.find(({ name }) => name === 'level')?.schema).toMatchObject({ type: 'array' })
  })
})

describe('examples', () => {
  const answers = Object.entries({ ...schema, ...alertsSchema, ...patternsSchema, ExplainAnswer }).flatMap(
    ([name, value]) =>
      typeof value === 'object' && value !== null && 'examples' in value
        ? [[name, value as { examples: unknown[] }] as const]
        : [],
  )

  test.each(answers)('%s: each is one by its schema', (_, value) => {
    if ('pattern' in value) return
    const check = new Ajv2020({ strict: false }).compile(value)
    expect(value.examples.length).toBeGreaterThan(0)
    for (const example of value.examples) expect([check(example), check.errors]).toEqual([true, null])
  })

  test('that of a cursor is one', () => {
    expect(decodeCursor((schema.cursor as unknown as { examples: string[] }).examples[0] as string)).toMatchObject({
      order: 'desc',
      offset: schema.recordExample.offset,
    })
  })

  test('those of the parameters are understood', () => {
    const properties = Object.entries(schema.Common) as [string, { examples?: unknown[] }][]
    const read = parameterReader(schema.parameters(schema.Common) as never)
    const given = new URLSearchParams()
    for (const [name, { examples }] of properties) {
      for (const value of [examples?.[0] ?? []].flat()) given.append(name, String(value))
    }
    const reading = read(readQueryString(given.toString()))
    expect(reading).toMatchObject({
      value: { cluster: 'default', app: ['2048'], level: ['error', 'fatal'], q: 'timeout level>=warn' },
    })
  })
})

describe('answers', () => {
  const id = `${generationOf(0)}-4`
  test.each([
    ['/api/v1/search?cluster=prod&limit=2', schema.SearchAnswer],
    ['/api/v1/histogram?cluster=prod', schema.HistogramAnswer],
    ['/api/v1/values/app?cluster=prod', schema.ValuesAnswer],
    [`/api/v1/context?cluster=prod&id=${id}&time=2016-05-16T12:47:10.001000Z`, schema.ContextAnswer],
    ['/api/v1/files', schema.FilesAnswer],
    ['/api/v1/patterns?cluster=prod&compare=previous', patternsSchema.PatternsAnswer],
    ['/api/v1/explain?cluster=prod&q=nowhere+three', ExplainAnswer],
    ['/api/v1/fields?cluster=prod', patternsSchema.FieldsAnswer],
    ['/health', schema.HealthAnswer],
    ['/api/v1/search?cluster=prod&q="', schema.ProblemAnswer],
  ])('%s is by its schema', async (url, answerSchema) => {
    const { api } = await serve(lines(['one', 'two a=1 b=2', 'three'], undefined, { raw: Buffer.from('x') }))
    const answer = (await api.inject(url)).json()
    const check = new Ajv2020({ strict: false }).compile(answerSchema)
    expect([check(answer), check.errors]).toEqual([true, null])
  })
})
