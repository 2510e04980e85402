/** Tokens in memory, and a server that asks for them. */

import { makeToken, type Role, type Token } from '../../pipeline/token.ts'
import type { Tokens } from '../../pipeline/token-file.ts'
import type { ServerParts } from '../../query-api/routes.ts'
import type { StoredEvent } from './memory-store.ts'
import { nowMs, type Served, serve } from './serve.ts'

export interface Issued extends Tokens {
  /** Makes a token; returns its text. */
  issue(name: string, role: Role, grants: readonly string[], days?: number): string
  remove(text: string): void
}

export function issueTokens(): Issued {
  const tokens = new Map<string, Token>()
  return {
    find: (id) => tokens.get(id),
    trouble: () => undefined,
    issue(name, role, grants, days = 1) {
      const { token, text } = makeToken(
        { name, role, grants, days: Math.abs(days) },
        nowMs - (days < 0 ? 2 * 86_400_000 : 0),
      )
      tokens.set(token.id, token)
      return text
    },
    remove: (text) => void tokens.delete(text.split('_')[1] as string),
  }
}

export async function serveWithRights(
  events: StoredEvent[],
  more: Partial<ServerParts> = {},
): Promise<Served & { tokens: Issued }> {
  const tokens = issueTokens()
  return { ...(await serve(events, { tokens, ...more })), tokens }
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}
