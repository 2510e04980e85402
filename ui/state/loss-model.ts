/** Where in a list of lines something is known to be lost. Pure. */
import type { FileRow } from '../api.ts'
import { comparePlaces, type LinePlace } from './line-order.ts'

export interface Loss extends LinePlace {
  readonly file: FileRow
}

/** Newest first. What was lost stood behind the last event that the shipper got; of a file without one, where it was noticed. */
export function lossesOf(files: readonly FileRow[]): Loss[] {
  return files
    .flatMap((file) => {
      const time = file.reached ?? file.loss?.last
      if (file.lost === 0 || file.generation === undefined || time === undefined) return []
      return [{ time, generation: file.generation, offset: file.acknowledged, file }]
    })
    .sort((a, b) => comparePlaces(b, a))
}

export interface LossEdges {
  /** Undefined = not known: then nothing is drawn beyond the lines. */
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  /** Older lines are yet to be loaded. */
  readonly more: boolean
}

/** Losses by the index of the line above which they stand (newest first; the number of lines = below the last). */
export function gapsIn(
  lines: readonly LinePlace[],
  losses: readonly Loss[],
  { fromMs, toMs, more }: LossEdges,
): ReadonlyMap<number, readonly Loss[]> {
  const gaps = new Map<number, Loss[]>()
  if (lines.length === 0) return gaps
  for (const loss of losses) {
    const at = indexBehind(lines, loss)
    const ms = Date.parse(loss.time)
    if (at === 0 && (toMs === undefined || ms > toMs)) continue
    if (at === lines.length && (more || fromMs === undefined || ms < fromMs)) continue
    const there = gaps.get(at)
    if (there === undefined) gaps.set(at, [loss])
    else there.push(loss)
  }
  return gaps
}

/** The first line that is older than the place. */
function indexBehind(lines: readonly LinePlace[], place: LinePlace): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (comparePlaces(lines[middle] as LinePlace, place) >= 0) low = middle + 1
    else high = middle
  }
  return low
}

const causes = ['truncated', 'written over', 'deleted', 'gone'] as const
export type LossCause = (typeof causes)[number]

/** Undefined for a cause that is new to the page. */
export function causeOf(cause: string | undefined): LossCause | undefined {
  return causes.find((known) => cause?.startsWith(known) === true)
}
