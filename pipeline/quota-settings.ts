/**
 * How much a shipper takes from its sources: the `quotas` of the configuration file, read and checked. Pure.
 *
 *     quotas:
 *       shipper: { bytes-per-day: { warn: 80000000000, hard: 100000000000 } }
 *       default: { lines-per-second: { warn: 5000, hard: 10000 } }
 *       apps:
 *         order-service: { lines-per-second: { hard: 50000 } }
 */
import { messageOf } from './errors.ts'
import { nearestOf } from './nearest.ts'

/** `warn` is told of, `hard` is not exceeded: what is over it waits. Infinity = no limit. */
export interface Limit {
  readonly warn: number
  readonly hard: number
}

export const quotaUnits = ['linesPerSecond', 'bytesPerDay'] as const
export type QuotaUnit = (typeof quotaUnits)[number]

/** What is undefined is not said: for an app the default holds, else there is no limit. A day is one of UTC. */
export type Quota = { readonly [unit in QuotaUnit]?: Limit }

export interface QuotaSettings {
  /** All apps of one shipper together. */
  readonly shipper: Quota
  /** Each app by itself. */
  readonly default: Quota
  readonly apps: Readonly<Record<string, Quota>>
}

export const noQuotas: QuotaSettings = { shipper: {}, default: {}, apps: {} }

/** @throws Error with what was expected. */
export function readQuotaSettings(value: unknown): QuotaSettings {
  const written = entriesOf(value ?? {}, ['shipper', 'default', 'apps'])
  const apps = Object.entries(objectOf(written.get('apps') ?? {}))
  return {
    shipper: readQuota(written.get('shipper'), 'shipper'),
    default: readQuota(written.get('default'), 'default'),
    apps: Object.fromEntries(apps.map(([app, quota]) => [app, readQuota(quota, app)])),
  }
}

/** What holds for an app: each limit its own, else the default's. */
export function quotaOf({ apps, default: fallback }: QuotaSettings, app: string): Quota {
  return Object.hasOwn(apps, app) ? { ...fallback, ...apps[app] } : fallback
}

function readQuota(value: unknown, where: string): Quota {
  try {
    const units = entriesOf(value ?? {}, quotaUnits)
    return Object.fromEntries([...units].map(([unit, limit]) => [unit, readLimit(limit)]))
  } catch (error) {
    throw new Error(`${messageOf(error)} (quota of ${where})`)
  }
}

function readLimit(value: unknown): Limit {
  const written = entriesOf(value, ['warn', 'hard'])
  const [warn, hard] = [amountOf(written.get('warn')), amountOf(written.get('hard'))]
  if (warn > hard && Number.isFinite(warn)) throw new Error('warn below hard')
  return { warn, hard }
}

function amountOf(value: unknown): number {
  if (value === undefined || value === 0) return Number.POSITIVE_INFINITY
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`a whole number for warn and hard, 0 for no limit, not ${JSON.stringify(value)}`)
}

/** Keys may be written with capitals or with hyphens, as in the rest of the file. */
function entriesOf<K extends string>(value: unknown, known: readonly K[]): ReadonlyMap<K, unknown> {
  const found = new Map<K, unknown>()
  for (const [written, inner] of Object.entries(objectOf(value))) {
    const name = written.replace(/-[a-z]/g, (pair) => pair.slice(1).toUpperCase())
    const key = known.find((one) => one === name)
    if (key === undefined) {
      const nearest = nearestOf(name, known)
      const hint = nearest === undefined ? '' : `: did you mean ${nearest}?`
      throw new Error(`one of ${known.join(', ')}, not “${written}”${hint}`)
    }
    found.set(key, inner)
  }
  return found
}

function objectOf(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('keys and values')
  return value
}
