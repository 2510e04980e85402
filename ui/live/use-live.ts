/** Live tail: the lines that come while one looks on, by one stream of the server, which is asked again when it ends. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type ApiRecord, Problem } from '../api.ts'
import { isSignedOut, sessionKey } from '../session/session.ts'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import {
  arrive,
  clearLines,
  type LiveLines,
  noLiveLines,
  rateOf,
  retryWaitMs,
  showWaiting,
} from '../state/live-model.ts'
import { useView } from '../view-context.tsx'
import { isFinal, pauseFor } from './again.ts'
import { addSince, tailParams } from './look-up.ts'
import { readTail } from './tail-stream.ts'

export type LiveStatus = 'off' | 'connecting' | 'live' | 'paused' | 'away' | 'refused'

/** What comes within this is shown together. */
const showIntervalMs = 100
/** So many lines are taken between two shows; the stream waits meanwhile, and the server counts what it has to drop. */
const linesPerShowMax = 2_000
const rateIntervalMs = 1_000
/** A store may show lines later than the bus has them. */
const fillAgainMs = 3_000

export interface Live {
  readonly status: LiveStatus
  readonly live: LiveLines<ApiRecord>
  /** Lines a second. */
  readonly rate: number
  /** Lines that the server had to drop; undefined = none, null = some. */
  readonly missed: number | null | undefined
  /** Why it is refused or away. */
  readonly error: Error | undefined
  /** While held, lines wait instead of moving what is read. */
  hold(held: boolean): void
  show(): void
  pause(paused: boolean): void
  clear(): void
  /** Looks up what was missed. */
  fill(): Promise<void>
}

/** `found`: what the search found, newest first. Not `ready` while that is of another search. */
export function useLive(found: readonly ApiRecord[], ready: boolean): Live {
  const { view, zone, run } = useView()
  const client = useQueryClient()
  const params = useMemo(() => selectionParams(view, zone), [view, zone])
  const key = JSON.stringify([params, run])
  const [live, setLive] = useState<LiveLines<ApiRecord>>(noLiveLines)
  const [status, setStatus] = useState<LiveStatus>('off')
  const [paused, setPaused] = useState(false)
  const [rate, setRate] = useState(0)
  const [missed, setMissed] = useState<number | null>()
  const [error, setError] = useState<Error>()
  const held = useRef(false)
  const position = useRef<string>(undefined)
  /** The newest line before the first one that was missed. */
  const missedFrom = useRef<string>(undefined)
  const latestFound = useRef(found)
  latestFound.current = found
  const known = useRef<ApiRecord>(undefined)
  known.current = live.lines[0] ?? live.behind ?? found[0]

  // Another search begins anew, whatever came for the last one.
  const [keyBefore, setKeyBefore] = useState(key)
  if (key !== keyBefore) {
    setKeyBefore(key)
    setLive(noLiveLines)
    setMissed(undefined)
    setRate(0)
  }

  const latestKey = useRef(key)
  latestKey.current = key
  const add = useCallback(
    // What was asked for one search may arrive when there is another.
    (records: readonly ApiRecord[]) =>
      latestKey.current === key && setLive((live) => arrive(live, records, latestFound.current, held.current)),
    [key],
  )
  const fill = useCallback(
    async (fromTime: string | undefined, signal: AbortSignal) => {
      const whole = await addSince(params, fromTime, add, signal)
      if (!whole) {
        missedFrom.current ??= fromTime
        setMissed((before) => before ?? null)
      }
      return whole
    },
    [params, add],
  )

  const following = view.follow && ready && !paused
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for what is asked
  useEffect(() => {
    position.current = undefined
    missedFrom.current = undefined
  }, [key])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for what is asked
  useEffect(() => {
    if (!following) return setStatus(view.follow && paused ? 'paused' : 'off')
    const stop = new AbortController()
    const { signal } = stop
    const arrivals: [atMs: number, lines: number][] = []
    let pending: ApiRecord[] = []
    let shown = Promise.withResolvers<void>()
    const show = () => {
      if (pending.length > 0) add(pending)
      pending = []
      shown.resolve()
      shown = Promise.withResolvers()
    }
    const showTimer = setInterval(show, showIntervalMs)
    const rateTimer = setInterval(() => {
      const now = performance.now()
      while (arrivals.length > 0 && now - (arrivals[0]?.[0] ?? 0) > 10_000) arrivals.shift()
      setRate(rateOf(arrivals, now))
    }, rateIntervalMs)
    const fillSoon = async () => {
      const from = known.current?.time
      await fill(from, signal)
      await pauseFor(fillAgainMs, signal)
      // What has come since then came by the stream: it does not matter when that is more than is looked up.
      await addSince(params, from, add, signal)
    }
    // What fails here fails for the stream as well, which says so; what was not filled in by then is told as missed.
    const filled = () => fillSoon().catch(() => signal.aborted || setMissed((before) => before ?? null))
    let attempt = 0
    let begun = false
    const readOnce = () => {
      const from = position.current
      begun = false
      return readTail(apiUrl('tail', tailParams(params, from)), signal, {
        onOpen: () => {
          attempt = 0
          setStatus('live')
          setError(undefined)
          if (from === undefined) void filled()
        },
        onRecords: async (records) => {
          begun = true
          arrivals.push([performance.now(), records.length])
          pending.push(...records)
          if (pending.length < linesPerShowMax) return
          // In a window that is not looked at timers hardly run; there is nothing to be quick for, either.
          if (document.hidden) show()
          else await shown.promise
        },
        onPosition: (id) => {
          position.current = id
        },
        onMissed: (events) => {
          // Right behind a pause or a restart of the server the store still has them; a stream that is too fast says how many.
          if (events === null || !begun) return void filled()
          missedFrom.current ??= known.current?.time
          setMissed((before) => (before ?? 0) + events)
        },
        onSignedOut: () => void client.invalidateQueries({ queryKey: sessionKey }),
      })
    }
    const follow = async () => {
      setStatus('connecting')
      while (!signal.aborted) {
        try {
          await readOnce()
        } catch (thrown) {
          if (signal.aborted) return
          if (isSignedOut(thrown)) void client.invalidateQueries({ queryKey: sessionKey })
          if (thrown instanceof Problem && thrown.status !== 0) setError(thrown)
          if (isFinal(thrown)) return setStatus('refused')
        }
        if (signal.aborted) return
        setStatus('away')
        await pauseFor(retryWaitMs(attempt++), signal).catch(() => undefined)
      }
    }
    void follow()
    return () => {
      clearInterval(showTimer)
      clearInterval(rateTimer)
      // What was read has moved the position: it will not come again.
      show()
      stop.abort()
      setRate(0)
    }
  }, [key, following])

  return {
    status,
    live,
    rate,
    missed,
    error,
    hold: useCallback((now: boolean) => {
      held.current = now
      if (!now) setLive(showWaiting)
    }, []),
    show: useCallback(() => setLive(showWaiting), []),
    pause: setPaused,
    clear: useCallback(() => {
      setLive((live) => clearLines(live, latestFound.current))
      setMissed(undefined)
    }, []),
    fill: async () => {
      const from = missedFrom.current
      missedFrom.current = undefined
      setMissed(undefined)
      await fill(from, AbortSignal.timeout(30_000)).catch(() => setMissed(null))
    },
  }
}
