/** /rejects: what the store refused for good, by cluster, app and reason, and forgetting what was mended. For operators. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { formatTime } from '../pipeline/record.ts'
import { otherGroups, type RejectGroup, rejectPrefix } from '../pipeline/reject-group.ts'
import type { State, StateEntry } from '../pipeline/state.ts'
import { callerOfRequest } from './auth.ts'
import { type Api, nothing } from './routes.ts'
import * as schema from './schema.ts'

const id = Type.String({ description: 'of the group', examples: ['5f1c0a9be2d47763'] })
const isoTime = Type.String({ description: 'ISO 8601, UTC, microseconds' })

const sampleExample = {
  id: schema.recordExample.id,
  time: schema.recordExample.time,
  instance: schema.recordExample.instance,
  host: schema.recordExample.host,
  dir: schema.recordExample.dir,
  file: schema.recordExample.file,
  message: schema.recordExample.message,
}

export const RejectsAnswer = Type.Object(
  {
    total: Type.Integer({ description: 'refusals; what is sent again and refused again counts again' }),
    groups: Type.Array(
      Type.Object({
        id,
        version: Type.Integer(),
        cluster: Type.String(),
        app: Type.String({ description: '* = of several apps, and for several reasons' }),
        reason: Type.String({ description: 'as the store said it of the sample' }),
        count: Type.Integer(),
        first: isoTime,
        last: isoTime,
        sample: Type.Object(
          {
            id: Type.String(),
            time: isoTime,
            instance: Type.String(),
            host: Type.String(),
            dir: Type.String(),
            file: Type.String(),
            message: Type.String({ description: 'its first 2,000 characters' }),
          },
          { description: 'the newest of them' },
        ),
      }),
    ),
  },
  {
    examples: [
      {
        total: 12,
        groups: [
          {
            id: '5f1c0a9be2d47763',
            version: 3,
            cluster: 'prod',
            app: '2048',
            reason: 'failed to parse field [offset] of type [byte]: Value [18233] is out of range for a byte',
            count: 12,
            first: '2016-05-16T12:47:10.000000Z',
            last: '2016-05-16T12:49:02.000000Z',
            sample: sampleExample,
          },
        ],
      },
    ],
  },
)

export function rejectsRoutes(api: Api, { state }: { readonly state: State }): void {
  const config = { access: 'operator' } as const
  const tags = ['operation']

  api.get(
    '/rejects',
    {
      config,
      schema: {
        summary: 'What the store refused for good: why, how often, since when, and one of them',
        description:
          'Of apps that the caller may see. The events are kept on the bus; shiplog replay --rejects sends them again.',
        tags,
        querystring: schema.parameters({}),
        response: schema.answers(RejectsAnswer, 'The newest first', 401, 403, 429, 503),
      },
    },
    async (request) => {
      const entries = (await state.list(rejectPrefix)).filter((entry) => maySee(request, entry))
      const groups = entries.map(answerOf).sort((a, b) => (a.last < b.last ? 1 : a.last > b.last ? -1 : 0))
      return { total: groups.reduce((sum, { count }) => sum + count, 0), groups }
    },
  )

  api.delete(
    '/rejects/:id',
    {
      config,
      schema: {
        summary: 'Forgets a group that was mended; the events themselves stay where they are kept',
        tags,
        params: Type.Object({ id }),
        querystring: schema.parameters({
          version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'that was looked at' }),
        }),
        response: schema.done('Forgotten', 400, 401, 403, 404, 409, 429, 503),
      },
    },
    async (request, reply) => {
      const key = `${rejectPrefix}${request.params.id}`
      const entry = /^[0-9a-f]{16}$/.test(request.params.id) ? await state.get(key) : undefined
      if (entry === undefined || !maySee(request, entry)) {
        throw new ShiplogError('NOT_FOUND', 'there are no such rejects', { hint: 'GET /api/v1/rejects lists them.' })
      }
      await state.delete(key, request.query.version)
      return nothing(reply)
    },
  )
}

/** A group of several apps has a line of any of them: it is for those who see all. */
function maySee(request: FastifyRequest, { value }: StateEntry): boolean {
  const { cluster, app } = value as RejectGroup
  const { rights } = callerOfRequest(request)
  return app === otherGroups ? rights.appsOf(cluster).all : rights.mayRead(cluster, app)
}

function answerOf({ key, value, version }: StateEntry) {
  const { v: _, first, last, ...group } = value as RejectGroup
  return { id: key.slice(rejectPrefix.length), version, ...group, first: formatTime(first), last: formatTime(last) }
}
