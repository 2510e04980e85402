/** Stamp formats that name the month, in English or Chinese. Pure. */
import {
  blank,
  chineseHalfDay,
  colon,
  comma,
  dash,
  digitsAt,
  dot,
  four,
  fullYear,
  isLetter,
  numberAt,
  readHalfDayAndZone,
  readTime,
  type StampFields,
  setDate,
  setHalfDay,
  slash,
  timeBehind,
  two,
} from './stamp-fields.ts'

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const monthByLetters = new Map<number, number>(monthNames.map((name, i) => [letters3(Buffer.from(name), 0), i + 1]))

function letters3(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] as number) | 0x20) << 16) |
    (((bytes[at + 1] as number) | 0x20) << 8) |
    ((bytes[at + 2] as number) | 0x20)
  )
}

/** A month's name in English (three letters or in full), `11月` or `十一月` (JDK 8 in zh_CN). Returns where it ends, or -1. */
function readMonth(bytes: Buffer, at: number, end: number, fields: StampFields): number {
  if (end - at < 3) return -1
  const first = bytes[at] as number
  if (isLetter(first)) {
    const month = monthByLetters.get(letters3(bytes, at))
    if (month === undefined) return -1
    fields.month = month
    let i = at + 3
    while (i < end && i < at + 9 && isLetter(bytes[i])) i++
    return i < end && bytes[i] === dot ? i + 1 : i
  }
  return readChineseMonth(bytes, at, end, fields)
}

// The last two bytes of 一 to 九, of 十 and of 月, each with its lead byte, as one number.
const chineseDigits = new Map<number, number>(
  [...'一二三四五六七八九十'].map((digit, i) => [Buffer.from(digit).readUIntBE(0, 3), i + 1]),
)
const chineseMonth = Buffer.from('月').readUIntBE(0, 3)
const chineseYear = Buffer.from('年').readUIntBE(0, 3)
const chineseDay = Buffer.from('日').readUIntBE(0, 3)
const chineseHour = Buffer.from('时').readUIntBE(0, 3)
const chineseMinute = Buffer.from('分').readUIntBE(0, 3)
const chineseSecond = Buffer.from('秒').readUIntBE(0, 3)

/** The three bytes at `at` as one number; -1 when the line ends before. */
function three(bytes: Buffer, at: number, end: number): number {
  if (end - at < 3) return -1
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
}

function readChineseMonth(bytes: Buffer, at: number, end: number, fields: StampFields): number {
  let month = 0
  let i = at
  const digits = digitsAt(bytes, at, end, 3)
  if (digits === 1 || digits === 2) {
    month = numberAt(bytes, at, digits)
    i += digits
  } else {
    for (let digit = chineseDigits.get(three(bytes, i, end)); digit !== undefined && i < at + 6; ) {
      month += digit
      i += 3
      digit = chineseDigits.get(three(bytes, i, end))
    }
  }
  if (month < 1 || month > 12 || three(bytes, i, end) !== chineseMonth) return -1
  fields.month = month
  return i + 3
}

/** Behind `Mon, `, `Thu ` or nothing. */
function behindWeekday(bytes: Buffer, at: number, end: number): number {
  if (end - at < 8 || !isLetter(bytes[at]) || !isLetter(bytes[at + 1]) || !isLetter(bytes[at + 2])) return at
  let i = at + 3
  if (bytes[i] === comma) i++
  if (bytes[i] !== blank) return at
  return i + 1
}

/**
 * Day, name of the month, perhaps the year: `23/Nov/2026:05:13:28 +0800` (CLF), `23-Nov-2026 05:13:28.123` (Tomcat),
 * `23 Nov 2026 05:13:28,123` (log4j DATE), `Mon, 23 Nov 2026 05:13:28 GMT` (RFC 5322), `23 Nov 05:13:28.216` (Redis 2).
 */
export function readDayMonth(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  let i = behindWeekday(bytes, at, end)
  const dayDigits = digitsAt(bytes, i, end, 3)
  if (dayDigits < 1 || dayDigits > 2 || end - i < 13) return false
  const day = dayDigits === 2 ? two(bytes, i) : (bytes[i] as number) - 0x30
  i += dayDigits
  const mark = bytes[i]
  if (mark !== slash && mark !== dash && mark !== blank && mark !== dot) return false
  i = readMonth(bytes, i + 1, end, fields)
  if (i < 0 || (bytes[i] !== mark && bytes[i] !== comma && bytes[i] !== colon)) return false
  const month = fields.month
  i++
  if (bytes[i] === blank) i++
  const yearDigits = digitsAt(bytes, i, end, 5)
  if (yearDigits === 4) {
    if (!setDate(fields, four(bytes, i), month, day)) return false
    const time = timeBehind(bytes, i + 4)
    return time > 0 && readTime(bytes, time, end, fields, true)
  }
  if (yearDigits === 2 && bytes[i + 2] === blank) {
    if (!setDate(fields, fullYear(two(bytes, i)), month, day)) return false
    return readTime(bytes, i + 3, end, fields, true)
  }
  return setDate(fields, 0, month, day) && readTime(bytes, i, end, fields, true)
}

