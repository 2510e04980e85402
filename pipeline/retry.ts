/** Waiting and trying again: one policy for every seam. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ShiplogError } from './errors.ts'

export interface Backoff {
  readonly firstMs: number
  readonly mostMs: number
}

export const defaultBackoff: Backoff = { firstMs: 100, mostMs: 10_000 }

/** How long to wait before attempt n (0 = the first retry): doubles, bounded, with half of it random. */
export function backoffMs(attempt: number, { firstMs, mostMs }: Backoff, random = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20))
  return full / 2 + (full / 2) * random()
}

/**
 * Calls `work` until it resolves, for ever, with a growing pause; gives up only on an error that is not retryable or
 * when the signal aborts. `onRetry` is told each failure before the pause.
 */
export async function retryForever<T>(
  work: () => Promise<T>,
  options: {
    signal: AbortSignal
    backoff?: Backoff
    onRetry?: (error: unknown, waitMs: number, attempt: number) => void
  },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    options.signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (error instanceof ShiplogError && !error.retryable) throw error
      if (options.signal.aborted) throw error
      const waitMs = backoffMs(attempt, options.backoff ?? defaultBackoff)
      options.onRetry?.(error, waitMs, attempt)
      await sleep(waitMs, undefined, { signal: options.signal })
    }
  }
}
