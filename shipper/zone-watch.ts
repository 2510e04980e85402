/**
 * Is the zone of a file's stamps another than the one it is read in? Of a file that is being written, stamps and the clock
 * agree within moments; where they are off by the same multiple of half an hour again and again, a zone is wrong.
 */
import type { Window } from './tail.ts'

const halfHourUs = 1_800_000_000
/** Lines may be this late and still be of now. */
const lateUs = 60_000_000
/** So many looks, this far apart, have to agree. */
const looksMin = 3
const looksApartUs = 1_000_000
/** No zone is further away from another. */
const offMinutesMax = 26 * 60

export class ZoneWatch {
  #minutes = 0
  #looks = 0
  #lastUs = 0

  /** Takes note of a window that reached the end of its file. Returns the minutes that stamps are off, 0 when they agree. */
  note({ batch, readAt }: Pick<Window, 'batch' | 'readAt'>): number {
    const minutes = offMinutes(batch, readAt)
    if (minutes === undefined) return this.#settled()
    if (minutes !== this.#minutes) {
      this.#minutes = minutes
      this.#looks = 1
      this.#lastUs = readAt
    } else if (readAt - this.#lastUs >= looksApartUs) {
      this.#looks++
      this.#lastUs = readAt
    }
    return this.#settled()
  }

  #settled(): number {
    return this.#looks >= looksMin ? this.#minutes : 0
  }
}

/** Undefined when the newest stamp is none, or older than a late line and no multiple of half an hour away. */
function offMinutes(batch: Window['batch'], readAt: number): number | undefined {
  for (let i = batch.count - 1; i >= 0; i--) {
    if (batch.timeFrom[i] !== 0) continue
    const off = readAt - (batch.time[i] as number)
    const halves = Math.round((off - lateUs / 2) / halfHourUs)
    const rest = off - halves * halfHourUs
    if (rest < -lateUs / 2 || rest > lateUs || Math.abs(halves) * 30 > offMinutesMax) return undefined
    return halves * 30
  }
  return undefined
}

/** `zone looks 8 h off`; undefined when it does not. */
export function zoneText(offMinutes: number): string | undefined {
  if (offMinutes === 0) return undefined
  const minutes = Math.abs(offMinutes)
  return `zone looks ${minutes < 60 ? `${minutes} min` : `${minutes / 60} h`} off`
}
