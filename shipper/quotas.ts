/**
 * Who may be read by the quotas: a meter for each app that has one, and one for the whole shipper. What is over its quota
 * waits in its files; nothing of it is dropped, and nobody else waits for it.
 */
import type { EventColumns } from '../pipeline/event-batch.ts'
import { type Quota, type QuotaSettings, quotaOf } from '../pipeline/quota-settings.ts'
import type { Source } from '../pipeline/record.ts'
import type { DayBytes } from './checkpoint.ts'
import { type Clock, dayOf, Meter, type QuotaState } from './quota-meter.ts'
import type { Window } from './tail.ts'

type App = Pick<Source, 'cluster' | 'app'>

/** Clusters and apps have names; the whole shipper has none. */
const whole: App = { cluster: '', app: '' }

export interface QuotaChange {
  readonly app: App
  readonly meter: Meter
  readonly before: QuotaState
}

export class Quotas {
  readonly #clock: Clock
  #settings: QuotaSettings
  /** By app; undefined for one without a quota. */
  readonly #meters = new Map<string, { readonly app: App; readonly meter: Meter; told: QuotaState } | undefined>()
  /** What the checkpoint has, or is about to have. */
  readonly #days: Map<string, DayBytes>
  #tickedMs: number

  constructor(settings: QuotaSettings, days: readonly DayBytes[], clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#days = new Map(days.map((day) => [appKey(day), day]))
    this.#tickedMs = clock.steadyMs()
  }

  /** Other quotas hold from now on; what was taken stays counted. */
  use(settings: QuotaSettings): void {
    this.#settings = settings
    for (const [key, known] of this.#meters) {
      const quota = known && this.#quotaFor(known.app)
      if (known === undefined || quota === undefined) this.#meters.delete(key)
      else known.meter.quota = quota
    }
  }

  #quotaFor(app: App): Quota | undefined {
    const quota = app === whole ? this.#settings.shipper : quotaOf(this.#settings, app.app)
    return Object.keys(quota).length === 0 ? undefined : quota
  }

  #meterOf(app: App): Meter | undefined {
    const key = appKey(app)
    if (!this.#meters.has(key)) {
      const quota = this.#quotaFor(app)
      const named = app === whole ? whole : { cluster: app.cluster, app: app.app }
      const meter = quota && new Meter(quota, this.#clock, this.#days.get(key))
      this.#meters.set(key, meter && { app: named, meter, told: 'ok' })
    }
    return this.#meters.get(key)?.meter
  }

  #metersOf(source: Source): Meter[] {
    return [this.#meterOf(source), this.#meterOf(whole)].filter((meter) => meter !== undefined)
  }

  /** True while nothing of the source may be read. */
  holdsBack(source: Source): boolean {
    return this.#metersOf(source).some((meter) => meter.holdsBack())
  }

  /** The most that one window of the source should have now, bytes. */
  portionBytes(source: Source): number {
    return Math.min(...this.#metersOf(source).map((meter) => meter.portionBytes), Number.POSITIVE_INFINITY)
  }

  /** It was read. A window that is read again was counted before: of the day, by the checkpoint that it stood in. */
  charge(window: Window): void {
    const meters = this.#metersOf(window.tail.source)
    if (meters.length === 0) return
    const lines = linesIn(window.batch)
    for (const meter of meters) meter.charge(lines, window.isAgain ? 0 : bytesOf(window))
  }

  /** The day's bytes as they are with these windows, to be written ahead with them. */
  writtenWith(windows: readonly Window[]): DayBytes[] {
    const changed = new Map<string, DayBytes>()
    for (const window of windows) {
      if (window.isAgain) continue
      for (const app of [window.tail.source, whole]) {
        if (this.#meterOf(app)?.quota.bytesPerDay === undefined) continue
        const key = appKey(app)
        const before = this.#days.get(key)
        const today = Math.max(dayOf(this.#clock.worldMs()), before?.day ?? 0)
        const bytes = bytesOf(window) + (before?.day === today ? before.bytes : 0)
        const day: DayBytes = { cluster: app.cluster, app: app.app, day: today, bytes }
        this.#days.set(key, day)
        changed.set(key, day)
      }
    }
    return [...changed.values()]
  }

  /** To be called often, with a source of every app that has files waiting; returns whose state is another one now. */
  tick(waiting: Iterable<Source>): QuotaChange[] {
    const nowMs = this.#clock.steadyMs()
    const passedMs = nowMs - this.#tickedMs
    this.#tickedMs = nowMs
    const held = new Set<Meter>()
    for (const source of waiting) for (const meter of this.#metersOf(source)) if (meter.holdsBack()) held.add(meter)
    const changes: QuotaChange[] = []
    for (const known of this.#meters.values()) {
      if (known === undefined) continue
      known.meter.tick(held.has(known.meter), passedMs)
      const { state } = known.meter
      if (state !== known.told) changes.push({ app: known.app, meter: known.meter, before: known.told })
      known.told = state
    }
    return changes
  }

  /** What is to be said of a file that waits. */
  noteOf(source: Source): string | undefined {
    for (const [app, whose] of [
      [source, 'its quota'],
      [whole, 'the quota of the whole shipper'],
    ] as const) {
      const meter = this.#meterOf(app)
      if (meter?.state === 'slowed') return `slowed by ${whose}: ${meter.limitText}`
    }
    return undefined
  }

  *[Symbol.iterator](): Generator<{ readonly app: App; readonly meter: Meter; readonly isWhole: boolean }> {
    for (const known of this.#meters.values()) if (known !== undefined) yield { ...known, isWhole: known.app === whole }
  }
}

/** What quotas are kept by. */
export function appKey({ cluster, app }: App): string {
  return `${cluster}/${app}`
}

function bytesOf({ from, next }: Window): number {
  return next.offset - from.offset
}

/** Lines of its messages: an event that was joined has several. */
export function linesIn({ count, text, start, length }: EventColumns): number {
  let lines = count
  let feed = -1
  for (let i = 0; i < count; i++) {
    const from = start[i] as number
    const to = from + (length[i] as number)
    // Looked for once: there may be none for a long way.
    if (feed < from) feed = feedFrom(text, from)
    for (; feed < to; feed = feedFrom(text, feed + 1)) lines++
  }
  return lines
}

function feedFrom(text: Uint8Array, from: number): number {
  const at = text.indexOf(10, from)
  return at < 0 ? Number.POSITIVE_INFINITY : at
}
