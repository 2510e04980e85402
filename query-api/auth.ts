/**
 * Who asks, and whether they may: the one place that decides it, for every route. A route says in its `config.access` what it
 * exposes; one that does not say so cannot be added.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ShiplogError } from '../pipeline/errors.ts'
import { isExpired, isSecretOf, type Role, type Token, tokenPattern } from '../pipeline/token.ts'
import type { Tokens } from '../pipeline/token-file.ts'
import { type Rights, rightsOf } from './rights.ts'
import type { Api } from './routes.ts'
import type { Sessions } from './sessions.ts'

/**
 * What a route exposes, and to whom:
 * - `open`: nothing of the logs; anyone. (The page itself, whether the server lives, the description of the API.)
 * - `signed-in`: what belongs to the caller.
 * - `logs`: logs, through `visible(request)`, narrowed to the caller's grants; limited, and entered in the audit log.
 * - `link`: the same for a browser that follows a link: it is sent to the page to sign in first.
 * - `operator`: how the pipeline is.
 */
export type Access = 'open' | 'signed-in' | 'logs' | 'link' | 'operator'

export interface Caller {
  readonly name: string
  /** Undefined where rights are not enabled. */
  readonly tokenId: string | undefined
  readonly via: 'nothing' | 'token' | 'session'
  readonly rights: Rights
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyInstance {
    /** Every route with what it exposes: what a test walks. */
    exposed: readonly { readonly method: string; readonly url: string; readonly access: Access }[]
    /** Whether who asked is still who it was: for an answer that outlives the moment in which it was asked for. */
    stillHolds(request: FastifyRequest): Promise<boolean>
  }
  interface FastifyRequest {
    /** Undefined = nobody who is known; only routes that are open see that. */
    caller: Caller | undefined
  }
}

/** A state-changing request with a cookie bears this header: a form or an image of another site cannot send it. */
export const ownHeader = 'x-shiplog-request'
export const sessionCookie = 'shiplog_session'
const bearer = /^Bearer +/i

/** Without --tokens everybody who gets here is this one, and owns all there is. */
const everybody: Caller = {
  name: 'everybody',
  tokenId: undefined,
  via: 'nothing',
  rights: rightsOf('operator', ['*/*']),
}

export interface AuthParts {
  /** Undefined = rights are not enabled. */
  readonly tokens: Tokens | undefined
  readonly sessions: Sessions | undefined
  readonly now: () => number
}

/** To be called before any route is added. */
export function guard(api: Api, { tokens, sessions, now }: AuthParts): void {
  const exposed: { method: string; url: string; access: Access }[] = []
  api.decorate('exposed', exposed)
  api.addHook('onRoute', ({ method, url, config }) => {
    const access = config?.access
    if (access === undefined) throw new Error(`the route ${String(method)} ${url} does not say what it exposes`)
    for (const one of [method].flat()) exposed.push({ method: one, url, access })
  })
  api.decorateRequest('caller', undefined)

  const identify = async (request: FastifyRequest): Promise<Caller | undefined> => {
    if (tokens === undefined || sessions === undefined) return everybody
    const { authorization } = request.headers
    // Basic is a proxy's in front of us, and no business of ours.
    if (bearer.test(authorization ?? '')) {
      const token = holderOf((authorization ?? '').replace(bearer, ''), tokens, now())
      return token && callerOf(token, 'token')
    }
    const cookie = cookieOf(request)
    const token = cookie === undefined ? undefined : await sessions.find(cookie)
    return token && callerOf(token, 'session')
  }

  api.decorate('stillHolds', async (request) => {
    const caller = await identify(request)
    return caller !== undefined && caller.tokenId === request.caller?.tokenId
  })

  api.addHook('onRequest', async (request) => {
    const identified = identify(request)
    // What is open stays open while the state with its sessions is away.
    request.caller = await (accessOf(request) === 'open' ? identified.catch(() => undefined) : identified)
  })

  // Behind the rate limit, which is one of onRequest, and before a body is read.
  api.addHook('preParsing', async (request, reply) => {
    refuseForged(request)
    const access = accessOf(request)
    if (access === 'open') return
    // What one caller sees no browser or proxy shall show to the next.
    reply.header('cache-control', 'no-store')
    if (request.caller === undefined) {
      if (access === 'link') return sendToLogin(request, reply)
      const given = request.headers.authorization !== undefined || cookieOf(request) !== undefined
      throw new ShiplogError(
        'UNAUTHENTICATED',
        given ? 'this token or session does not hold (any more)' : 'who asks?',
        {
          hint: 'Send a token as “Authorization: Bearer shiplog_…” (shiplog search … --token-file FILE), or sign in on the page.',
        },
      )
    }
    if (access === 'operator' && request.caller.rights.role !== 'operator') {
      throw new ShiplogError('FORBIDDEN', 'this is for operators', {
        hint: 'An operator can make a token for it: shiplog token add --role operator.',
      })
    }
  })
}

/** What is not there exposes nothing. */
function accessOf(request: FastifyRequest): Access {
  return request.is404 ? 'open' : (request.routeOptions.config.access ?? 'operator')
}

/** The caller of a route that is not open. */
export function callerOfRequest(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error('a route that is open asks for its caller')
  return request.caller
}

/** True when the caller may see how the machine is: paths, reasons, numbers. */
export function seesOperation(request: FastifyRequest): boolean {
  return request.caller?.rights.role === 'operator'
}

/** The token with this text, when it holds now. */
export function holderOf(text: string, tokens: Tokens, nowMs: number): Token | undefined {
  const token = tokens.find(tokenPattern.exec(text)?.[1] ?? '')
  return token !== undefined && isSecretOf(token.hash, text) && !isExpired(token, nowMs) ? token : undefined
}

export function callerOf({ name, id, role, grants }: Token, via: Caller['via']): Caller {
  return { name, tokenId: id, via, rights: rightsOf(role, grants) }
}

export function describe(caller: Caller): { name: string; role: Role; rights: boolean } {
  return { name: caller.name, role: caller.rights.role, rights: caller.tokenId !== undefined }
}

export function cookieOf({ headers: { cookie } }: FastifyRequest): string | undefined {
  return cookie === undefined ? undefined : new RegExp(`(?:^|;\\s*)${sessionCookie}=([^;]*)`).exec(cookie)?.[1]
}

/**
 * A page of another site can let a browser send what a form can send, with its cookies, or to a server on loopback that asks
 * for none. It cannot add a header without asking first, and we allow nobody. A bearer token no browser sends on its own.
 */
function refuseForged({ method, headers, is404 }: FastifyRequest): void {
  if (is404 || method === 'GET' || method === 'HEAD' || bearer.test(headers.authorization ?? '')) return
  const site = headers['sec-fetch-site'] ?? 'none'
  if (headers[ownHeader] !== undefined && (site === 'same-origin' || site === 'none')) return
  throw new ShiplogError('FORBIDDEN', `${method} without a token needs the header ${ownHeader}`, {
    hint: `Send “${ownHeader}: 1”: it shows that no other site makes the browser ask.`,
  })
}

/** The page asks who is there, and goes on to the link. Our cookie does not come along when another site links to us. */
function sendToLogin(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.raw.url ?? '').split('?', 1)[0]?.slice(1) ?? ''
  return reply.redirect(`../?after=${encodeURIComponent(path)}`, 302)
}
