/**
 * Time that passes only when a run says so. The shipper's timers and its clock are replaced, its files are real: after
 * each step everything that it began is let come to its end, so that a seed always gives the same run.
 */
import { vi } from 'vitest'

const immediate = setImmediate

/** Reads and unpackings through streams that are under way: the process's list of requests does not show these. */
export const streams = { underWay: 0 }

export function takeClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
}

export function giveClockBack(): void {
  vi.useRealTimers()
}

/** Lets `ms` pass in steps of the quickest timer. Ends early when `isOver` says so. */
export async function pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
  await calm()
  for (let passed = 0; passed < ms && !isOver(); passed += stepMs) {
    vi.advanceTimersByTime(stepMs)
    await calm()
  }
}

/** Lets time pass until the promise is settled. */
export async function until<T>(work: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = (): void => {
    isSettled = true
  }
  work.then(settled, settled)
  await pass(60_000, () => isSettled)
  if (!isSettled) throw new Error('it did not end within a minute of its own time')
  return work
}

export const stepMs = 10

/** Resolves when nothing is under way that ends without the clock. */
async function calm(): Promise<void> {
  for (let rounds = 0; rounds < 2; rounds++) {
    await new Promise((resolve) => immediate(resolve))
    if (streams.underWay > 0 || process.getActiveResourcesInfo().some((name) => /^FSReq|^CloseReq/.test(name)))
      rounds = -1
  }
}
