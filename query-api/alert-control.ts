/** What is done with an alert, not to its policy: silencing it, and trying its targets. For operators. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { StoredPolicy } from '../pipeline/alert-policy.ts'
import { parseTimeRange } from '../pipeline/time-range.ts'
import { wholeAnswer } from './alert-answer.ts'
import { type FoundPolicy, findPolicy } from './alert-policies.ts'
import type { AlertParts } from './alerts.ts'
import { ParameterError } from './parameters.ts'
import { type Api, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { AlertAnswer, AlertTestAnswer } from './schema-alerts.ts'

const tags = ['alerts']
const params = Type.Object({ id: Type.String({ description: 'of the alert policy', examples: ['kq3Xv0b2Gxo'] }) })
const silenceDaysMax = 366

export function alertControlRoutes(api: Api, { state, now, testAlert }: AlertParts): void {
  const config = { access: 'operator' } as const
  const put = async (found: FoundPolicy, stored: StoredPolicy, request: FastifyRequest) => {
    const version = await state.put(found.key, stored, found.version)
    return wholeAnswer(state, { ...found, stored, version }, request, now())
  }

  api.put(
    '/alerts/:id/silence',
    {
      config,
      schema: {
        summary: 'Silences an alert: nothing is sent until then',
        description: 'For operators. What still holds at the end is told then.',
        tags,
        params,
        querystring: schema.parameters({}),
        body: schema.parameters({
          until: Type.String({
            minLength: 1,
            maxLength: 64,
            description: 'ISO 8601, epoch milliseconds, or now+2h',
            examples: ['now+2h'],
          }),
        }),
        response: schema.answers(AlertAnswer, 'Silenced', 400, 401, 403, 404, 409, 429, 503),
      },
    },
    async (request) => {
      const found = await findPolicy(state, request, request.params.id)
      const silencedUntil = untilOf(request.body.until, now())
      return put(found, { ...found.stored, silencedUntil }, request)
    },
  )

  api.delete(
    '/alerts/:id/silence',
    {
      config,
      schema: {
        summary: 'Ends the silence of an alert',
        tags,
        params,
        querystring: schema.parameters({}),
        response: schema.answers(AlertAnswer, 'Heard again', 401, 403, 404, 409, 429, 503),
      },
    },
    async (request) => {
      const found = await findPolicy(state, request, request.params.id)
      const { silencedUntil: _, ...stored } = found.stored
      return put(found, stored, request)
    },
  )

  api.post(
    '/alerts/:id/test',
    {
      config,
      schema: {
        summary: 'Sends a test to each action of an alert policy, and says what its target answered',
        description:
          'For operators. Also while it is off or silenced; nothing of it is kept, and nothing is tried again.',
        tags,
        params,
        querystring: schema.parameters({}),
        response: schema.answers(AlertTestAnswer, 'What came of it', 401, 403, 404, 429, 503),
      },
    },
    async (request, reply) => {
      const { stored } = await findPolicy(state, request, request.params.id)
      return { results: await testAlert(stored.policy, signalOf(reply)) }
    },
  )
}

function untilOf(text: string, nowMs: number): number {
  const { to } = parseTimeRange({ to: text }, nowMs)
  const ms = Math.floor(to / 1000)
  if (ms > nowMs && ms <= nowMs + silenceDaysMax * 86_400_000) return ms
  throw new ParameterError('until', `until is “${text}”`, `Expected a time in the next ${silenceDaysMax} days.`)
}
