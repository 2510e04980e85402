/**
 * Zone arithmetic for stamps: local time to UTC, and what an abbreviation such as `CST` means. Pure.
 * Offsets come from luxon (the IANA rules of the runtime), but only once per zone and day: a line costs a subtraction.
 */
import { Info } from 'luxon'
import { ShiplogError } from '../pipeline/errors.ts'

const dayMs = 86_400_000

/** A time zone as a function from local to universal time. Milliseconds since the epoch; a local time counts as if it were UTC. */
export interface Zone {
  /** An ambiguous local time is the earlier of the two instants; a skipped one moves forward by the gap, as luxon moves it. */
  toUtcMs(localMs: number): number
  /** The same for a local time that was written with an abbreviation (see packAbbreviation). */
  namedToUtcMs(localMs: number, packedAbbreviation: number): number
}

/**
 * Offsets in minutes east that an abbreviation is used for, the best known first (tz database, `zone.tab` of 2024, and RFC 822).
 * Abbreviations are not unique, so a list is only the last word where the configured zone has none of these offsets.
 */
const abbreviationOffsets: Readonly<Record<string, readonly number[]>> = {
  UTC: [0],
  GMT: [0],
  UT: [0],
  WET: [0],
  WEST: [60],
  CET: [60],
  CEST: [120],
  EET: [120],
  EEST: [180],
  MSK: [180],
  BST: [60, 360],
  IST: [330, 120, 60],
  IDT: [180],
  PKT: [300],
  CST: [-360, 480, -300],
  CDT: [-300, 540, -240],
  EST: [-300, 600],
  EDT: [-240, 660],
  MST: [-420],
  MDT: [-360],
  PST: [-480, 480],
  PDT: [-420],
  AST: [-240, 180],
  ADT: [-180],
  NST: [-210],
  NDT: [-150],
  AKST: [-540],
  AKDT: [-480],
  HST: [-600],
  SST: [-660, 480],
  JST: [540],
  KST: [540],
  HKT: [480],
  SGT: [480],
  MYT: [480],
  PHT: [480],
  ICT: [420],
  WIB: [420],
  AWST: [480],
  ACST: [570],
  ACDT: [630],
  AEST: [600],
  AEDT: [660],
  NZST: [720],
  NZDT: [780],
  SAST: [120],
  WAT: [60],
  BRT: [-180],
  ART: [-180],
}

/** The letters of an abbreviation as one number, so that a line needs no string: base 27, at most five letters. 0 is none. */
export function packAbbreviation(text: string): number {
  let packed = 0
  for (let i = 0; i < text.length; i++) packed = packed * 27 + (text.charCodeAt(i) - 64)
  return packed
}

const offsetsByAbbreviation = new Map<number, readonly number[]>(
  Object.entries(abbreviationOffsets).map(([text, offsets]) => [packAbbreviation(text), offsets]),
)

/** True when these letters are known to name a zone: `INFO` behind a time is no zone. */
export function isZoneAbbreviation(packed: number): boolean {
  return offsetsByAbbreviation.has(packed)
}

/**
 * `name` is an IANA zone (`Asia/Shanghai`), `utc`, `utc+8` or `system`.
 * @throws ShiplogError CONFIG_INVALID when the runtime does not know the zone.
 */
export function createZone(name: string): Zone {
  const rules = Info.normalizeZone(name)
  if (!rules.isValid) {
    throw new ShiplogError('CONFIG_INVALID', `the time zone "${name}" is not known`, {
      hint: 'Use an IANA name such as Asia/Shanghai, or UTC.',
    })
  }
  const offsetMs = (utcMs: number) => rules.offset(utcMs) * 60_000

  // What holds on the local day [fromMs, toMs): the offset before and after its one transition, if it has any.
  let fromMs = 0
  let toMs = 0
  let beforeMs = 0
  let afterMs = 0
  let transitionMs = Number.POSITIVE_INFINITY

  function load(localMs: number): void {
    fromMs = Math.floor(localMs / dayMs) * dayMs
    toMs = fromMs + dayMs
    // Every instant that can have this local date lies between these two; no zone changes its offset twice in three days.
    let low = fromMs - dayMs
    let high = toMs + dayMs
    beforeMs = offsetMs(low)
    afterMs = offsetMs(high)
    transitionMs = Number.POSITIVE_INFINITY
    if (beforeMs === afterMs) return
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000
      if (offsetMs(middle) === beforeMs) low = middle
      else high = middle
    }
    transitionMs = high
  }

  function toUtcMs(localMs: number): number {
    if (!(localMs >= fromMs && localMs < toMs)) load(localMs)
    const early = localMs - beforeMs
    if (early < transitionMs) return early
    const late = localMs - afterMs
    // Neither side has a skipped time; the offset from before the gap moves it forward.
    return late >= transitionMs ? late : early
  }

  return {
    toUtcMs,
    namedToUtcMs(localMs, packedAbbreviation) {
      const offsets = offsetsByAbbreviation.get(packedAbbreviation)
      if (offsets === undefined) return toUtcMs(localMs)
      if (!(localMs >= fromMs && localMs < toMs)) load(localMs)
      // The configured zone decides between the meanings, and the abbreviation between the two sides of a transition.
      for (const minutes of offsets) {
        const writtenMs = minutes * 60_000
        if (writtenMs === beforeMs || writtenMs === afterMs) return localMs - writtenMs
      }
      return localMs - (offsets[0] ?? 0) * 60_000
    },
  }
}
