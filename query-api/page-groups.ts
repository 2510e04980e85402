/** The hits of one page with the lines around them, as groups. */
import { ShiplogError } from '../pipeline/errors.ts'
import { compareKeys } from '../pipeline/record.ts'
import type { Bounds } from '../pipeline/store.ts'
import { groupLines } from './context-groups.ts'
import { idAt, type Shown } from './fold.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

/** Lines in one answer, those around the hits with them. */
export const pageLinesMax = 5000

export interface PageGroup {
  readonly lines: readonly Shown[]
  /** Indices of its lines that are hits. */
  readonly hits: readonly number[]
}

interface Around {
  readonly contextBefore: number
  readonly contextAfter: number
}

export function refuseTooMany({ limit, contextBefore, contextAfter }: Around & { readonly limit: number }): void {
  const most = limit * (1 + contextBefore + contextAfter)
  if (contextBefore + contextAfter === 0 || most <= pageLinesMax) return
  throw new ShiplogError('QUERY_INVALID', `that may be ${most} lines in one page, more than ${pageLinesMax}`, {
    hint: 'Lower limit, contextBefore or contextAfter, or take /export, which has no such bound.',
  })
}

/** In the order of the page, by the hit of each that comes first in it; undefined when no context is asked for. */
export async function pageGroups(
  store: LogStore,
  events: readonly Shown[],
  { contextBefore: before, contextAfter: after, folds }: Around & { readonly folds: boolean },
  bounds: Bounds,
): Promise<PageGroup[] | undefined> {
  if (before + after === 0) return undefined
  const idsOf = ({ batch, i, parts }: Shown): string[] => [idAt(batch, i), ...parts]
  // Of an event that a cursor went through the page has the rest, and the group all of it.
  const places = new Map(events.flatMap((event, n) => idsOf(event).map((id): [string, number] => [id, n])))
  const placeOf = (shown: Shown): number | undefined => {
    const id = idsOf(shown).find((one) => places.has(one))
    return id === undefined ? undefined : places.get(id)
  }
  const groups: { lines: Shown[]; hits: number[]; first: number }[] = []
  const isHit = (shown: Shown): boolean => placeOf(shown) !== undefined
  const end = performance.now() + (bounds.timeMsMax ?? Number.POSITIVE_INFINITY)
  for await (const line of groupLines(store, ascending(events), { before, after, isHit, folds, bounds })) {
    if (performance.now() > end) {
      throw new ShiplogError('QUERY_TOO_COSTLY', `the lines around the hits took longer than ${bounds.timeMsMax} ms`, {
        hint: 'Lower limit, or take /export, which has no such bound.',
      })
    }
    const current = (groups[line.group - 1] ??= { lines: [], hits: [], first: Number.POSITIVE_INFINITY })
    if (line.hit) {
      current.hits.push(current.lines.length)
      current.first = Math.min(current.first, placeOf(line) as number)
    }
    current.lines.push(line)
  }
  return groups.sort((a, b) => a.first - b.first)
}

/** From the oldest one on. */
async function* ascending(events: readonly Shown[]): AsyncGenerator<Shown> {
  yield* events
    .map((event) => ({ event, key: keyAt(event.batch, event.i) }))
    .sort((a, b) => compareKeys(a.key, b.key))
    .map(({ event }) => event)
}
