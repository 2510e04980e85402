/**
 * The table of stamp formats. Pure. Each reads the fields of a stamp that begins at a place; a learnt name of this table
 * is kept in the checkpoint.
 */
import { readChinese, readDayMonth, readMonthDay } from './month-formats.ts'
import {
  blank,
  colon,
  comma,
  dash,
  digitsAt,
  dot,
  type FormatReader,
  four,
  fullYear,
  isDigit,
  isLetter,
  numberAt,
  readFraction,
  readHalfDayAndZone,
  readTime,
  type StampFields,
  setDate,
  slash,
  timeBehind,
  two,
} from './stamp-fields.ts'

/** ISO 8601 and its relatives: `2026-11-23T05:13:28.123+08:00`, `2026/11/23 05:13:28`, `2026-11-23 05:13:28,123`. */
function readIso(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 19) return false
  const mark = bytes[at + 4]
  if ((mark !== dash && mark !== slash && mark !== dot) || bytes[at + 7] !== mark) return false
  if (!setDate(fields, four(bytes, at), two(bytes, at + 5), two(bytes, at + 8))) return false
  const time = timeBehind(bytes, at + 10)
  return time > 0 && readTime(bytes, time, end, fields, false)
}

/** The same with one digit where one is enough: `2026-1-2 5:03:09`. */
function readIsoLoose(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 14 || digitsAt(bytes, at, end, 5) !== 4) return false
  const mark = bytes[at + 4]
  if (mark !== dash && mark !== slash && mark !== dot) return false
  const monthDigits = digitsAt(bytes, at + 5, end, 3)
  let i = at + 5 + monthDigits
  if (monthDigits < 1 || monthDigits > 2 || bytes[i] !== mark) return false
  const dayDigits = digitsAt(bytes, i + 1, end, 3)
  if (dayDigits < 1 || dayDigits > 2) return false
  const day = numberAt(bytes, i + 1, dayDigits)
  i += 1 + dayDigits
  if (!setDate(fields, four(bytes, at), numberAt(bytes, at + 5, monthDigits), day)) return false
  const time = timeBehind(bytes, i)
  return time > 0 && readTime(bytes, time, end, fields, true)
}

/** The digits only: `20261123 051328`, `20261123T051328.123Z`, `20261123051328123` (log4j COMPACT), `20261123 05:13:28`. */
function readCompact(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  const digits = digitsAt(bytes, at, end, 18)
  if (digits !== 8 && digits !== 14 && digits !== 17) return false
  if (!setDate(fields, four(bytes, at), two(bytes, at + 4), two(bytes, at + 6))) return false
  let i = at + 8
  if (digits === 8) {
    const mark = bytes[i]
    if (mark !== blank && mark !== 0x54 && mark !== dash && mark !== 0x5f) return false
    i++
    if (i + 2 < end && bytes[i + 2] === colon) return readTime(bytes, i, end, fields, false)
    const count = digitsAt(bytes, i, end, 10)
    if (count !== 6 && count !== 9) return false
    return readSixDigits(bytes, i, end, fields, count === 9)
  }
  return readSixDigits(bytes, i, end, fields, digits === 17)
}

/** `HHmmss`, with milliseconds right behind when `joined`. */
function readSixDigits(bytes: Buffer, at: number, end: number, fields: StampFields, joined: boolean): boolean {
  fields.hour = two(bytes, at)
  fields.minute = two(bytes, at + 2)
  fields.second = two(bytes, at + 4)
  if (fields.hour > 23 || fields.minute > 59 || fields.second > 60) return false
  if (!joined) return readFraction(bytes, at + 6, end, fields)
  fields.micros = numberAt(bytes, at + 6, 3) * 1000
  fields.decimals = 3
  return readHalfDayAndZone(bytes, at + 9, end, fields)
}

