/** GET /search: one page of records. GET /histogram: how many there are over time, by level. */
import type { ByteWriter } from '../pipeline/byte-writer.ts'
import { formatTime, levels } from '../pipeline/record.ts'
import type { Bounds, Page, Selection, Store } from '../pipeline/store.ts'
import { contextLinesMax } from './context-groups.ts'
import { type PageGroup, pageGroups, refuseTooMany } from './page-groups.ts'
import { createRecordWriter, putArray } from './record-writer.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { cursorBehind, keyAt, searchQueryOf, selectionOf } from './selection.ts'

const searchParameters = schema.parameters({
  ...schema.Common,
  order: schema.order,
  limit: schema.whole(1, schema.searchLimitMax, 100, 'records in one page'),
  cursor: schema.cursor,
  ...schema.aroundProperties(contextLinesMax),
})

const histogramParameters = schema.parameters({
  ...schema.Common,
  buckets: schema.whole(1, schema.bucketsMax, 60, 'at most so many buckets'),
})

export function searchRoutes(api: Api, { store, config, now }: RouteParts): void {
  api.get(
    '/search',
    {
      schema: {
        summary: 'One page of the records that match',
        tags: ['search'],
        querystring: searchParameters,
        response: schema.answers(schema.SearchAnswer, 'The records in total order', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const started = performance.now()
      const query = searchQueryOf(request.query, now())
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      refuseTooMany(request.query)
      const page = await store.search(query, request.query.limit, bounds)
      const groups = await pageGroups(store, page, request.query, bounds)
      const last = page.records.count - 1
      const next = page.more && last >= 0 ? cursorBehind(keyAt(page.records, last), query) : null
      reply.type('application/json; charset=utf-8')
      return pageBody(page, groups, next, performance.now() - started).view()
    },
  )

  api.get(
    '/histogram',
    {
      schema: {
        summary: 'How many records match, over time and by level',
        tags: ['search'],
        querystring: histogramParameters,
        response: schema.answers(schema.HistogramAnswer, 'Buckets that cover the range', 400, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const nowMs = now()
      const selection = { cluster: request.query.cluster, ...selectionOf(request.query, nowMs) }
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
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
  store: Store,
  selection: Selection,
  now: number,
  buckets: number,
  bounds: Bounds,
): Promise<number> {
  const from = Math.max(selection.from, now)
  const { records } = await store.search({ ...selection, from, order: 'desc' }, 1, bounds)
  if (records.count === 0) return Math.max(now, selection.from + 1)
  const step = buckets * 1000
  return selection.from + Math.ceil((keyAt(records, 0).time + 1 - selection.from) / step) * step
}

/** The answer written as bytes: a page of 1,000 records makes no record objects. */
function pageBody(
  { records }: Page,
  groups: readonly PageGroup[] | undefined,
  next: string | null,
  tookMs: number,
): ByteWriter {
  const writer = createRecordWriter()
  writer.out.text('{"records":')
  putArray(
    writer,
    Array.from({ length: records.count }, (_, i) => [records, i] as const),
  )
  for (const [n, { lines, hits }] of groups?.entries() ?? []) {
    writer.out.text(`${n === 0 ? ',"groups":[' : ','}{"records":`)
    putArray(writer, lines)
    writer.out.text(`,"hits":${JSON.stringify(hits)}}`)
  }
  if (groups !== undefined) writer.out.text(groups.length === 0 ? ',"groups":[]' : ']')
  writer.out.text(`,"next":${JSON.stringify(next)},"tookMs":${Math.round(tookMs * 10) / 10}}`)
  return writer.out
}
