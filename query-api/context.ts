/** GET /context: what stands around a record in its file, also where the clock in its lines went back. */
import { Type } from 'typebox'
import { originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import type { Bounds, FileQuery } from '../pipeline/store.ts'
import { alone, Fold, idAt, type Shown } from './fold.ts'
import { keyOf, recordAt } from './record-at.ts'
import { createRecordWriter, putArray } from './record-writer.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { keyAt, placeOf } from './selection.ts'
import { scanSeries } from './series.ts'
import type { LogStore } from './visible.ts'

const contextParameters = schema.parameters({
  cluster: schema.cluster,
  id: Type.String({ maxLength: 64, description: 'id of the record', examples: ['01jd0000000000000000000000-18233'] }),
  time: Type.String({
    maxLength: 32,
    description: 'time of the record, as it was given',
    examples: ['2016-05-16T12:47:10.000000Z'],
  }),
  before: schema.whole(0, schema.contextEventsMax, 20, 'events before it'),
  after: schema.whole(0, schema.contextEventsMax, 20, 'events behind it'),
  fold: schema.fold,
})

export function contextRoutes(api: Api, { visible, config }: RouteParts): void {
  api.get(
    '/context',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The records around one, in the order of its file',
        description:
          'Goes on into older and newer incarnations of the file, and into the files of its series, so a rotation does not end it.',
        tags: ['search'],
        querystring: contextParameters,
        response: schema.answers(schema.ContextAnswer, 'Ascending by place in the file', 400, 404, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const { cluster, id, time, before, after, fold: folds = true } = request.query
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const { store } = visible(request)
      const found = await recordAt(store, cluster, keyOf(id, time), bounds)
      const { source } = originAt(...found)
      const filters = { app: [source.app], instance: [source.instance] }
      const fold = (order: 'asc' | 'desc') => (folds ? new Fold(store, { cluster, filters, order }, bounds) : undefined)
      const record = (await eventOf(found, fold('asc'))) ?? alone(...found)
      const own = new Set([idAt(record.batch, record.i), ...record.parts])
      const around = { source, from: 0, to: Number.POSITIVE_INFINITY }
      const first = { ...around, start: placeOf(keyAt(record.batch, record.i)), order: 'desc' as const }
      const last = { ...around, start: placeOf(record.last), order: 'asc' as const }
      const [earlier, later] = await Promise.all([
        neighbours(store, first, before, own, fold('desc'), bounds),
        neighbours(store, last, after, own, fold('asc'), bounds),
      ])
      // A batch may hold more than was asked for.
      request.records = earlier.length + 1 + later.length
      const writer = createRecordWriter()
      writer.out.text('{"before":')
      putArray(writer, earlier.reverse())
      writer.out.text(',"record":')
      writer.append(record.batch, record.i, record.parts)
      writer.out.text(',"after":')
      putArray(writer, later)
      writer.out.text('}')
      reply.type('application/json; charset=utf-8')
      return writer.out.view()
    },
  )
}

async function eventOf(record: readonly [RecordBatch, number], fold: Fold | undefined): Promise<Shown | undefined> {
  const marks = await fold?.withParts(record[0])
  return fold?.show(...record, marks?.[record[1]] === 1)
}

/** Up to `most` events behind (asc) or before (desc) the start, nearest first, without the records in `own`. */
async function neighbours(
  store: LogStore,
  query: FileQuery,
  most: number,
  own: ReadonlySet<string>,
  fold: Fold | undefined,
  bounds: Bounds,
): Promise<Shown[]> {
  const events: Shown[] = []
  if (most === 0) return events
  for await (const batch of scanSeries(store, query, bounds)) {
    const marks = await fold?.withParts(batch)
    for (let i = 0; i < batch.count; i++) {
      // The port begins at the start itself, which is of the record.
      if (own.has(idAt(batch, i))) continue
      const shown = fold === undefined ? alone(batch, i) : await fold.show(batch, i, marks?.[i] === 1)
      if (shown === undefined) continue
      events.push(shown)
      if (events.length === most) return events
    }
  }
  return events
}
