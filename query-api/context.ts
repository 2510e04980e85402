/** GET /context: what stands around a record in its file, also where the clock in its lines went back. */
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { parseRecordId, parseTime } from '../pipeline/record.ts'
import type { Bounds, FileQuery } from '../pipeline/store.ts'
import { createRecordWriter, putArray } from './record-writer.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { keyAt } from './selection.ts'
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
})

type Event = readonly [batch: RecordBatch, i: number]

export function contextRoutes(api: Api, { visible, config }: RouteParts): void {
  api.get(
    '/context',
    {
      config: { access: 'logs' },
      schema: {
        summary: 'The records around one, in the order of its file',
        description: 'Goes on into older and newer incarnations of the file, so a rotation does not end it.',
        tags: ['search'],
        querystring: contextParameters,
        response: schema.answers(schema.ContextAnswer, 'Ascending by place in the file', 400, 404, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const { cluster, id, time, before, after } = request.query
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const { store } = visible(request)
      const record = await findRecord(store, cluster, id, time, bounds)
      const { source } = originAt(...record)
      const { generation, offset } = keyAt(...record)
      const around = { source, start: { generation, offset }, from: 0, to: Number.POSITIVE_INFINITY }
      const [earlier, later] = await Promise.all([
        neighbours(store, { ...around, order: 'desc' }, before, bounds),
        neighbours(store, { ...around, order: 'asc' }, after, bounds),
      ])
      // A batch may hold more than was asked for.
      request.records = earlier.length + 1 + later.length
      const writer = createRecordWriter()
      writer.out.text('{"before":')
      putArray(writer, earlier.reverse())
      writer.out.text(',"record":')
      writer.append(...record)
      writer.out.text(',"after":')
      putArray(writer, later)
      writer.out.text('}')
      reply.type('application/json; charset=utf-8')
      return writer.out.view()
    },
  )
}

/** The record with this id, which must be at this time: the time leads to it without an index of ids. */
export async function findRecord(
  store: LogStore,
  cluster: string,
  id: string,
  time: string,
  bounds: Bounds,
): Promise<Event> {
  const place = parseRecordId(id)
  if (place === undefined || !Number.isSafeInteger(place.offset)) {
    throw new ShiplogError('QUERY_INVALID', `“${id}” is no id of a record`, {
      hint: 'Give the id as a search gave it.',
    })
  }
  const at = parseTime(time)
  if (!(at >= 0)) {
    throw new ShiplogError('QUERY_INVALID', `“${time}” is no time of a record`, {
      hint: 'Give the time as a search gave it: 2016-05-16T12:47:10.000000Z.',
    })
  }
  // Just in front of its key, so that thousands of records with the same time cost nothing.
  const after = { time: at, generation: place.generation, offset: place.offset - 1 }
  const everywhere = { cluster, filters: {}, where: undefined, from: at, to: at + 1, order: 'asc' as const }
  const { records } = await store.search({ ...everywhere, after }, 1, bounds)
  if (records.count > 0) {
    const found = keyAt(records, 0)
    if (found.generation === place.generation && found.offset === place.offset) return [records, 0]
  }
  throw new ShiplogError('NOT_FOUND', `there is no record ${id} at ${time} in cluster ${cluster}`, {
    hint: 'It may be older than --retention-days; id and time must be those of one record.',
  })
}

/** Up to `most` events behind (asc) or before (desc) the start, nearest first. */
async function neighbours(store: LogStore, query: FileQuery, most: number, bounds: Bounds): Promise<Event[]> {
  const events: Event[] = []
  if (most === 0) return events
  for await (const batch of store.scanFile(query, bounds)) {
    for (let i = 0; i < batch.count; i++) {
      // The port begins at the start itself, which is the record.
      const { generation, offset } = keyAt(batch, i)
      if (generation === query.start?.generation && offset === query.start.offset) continue
      events.push([batch, i])
      if (events.length === most) return events
    }
  }
  return events
}
