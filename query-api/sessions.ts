/**
 * Sessions of browsers. A cookie holds a secret of its own, not the token: it ends by itself, by a logout, and with its token.
 * They are in the State port, so that every query API of a pipeline knows them and a restart ends none.
 */
import { randomBytes, randomInt } from 'node:crypto'
import type { State } from '../pipeline/state.ts'
import { hashOf, isExpired, isSecretOf, type Token } from '../pipeline/token.ts'
import type { Tokens } from '../pipeline/token-file.ts'

export const sessionMsMax = 12 * 3_600_000
/**
 * Of one token; another login ends the one that would have ended first. Places are numbered and used again, so that what
 * logins leave behind is bounded too.
 */
export const sessionsPerTokenMax = 20

interface Session {
  /** SHA-256 of the secret in the cookie. */
  readonly hash: string
  /** ms since the epoch. */
  readonly endsAt: number
}

const cookiePattern = /^([0-9a-f]{12})\.(\d{1,2})\.([A-Za-z0-9_-]{43})$/

export interface Sessions {
  /** What the cookie is to hold, and until when. */
  begin(token: Token): Promise<{ cookie: string; endsAt: number }>
  /** The token whose session it is; undefined when there is no such session (any more). */
  find(cookie: string): Promise<Token | undefined>
  end(cookie: string): Promise<void>
}

export function sessionsIn(state: Pick<State, 'get' | 'put' | 'delete'>, tokens: Tokens, now: () => number): Sessions {
  const keyOf = (id: string, place: number): string => `session/${id}/${place}`
  const found = async (cookie: string) => {
    const [, id = '', place = '', secret = ''] = cookiePattern.exec(cookie) ?? []
    const token = tokens.find(id)
    if (token === undefined || isExpired(token, now()) || Number(place) >= sessionsPerTokenMax) return undefined
    const key = keyOf(id, Number(place))
    const session = (await state.get(key))?.value as Session | undefined
    if (session === undefined || session.endsAt <= now() || !isSecretOf(session.hash, secret)) return undefined
    return { token, key }
  }
  return {
    async begin(token) {
      const endsAt = Math.min(now() + sessionMsMax, Date.parse(token.expiresAt ?? '9999-12-31'))
      const place = await placeFor(token.id)
      const secret = randomBytes(32).toString('base64url')
      await state.put(keyOf(token.id, place), { hash: hashOf(secret), endsAt } satisfies Session)
      return { cookie: `${token.id}.${place}.${secret}`, endsAt }
    },
    async find(cookie) {
      return (await found(cookie))?.token
    },
    async end(cookie) {
      const session = await found(cookie)
      if (session !== undefined) await state.delete(session.key)
    },
  }

  /** A free place, else that of the session that ends first. Two logins at once rarely meet: they begin at different places. */
  async function placeFor(id: string): Promise<number> {
    let first = { place: 0, endsAt: Number.POSITIVE_INFINITY }
    const begin = randomInt(sessionsPerTokenMax)
    for (let i = 0; i < sessionsPerTokenMax; i++) {
      const place = (begin + i) % sessionsPerTokenMax
      const session = (await state.get(keyOf(id, place)))?.value as Session | undefined
      if (session === undefined || session.endsAt <= now()) return place
      if (session.endsAt < first.endsAt) first = { place, endsAt: session.endsAt }
    }
    return first.place
  }
}
