/** /alerts.yaml: all policies as one file, out and in again: to keep them beside other settings, or to carry them elsewhere. */
import { Type } from 'typebox'
import { parse, stringify } from 'yaml'
import { PolicyBody, policiesMax, policyPrefix, storedPolicyOf } from '../pipeline/alert-policy.ts'
import { withoutSecret } from '../pipeline/alert-target.ts'
import { messageOf, ShiplogError } from '../pipeline/errors.ts'
import { checkedPolicy, type FoundPolicy, maySee, newPolicyId, policiesFor, refuseTooMany } from './alert-policies.ts'
import type { AlertParts } from './alerts.ts'
import { callerOfRequest } from './auth.ts'
import { ParameterError } from './parameters.ts'
import type { Api } from './routes.ts'
import * as schema from './schema.ts'
import { AlertExport, AlertImportAnswer } from './schema-alerts.ts'
import { structuredBody } from './structured-body.ts'

const yaml = 'application/yaml'
const bodyBytesMax = 1024 * 1024
const tags = ['alerts']
const listParameters = schema.parameters({ cluster: Type.Optional(schema.cluster) })
const ImportBody = Type.Object(
  {
    policies: Type.Array(
      Type.Object(
        { id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })), ...PolicyBody.properties },
        { additionalProperties: false },
      ),
      { maxItems: policiesMax },
    ),
  },
  { additionalProperties: false },
)

/** To be registered in a scope of its own: other routes read no YAML. */
export function alertYamlRoutes(api: Api, { state, now }: Pick<AlertParts, 'state' | 'now'>): void {
  api.addContentTypeParser(yaml, { parseAs: 'string', bodyLimit: bodyBytesMax }, (_request, text, done) => {
    try {
      done(null, parse(text as string))
    } catch (error) {
      done(new ShiplogError('QUERY_INVALID', `the body is no YAML: ${messageOf(error).split('\n', 1)[0]}`))
    }
  })

  api.get(
    '/alerts.yaml',
    {
      config: { access: 'signed-in' },
      schema: {
        summary: 'The alert policies as one file',
        description: 'Without their state and silences, and without secrets: … stands for what is kept here.',
        tags,
        querystring: listParameters,
        response: schema.download('The file', { [yaml]: AlertExport }, 400, 401, 429, 503),
      },
    },
    async (request, reply) => {
      const { cluster } = request.query as { readonly cluster?: string }
      const found = (await policiesFor(state, request)).filter(
        ({ stored: { policy } }) => cluster === undefined || policy.cluster === cluster,
      )
      const policies = found.map(({ id, stored: { policy } }) => {
        return { id, ...policy, actions: policy.actions.map(withoutSecret) }
      })
      reply.header('content-disposition', 'attachment; filename="alerts.yaml"')
      return reply
        .type(`${yaml}; charset=utf-8`)
        .serializer(String)
        .send(stringify({ policies }, { lineWidth: 0 }))
    },
  )

  api.post(
    '/alerts.yaml',
    {
      config: { access: 'operator' },
      bodyLimit: bodyBytesMax,
      validatorCompiler: structuredBody,
      schema: {
        summary: 'Takes alert policies in from a file',
        description:
          'For operators. A policy whose id is known is changed, others are made; none is removed. All are checked before the first is written. A URL or secret that is …, stays as it is kept here.',
        tags,
        consumes: [yaml, 'application/json'],
        querystring: schema.parameters({}),
        body: ImportBody,
        response: schema.answers(AlertImportAnswer, 'Taken in', 400, 401, 403, 409, 429, 503),
      },
    },
    async (request) => {
      const stamp = { changedAt: new Date(now()).toISOString(), changedBy: callerOfRequest(request).name }
      const changes: FoundPolicy[] = []
      const ids = new Set<string>()
      for (const { id = newPolicyId(), ...body } of request.body.policies) {
        if (ids.has(id)) throw new ParameterError('policies', `two policies have the id ${id}`, '')
        ids.add(id)
        const key = `${policyPrefix}${id}`
        const entry = await state.get(key)
        const before = entry && storedPolicyOf(entry)
        if (before !== undefined && !maySee(before.policy, request)) {
          throw new ShiplogError('FORBIDDEN', `the policy ${id} is about logs that are not shown to you`)
        }
        const policy = checkedPolicy(body, before?.policy, request)
        changes.push({ id, key, version: entry?.version ?? 0, stored: { ...before, v: 1, policy, ...stamp } })
      }
      const made = changes.filter(({ version }) => version === 0).length
      await refuseTooMany(state, made)
      for (const { key, version, stored } of changes) await state.put(key, stored, version)
      return { made, changed: changes.length - made }
    },
  )
}
