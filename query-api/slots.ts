/** How much work one client may have under way at the same time. What waits is the client, not the store. */
import type { FastifyRequest } from 'fastify'
import type { Config } from '../pipeline/config.ts'
import { flagOf, type OptionName } from '../pipeline/config.ts'
import { HttpError } from './problem.ts'
import type { Api } from './routes.ts'

/** What a route with `access: 'logs'` counts as; `search` unless it says otherwise. */
export type Slot = 'search' | 'export' | 'tail'

declare module 'fastify' {
  interface FastifyContextConfig {
    slot?: Slot
  }
}

const optionOf = {
  search: 'searchesPerClientMax',
  export: 'exportsPerClientMax',
  tail: 'tailsPerClientMax',
} as const satisfies Record<Slot, OptionName>

/** One client: a token, wherever it is used from, else an address. */
export function clientOf({ caller, ip }: FastifyRequest): string {
  return caller?.tokenId ?? ip
}

/** To be called behind guard, which says who the client is. */
export function limitConcurrency(api: Api, config: Pick<Config, (typeof optionOf)[Slot]>): void {
  const busy = new Map<string, number>()
  api.addHook('preHandler', async (request, reply) => {
    const { access, slot = 'search' } = request.routeOptions.config
    if (request.is404 || (access !== 'logs' && access !== 'link')) return
    const key = `${slot} ${clientOf(request)}`
    const most = config[optionOf[slot]]
    const count = busy.get(key) ?? 0
    if (count >= most) {
      reply.header('retry-after', '1')
      throw new HttpError(429, `${count} requests of this client are under way already`, {
        hint: `Wait until one has ended; the operator sets --${flagOf(optionOf[slot])}.`,
      })
    }
    busy.set(key, count + 1)
    // Closed when all of it is sent, and when the client goes away.
    reply.raw.once('close', () => {
      const left = (busy.get(key) ?? 1) - 1
      if (left > 0) busy.set(key, left)
      else busy.delete(key)
    })
  })
}
