/** GET /files: what is shipped from where, how far it is, and what was lost. */
import { Type } from 'typebox'
import type { FileState } from '../pipeline/bus.ts'
import { formatTime, sourceFields, sourceKey } from '../pipeline/record.ts'
import type { Api, RouteParts } from './routes.ts'
import * as schema from './schema.ts'

const filesParameters = schema.parameters({
  cluster: Type.Optional(schema.cluster),
  ...schema.filterProperties,
  limit: schema.whole(1, 100_000, 10_000, 'files'),
})

export function filesRoutes(api: Api, { visible }: RouteParts): void {
  api.get(
    '/files',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The files that are shipped: state, size, read, acknowledged, lost',
        tags: ['operation'],
        querystring: filesParameters,
        response: schema.answers(
          schema.FilesAnswer,
          'By cluster, app, instance, dir, file; newest state of each',
          400,
          429,
          503,
        ),
      },
    },
    async (request) => {
      const { cluster, limit } = request.query
      const found = (await visible(request).files(cluster)).filter((file) => wanted(file, request.query))
      found.sort((a, b) => compare(sourceKey(a.source), sourceKey(b.source)) || compare(a.generation, b.generation))
      return { total: found.length, files: found.slice(0, limit).map(row) }
    },
  )
}

function wanted(
  { source }: FileState,
  query: { readonly [field in (typeof sourceFields)[number]]?: string | string[] },
): boolean {
  return sourceFields.every((field) => {
    const values = query[field]
    if (values === undefined) return true
    return typeof values === 'string' ? values === source[field] : values.includes(source[field])
  })
}

function row({ source, updatedAt, ...rest }: FileState): object {
  return { ...source, ...rest, updatedAt: formatTime(updatedAt) }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
