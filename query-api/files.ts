/** GET /files: what is shipped from where, how far it is, and what was lost. */
import { Type } from 'typebox'
import { type FileState, fileStateKey, fileStateNames } from '../pipeline/bus.ts'
import { formatTime, sourceFields, sourceKey } from '../pipeline/record.ts'
import type { Api, RouteParts } from './routes.ts'
import * as schema from './schema.ts'

const filesParameters = schema.parameters({
  cluster: Type.Optional(schema.cluster),
  ...schema.filterProperties,
  state: Type.Optional(
    Type.Array(schema.oneOf(fileStateNames), {
      description: 'state; repeat it for any of several',
      maxItems: fileStateNames.length,
      examples: [['behind', 'unreadable']],
    }),
  ),
  lost: Type.Optional(
    Type.Boolean({ description: 'true: only files that lost bytes; false: only others', examples: [true] }),
  ),
  limit: schema.whole(1, 100_000, 10_000, 'files'),
})

export function filesRoutes(api: Api, { visible }: RouteParts): void {
  api.get(
    '/files',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The files that are shipped, and those that are not: state, size, read, acknowledged, lost',
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
      found.sort(
        (a, b) => compare(sourceKey(a.source), sourceKey(b.source)) || compare(fileStateKey(a), fileStateKey(b)),
      )
      return { total: found.length, totals: totalsOf(found), files: found.slice(0, limit).map(row) }
    },
  )
}

function wanted(
  { source, state, lost }: FileState,
  query: { readonly [field in (typeof sourceFields)[number]]?: string | string[] } & {
    readonly state?: readonly string[]
    readonly lost?: boolean
  },
): boolean {
  if (query.state !== undefined && !query.state.includes(state)) return false
  if (query.lost !== undefined && query.lost !== lost > 0) return false
  return sourceFields.every((field) => {
    const values = query[field]
    if (values === undefined) return true
    return typeof values === 'string' ? values === source[field] : values.includes(source[field])
  })
}

/** Of all that match, also beyond the limit. */
function totalsOf(files: readonly FileState[]): object {
  const states: { [state: string]: number } = {}
  const totals = { size: 0, acknowledged: 0, behind: 0, lost: 0, states }
  for (const file of files) {
    totals.size += file.size
    totals.acknowledged += file.acknowledged
    totals.behind += behindOf(file)
    totals.lost += file.lost
    states[file.state] = (states[file.state] ?? 0) + 1
  }
  return totals
}

/** Of a file that is gone nothing more will come: what was not read of it is lost. */
function behindOf({ state, size, acknowledged }: FileState): number {
  return state === 'gone' ? 0 : Math.max(0, size - acknowledged)
}

function row(file: FileState): object {
  const { source, updatedAt, reached, loss, ...rest } = file
  return {
    ...source,
    ...rest,
    behind: behindOf(file),
    ...(reached === undefined ? {} : { reached: formatTime(reached) }),
    ...(loss === undefined ? {} : { loss: { ...loss, first: formatTime(loss.first), last: formatTime(loss.last) } }),
    updatedAt: formatTime(updatedAt),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