/**
 * Name of the month, day: `Nov 23 05:13:31` (RFC 3164), `Nov 23, 2026 5:13:28 AM` (java.util.logging), `Nov 23 2026
 * 05:13:28` (Cisco), `Thu Nov 23 05:13:28.123456 2026` (ctime, Apache), `Thu Nov 23 05:13:28 CST 2026` (date, Java).
 */
export function readMonthDay(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  let i = readMonth(bytes, at, end, fields)
  if (i < 0 || bytes[i] !== blank) {
    const name = behindWeekday(bytes, at, end)
    if (name === at) return false
    i = readMonth(bytes, name, end, fields)
    if (i < 0 || bytes[i] !== blank) return false
  }
  const month = fields.month
  i++
  if (bytes[i] === blank) i++
  const dayDigits = digitsAt(bytes, i, end, 3)
  if (dayDigits < 1 || dayDigits > 2) return false
  const day = numberAt(bytes, i, dayDigits)
  i += dayDigits
  if (bytes[i] === comma) i++
  if (bytes[i] !== blank) return false
  i++
  if (digitsAt(bytes, i, end, 5) === 4) {
    if (!setDate(fields, four(bytes, i), month, day)) return false
    const time = timeBehind(bytes, i + 4)
    return time > 0 && readTime(bytes, time, end, fields, true)
  }
  if (end - i < 7 || !setDate(fields, 0, month, day) || !readTime(bytes, i, end, fields, true)) return false
  const yearAt = fields.end + 1
  if (bytes[fields.end] === blank && digitsAt(bytes, yearAt, end, 5) === 4 && isYear(four(bytes, yearAt))) {
    const behind = bytes[yearAt + 4]
    if (yearAt + 4 === end || !(isLetter(behind) || behind === dot || behind === colon)) {
      fields.end = yearAt + 4
      return setDate(fields, four(bytes, yearAt), month, day)
    }
  }
  return true
}

/** RFC 3164 lines may go on with a number; only one that can be a year of ours is one. */
function isYear(number: number): boolean {
  return number >= 1990 && number < 2100
}

/** `2026年11月23日 05:13:28`, `2026年11月23日 下午5:13:28`, `2026年11月23日 5时13分28秒`. */
export function readChinese(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  if (digitsAt(bytes, at, end, 5) !== 4 || three(bytes, at + 4, end) !== chineseYear) return false
  const monthDigits = digitsAt(bytes, at + 7, end, 3)
  let i = at + 7 + monthDigits
  if (monthDigits < 1 || monthDigits > 2 || three(bytes, i, end) !== chineseMonth) return false
  const dayDigits = digitsAt(bytes, i + 3, end, 3)
  const dayAt = i + 3
  i = dayAt + dayDigits
  if (dayDigits < 1 || dayDigits > 2 || three(bytes, i, end) !== chineseDay) return false
  const month = numberAt(bytes, at + 7, monthDigits)
  if (!setDate(fields, four(bytes, at), month, numberAt(bytes, dayAt, dayDigits))) return false
  i += 3
  while (i < end && bytes[i] === blank) i++
  const half = chineseHalfDay(bytes, i, end)
  if (half !== 0) i += 6
  while (i < end && bytes[i] === blank) i++
  const found = bytes[i + 1] === colon || bytes[i + 2] === colon
  if (!(found ? end - i > 6 && readTime(bytes, i, end, fields, true) : readChineseTime(bytes, i, end, fields)))
    return false
  if (half !== 0) setHalfDay(fields, half === 2)
  return true
}

function readChineseTime(bytes: Buffer, at: number, end: number, fields: StampFields): boolean {
  let i = at
  const values = [0, 0, 0]
  for (const [n, unit] of [chineseHour, chineseMinute, chineseSecond].entries()) {
    const digits = digitsAt(bytes, i, end, 3)
    if (digits < 1 || digits > 2 || three(bytes, i + digits, end) !== unit) return false
    values[n] = numberAt(bytes, i, digits)
    i += digits + 3
  }
  const [hour = 0, minute = 0, second = 0] = values
  if (hour > 23 || minute > 59 || second > 60) return false
  fields.hour = hour
  fields.minute = minute
  fields.second = second
  fields.micros = 0
  fields.decimals = 0
  return readHalfDayAndZone(bytes, i, end, fields)
}
