/**
 * Work in short slices: node:sqlite cannot be interrupted, so long work is a generator that pauses often, and the thread
 * looks at its messages (cancel, other requests) every few milliseconds.
 */
import { ShiplogError } from '../../pipeline/errors.ts'

const sliceMs = 8

/** Ends a request early. */
export interface Limits {
  readonly timeMsMax: number | undefined
  cancelled: boolean
  /** Time spent working so far, ms. */
  spentMs: number
}

/**
 * Runs until `work` ends or yields something else than undefined; gives that, and whether it ended. Rejects with ABORTED or
 * QUERY_TOO_COSTLY.
 */
export async function inSlices<T, R>(
  work: Generator<T | undefined, R, void>,
  limits: Limits,
): Promise<{ value: T; done: false } | { value: R; done: true }> {
  const pauseMs = Math.min(sliceMs, limits.timeMsMax ?? sliceMs)
  for (;;) {
    const start = performance.now()
    let now = start
    do {
      const step = work.next()
      if (step.done === true || step.value !== undefined) {
        limits.spentMs += performance.now() - start
        return step as { value: T; done: false } | { value: R; done: true }
      }
      now = performance.now()
    } while (now - start < pauseMs)
    limits.spentMs += now - start
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
    check(limits)
  }
}

export function check(limits: Limits): void {
  if (limits.cancelled) throw new ShiplogError('ABORTED', 'the request was cancelled')
  if (limits.timeMsMax !== undefined && limits.spentMs > limits.timeMsMax) {
    throw new ShiplogError('QUERY_TOO_COSTLY', `the search took longer than ${limits.timeMsMax} ms`, {
      hint: 'Narrow the time range, add a word or a filter, or avoid wildcards inside words.',
    })
  }
}
