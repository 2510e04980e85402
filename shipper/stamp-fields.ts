/**
 * The parts that stamps are made of: digits, dates, times of day, zones, read from bytes into one reused object, because
 * a line must not cost an object. Pure. What the parts mean in time is the business of timestamp.ts.
 */
import { isZoneAbbreviation } from './zone.ts'

/** What a format found. Reset by nobody: a format that returns true has set all of it. */
export interface StampFields {
  /** 0 when the format has none. */
  year: number
  /** 1 to 12; 0 when the format has no date at all. */
  month: number
  day: number
  hour: number
  minute: number
  /** 60 is allowed (a leap second) and runs over into the next minute. */
  second: number
  /** 0 to 999,999; further decimals are cut off. */
  micros: number
  /** Decimals that were written, 0 to 9. */
  decimals: number
  /** Minutes east, or `noOffset`. */
  offset: number
  /** A packed zone abbreviation (zone.ts), or 0. */
  abbreviation: number
  /** True for a number since the epoch: then only `epochUs` counts. */
  isEpoch: boolean
  epochUs: number
  /** Given, not found: may a zone stand behind a blank? */
  spacedZone: boolean
  /** True when the zone that was found stood behind a blank. */
  zoneWasSpaced: boolean
  /** Where reading began; set by who looks for the stamp, not by its format. */
  start: number
  /** Behind the last byte of the stamp. */
  end: number
}

export const noOffset = -10_000

/** Reads a stamp that begins at `at` in a line that ends before `end`. False: no stamp, and the fields are undefined. */
export type FormatReader = (bytes: Buffer, at: number, end: number, fields: StampFields) => boolean

export function emptyFields(): StampFields {
  return {
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    micros: 0,
    decimals: 0,
    offset: noOffset,
    abbreviation: 0,
    isEpoch: false,
    epochUs: 0.5,
    spacedZone: true,
    zoneWasSpaced: false,
    start: 0,
    end: 0,
  }
}

export const blank = 0x20
export const dot = 0x2e
export const comma = 0x2c
export const colon = 0x3a
export const dash = 0x2d
export const slash = 0x2f

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

export function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
}

/** Two digits as a number; negative when they are not two digits. */
export function two(bytes: Buffer, at: number): number {
  const tens = (bytes[at] as number) - 0x30
  const ones = (bytes[at + 1] as number) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

export function four(bytes: Buffer, at: number): number {
  const high = two(bytes, at)
  const low = two(bytes, at + 2)
  return high < 0 || low < 0 ? -1 : high * 100 + low
}

/** How many digits stand at `at`, at most `max`. */
export function digitsAt(bytes: Buffer, at: number, end: number, max: number): number {
  let count = 0
  while (count < max && at + count < end && isDigit(bytes[at + count])) count++
  return count
}

export function numberAt(bytes: Buffer, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) value = value * 10 + ((bytes[i] as number) - 0x30)
  return value
}

const monthDays = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** February 29 passes where the year is not known yet; timestamp.ts then looks for a leap year. */
function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > (monthDays[month] as number)) return false
  return month !== 2 || day < 29 || year === 0 || isLeapYear(year)
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** A year of two digits: 90 to 99 are the 1990s, since nothing earlier is a stamp. */
export function fullYear(twoDigits: number): number {
  return twoDigits < 90 ? 2000 + twoDigits : 1900 + twoDigits
}

export function setDate(fields: StampFields, year: number, month: number, day: number): boolean {
  fields.year = year
  fields.month = month
  fields.day = day
  fields.isEpoch = false
  return isDate(year, month, day)
}

/** `HH:mm:ss` with two digits each (or one for the hour, when `loose`), decimals, AM/PM and zone. Returns false or sets `end`. */
export function readTime(bytes: Buffer, at: number, end: number, fields: StampFields, loose: boolean): boolean {
  let i = at
  let hour: number
  if (loose && bytes[i + 1] === colon) {
    hour = isDigit(bytes[i]) ? (bytes[i] as number) - 0x30 : -1
    i += 1
  } else {
    hour = two(bytes, i)
    i += 2
  }
  if (end - i < 6 || bytes[i] !== colon || bytes[i + 3] !== colon) return false
  const minute = two(bytes, i + 1)
  const second = two(bytes, i + 4)
  if (hour < 0 || minute < 0 || second < 0 || hour > 23 || minute > 59 || second > 60) return false
  fields.hour = hour
  fields.minute = minute
  fields.second = second
  return readFraction(bytes, i + 6, end, fields)
}

/** What stands behind the seconds: decimals, AM/PM, zone. No further digit may follow. */
export function readFraction(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  let i = at
  fields.micros = 0
  fields.decimals = 0
  if (i < end) {
    const mark = bytes[i] as number
    if ((mark === dot || mark === comma || mark === colon) && i + 1 < end && isDigit(bytes[i + 1])) {
      let value = 0
      let count = 0
      let j = i + 1
      for (; j < end; j++) {
        const digit = (bytes[j] as number) - 0x30
        if (digit < 0 || digit > 9) break
        if (count < 6) value = value * 10 + digit
        count++
      }
      // In `28,42,INFO` the comma separates columns; WebSphere writes milliseconds behind a colon.
      const isFraction =
        mark === dot ? true : mark === colon ? count === 3 : count === 3 || bytes[j] !== comma || j >= end
      if (isFraction && count <= 9) {
        for (let k = count; k < 6; k++) value *= 10
        fields.micros = value
        fields.decimals = count
        i = j
      } else if (mark === dot) return false
    } else if (mark >= 0x30 && mark <= 0x39) return false
  }
  return readHalfDayAndZone(bytes, i, end, fields)
}

