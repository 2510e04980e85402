/** GET /health (200 while alive), /health/ready (503 until searches can be answered), /metrics (Prometheus). */
import { messageOf, ShiplogError } from '../pipeline/errors.ts'
import type { StoreStats } from '../pipeline/store.ts'
import { seesOperation } from './auth.ts'
import type { Api, ServerParts } from './routes.ts'
import * as schema from './schema.ts'

/** A probe every second must not count the store every second. */
const statsKeptMs = 2000
/** A store that says nothing for so long is down. */
const statsMsMax = 3000

interface Part {
  readonly name: string
  readonly state: 'up' | 'degraded' | 'down'
  readonly detail?: string
}

export interface HealthParts extends Pick<ServerParts, 'store' | 'registry' | 'health'> {
  readonly now: () => number
}

/** Whether the server lives anyone may know; why a part is not well is the operators' business: it names paths. */
export function healthRoutes(api: Api, { store, registry, health, now }: HealthParts): void {
  let asked: { readonly at: number; readonly part: Promise<Part> } | undefined
  const storePart = (): Promise<Part> => {
    if (asked === undefined || now() - asked.at > statsKeptMs || now() < asked.at) {
      asked = { at: now(), part: partOfStore(() => store.stats()) }
    }
    return asked.part
  }
  const parts = async (): Promise<Part[]> => {
    const others = Object.entries(health()).map(
      ([name, trouble]): Part =>
        trouble === undefined ? { name, state: 'up' } : { name, state: 'degraded', detail: trouble },
    )
    return [await storePart(), ...others]
  }
  const ready = (list: readonly Part[]): boolean => list.every((part) => part.state !== 'down')

  api.get(
    '/health',
    {
      config: { rateLimit: false, access: 'open' },
      schema: {
        summary: 'Each part’s state; 200 while the process is alive',
        tags: ['operation'],
        querystring: schema.parameters({}),
        response: schema.answers(schema.HealthAnswer, 'Alive'),
      },
    },
    async (request, reply) => {
      const list = await parts()
      reply.header('cache-control', 'no-store')
      return { ready: ready(list), parts: seesOperation(request) ? list : list.map(withoutDetail) }
    },
  )

  api.get(
    '/health/ready',
    {
      config: { rateLimit: false, access: 'open' },
      schema: {
        summary: '200 when searches can be answered, else 503',
        tags: ['operation'],
        querystring: schema.parameters({}),
        response: schema.answers(schema.HealthAnswer, 'Ready', 503),
      },
    },
    async (request, reply) => {
      const all = await parts()
      const list = seesOperation(request) ? all : all.map(withoutDetail)
      const down = list.find((part) => part.state === 'down')
      if (down !== undefined) {
        throw new ShiplogError('STORE_UNAVAILABLE', `${down.name} is down: ${down.detail ?? 'no reason given'}`, {
          retryable: true,
          hint: 'GET /health says how each part is.',
        })
      }
      reply.header('cache-control', 'no-store')
      return { ready: true, parts: list }
    },
  )

  api.get(
    '/metrics',
    { config: { rateLimit: false, access: 'operator' }, schema: { hide: true } },
    async (_request, reply) => {
      reply.type(registry.contentType).header('cache-control', 'no-store')
      return registry.metrics()
    },
  )
}

function withoutDetail({ name, state }: Part): Part {
  return { name, state }
}

async function partOfStore(stats: () => Promise<StoreStats>): Promise<Part> {
  const name = 'store'
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer for ${statsMsMax} ms`)), statsMsMax)
    })
    const { damaged } = await Promise.race([stats(), late])
    if (damaged.length === 0) return { name, state: 'up' }
    const shown = damaged.slice(0, 5).map(({ path, reason }) => `${path}: ${reason}`)
    return { name, state: 'degraded', detail: `${damaged.length} partitions cannot be read: ${shown.join('; ')}` }
  } catch (error) {
    return { name, state: 'down', detail: messageOf(error) }
  } finally {
    clearTimeout(timer)
  }
}