/** Two-digit years: `26/11/23 05:13:28` (Spark, Hadoop), `261123  5:13:28` (MySQL before 5.7), `261123 051328` (HDFS). */
function readShortYear(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 13) return false
  const digits = digitsAt(bytes, at, end, 7)
  if (digits === 2) {
    const mark = bytes[at + 2]
    if ((mark !== slash && mark !== dash) || bytes[at + 5] !== mark || end - at < 17) return false
    if (!setShortDate(fields, two(bytes, at), two(bytes, at + 3), two(bytes, at + 6))) return false
    return bytes[at + 8] === blank && readTime(bytes, at + 9, end, fields, false)
  }
  if (digits !== 6 || bytes[at + 6] !== blank) return false
  if (!setShortDate(fields, two(bytes, at), two(bytes, at + 2), two(bytes, at + 4))) return false
  const time = bytes[at + 7] === blank ? at + 8 : at + 7
  if (digitsAt(bytes, time, end, 7) === 6) return readSixDigits(bytes, time, end, fields, false)
  return readTime(bytes, time, end, fields, true)
}

function setShortDate(fields: StampFields, year: number, month: number, day: number): boolean {
  return year >= 0 && month >= 0 && day >= 0 && setDate(fields, fullYear(year), month, day)
}

/** `11/23/2026 5:13:28 AM`, `11/23/26 05:13:28:123 CST` (WebSphere, with dayFirst false) and `23.11.2026 05:13:28` (true). */
function readNumeric(bytes: Buffer, at: number, end: number, fields: StampFields, dayFirst: boolean): boolean {
  const firstDigits = digitsAt(bytes, at, end, 3)
  if (firstDigits < 1 || firstDigits > 2) return false
  let i = at + firstDigits
  const mark = bytes[i]
  if (mark !== slash && mark !== dash && !(dayFirst && mark === dot)) return false
  const secondDigits = digitsAt(bytes, ++i, end, 3)
  if (secondDigits < 1 || secondDigits > 2) return false
  const first = numberAt(bytes, at, firstDigits)
  const second = numberAt(bytes, i, secondDigits)
  i += secondDigits
  if (bytes[i] !== mark) return false
  const yearDigits = digitsAt(bytes, ++i, end, 5)
  if (yearDigits !== 2 && yearDigits !== 4) return false
  const year = yearDigits === 2 ? fullYear(two(bytes, i)) : four(bytes, i)
  i += yearDigits
  // The rest of an ISO date that a file begins with: nobody writes a short year before a T.
  if (yearDigits === 2 && bytes[i] === 0x54) return false
  if (!setDate(fields, year, dayFirst ? second : first, dayFirst ? first : second)) return false
  const time = timeBehind(bytes, i)
  return time > 0 && end - time > 6 && readTime(bytes, time, end, fields, true)
}

function readMonthFirst(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  return readNumeric(bytes, at, end, fields, false)
}

function readDayFirst(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  return readNumeric(bytes, at, end, fields, true)
}

/** Android's logcat and others: `11-23 05:13:28.123`, no year. */
function readNoYear(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 14 || (bytes[at + 2] !== dash && bytes[at + 2] !== slash) || bytes[at + 5] !== blank) return false
  if (!setDate(fields, 0, two(bytes, at), two(bytes, at + 3))) return false
  return readTime(bytes, at + 6, end, fields, false)
}

/** glog and klog: `I1123 05:13:28.158637`, newer glog `I20261123 05:13:28.158637`. */
function readKlog(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 14) return false
  const letter = bytes[at]
  if (letter !== 0x49 && letter !== 0x57 && letter !== 0x45 && letter !== 0x46 && letter !== 0x44) return false
  const digits = digitsAt(bytes, at + 1, end, 9)
  if (digits === 4) {
    if (bytes[at + 5] !== blank || !setDate(fields, 0, two(bytes, at + 1), two(bytes, at + 3))) return false
    return readTime(bytes, at + 6, end, fields, false)
  }
  if (digits !== 8 || bytes[at + 9] !== blank) return false
  if (!setDate(fields, four(bytes, at + 1), two(bytes, at + 5), two(bytes, at + 7))) return false
  return end - at >= 18 && readTime(bytes, at + 10, end, fields, false)
}

/** No date at all: `05:13:28.123`, `5:13:28 AM`. */
function readTimeOnly(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (end - at < 7) return false
  fields.year = 0
  fields.month = 0
  fields.day = 0
  fields.isEpoch = false
  return readTime(bytes, at, end, fields, true)
}

