/** The words that mean a level, as bytes. Pure. The numbers are indexes into `levels` of pipeline/record.ts. */
import { type Level, levels } from '../pipeline/record.ts'

const none = 0

/**
 * Words in lower case. Sources: log4j, logback, java.util.logging (also as a Chinese JDK writes it), Python logging,
 * winston (npm levels), zap, slog, klog, syslog (RFC 5424 table 2), PostgreSQL, .NET (Serilog's three letters), Go kit.
 */
const words: Readonly<Record<Exclude<Level, 'none'>, string>> = {
  trace: 'trace trc trac finest finer silly vrb 非常详细 较详细 跟踪',
  debug: 'debug dbg dbug debu debg fine verbose verb data 详细 调试',
  info: 'info inf information informational notice note config http success 信息 配置 通知',
  warn: 'warn warning wrn warnung 警告',
  error: 'error err eror severe failure 严重 错误',
  fatal: 'fatal ftl fata critical crit crt panic alert alrt emerg emergency dpanic 致命',
}
/** What only PostgreSQL says, and only where its own field is read: `log` is too common a word elsewhere. */
const postgresWords: Readonly<Record<string, Level>> = { log: 'info', info: 'info' }

/** Single letters count where nearly every line has one at the same place: klog, logcat, MongoDB, Rails. */
const letters: Readonly<Record<string, Level>> = {
  V: 'trace',
  T: 'trace',
  D: 'debug',
  I: 'info',
  N: 'info',
  W: 'warn',
  E: 'error',
  C: 'fatal',
  F: 'fatal',
  A: 'fatal',
}

interface Entry {
  readonly bytes: Buffer
  readonly level: number
}

const entries = new Map<number, Entry>()
for (const [level, text] of Object.entries(words)) {
  for (const word of text.split(' ')) {
    const bytes = Buffer.from(word)
    entries.set(hashOf(bytes, 0, bytes.length), { bytes, level: levels.indexOf(level as Level) })
  }
}
const postgresEntries = new Map<string, number>(
  Object.entries(postgresWords).map(([word, level]) => [word, levels.indexOf(level)]),
)

const letterLevels = new Uint8Array(256)
for (const [letter, level] of Object.entries(letters)) letterLevels[letter.charCodeAt(0)] = levels.indexOf(level)

/** Upper and lower case are one; bytes of other scripts stay as they are (bit 5 is no case there, but equal in all entries). */
function lower(byte: number): number {
  return byte < 0x80 ? byte | 0x20 : byte
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + lower(bytes[i] as number)) | 0
  return hash
}

/** Longest word of the table in bytes, 非常详细. */
const wordBytesMax = 13

function isWordByte(byte: number): boolean {
  return byte >= 0x80 || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a)
}

/** Behind the letters that begin at `at`. */
export function wordEnd(bytes: Buffer, at: number, end: number): number {
  const stop = end - at > wordBytesMax ? at + wordBytesMax : end
  let i = at
  while (i < stop && isWordByte(bytes[i] as number)) i++
  return i
}

/**
 * The level of the word that begins at `at`, 0 when it is none. The word must be whole: it ends at the line's end, a
 * separator or punctuation. Takes slog's distance (`ERROR+4` is error, `DEBUG-4` is trace), PostgreSQL's `DEBUG1` and
 * glued pads (`info:`).
 */
export function levelAt(bytes: Buffer, at: number, end: number): number {
  const stop = wordEnd(bytes, at, end)
  if (stop - at < 3) return none
  const entry = entries.get(hashOf(bytes, at, stop))
  if (entry === undefined || entry.bytes.length !== stop - at) return none
  for (let i = at; i < stop; i++) if (lower(bytes[i] as number) !== entry.bytes[i - at]) return none
  return isWhole(bytes, stop, end) ? shifted(bytes, stop, end, entry.level) : none
}

/** The same with PostgreSQL's own words, for its severity fields. */
export function severityAt(bytes: Buffer, at: number, end: number): number {
  const level = levelAt(bytes, at, end)
  if (level !== none) return level
  const stop = wordEnd(bytes, at, end)
  if (stop - at > 4 || !isWhole(bytes, stop, end)) return none
  return postgresEntries.get(bytes.toString('latin1', at, stop).toLowerCase()) ?? none
}

/** The level of one letter in upper case that stands alone, also with a number (`D1`) or a comma behind it. */
export function letterLevelAt(bytes: Buffer, at: number, end: number): number {
  const level = letterLevels[bytes[at] as number] as number
  return level !== none && isWhole(bytes, at + 1, end) ? level : none
}

function isWhole(bytes: Buffer, at: number, end: number): boolean {
  if (at >= end) return true
  const byte = bytes[at] as number
  if (byte <= 0x22 || byte === 0x5d || byte === 0x5b || byte === 0x29 || byte === 0x28) return true
  switch (byte) {
    case 0x3a: // :
    case 0x2c: // ,
    case 0x3b: // ;
    case 0x7c: // |
    case 0x3e: // >
    case 0x3c: // <
    case 0x7d: // }
    case 0x27: // '
      return true
    case 0x2b: // ERROR+4
    case 0x2d: // DEBUG-4, or a dash behind the word
    case 0x2e:
      return at + 1 >= end || !isWordByte(bytes[at + 1] as number)
    default:
      // DEBUG1 to DEBUG5
      return byte >= 0x31 && byte <= 0x39 && (at + 1 >= end || isWhole(bytes, at + 1, end))
  }
}

function shifted(bytes: Buffer, at: number, end: number, level: number): number {
  const isBelow = at + 1 < end && bytes[at] === 0x2d && (bytes[at + 1] as number) >= 0x34 && level === 2
  return isBelow && (bytes[at + 1] as number) <= 0x39 ? 1 : level
}
