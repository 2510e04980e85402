import { DateTime, type DateTimeUnit, FixedOffsetZone, IANAZone, type Zone } from 'luxon'
import { ShiplogError } from './errors.ts'

/** What a client asked for, as it was typed. An empty text counts as missing. */
export interface TimeRangeText {
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** IANA name (`Asia/Shanghai`), `UTC`, or an offset (`+08:00`). For times that do not say their own zone, and for `/d`. */
  readonly tz?: string | undefined
}

/** µs since the epoch: `from` inclusive, `to` exclusive, Infinity when open. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

export const fromDefault = 'now-1d'
export const zoneDefault = 'UTC'
/** UTF-16 units of each text. */
export const timeUnitsMax = 64

const units: { readonly [letter: string]: DateTimeUnit } = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  y: 'year',
}

const forms =
  'Write 2016-05-16T12:47:10Z, 2016-05-16, milliseconds since 1970, now, now-15m or now-1d/d (s m h d w M y).'

function refusal(message: string, hint: string): ShiplogError {
  return new ShiplogError('QUERY_INVALID', message, { hint })
}

/** In a query string a `+` that is not encoded is a space: the zone behind it has lost its sign then. */
function lostPlus(text: string): string {
  return /(^|:[\d.,]+ )\d{1,2}(:?\d\d)?$|^now \d/.test(text) ? ' In a URL, write + as %2B.' : ''
}

function readZone(text: string): Zone {
  if (/^(utc|z)$/i.test(text)) return FixedOffsetZone.utcInstance
  const offset = /^(?:UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?$/i.exec(text)
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0)
    if (minutes <= 14 * 60) return FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes)
  } else if (text.length <= timeUnitsMax && IANAZone.isValidZone(text)) {
    return IANAZone.create(text)
  }
  throw refusal(
    `tz: there is no time zone ${JSON.stringify(text.slice(0, timeUnitsMax))}.`,
    `Write a name as Asia/Shanghai, UTC, or an offset as +08:00.${lostPlus(text)}`,
  )
}

/** `now`, then any number of steps: `-15m`, `+1h`, `/d` (back to the beginning of the day in the zone). */
function readRelative(name: string, text: string, nowMs: number, zone: Zone): number {
  let time = DateTime.fromMillis(nowMs, { zone })
  const step = /([+-])(\d{1,6})([smhdwMy])|\/([smhdwMy])/y
  step.lastIndex = 3
  while (step.lastIndex < text.length) {
    const at = step.lastIndex
    const match = step.exec(text)
    if (match === null)
      throw refusal(
        `${name}: ${JSON.stringify(text)} cannot be understood at ${JSON.stringify(text.slice(at))}.`,
        `${forms}${lostPlus(text)}`,
      )
    const unit = units[match[3] ?? match[4] ?? ''] as DateTimeUnit
    if (match[4] !== undefined) time = time.startOf(unit)
    else time = time.plus({ [unit]: Number(`${match[1]}${match[2]}`) })
  }
  return time.toMillis() * 1000
}

function readIso(name: string, text: string, zone: Zone): number {
  // luxon would take `12:47` as a time of today, by its own clock.
  if (!/^\d{4}(?!:)/.test(text))
    throw refusal(`${name}: ${JSON.stringify(text)} cannot be understood as a time.`, forms)
  // Times are often pasted from a log, where a space stands in place of the T.
  const time = DateTime.fromISO(text.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T'), { zone })
  if (!time.isValid) {
    const known = time.invalidReason === 'unit out of range'
    const why = known ? 'is no time that exists' : 'cannot be understood as a time'
    throw refusal(`${name}: ${JSON.stringify(text)} ${why}.`, `${forms}${lostPlus(text)}`)
  }
  // luxon keeps milliseconds; the microseconds behind them are digits 4 to 6 of the fraction.
  const fraction = /:\d\d[.,](\d+)|T\d{6}[.,](\d+)/i.exec(text)
  return time.toMillis() * 1000 + Number((fraction?.[1] ?? fraction?.[2] ?? '').slice(3, 6).padEnd(3, '0'))
}

/**
 * One time as text: ISO 8601 (µs kept; the zone from `tz` when it has none), milliseconds since the epoch (digits only; four or
 * eight digits are a year or a date, as in ISO), or relative to now. `name` goes in front of the error. Returns µs since
 * the epoch. Throws QUERY_INVALID.
 */
export function parseTimeText(name: string, text: string, nowMs: number, tz: string = zoneDefault): number {
  const zone = readZone(tz)
  const trimmed = text.trim()
  if (trimmed.length > timeUnitsMax) throw refusal(`${name}: more than ${timeUnitsMax} characters are no time.`, forms)
  let time: number
  if (/^now(?![a-z])/.test(trimmed)) time = readRelative(name, trimmed, nowMs, zone)
  else if (/^\d+$/.test(trimmed) && trimmed.length !== 4 && trimmed.length !== 8) time = Number(trimmed) * 1000
  else time = readIso(name, trimmed, zone)
  if (!(time >= 0 && time < Date.UTC(10_000, 0) * 1000)) {
    throw refusal(
      `${name}: ${JSON.stringify(trimmed)} is outside the years 1970 to 9999.`,
      'Numbers are milliseconds since 1970, not seconds or microseconds.',
    )
  }
  return time
}

/**
 * The range of a search. Missing `from` = `now-1d`, missing `to` = open. `nowMs` is the clock, ms since the epoch. Throws
 * QUERY_INVALID when a text cannot be understood, lies outside the years 1970 to 9999, or `from` is not before `to`.
 */
export function parseTimeRange({ from, to, tz }: TimeRangeText, nowMs: number): TimeRange {
  const zone = tz?.trim() || zoneDefault
  const range = {
    from: parseTimeText('from', from?.trim() || fromDefault, nowMs, zone),
    to: to?.trim() ? parseTimeText('to', to, nowMs, zone) : Number.POSITIVE_INFINITY,
  }
  if (range.from >= range.to) {
    const given = from?.trim() ? `from (${from.trim()})` : `from (${fromDefault}, since none is given)`
    throw refusal(
      `${given} is not before to (${to?.trim()}).`,
      'from is inclusive, to is exclusive: give a from that is earlier than to.',
    )
  }
  return range
}
