/**
 * /alerts: the alert policies with what became of them. Who may see an app sees its policies; they are made and changed by
 * operators, because an action makes this server talk to any address. They are evaluated elsewhere.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { alertOf, alertPrefix } from '../pipeline/alert.ts'
import { type AlertPolicy, PolicyBody, policyPrefix } from '../pipeline/alert-policy.ts'
import type { State } from '../pipeline/state.ts'
import { answerOf, wholeAnswer } from './alert-answer.ts'
import { alertControlRoutes } from './alert-control.ts'
import {
  checkedPolicy,
  type FoundPolicy,
  findPolicy,
  newPolicyId,
  policiesFor,
  refuseTooMany,
} from './alert-policies.ts'
import { callerOfRequest } from './auth.ts'
import { type Api, nothing } from './routes.ts'
import * as schema from './schema.ts'
import { AlertAnswer, AlertsAnswer } from './schema-alerts.ts'
import { structuredBody } from './structured-body.ts'

/** What became of a notice that was sent as a test. */
export interface TestResult {
  readonly action: string
  readonly target: string
  readonly taken: boolean
  readonly answer: string
  readonly tookMs: number
}

export interface AlertParts {
  readonly state: State
  readonly now: () => number
  /** Sends one notice to each action of the policy, now. Never rejects. */
  readonly testAlert: (policy: AlertPolicy, signal: AbortSignal) => Promise<TestResult[]>
}

const id = Type.String({ description: 'of the alert policy', examples: ['kq3Xv0b2Gxo'] })
const listParameters = schema.parameters({
  cluster: Type.Optional(schema.cluster),
  app: schema.filterProperties.app,
})
const params = Type.Object({ id })
const version = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'the version that is changed',
})
const tags = ['alerts']

export function alertRoutes(api: Api, parts: AlertParts): void {
  const { state, now } = parts
  const config = { access: 'signed-in' } as const
  const changing = { access: 'operator' } as const

  const stamp = (request: FastifyRequest) => ({
    changedAt: new Date(now()).toISOString(),
    changedBy: callerOfRequest(request).name,
  })
  const put = async (found: Omit<FoundPolicy, 'version'>, ifVersion: number, request: FastifyRequest) =>
    wholeAnswer(state, { ...found, version: await state.put(found.key, found.stored, ifVersion) }, request, now())

  api.get(
    '/alerts',
    {
      config,
      schema: {
        summary: 'The alert policies, and how each of them is',
        tags,
        querystring: listParameters,
        response: schema.answers(AlertsAnswer, 'By name', 400, 401, 429, 503),
      },
    },
    async (request) => {
      const { cluster, app = [] } = request.query as { readonly cluster?: string; readonly app?: readonly string[] }
      const alerts = new Map((await state.list(alertPrefix)).map((entry) => [entry.key, entry]))
      const found = (await policiesFor(state, request)).filter(
        ({ stored: { policy } }) =>
          (cluster === undefined || policy.cluster === cluster) &&
          (app.length === 0 || (policy.app !== undefined && app.includes(policy.app))),
      )
      return {
        alerts: found.map((one) => answerOf(one, alertOf(alerts.get(`${alertPrefix}${one.id}`)), request, now())),
      }
    },
  )

  api.post(
    '/alerts',
    {
      config: changing,
      validatorCompiler: structuredBody,
      schema: {
        summary: 'Makes an alert policy',
        description: 'For operators. It is evaluated within two seconds.',
        tags,
        querystring: schema.parameters({}),
        body: PolicyBody,
        response: schema.answers(AlertAnswer, 'Made', 400, 401, 403, 409, 429, 503),
      },
    },
    async (request) => {
      const policy = checkedPolicy(request.body, undefined, request)
      await refuseTooMany(state, 1)
      const made = newPolicyId()
      return put({ id: made, key: `${policyPrefix}${made}`, stored: { v: 1, policy, ...stamp(request) } }, 0, request)
    },
  )

  api.get(
    '/alerts/:id',
    {
      config,
      schema: {
        summary: 'An alert policy, how it is, and its history',
        tags,
        params,
        querystring: schema.parameters({}),
        response: schema.answers(AlertAnswer, 'The alert', 401, 404, 429, 503),
      },
    },
    async (request) => wholeAnswer(state, await findPolicy(state, request, request.params.id), request, now()),
  )

  api.put(
    '/alerts/:id',
    {
      config: changing,
      validatorCompiler: structuredBody,
      schema: {
        summary: 'Changes an alert policy',
        description:
          'For operators; 409 when somebody else has changed it since that version. A URL or secret that is sent as it is shown, with …, stays as it is kept.',
        tags,
        params,
        querystring: schema.parameters({ version }),
        body: PolicyBody,
        response: schema.answers(AlertAnswer, 'Changed', 400, 401, 403, 404, 409, 429, 503),
      },
    },
    async (request) => {
      const found = await findPolicy(state, request, request.params.id)
      const policy = checkedPolicy(request.body, found.stored.policy, request)
      const stored = { ...found.stored, policy, ...stamp(request) }
      return put({ ...found, stored }, request.query.version, request)
    },
  )

  api.delete(
    '/alerts/:id',
    {
      config: changing,
      schema: {
        summary: 'Removes an alert policy, its state and its history',
        description: 'For operators. Nothing is sent any more, not even that it is over.',
        tags,
        params,
        querystring: schema.parameters({ version }),
        response: schema.done('Removed', 401, 403, 404, 409, 429, 503),
      },
    },
    async (request, reply) => {
      const { key } = await findPolicy(state, request, request.params.id)
      await state.delete(key, request.query.version)
      return nothing(reply)
    },
  )

  alertControlRoutes(api, parts)
}
