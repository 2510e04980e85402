/** GET /values/:field: what a field can be, most frequent first: the pickers of the page. */

import { Type } from 'typebox'
import { nearestOf } from '../pipeline/config.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { fieldNameUnitsMax } from '../pipeline/fields.ts'
import { formatTime, sourceFields } from '../pipeline/record.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { selectionOf } from './selection.ts'
import { seriesValues, withSeries } from './series.ts'

const known: readonly string[] = [...sourceFields, 'level', 'series']

const valuesParameters = schema.parameters({
  ...schema.commonProperties,
  cluster: Type.Optional(schema.cluster),
  series: schema.series,
  limit: schema.whole(1, schema.searchLimitMax, 100, 'values'),
  prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'only values that begin so, in either case' })),
})

const field = Type.String({
  description: `${known.join(', ')} or fields.<name>`,
  examples: ['app', 'fields.status'],
})

export function valuesRoutes(api: Api, { visible, config, now }: RouteParts): void {
  api.get(
    '/values/:field',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The values of a field among the records that match',
        description: 'The cluster is required but for /values/cluster.',
        tags: ['search'],
        params: Type.Object({ field }),
        querystring: valuesParameters,
        response: schema.answers(schema.ValuesAnswer, 'Most frequent first', 400, 404, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const { cluster, limit, prefix } = request.query
      const name = knownField(request.params.field)
      if (cluster === undefined && name !== 'cluster') {
        throw new ShiplogError('QUERY_INVALID', 'the parameter cluster is missing', {
          hint: 'GET /api/v1/values/cluster says which there are.',
        })
      }
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const { store } = visible(request)
      const asked =
        cluster === undefined ? request.query : await withSeries(store, { ...request.query, cluster }, bounds)
      const selection = { ...selectionOf(asked, now()), ...(cluster === undefined ? {} : { cluster }) }
      const options = { limit, ...(prefix === undefined ? {} : { prefix }) }
      const values =
        name === 'series'
          ? await seriesValues(store, selection, options, bounds)
          : await store.values(name, selection, options, bounds)
      return { values: values.map(({ value, count, last }) => ({ value, count, last: formatTime(last) })) }
    },
  )
}

function knownField(written: string): string {
  const inner = written.startsWith('fields.') ? written.slice('fields.'.length) : undefined
  if (inner !== undefined && inner !== '' && inner.length <= fieldNameUnitsMax && !inner.includes('\0')) return written
  if (known.includes(written)) return written
  const nearest = nearestOf(written, known)
  throw new ShiplogError('NOT_FOUND', `there is no field “${written.slice(0, 80)}”`, {
    hint: nearest === undefined ? `Known: ${known.join(', ')}, fields.<name>.` : `Did you mean ${nearest}?`,
  })
}