export function readHalfDayAndZone(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  fields.offset = noOffset
  fields.abbreviation = 0
  fields.zoneWasSpaced = false
  fields.end = at
  if (at >= end) return true
  const next = bytes[at] as number
  let i = at
  // Most lines have a plain blank and an upper-case word, a bracket or a dash here: leave early.
  if (next === blank || next === 0xe2 || (next | 0x20) === 0x61 || (next | 0x20) === 0x70 || next === 0xe4) {
    i = readHalfDay(bytes, at, end, fields)
    fields.end = i
  }
  readZone(bytes, i, end, fields)
  return true
}

/** ` AM`, ` PM`, also joined, with the narrow blank of newer JDKs (U+202F, CLDR 42), and ` 上午`, ` 下午`. Returns where it ends, or `at`. */
function readHalfDay(bytes: Buffer, at: number, end: number, fields: StampFields): number {
  let i = at
  if (bytes[i] === blank) i += 1
  else if (bytes[i] === 0xe2 && bytes[i + 1] === 0x80 && bytes[i + 2] === 0xaf) i += 3
  if (end - i < 2) return at
  const first = (bytes[i] as number) | 0x20
  let afternoon: boolean
  if ((first === 0x61 || first === 0x70) && ((bytes[i + 1] as number) | 0x20) === 0x6d) {
    if (i + 2 < end && (isLetter(bytes[i + 2]) || isDigit(bytes[i + 2]))) return at
    afternoon = first === 0x70
    i += 2
  } else {
    const half = chineseHalfDay(bytes, i, end)
    if (half === 0) return at
    afternoon = half === 2
    i += 6
  }
  setHalfDay(fields, afternoon)
  return i
}

/** An hour over 12 says for itself which half it is in. */
export function setHalfDay(fields: StampFields, afternoon: boolean): void {
  if (fields.hour <= 12) fields.hour = (fields.hour % 12) + (afternoon ? 12 : 0)
}

/** 1 for 上午, 2 for 下午, 0 for neither. */
export function chineseHalfDay(bytes: Buffer, at: number, end: number): number {
  if (end - at < 6 || bytes[at] !== 0xe4 || bytes[at + 1] !== 0xb8) return 0
  if (bytes[at + 3] !== 0xe5 || bytes[at + 4] !== 0x8d || bytes[at + 5] !== 0x88) return 0
  return bytes[at + 2] === 0x8a ? 1 : bytes[at + 2] === 0x8b ? 2 : 0
}

/**
 * `Z`, `+08`, `+0800`, `+08:00`, and behind one blank (when the fields allow it) also `CST`, `UTC+8`, `GMT+08:00`.
 * A zone that cannot be read is none: the rest of the line is not our business.
 */
function readZone(bytes: Buffer, at: number, end: number, fields: StampFields): void {
  let i = at
  if (i >= end) return
  let byte = bytes[i] as number
  const spaced = byte === blank
  if (spaced) {
    if (!fields.spacedZone || ++i >= end) return
    byte = bytes[i] as number
  }
  if (byte === 0x2b || byte === dash) {
    readOffset(bytes, i, end, fields, spaced)
  } else if (byte >= 0x41 && byte <= 0x5a) {
    let packed = 0
    let j = i
    while (j < end && j - i < 6) {
      const letter = (bytes[j] as number) - 0x40
      if (letter < 1 || letter > 26) break
      packed = packed * 27 + letter
      j++
    }
    if (j < end && (isLetter(bytes[j]) || isDigit(bytes[j]) || bytes[j] === 0x5f)) return
    if (j - i === 1 && byte === 0x5a) {
      fields.offset = 0
      fields.end = j
    } else if (j - i >= 2 && j - i <= 5 && isZoneAbbreviation(packed)) {
      fields.abbreviation = packed
      fields.end = j
      // GMT+8: the offset is what counts.
      if (j < end && (bytes[j] === 0x2b || bytes[j] === dash)) readOffset(bytes, j, end, fields, false)
    }
  }
  fields.zoneWasSpaced = spaced && fields.end !== at
}

function readOffset(bytes: Buffer, at: number, end: number, fields: StampFields, strict: boolean): void {
  const sign = bytes[at] === dash ? -1 : 1
  const count = digitsAt(bytes, at + 1, end, 5)
  let hours: number
  let minutes = 0
  let i = at + 1 + count
  if (count === 4) {
    hours = two(bytes, at + 1)
    minutes = two(bytes, at + 3)
  } else if (count === 2 || (count === 1 && !strict)) {
    hours = numberAt(bytes, at + 1, count)
    if (i + 2 < end && bytes[i] === colon && digitsAt(bytes, i + 1, end, 3) === 2) {
      minutes = two(bytes, i + 1)
      i += 3
    }
  } else return
  if (hours > 14 || minutes > 59) return
  if (i < end && isLetter(bytes[i])) return
  fields.offset = sign * (hours * 60 + minutes)
  fields.abbreviation = 0
  fields.end = i
}
/** Where the time begins behind a date that ends at `at`: after `T`, blanks, `_`, `:`, `, `, ` - ` (Gin). Negative when nothing fits. */
export function timeBehind(bytes: Buffer, at: number): number {
  const mark = bytes[at]
  if (mark === 0x54 || mark === 0x5f || mark === 0x74) return at + 1
  if (mark === blank) {
    if (isDigit(bytes[at + 1])) return at + 1
    if (bytes[at + 1] === blank) return at + 2
    if (bytes[at + 1] === dash && bytes[at + 2] === blank) return at + 3
    return -1
  }
  // Erlang's reports write two colons.
  if (mark === colon) return bytes[at + 1] === colon ? at + 2 : at + 1
  if (mark === comma) return bytes[at + 1] === blank ? at + 2 : at + 1
  return -1
}
