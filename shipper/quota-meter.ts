/**
 * What one app, or all of a shipper, has taken, against its quota. Lines a second are a bucket that fills at the hard
 * limit and holds one second of it: a window may leave a debt, which is waited for before the next one. Pure.
 */
import type { Quota, QuotaUnit } from '../pipeline/quota-settings.ts'

/** A clock that never jumps, and that of the world; both ms. */
export interface Clock {
  readonly steadyMs: () => number
  readonly worldMs: () => number
}

export type QuotaState = 'ok' | 'warned' | 'slowed'

/** Over how long lines a second are measured for being told. */
const measureMs = 5000
/** A state ends so long after its last cause: a source at its limit waits and goes on many times a second. */
const holdMs = 10_000
/** A window has at least so many bytes: from fewer a file is not learnt as well. */
const portionBytesMin = 64 * 1024
/** So much of a window is granted for each line that may be taken: shorter lines leave a debt. */
const bytesALine = 64
const dayMs = 86_400_000

export class Meter {
  readonly #clock: Clock
  quota: Quota
  /** Of the last whole stretch that was measured. */
  linesPerSecond = 0
  #slowedMs = 0
  /** What it was last held back by. */
  heldBy: QuotaUnit = 'linesPerSecond'
  #lines: number
  #filledMs: number
  #measuredLines = 0
  #measuredSinceMs: number
  #day: number
  #bytes: number
  #heldMs = Number.NEGATIVE_INFINITY
  #warnedMs = Number.NEGATIVE_INFINITY

  /** `before`: bytes of a day (days since 1970, UTC) as they were remembered. */
  constructor(quota: Quota, clock: Clock, before: { readonly day: number; readonly bytes: number } | undefined) {
    this.#clock = clock
    this.quota = quota
    this.#filledMs = this.#measuredSinceMs = clock.steadyMs()
    this.#lines = this.#linesHard
    this.#day = before?.day ?? 0
    this.#bytes = before?.bytes ?? 0
  }

  get #linesHard(): number {
    return this.quota.linesPerSecond?.hard ?? Number.POSITIVE_INFINITY
  }

  get bytesToday(): number {
    const today = dayOf(this.#clock.worldMs())
    // A clock that is set back does not give a day's bytes anew.
    if (today > this.#day) {
      this.#day = today
      this.#bytes = 0
    }
    return this.#bytes
  }

  /** True while nothing more may be read; asked when somebody wants to read. */
  holdsBack(): boolean {
    const unit = this.#over()
    if (unit === undefined) return false
    this.heldBy = unit
    this.#heldMs = this.#clock.steadyMs()
    return true
  }

  #over(): QuotaUnit | undefined {
    const { bytesPerDay } = this.quota
    if (bytesPerDay !== undefined && this.bytesToday >= bytesPerDay.hard) return 'bytesPerDay'
    return this.#linesLeft() < 1 ? 'linesPerSecond' : undefined
  }

  #linesLeft(): number {
    const hard = this.#linesHard
    const nowMs = this.#clock.steadyMs()
    if (hard === Number.POSITIVE_INFINITY) this.#lines = hard
    // The limit may have been infinite, or higher, before it was read again.
    else this.#lines = Math.min(hard, this.#lines + ((nowMs - this.#filledMs) / 1000) * hard)
    this.#filledMs = nowMs
    return this.#lines
  }

  /** The most that one window should have now, bytes. */
  get portionBytes(): number {
    const hard = this.quota.bytesPerDay?.hard ?? Number.POSITIVE_INFINITY
    return Math.max(portionBytesMin, Math.min(this.#linesLeft() * bytesALine, hard - this.bytesToday))
  }

  charge(lines: number, bytes: number): void {
    this.#lines = this.#linesLeft() - lines
    this.#measuredLines += lines
    this.#bytes = this.bytesToday + bytes
  }

  /** To be called often. `isWaiting`: it holds somebody back now; since the last call `passedMs` went by. */
  tick(isWaiting: boolean, passedMs: number): void {
    const nowMs = this.#clock.steadyMs()
    if (isWaiting) this.#slowedMs += passedMs
    const sinceMs = nowMs - this.#measuredSinceMs
    if (sinceMs >= measureMs) {
      this.linesPerSecond = (this.#measuredLines * 1000) / sinceMs
      this.#measuredLines = 0
      this.#measuredSinceMs = nowMs
    }
    if (this.#warnsOf() !== undefined) this.#warnedMs = nowMs
  }

  /** For how long it held somebody back since this was last asked. */
  takeSlowedMs(): number {
    const taken = this.#slowedMs
    this.#slowedMs = 0
    return taken
  }

  #warnsOf(): QuotaUnit | undefined {
    const { linesPerSecond, bytesPerDay } = this.quota
    if (bytesPerDay !== undefined && this.bytesToday >= bytesPerDay.warn) return 'bytesPerDay'
    return linesPerSecond !== undefined && this.linesPerSecond > linesPerSecond.warn ? 'linesPerSecond' : undefined
  }

  get state(): QuotaState {
    const nowMs = this.#clock.steadyMs()
    if (nowMs - this.#heldMs < holdMs) return 'slowed'
    return nowMs - this.#warnedMs < holdMs ? 'warned' : 'ok'
  }

  /** The limit that its state comes from: `1000 lines/s`. */
  get limitText(): string {
    const isSlowed = this.state === 'slowed'
    const unit = isSlowed ? this.heldBy : (this.#warnsOf() ?? 'linesPerSecond')
    const limit = this.quota[unit]?.[isSlowed ? 'hard' : 'warn']
    return unit === 'linesPerSecond' ? `${limit} lines/s` : `${limit} bytes/day (UTC)`
  }
}

/** Days since 1970, UTC. */
export function dayOf(worldMs: number): number {
  return Math.floor(worldMs / dayMs)
}
