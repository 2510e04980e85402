/** What a policy's condition is judged by: the store's count of its window, or the shapes of its lines. */
import type { AlertPolicy } from '../pipeline/alert-policy.ts'
import { messageOf } from '../pipeline/errors.ts'
import { parseQuery } from '../pipeline/query-parser.ts'
import { levels } from '../pipeline/record.ts'
import type { State } from '../pipeline/state.ts'
import type { Bounds, Selection, Store } from '../pipeline/store.ts'
import { type Judgement, judge, type Measure } from './judge.ts'
import { PatternWatch } from './watch.ts'

/** One count; a policy whose count takes longer has no data. */
const countMsMax = 5000
const reasonUnitsMax = 500
const errorLevels = [levels.indexOf('error'), levels.indexOf('fatal')]

export interface Measured {
  readonly found: Judgement
  /** To be called when what was found is stored with the alert. */
  keep(): Promise<void>
}

export interface MeasureParts {
  readonly store: Pick<Store, 'histogram' | 'search'>
  readonly state: State
  readonly signal: AbortSignal
}

export interface Measuring {
  /** Never rejects: a store that does not answer is a judgement too. */
  of(id: string, policy: AlertPolicy): Promise<Measured>
  /** Drops what is remembered of one policy, or of all: another process may go on with it. */
  forget(id?: string): void
}

export function createMeasure({ store, state, signal }: MeasureParts): Measuring {
  const watches = new Map<string, PatternWatch>()
  const bounds: Bounds = { timeMsMax: countMsMax, signal }
  const nothing = async (): Promise<void> => undefined

  const patterns = async (id: string, policy: AlertPolicy, nowMs: number): Promise<Measured> => {
    const { condition, windowMs, cluster, app, query } = policy
    if (condition.kind !== 'new-pattern') throw new Error('no condition on shapes')
    const scope = JSON.stringify([cluster, app ?? null, query])
    let watch = watches.get(id)
    if (watch?.scope !== scope) watches.set(id, (watch = await PatternWatch.open(state, id, scope, nowMs)))
    const open = watch
    const found = await open.look(store, selectionOf(policy, nowMs), condition, windowMs, nowMs, bounds)
    const keep = async (): Promise<void> => {
      try {
        await open.keep()
      } catch (error) {
        // Somebody else has written it, or it is not known whether we did: read it again.
        watches.delete(id)
        throw error
      }
    }
    return { found, keep }
  }

  return {
    async of(id, policy) {
      const nowMs = Date.now()
      const { condition } = policy
      try {
        if (condition.kind === 'new-pattern') return await patterns(id, policy, nowMs)
        return { found: judge(condition, await countOf(store, selectionOf(policy, nowMs), bounds)), keep: nothing }
      } catch (error) {
        watches.delete(id)
        const reason = messageOf(error).slice(0, reasonUnitsMax)
        return { found: { holds: undefined, failed: true, reason }, keep: nothing }
      }
    },
    forget(id) {
      if (id === undefined) watches.clear()
      else watches.delete(id)
    },
  }
}

function selectionOf({ cluster, app, query, windowMs }: AlertPolicy, nowMs: number): Selection {
  const where = parseQuery(query)
  return {
    cluster,
    filters: app === undefined ? {} : { app: [app] },
    where: where.kind === 'all' ? undefined : where,
    from: (nowMs - windowMs) * 1000,
    to: nowMs * 1000,
  }
}

async function countOf(store: Pick<Store, 'histogram'>, selection: Selection, bounds: Bounds): Promise<Measure> {
  const { counts, total } = await store.histogram(selection, 1, bounds)
  const errorsIn = (byLevel: Uint32Array): number => errorLevels.reduce((sum, level) => sum + (byLevel[level] ?? 0), 0)
  return { events: total, errors: counts.reduce((sum, byLevel) => sum + errorsIn(byLevel), 0) }
}
