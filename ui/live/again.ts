/** When the server is asked again, and when that would change nothing. */
import { Problem } from '../api.ts'

/** Asking again would be answered in the same way. */
export function isFinal(thrown: unknown): boolean {
  return thrown instanceof Problem && thrown.status >= 400 && thrown.status < 500 && ![408, 429].includes(thrown.status)
}

/** Rejects when the signal is aborted. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
