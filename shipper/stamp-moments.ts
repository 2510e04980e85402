/** What the fields of a stamp mean in time: zone, missing year, missing date. Pure; all times in µs since the epoch. */
import { isLeapYear, noOffset, type StampFields } from './stamp-fields.ts'
import type { Zone } from './zone.ts'

export const earliestUs = Date.UTC(1990, 0, 1) * 1000
const dayUs = 86_400_000_000
const futureUsMax = dayUs
/** A clock without a date may be set back this far (threads that overtake each other, a zone's change) before it means the next day. */
const backwardsUsMax = 3 * 3_600_000_000

/** From fields to moments in one zone. Holds caches only: the same fields always give the same moment. */
export function createMoments(zone: Zone, referenceUs: number) {
  const referenceYear = new Date(referenceUs / 1000).getUTCFullYear()
  let cachedDate = -1
  let cachedDateMs = 0
  let cachedMonthDay = -1
  let cachedYear = 0
  let cachedTimeOnlyDateMs = 0

  function utcUs(fields: StampFields, dateMs: number): number {
    const localMs = dateMs + fields.hour * 3_600_000 + fields.minute * 60_000 + fields.second * 1000
    let utcMs: number
    if (fields.offset !== noOffset) utcMs = localMs - fields.offset * 60_000
    else if (fields.abbreviation !== 0) utcMs = zone.namedToUtcMs(localMs, fields.abbreviation)
    else utcMs = zone.toUtcMs(localMs)
    return utcMs * 1000 + fields.micros
  }

  function inYear(fields: StampFields, year: number): number {
    const date = (year * 16 + fields.month) * 32 + fields.day
    if (date !== cachedDate) {
      cachedDate = date
      cachedDateMs = Date.UTC(year, fields.month - 1, fields.day)
    }
    return utcUs(fields, cachedDateMs)
  }

  /** The year that brings the stamp nearest to the reference without putting it into the future. */
  function nearestYear(fields: StampFields, latestUs: number): number {
    const leapOnly = fields.month === 2 && fields.day === 29
    let best = 0
    let bestDistance = Number.POSITIVE_INFINITY
    // Eight years are the longest way from one February 29 to the next.
    for (let year = referenceYear - 8; year <= referenceYear + 8; year++) {
      if (leapOnly && !isLeapYear(year)) continue
      const us = inYear(fields, year)
      const distance = Math.abs(us - referenceUs)
      if (us <= latestUs && distance < bestDistance) {
        best = year
        bestDistance = distance
      }
    }
    return best
  }

  return {
    dated(fields: StampFields, nowUs: number): number {
      const latestUs = nowUs + futureUsMax
      let us: number
      if (fields.isEpoch) us = fields.epochUs
      else if (fields.year !== 0) us = inYear(fields, fields.year)
      else {
        const monthDay = fields.month * 32 + fields.day
        if (monthDay !== cachedMonthDay) {
          cachedMonthDay = monthDay
          cachedYear = nearestYear(fields, Number.POSITIVE_INFINITY)
        }
        us = inYear(fields, cachedYear)
        // Near the half-year the hour decides, and the future never counts: both are rare, so they are not cached.
        if (us > latestUs || Math.abs(us - referenceUs) > 180 * dayUs) {
          const year = nearestYear(fields, latestUs)
          us = year === 0 ? Number.NaN : inYear(fields, year)
        }
      }
      return us >= earliestUs && us <= latestUs ? us : Number.NaN
    },

    timeOnly(fields: StampFields, previousUs: number, nowUs: number): number {
      const first = Number.isNaN(previousUs)
      if (!first) {
        // Within this window there is one such time of day only (20 hours, not 21: a day may have 23), so the date of
        // the line before can be tried first.
        const us = utcUs(fields, cachedTimeOnlyDateMs)
        if (us >= previousUs - backwardsUsMax && us < previousUs + 20 * 3_600_000_000 && us <= nowUs + futureUsMax) {
          return us >= earliestUs ? us : Number.NaN
        }
      }
      const anchorUs = first ? referenceUs : previousUs
      const anchorDateMs = Math.floor(anchorUs / dayUs) * 86_400_000
      let best = Number.NaN
      // A local date is at most one day off the date in UTC, and the stamp at most one day off the anchor.
      for (let days = -2; days <= 2; days++) {
        const us = utcUs(fields, anchorDateMs + days * 86_400_000)
        if (us > nowUs + futureUsMax) break
        if (first) {
          if (Math.abs(us - anchorUs) >= Math.abs(best - anchorUs)) continue
        } else if (us < anchorUs - backwardsUsMax) continue
        best = us
        cachedTimeOnlyDateMs = anchorDateMs + days * 86_400_000
        if (!first) break
      }
      return best >= earliestUs ? best : Number.NaN
    },
  }
}
