/** /retention: how long each cluster is kept, its days with their sizes, and dropping one of them by hand. For operators. */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { formatTime } from '../pipeline/record.ts'
import { daysOf, type Retention, retentionKey, type StoredRetention } from '../pipeline/retention.ts'
import type { State } from '../pipeline/state.ts'
import { partitionEnd, type Store, type StoreStats } from '../pipeline/store.ts'
import { callerOfRequest } from './auth.ts'
import type { Api } from './routes.ts'
import * as schema from './schema.ts'

const dayUs = 86_400_000_000
const isoTime = Type.String({ description: 'ISO 8601, UTC, microseconds' })
const daysOrNull = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
  description: 'days that events are kept; 0 = for ever; null = no indexer has said it yet',
})
const day = '2016-05-16'

export const RetentionAnswer = Type.Object(
  {
    days: daysOrNull,
    events: Type.Integer(),
    bytes: Type.Integer({ description: 'on disk' }),
    clusters: Type.Array(
      Type.Object({
        cluster: Type.String(),
        days: daysOrNull,
        events: Type.Integer(),
        bytes: Type.Integer(),
        partitions: Type.Array(
          Type.Object({
            partition: Type.String({ description: 'a UTC day; a month for what was read 90 days later' }),
            events: Type.Integer(),
            bytes: Type.Integer(),
            from: isoTime,
            to: isoTime,
            newestReadAt: isoTime,
            dropAt: Type.Union([isoTime, Type.Null()], {
              description: 'within an hour behind it the partition is dropped; null = never, or not known',
            }),
          }),
        ),
      }),
    ),
  },
  {
    examples: [
      {
        days: 30,
        events: 1200,
        bytes: 204_800,
        clusters: [
          {
            cluster: 'prod',
            days: 30,
            events: 1200,
            bytes: 204_800,
            partitions: [
              {
                partition: day,
                events: 1200,
                bytes: 204_800,
                from: '2016-05-16T00:00:04.000000Z',
                to: '2016-05-16T12:47:10.000000Z',
                newestReadAt: '2016-05-16T12:47:10.412000Z',
                dropAt: '2016-06-16T00:00:00.000000Z',
              },
            ],
          },
        ],
      },
    ],
  },
)

export const DroppedAnswer = Type.Object(
  { cluster: Type.String(), partition: Type.String(), events: Type.Integer(), bytes: Type.Integer() },
  { examples: [{ cluster: 'prod', partition: day, events: 1200, bytes: 204_800 }] },
)

const place = Type.Object({
  cluster: schema.cluster,
  partition: Type.String({ description: 'a day or a month, as GET /retention names it', examples: [day] }),
})
const confirmation = schema.parameters({
  confirm: Type.String({ maxLength: 64, description: 'the day once more', examples: [day] }),
})

export interface RetentionParts {
  readonly store: Pick<Store, 'stats' | 'remove'>
  readonly state: Pick<State, 'get'>
  readonly log: Pick<FastifyBaseLogger, 'warn'>
}

export function retentionRoutes(api: Api, { store, state, log }: RetentionParts): void {
  const config = { access: 'operator' } as const
  const tags = ['operation']

  api.get(
    '/retention',
    {
      config,
      schema: {
        summary: 'How long each cluster is kept, and its days: events, bytes, when they will be dropped',
        description: 'Of clusters that the caller may see as a whole.',
        tags,
        querystring: schema.parameters({}),
        response: schema.answers(RetentionAnswer, 'By cluster and day, newest day first', 401, 403, 429, 503),
      },
    },
    async (request) => {
      const [{ partitions }, entry] = await Promise.all([store.stats(), state.get(retentionKey)])
      const seen = partitions.filter(({ cluster }) => seesAll(request, cluster))
      return answerOf(seen, entry?.value as StoredRetention | undefined)
    },
  )

  api.delete(
    '/retention/:cluster/:partition',
    {
      config,
      schema: {
        summary: 'Drops a day of a cluster, for good',
        description:
          'Lines of that day that are still on their way make it anew. Entered in the audit log, and in our own.',
        tags,
        params: place,
        querystring: confirmation,
        response: schema.answers(DroppedAnswer, 'Dropped', 400, 401, 403, 404, 429, 503),
      },
    },
    async (request) => {
      const { cluster, partition } = request.params
      if (request.query.confirm !== partition) {
        throw new ShiplogError('QUERY_INVALID', 'confirm is not the day that is to be dropped', {
          hint: `Say confirm=${partition.slice(0, 20)} when its lines are to go for good.`,
        })
      }
      const dropped = seesAll(request, cluster) ? await store.remove(cluster, partition) : undefined
      if (dropped === undefined) {
        throw new ShiplogError('NOT_FOUND', 'there is no such day', { hint: 'GET /api/v1/retention lists them.' })
      }
      const { events, bytes } = dropped
      request.records += events
      const { name: who } = callerOfRequest(request)
      log.warn({ cluster, partition, events, bytes, who }, `dropped ${partition} of ${cluster}: ${who} asked for it`)
      return { cluster, partition, events, bytes }
    },
  )
}

/** Sizes tell of every app of a cluster, and its days are all of theirs. */
function seesAll(request: FastifyRequest, cluster: string): boolean {
  return callerOfRequest(request).rights.appsOf(cluster).all
}

function answerOf(partitions: StoreStats['partitions'], retention: Retention | undefined) {
  const clusters = [...Map.groupBy(partitions, ({ cluster }) => cluster)].map(([cluster, own]) => {
    const days = retention === undefined ? null : daysOf(retention, cluster)
    const rows = own
      .toSorted((a, b) => (a.partition < b.partition ? 1 : -1))
      .map(({ partition, events, bytes, from, to, newestReadAt }) => ({
        partition,
        events,
        bytes,
        from: formatTime(from),
        to: formatTime(to),
        newestReadAt: formatTime(newestReadAt),
        dropAt: days === null || days === 0 ? null : formatTime(dropAt(partition, newestReadAt, days)),
      }))
    return { cluster, days, ...sumOf(own), partitions: rows }
  })
  return { days: retention?.days ?? null, ...sumOf(partitions), clusters }
}

/** As the stores do it: both its day and what was read last have to be older. */
function dropAt(partition: string, newestReadAt: number, days: number): number {
  return Math.max(partitionEnd(partition), newestReadAt) + days * dayUs
}

function sumOf(partitions: StoreStats['partitions']): { events: number; bytes: number } {
  const sum = { events: 0, bytes: 0 }
  for (const { events, bytes } of partitions) {
    sum.events += events
    sum.bytes += bytes
  }
  return sum
}
