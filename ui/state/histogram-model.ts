/** From the API's buckets to bars and ticks. Pure. */
import type { HistogramAnswer } from '../api.ts'
import { zoneOffset } from './zone.ts'

export interface Bar {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
  readonly errors: number
  readonly warnings: number
  /** Everything that is neither, as a share of the highest bar, 0 … 1; so are the other two. */
  readonly restShare: number
  readonly warnShare: number
  readonly errorShare: number
}

export function barsOf({ bucketMs, buckets }: HistogramAnswer): Bar[] {
  const highest = Math.max(1, ...buckets.map(({ count }) => count))
  return buckets.map(({ time, count, levels }) => {
    const errors = (levels.error ?? 0) + (levels.fatal ?? 0)
    const warnings = levels.warn ?? 0
    const fromMs = Date.parse(time)
    return {
      fromMs,
      toMs: fromMs + bucketMs,
      count,
      errors,
      warnings,
      restShare: (count - errors - warnings) / highest,
      warnShare: warnings / highest,
      errorShare: errors / highest,
    }
  })
}

export interface Tick {
  readonly atMs: number
  /** 0 … 1 of the width. */
  readonly share: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const steps = [
  ...[1_000, 5_000, 10_000, 30_000],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * day),
]

/** Round times of the zone's clock, at most `ticksMax` of them. */
export function ticksOf(bars: readonly Bar[], zone: string, ticksMax: number): { stepMs: number; ticks: Tick[] } {
  const first = bars[0]
  const last = bars.at(-1)
  if (first === undefined || last === undefined) return { stepMs: 0, ticks: [] }
  const spanMs = last.toMs - first.fromMs
  const stepMs = steps.find((step) => spanMs / step <= ticksMax) ?? Math.ceil(spanMs / ticksMax / day) * day
  const ticks: Tick[] = []
  const offset = zoneOffset(zone, first.fromMs)
  for (let at = Math.ceil((first.fromMs + offset) / stepMs) * stepMs - offset; at < last.toMs; at += stepMs) {
    ticks.push({ atMs: at, share: (at - first.fromMs) / spanMs })
  }
  return { stepMs, ticks }
}

/** A bar's edges as the address takes them. */
export function rangeOfBars(
  bars: readonly Bar[],
  one: number,
  other: number,
): { from: string; to: string } | undefined {
  const first = bars[Math.min(one, other)]
  const last = bars[Math.max(one, other)]
  if (first === undefined || last === undefined) return undefined
  return { from: new Date(first.fromMs).toISOString(), to: new Date(last.toMs).toISOString() }
}
