/** GET /search: one page of records. GET /histogram: how many there are over time, by level. */
import type { ByteWriter } from '../pipeline/byte-writer.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { formatTime, levels } from '../pipeline/record.ts'
import type { Bounds, Selection } from '../pipeline/store.ts'
import { foldedPage, plainPage, type ShownPage } from './folded-page.ts'
import { createRecordWriter, putArray } from './record-writer.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { cursorBehind, keyAt, searchQueryOf, selectionOf } from './selection.ts'
import { withSeries } from './series.ts'
import type { LogStore } from './visible.ts'

const searchParameters = schema.parameters({
  ...schema.Common,
  order: schema.order,
  limit: schema.whole(1, schema.searchLimitMax, 100, 'records in one page'),
  cursor: schema.cursor,
  series: schema.series,
  fold: schema.fold,
})

const histogramParameters = schema.parameters({
  ...schema.Common,
  buckets: schema.whole(1, schema.bucketsMax, 60, 'at most so many buckets'),
  series: schema.series,
})

export function searchRoutes(api: Api, { visible, config, now }: RouteParts): void {
  api.get(
    '/search',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'One page of the records that match',
        tags: ['search'],
        querystring: searchParameters,
        response: schema.answers(schema.SearchAnswer, 'The records in total order', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const started = performance.now()
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const { store } = visible(request)
      const query = searchQueryOf(await withSeries(store, request.query, bounds), now())
      const { limit, fold = true } = request.query
      const page = await (fold ? foldedPage : plainPage)(store, query, limit, bounds)
      const next = page.next === undefined ? null : cursorBehind(page.next, query)
      reply.type('application/json; charset=utf-8')
      return pageBody(page, query.order, next, performance.now() - started).view()
    },
  )

  api.get(
    '/histogram',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'How many records match, over time and by level',
        tags: ['search'],
        querystring: histogramParameters,
        response: schema.answers(schema.HistogramAnswer, 'Buckets that cover the range', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const nowMs = now()
      const { store } = visible(request)
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const asked = await withSeries(store, request.query, bounds)
      const selection = { cluster: asked.cluster, ...selectionOf(asked, nowMs) }
      const to = Number.isFinite(selection.to)
        ? selection.to
        : await endOf(store, selection, nowMs * 1000, request.query.buckets, bounds)
      const { from, bucketUs, counts, total } = await store.histogram(
        { ...selection, to },
        request.query.buckets,
        bounds,
      )
      const buckets = counts.map((byLevel, bucket) => ({
        time: formatTime(from + bucket * bucketUs),
        count: byLevel.reduce((sum, count) => sum + count, 0),
        levels: Object.fromEntries(
          levels.flatMap((level, index): [string, number][] => {
            const count = byLevel[index] ?? 0
            return count === 0 ? [] : [[level, count]]
          }),
        ),
      }))
      return { bucketMs: bucketUs / 1000, total, buckets }
    },
  )
}

/**
 * Buckets need an end. An open range ends now, or behind the newest match where lines are stamped ahead of the clock
 * (a zone that was taken for another), so that the total is the number of lines that a search finds. There the buckets are
 * made whole milliseconds, which clients can narrow to without losing the newest line.
 */
async function endOf(
  store: LogStore,
  selection: Selection,
  now: number,
  buckets: number,
  bounds: Bounds,
): Promise<number> {
  const from = Math.max(selection.from, now)
  const { records, partial } = await store.search({ ...selection, from, order: 'desc' }, 1, bounds)
  if (records.count === 0 && partial !== undefined) {
    throw new ShiplogError('QUERY_TOO_COSTLY', 'the newest match could not be found in time')
  }
  if (records.count === 0) return Math.max(now, selection.from + 1)
  const step = buckets * 1000
  return selection.from + Math.ceil((keyAt(records, 0).time + 1 - selection.from) / step) * step
}

/** The answer written as bytes: a page of 1,000 records makes no record objects. */
function pageBody(
  { events, partial }: ShownPage,
  order: 'asc' | 'desc',
  next: string | null,
  tookMs: number,
): ByteWriter {
  const writer = createRecordWriter()
  writer.out.text('{"records":')
  putArray(writer, events)
  writer.out.text(`,"next":${JSON.stringify(next)},"tookMs":${Math.round(tookMs * 10) / 10}`)
  if (partial !== undefined) {
    const covered = { [order === 'desc' ? 'coveredFrom' : 'coveredTo']: formatTime(partial.edge) }
    writer.out.text(`,"partial":${JSON.stringify(covered)}`)
  }
  writer.out.text('}')
  return writer.out
}
