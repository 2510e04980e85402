/** The alert policies as a caller may see and change them, and what may be saved as one. */
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import {
  type AlertAction,
  type AlertPolicy,
  type PolicyBody,
  policiesMax,
  policyOf,
  policyPrefix,
  type StoredPolicy,
  storedPolicyOf,
} from '../pipeline/alert-policy.ts'
import { hidden, hiddenUrl } from '../pipeline/alert-target.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { parseQuery } from '../pipeline/query-parser.ts'
import type { State } from '../pipeline/state.ts'
import { callerOfRequest } from './auth.ts'
import { ParameterError } from './parameters.ts'

const idBytes = 8

export interface FoundPolicy {
  readonly id: string
  readonly key: string
  readonly version: number
  readonly stored: StoredPolicy
}

/** A policy belongs to its app; one of all apps to who may see all apps of the cluster. */
export function maySee({ cluster, app }: Pick<AlertPolicy, 'cluster' | 'app'>, request: FastifyRequest): boolean {
  const { rights } = callerOfRequest(request)
  return app === undefined ? rights.appsOf(cluster).all : rights.mayRead(cluster, app)
}

/** All that the caller may see, by name. */
export async function policiesFor(state: State, request: FastifyRequest): Promise<FoundPolicy[]> {
  const entries = await state.list(policyPrefix)
  return entries
    .map((entry) => ({
      id: entry.key.slice(policyPrefix.length),
      key: entry.key,
      version: entry.version,
      stored: storedPolicyOf(entry),
    }))
    .filter(({ stored }) => maySee(stored.policy, request))
    .sort((a, b) => a.stored.policy.name.localeCompare(b.stored.policy.name) || (a.id < b.id ? -1 : 1))
}

/** The policy with this id, when the caller may know of it; NOT_FOUND for all others alike. */
export async function findPolicy(state: State, request: FastifyRequest, id: string): Promise<FoundPolicy> {
  const entry = isPolicyId(id) ? await state.get(`${policyPrefix}${id}`) : undefined
  if (entry !== undefined) {
    const stored = storedPolicyOf(entry)
    if (maySee(stored.policy, request)) return { id, key: entry.key, version: entry.version, stored }
  }
  throw new ShiplogError('NOT_FOUND', 'there is no such alert policy', {
    hint: 'It may have been removed, or be about logs that are not shown to you.',
  })
}

export function isPolicyId(id: string): boolean {
  return /^[\w-]{1,64}$/.test(id)
}

export function newPolicyId(): string {
  return randomBytes(idBytes).toString('base64url')
}

export async function refuseTooMany(state: State, more: number): Promise<void> {
  const count = (await state.list(policyPrefix)).length
  if (count + more <= policiesMax) return
  throw new ShiplogError('CONFLICT', `there are ${count} alert policies`, {
    hint: `At most ${policiesMax} are evaluated: remove one.`,
  })
}

/**
 * The body as it is kept: with its defaults, and with the secrets of `before` where it shows them hidden. Throws QUERY_INVALID
 * for what can never be evaluated or sent, and for an app that the caller may not see.
 */
export function checkedPolicy(body: PolicyBody, before: AlertPolicy | undefined, request: FastifyRequest): AlertPolicy {
  const policy = policyOf(body)
  if (!maySee(policy, request)) {
    // The same whether there are such logs or not.
    throw new ShiplogError('FORBIDDEN', 'an alert policy is for logs that one may see', {
      hint: 'Name an app that is shown to you; without one it is for all apps of the cluster.',
    })
  }
  parseQuery(policy.query)
  const ids = policy.actions.map(({ id }) => id)
  if (new Set(ids).size < ids.length) throw new ParameterError('actions', 'two actions have the same id', '')
  return { ...policy, actions: policy.actions.map((action, i) => checkedAction(action, `actions[${i}]`, before)) }
}

function checkedAction(action: AlertAction, place: string, before: AlertPolicy | undefined): AlertAction {
  if (action.kind !== 'webhook') return action
  const known = before?.actions.find(({ id, kind }) => id === action.id && kind === 'webhook')
  const kept = known?.kind === 'webhook' ? known : undefined
  const url = action.url.endsWith(`/${hidden}`) && action.url === (kept && hiddenUrl(kept.url)) ? kept?.url : action.url
  if (url === undefined || url.includes(hidden)) {
    throw new ParameterError(`${place}.url`, `${place}.url is hidden`, 'Write the whole URL: none is kept for it.')
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || parsed.username !== '' || parsed.password !== '') {
    throw new ParameterError(`${place}.url`, `${place}.url is no URL without a user`, '')
  }
  // A secret goes with the place that it was given for.
  const sameHost = kept !== undefined && new URL(kept.url).host === parsed.host
  const secret = action.secret === hidden ? (sameHost ? kept.secret : undefined) : action.secret
  if (action.secret === hidden && secret === undefined) {
    throw new ParameterError(
      `${place}.secret`,
      `${place}.secret is hidden`,
      'Write it out: none is kept for this host.',
    )
  }
  return { ...action, url, ...(secret === undefined ? {} : { secret }) }
}