/**
 * A number since the epoch, told apart by its integer digits: 10 seconds, 13 milliseconds, 16 microseconds, 19
 * nanoseconds, each with decimals or without; `1.795382008352e+09` (older zap); and the two numbers of log4j's JSON
 * layout, `1795382008,"nanoOfSecond":352000000`. The first 16 digits are always the microseconds.
 */
function readEpoch(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  const first = bytes[at]
  if (first === undefined || first < 0x31 || first > 0x39) return false
  let value = 0
  let taken = 0
  let i = at
  for (; i < end && isDigit(bytes[i]); i++) {
    if (taken < 16) value = value * 10 + ((bytes[i] as number) - 0x30)
    taken++
  }
  const whole = taken
  if (whole !== 10 && whole !== 13 && whole !== 16 && whole !== 19 && whole !== 1) return false
  if (i + 1 < end && bytes[i] === dot && isDigit(bytes[i + 1])) {
    for (i++; i < end && isDigit(bytes[i]); i++) {
      if (taken < 16) value = value * 10 + ((bytes[i] as number) - 0x30)
      taken++
    }
  } else if (whole === 10 && bytes[i] === comma && bytes[i + 2] === 0x6e && i + nanoOfSecond.length < end) {
    if (bytes.compare(nanoOfSecond, 0, nanoOfSecond.length, i, i + nanoOfSecond.length) === 0) {
      const nanosAt = i + nanoOfSecond.length
      const count = digitsAt(bytes, nanosAt, end, 9)
      value = value * 1e6 + Math.floor(numberAt(bytes, nanosAt, count) / 1000)
      taken = 19
      i = nanosAt + count
    }
  }
  let decimals = taken - 10
  if (i < end && (bytes[i] === 0x65 || bytes[i] === 0x45)) {
    const exponentAt = bytes[i + 1] === 0x2b ? i + 2 : i + 1
    const count = digitsAt(bytes, exponentAt, end, 3)
    const exponent = numberAt(bytes, exponentAt, count)
    if (whole !== 1 || count < 1 || count > 2 || exponent % 3 !== 0 || exponent < 9 || exponent > 18) return false
    i = exponentAt + count
  } else if (whole === 1) return false
  if (i < end && (isLetter(bytes[i]) || bytes[i] === 0x5f)) return false
  for (let k = taken; k < 16; k++) value *= 10
  if (decimals < 0) decimals = 0
  fields.isEpoch = true
  fields.epochUs = value
  fields.decimals = Math.min(decimals, 9)
  fields.zoneWasSpaced = false
  fields.end = i
  return true
}

const nanoOfSecond = Buffer.from(',"nanoOfSecond":')
const signalHandler = Buffer.from('signal-handler (')

/** Redis since 3.0: `25371:M 23 Nov 2026 05:13:28.216 #`, and its signal handler's `25371:signal-handler (1795382426)`. */
function readRedis(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  const digits = digitsAt(bytes, at, end, 11)
  const behind = at + digits + 1
  if (digits < 1 || digits > 10 || end - behind < 20 || bytes[behind - 1] !== colon) return false
  if (bytes[behind + 1] === blank) return readDayMonth(bytes, behind + 2, end, fields)
  const epochAt = behind + signalHandler.length
  if (bytes.compare(signalHandler, 0, signalHandler.length, behind, Math.min(epochAt, end)) !== 0) return false
  return readEpoch(bytes, epochAt, end, fields)
}

/**
 * Every format by its name. A learnt name is kept in the checkpoint, so what a name means never changes: a different
 * reading gets the next number. The order decides where two fit equally well.
 */
export const stampFormats: Readonly<Record<string, FormatReader>> = {
  'iso/1': readIso,
  'day-month/1': readDayMonth,
  'month-day/1': readMonthDay,
  'klog/1': readKlog,
  'redis/1': readRedis,
  'compact/1': readCompact,
  'iso-loose/1': readIsoLoose,
  'chinese/1': readChinese,
  'month-first/1': readMonthFirst,
  'day-first/1': readDayFirst,
  'short-year/1': readShortYear,
  'no-year/1': readNoYear,
  'epoch/1': readEpoch,
  'time/1': readTimeOnly,
}
