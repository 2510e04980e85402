/** /session: who one is, signing in with a token, and out again. For the page; other clients send their token itself. */
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { type AuthParts, callerOf, callerOfRequest, cookieOf, describe, holderOf, sessionCookie } from './auth.ts'
import { HttpError } from './problem.ts'
import { type Api, nothing } from './routes.ts'
import * as schema from './schema.ts'

/** Of one address; it has to wait for the rest of the minute then. */
export const loginFailuresPerMinuteMax = 10
/** Addresses whose failures are remembered. */
const addressesMax = 10_000

export function sessionRoutes(api: Api, { tokens, sessions, now }: AuthParts): void {
  const failures = new Map<string, { since: number; count: number }>()
  const failuresOf = (address: string) => {
    const known = failures.get(address)
    return known !== undefined && now() - known.since < 60_000 ? known : { since: now(), count: 0 }
  }

  api.get(
    '/session',
    {
      config: { access: 'signed-in' },
      schema: {
        summary: 'Who one is',
        tags: ['session'],
        querystring: schema.parameters({}),
        response: schema.answers(schema.SessionAnswer, 'The caller', 401, 429),
      },
    },
    async (request) => describe(callerOfRequest(request)),
  )

  api.post(
    '/session',
    {
      config: { access: 'open' },
      schema: {
        summary: 'Signs a browser in: a token for a cookie',
        description: 'The cookie is HttpOnly and SameSite=Strict, and ends after 12 hours or with its token.',
        tags: ['session'],
        querystring: schema.parameters({}),
        body: schema.parameters({
          token: Type.String({ maxLength: 200, description: 'as shiplog token add has printed it' }),
        }),
        response: schema.answers(schema.SessionAnswer, 'Signed in', 400, 401, 403, 404, 429, 503),
      },
    },
    async (request, reply) => {
      if (tokens === undefined || sessions === undefined) {
        throw new ShiplogError('NOT_FOUND', 'nobody signs in here', {
          hint: 'Rights begin with shiplog up --tokens FILE.',
        })
      }
      const failed = failuresOf(request.ip)
      if (failed.count >= loginFailuresPerMinuteMax) {
        const seconds = Math.max(1, Math.ceil((failed.since + 60_000 - now()) / 1000))
        reply.header('retry-after', String(seconds))
        throw new HttpError(429, `more than ${loginFailuresPerMinuteMax} failed logins in a minute`)
      }
      const token = holderOf(request.body.token.trim(), tokens, now())
      if (token === undefined) {
        failed.count++
        if (failures.size >= addressesMax) failures.delete(failures.keys().next().value as string)
        failures.set(request.ip, failed)
        throw new ShiplogError('UNAUTHENTICATED', 'this token does not hold', {
          hint: 'It may have ended or been removed; an operator can make another: shiplog token add.',
        })
      }
      request.caller = callerOf(token, 'token')
      const { cookie, endsAt } = await sessions.begin(token)
      const seconds = Math.floor((endsAt - now()) / 1000)
      // The page sends its origin: behind a proxy it alone tells whether the way from the browser is HTTPS.
      const secure = String(request.headers.origin ?? '').startsWith('https://') ? '; Secure' : ''
      reply
        .header(
          'set-cookie',
          `${sessionCookie}=${cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`,
        )
        .header('cache-control', 'no-store')
      return describe(request.caller)
    },
  )

  api.delete(
    '/session',
    {
      config: { access: 'open' },
      schema: {
        summary: 'Signs a browser out',
        tags: ['session'],
        querystring: schema.parameters({}),
        response: schema.done('Signed out', 403, 429, 503),
      },
    },
    async (request, reply) => {
      const cookie = cookieOf(request)
      if (cookie !== undefined) await sessions?.end(cookie)
      reply.header('set-cookie', `${sessionCookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`)
      return nothing(reply)
    },
  )
}
