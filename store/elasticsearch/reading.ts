/**
 * Searches: one request, its bounds, and what is tried again. They go to `_msearch`, whose body names the indices: a path
 * holds 4,096 bytes, which a year of days does not fit into.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ShiplogError } from '../../pipeline/errors.ts'
import { backoffMs, defaultBackoff } from '../../pipeline/retry.ts'
import type { Bounds } from '../../pipeline/store.ts'
import type { Connection } from './connection.ts'
import { causeOf, statusError } from './failures.ts'

export interface Search {
  readonly indices: readonly string[]
  readonly body: object
  /** Searches with the same text go to the same copies of the shards: what one has shown, the next one sees too. */
  readonly preference?: string
}

export interface SearchLimits {
  readonly signal?: AbortSignal
  readonly answerBytesMax?: number
  /** How often it is tried in all; Infinity = until the signal aborts. */
  readonly attemptsMax?: number
}

/** A page is asked for again at once by whoever wants it: it must not hang for long. */
export const pageAttemptsMax = 3

type Response = { readonly error?: unknown; readonly status?: number }

/** The answers in the order of the searches; `T` is what the caller knows of them. */
export async function searchAll<T>(
  connection: Connection,
  searches: readonly Search[],
  { signal, answerBytesMax, attemptsMax = pageAttemptsMax }: SearchLimits = {},
): Promise<T[]> {
  if (searches.length === 0) return []
  const lines = searches.flatMap(({ indices, body, preference }) => [
    // Part of an answer would look like all of it.
    { index: indices, ignore_unavailable: true, allow_partial_search_results: false, preference },
    body,
  ])
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  return retrying(connection, { signal, attemptsMax }, async () => {
    const answer = await connection.json<{ responses: (Response & T)[] }>({
      method: 'POST',
      path: '/_msearch',
      body,
      ...(signal === undefined ? {} : { signal }),
      ...(answerBytesMax === undefined ? {} : { answerBytesMax }),
    })
    const { responses } = answer.body
    for (const { error, status = 500 } of responses) {
      if (error !== undefined) throw statusError(connection.name, status, causeOf(error))
    }
    return responses
  })
}

/** Calls `work` again, with a growing pause, as long as its error is one that may pass. */
export async function retrying<T>(
  connection: Connection,
  { signal, attemptsMax }: { readonly signal?: AbortSignal | undefined; readonly attemptsMax: number },
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ShiplogError) || !error.retryable || attempt + 1 >= attemptsMax) throw error
      const pause = AbortSignal.any([connection.closed, ...(signal === undefined ? [] : [signal])])
      await sleep(backoffMs(attempt, defaultBackoff), undefined, { signal: pause }).catch(() => undefined)
      if (pause.aborted) throw error
    }
  }
}

/** Runs `work` within the bounds of a request: its signal aborts with the caller's and when the time is over. */
export async function within<T>(bounds: Bounds | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, timeMsMax } = bounds ?? {}
  const late = new AbortController()
  throwIfAborted(signal)
  const timer = timeMsMax === undefined ? undefined : setTimeout(() => late.abort(), timeMsMax)
  try {
    return await work(signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]))
  } catch (error) {
    throwIfAborted(signal)
    // Time that was spent with waiting for a server that is down says nothing about the query.
    if (!late.signal.aborted || (error instanceof ShiplogError && error.retryable)) throw error
    throw new ShiplogError('QUERY_TOO_COSTLY', `the search took longer than ${timeMsMax} ms`, {
      hint: 'Ask for a shorter range of time, for an app or instance, or for words without a * in front.',
    })
  } finally {
    clearTimeout(timer)
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ShiplogError('ABORTED', 'the request was cancelled')
}
