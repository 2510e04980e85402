/** GET /fields: which fields the lines that match have, of what type, and their most frequent values. */
import { messageBytes } from '../pipeline/event-batch.ts'
import { fieldsOf } from '../pipeline/fields.ts'
import { FieldTally, topValues } from './field-tally.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import { readSample } from './sample.ts'
import * as schema from './schema.ts'
import { FieldsAnswer } from './schema-patterns.ts'
import { selectionOf } from './selection.ts'
import { withSeries } from './series.ts'

const fieldsParameters = schema.parameters({
  ...schema.Common,
  series: schema.series,
  limit: schema.whole(1, 1000, 100, 'fields'),
  values: schema.whole(0, 100, 5, 'most frequent values of each'),
  sample: schema.whole(100, 100_000, 10_000, 'lines that are looked at, at most'),
})

export function fieldsRoutes(api: Api, { visible, config, now }: RouteParts): void {
  api.get(
    '/fields',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The fields of the records that match: JSON members and key=value pairs',
        description:
          'Of more lines than sample some are looked at, spread over the whole range; counts then say how many lines they stand for. /values/fields.<name> counts one field exactly.',
        tags: ['search'],
        querystring: fieldsParameters,
        response: schema.answers(FieldsAnswer, 'Most frequent first', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const started = performance.now()
      const { cluster, limit, values, sample: linesMax } = request.query
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const { store } = visible(request)
      const selection = { cluster, ...selectionOf(await withSeries(store, request.query, bounds), now()) }
      const tally = new FieldTally()
      const { total, lines, stretches } = await readSample(store, selection, linesMax, bounds, (batch, i, weight) =>
        tally.add(fieldsOf(messageBytes(batch, i).toString('utf8')), weight),
      )
      const share = (weight: number): number => (total === 0 ? 0 : Math.round((weight / total) * 1e6) / 1e6)
      // Looked at, not handed out.
      request.records = 0
      const all = tally.result()
      return {
        total,
        sample: { lines, of: total, exact: stretches === 0 && tally.complete, stretches },
        withFields: { count: Math.round(tally.weight), share: share(tally.weight) },
        fields: all.slice(0, limit).map((field) => ({
          name: field.name,
          type: field.type ?? 'text',
          count: Math.round(field.weight),
          share: share(field.weight),
          distinct: field.values.size,
          distinctMore: field.more,
          values: topValues(field, values).map(({ value, weight }) => ({ value, count: Math.round(weight) })),
        })),
        more: Math.max(0, all.length - limit),
        tookMs: Math.round(performance.now() - started),
      }
    },
  )
}
