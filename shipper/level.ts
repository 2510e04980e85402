/**
 * How bad a line is, read at the one place where its file writes it. Pure.
 * Words inside messages never count: `0 errors` is no error. A line that has none at that place has no level.
 */
import { letterLevelAt, levelAt, severityAt, wordEnd } from './level-words.ts'
import { behindPriority, groupAt, headOf, jsonValue, keyPath, logfmtValue, objectIn, wordAt } from './line-parts.ts'
import { createStampReader, type StampShape } from './timestamp.ts'

/**
 * Where the level stands:
 * `word` the index-th word of the line (brackets, bars and colours separate), `group` the index-th word or bracketed
 * group, `letter` one letter at the index-th word, `mark` one of Redis's `#*-.` at the index-th word,
 * `json` and `logfmt` at a key, `csv` in the index-th column, `klog` the line's first letter, `priority` in a syslog
 * `<n>`, `postgres` before `:  `.
 */
export type LevelPlace =
  | 'word'
  | 'group'
  | 'letter'
  | 'mark'
  | 'json'
  | 'logfmt'
  | 'csv'
  | 'klog'
  | 'priority'
  | 'postgres'

/** Plain data, kept in the checkpoint. */
export interface LevelShape {
  readonly place: LevelPlace
  readonly index: number
  readonly key: string
  /** What a number at a JSON key counts: pino and bunyan 10…60, Python 10…50, syslog 7…0. */
  readonly scale: NumberScale
  /** Which line of an event has it: 1 for java.util.logging, whose level begins the line behind the stamp. */
  readonly line: 0 | 1
}

export type NumberScale = 'pino' | 'python' | 'syslog'

/**
 * Index into `levels` of pipeline/record.ts of `bytes[start, end)`, a line as UTF-8 without its line end; 0 for none.
 * Call it for lines that begin an event (those with a stamp, where the file has stamps): in a stack trace the same
 * place holds other words.
 */
export type LevelReader = (bytes: Buffer, start: number, end: number) => number

export function createLevelReader(shape: LevelShape): LevelReader {
  const { index } = shape
  switch (shape.place) {
    case 'word':
      return (bytes, start, end) => {
        const at = wordAt(bytes, start, end, index)
        return at < 0 ? 0 : levelAt(bytes, at, end)
      }
    case 'group':
      return (bytes, start, end) => {
        const at = groupAt(bytes, start, end, index)
        return at < 0 ? 0 : levelAt(bytes, at, end)
      }
    case 'letter':
      return (bytes, start, end) => {
        const at = wordAt(bytes, start, end, index)
        return at < 0 ? 0 : letterLevelAt(bytes, at, end)
      }
    case 'mark':
      return (bytes, start, end) => {
        const at = wordAt(bytes, start, end, index)
        return at < 0 || bytes[at + 1] !== 0x20 ? 0 : markLevel(bytes[at] as number)
      }
    case 'klog':
      return (bytes, start, end) => klogLevel(bytes, headOf(bytes, start, end), end)
    case 'priority':
      return (bytes, start, end) => priorityLevel(bytes, headOf(bytes, start, end), end)
    case 'postgres':
      return postgresLevel
    case 'csv':
      return (bytes, start, end) => {
        const at = columnAt(bytes, start, end, index)
        return at < 0 ? 0 : severityAt(bytes, at, end)
      }
    case 'logfmt': {
      const key = Buffer.from(shape.key)
      return (bytes, start, end) => {
        const at = logfmtValue(bytes, start, end, key)
        return at < 0 ? 0 : levelAt(bytes, at, end)
      }
    }
    case 'json': {
      const path = keyPath(shape.key)
      const { scale } = shape
      return (bytes, start, end) => {
        const at = jsonValue(bytes, start, end, path)
        return at < 0 ? 0 : jsonLevel(bytes, at, end, scale)
      }
    }
  }
}

function jsonLevel(bytes: Buffer, at: number, end: number, scale: NumberScale): number {
  const value = bytes[at] === 0x22 ? at + 1 : at
  const first = bytes[value] as number
  if (first >= 0x30 && first <= 0x39) return numberLevel(numberAt(bytes, value, end), scale)
  const level = severityAt(bytes, value, end)
  return level === 0 ? letterLevelAt(bytes, value, end) : level
}

function numberAt(bytes: Buffer, at: number, end: number): number {
  let value = 0
  for (let i = at; i < end && i < at + 4; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return value
}

/** Numbers between two levels belong to the lower one (pino's custom levels); below the lowest they are trace. */
function numberLevel(value: number, scale: NumberScale): number {
  if (scale === 'syslog') return value > 7 ? 0 : (syslogLevels[value] as number)
  const tens = Math.floor(value / 10)
  if (scale === 'python') return Math.min(Math.max(tens + 1, 1), 6)
  return Math.min(Math.max(tens, 1), 6)
}

/** RFC 5424 table 2: emergency, alert, critical, error, warning, notice, informational, debug. */
const syslogLevels = [6, 6, 6, 5, 4, 3, 3, 2] as const

function priorityLevel(bytes: Buffer, head: number, end: number): number {
  if (behindPriority(bytes, head, end) === head) return 0
  return syslogLevels[numberAt(bytes, head + 1, end) & 7] as number
}

function klogLevel(bytes: Buffer, head: number, end: number): number {
  // A digit behind the letter tells a header from a word.
  const digit = head + 1 < end ? (bytes[head + 1] as number) : 0
  if (digit < 0x30 || digit > 0x39) return 0
  switch (bytes[head]) {
    case 0x44: // D, glog's debug builds
      return 2
    case 0x49:
      return 3
    case 0x57:
      return 4
    case 0x45:
      return 5
    case 0x46:
      return 6
    default:
      return 0
  }
}

/** Redis writes no words: `.` debug, `-` verbose, `*` notice, `#` warning (its highest). */
function markLevel(byte: number): number {
  switch (byte) {
    case 0x2e:
    case 0x2d:
      return 2
    case 0x2a:
      return 3
    case 0x23:
      return 4
    default:
      return 0
  }
}

const postgresHeadBytesMax = 512

/**
 * PostgreSQL's prefix is free (log_line_prefix), but its severity is always a word before a colon and two blanks. Lines that
 * add to a message (DETAIL, HINT, CONTEXT, STATEMENT, QUERY, LOCATION) have no level of their own.
 */
function postgresLevel(bytes: Buffer, start: number, end: number): number {
  const at = postgresWord(bytes, start, end)
  return at < 0 ? 0 : severityAt(bytes, at, end)
}

/** Start of the first word in upper case before `:  `. */
function postgresWord(bytes: Buffer, start: number, end: number): number {
  const stop = end - start > postgresHeadBytesMax ? start + postgresHeadBytesMax : end
  for (let i = start + 1; i + 2 < stop; i++) {
    if (bytes[i] !== 0x3a || bytes[i + 1] !== 0x20 || bytes[i + 2] !== 0x20) continue
    let from = i
    while (from > start && isUpperOrDigit(bytes[from - 1] as number)) from--
    if (i - from >= 3) return from
  }
  return -1
}

function isUpperOrDigit(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x31 && byte <= 0x35)
}

/** Start of the index-th column of a CSV line (RFC 4180), behind its quote. */
function columnAt(bytes: Buffer, start: number, end: number, index: number): number {
  let column = 0
  let quoted = false
  let i = headOf(bytes, start, end)
  while (i < end) {
    if (column === index) return bytes[i] === 0x22 ? i + 1 : i
    for (; i < end; i++) {
      const byte = bytes[i]
      if (byte === 0x22) quoted = !quoted
      else if (byte === 0x2c && !quoted) break
    }
    i++
    column++
  }
  return -1
}

const learnLinesMax = 64
const wordsMax = 14
const columnsMax = 24
const levelKeys = [
  'level', // pino, zap, slog, logrus, zerolog, bunyan
  'severity', // Google Cloud, Rails
  'error_severity', // PostgreSQL
  'log.level', // ECS
  'lvl',
  'levelname', // python-json-logger
  'level_name', // Monolog
  'loglevel',
  'log_level',
  'logLevel',
  'Level', // Serilog's JSON
  '@l', // Serilog compact
  'levelno',
  'PRIORITY', // journalctl -o json
  's', // MongoDB
] as const
const keyPaths = levelKeys.map((key) => ({ key, path: keyPath(key), bytes: Buffer.from(key) }))

interface Candidate {
  readonly shape: LevelShape
  readonly read: LevelReader
  hits: number
}

/**
 * The level shape of a file from its first lines (at most 64 are looked at), or undefined when they have none. Of the
 * lines with a stamp (all lines, when there is no stamp shape), 60 % must have a level at the place; a single letter
 * must be there in 90 %. The place with most levels wins, then the more explicit one, then the leftmost.
 */
export function learnLevel(
  bytes: Buffer,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  stampShape: StampShape | undefined,
): LevelShape | undefined {
  // Zone and reference do not matter here: only whether a line has a stamp.
  const stamp = stampShape && createStampReader(stampShape, { zone: 'UTC', referenceUs: Date.UTC(2026, 0, 1) * 1000 })
  const lines: number[] = []
  for (let i = 0; i < Math.min(count, learnLinesMax); i++) {
    const start = starts[i] as number
    const end = ends[i] as number
    if (start === end) continue
    if (stamp === undefined || !Number.isNaN(stamp(bytes, start, end))) lines.push(i)
  }
  if (lines.length === 0) return undefined
  if (stampShape?.format.startsWith('klog/')) return shapeOf('klog')

  const candidates = new Map<string, Candidate>()
  let withAddition = 0
  for (const i of lines) {
    const start = starts[i] as number
    const end = ends[i] as number
    if (isPostgresAddition(bytes, start, end)) withAddition++
    for (const candidate of candidatesIn(bytes, start, end, candidates)) {
      if (candidate.read(bytes, start, end) !== 0) candidate.hits++
    }
  }
  if (!isRedis(stampShape))
    for (const [name, { shape }] of candidates) if (shape.place === 'mark') candidates.delete(name)
  const nextLine = candidateOf(shapeOf('word', 0, '', 'pino', 1), candidates)
  for (const i of lines) {
    if (i + 1 >= count) continue
    if (isLevelLine(bytes, starts[i + 1] as number, ends[i + 1] as number)) nextLine.hits++
  }

  let best: Candidate | undefined
  for (const candidate of candidates.values()) {
    const { place } = candidate.shape
    const needed = place === 'letter' || place === 'mark' ? 9 : place === 'csv' ? 8 : 6
    // PostgreSQL's additions have no level, but they are lines of that shape.
    const hits = place === 'postgres' && candidate.hits > 0 ? candidate.hits + withAddition : candidate.hits
    if (candidate.hits === 0 || hits * 10 < lines.length * needed) continue
    if (best === undefined || isBetter(candidate, best)) best = candidate
  }
  if (best === undefined || best.shape.place !== 'json') return best?.shape
  return { ...best.shape, scale: scaleOf(bytes, starts, ends, lines, best.shape.key) }
}

const placeRanks: Readonly<Record<LevelPlace, number>> = {
  klog: 0,
  json: 1,
  logfmt: 1,
  priority: 2,
  postgres: 3,
  word: 4,
  group: 5,
  csv: 6,
  mark: 7,
  letter: 8,
}

/** Its marks are too common elsewhere (`- -` in access logs) to be learnt from their places alone. */
function isRedis(stamp: StampShape | undefined): boolean {
  if (stamp === undefined) return false
  return stamp.format === 'redis/1' || (stamp.format === 'day-month/1' && stamp.place === 'part' && stamp.index === 1)
}

function isBetter(a: Candidate, b: Candidate): boolean {
  const ranks = placeRanks[a.shape.place] - placeRanks[b.shape.place]
  // A priority or PostgreSQL's severity is explicit, also where the message happens to have more level words.
  if (ranks !== 0 && Math.min(placeRanks[a.shape.place], placeRanks[b.shape.place]) < 4) return ranks < 0
  if (a.hits !== b.hits) return a.hits > b.hits
  if (ranks !== 0) return ranks < 0
  return a.shape.index < b.shape.index
}

function shapeOf(place: LevelPlace, index = 0, key = '', scale: NumberScale = 'pino', line: 0 | 1 = 0): LevelShape {
  return { place, index, key, scale, line }
}

function candidateOf(shape: LevelShape, candidates: Map<string, Candidate>): Candidate {
  const name = `${shape.place} ${shape.index} ${shape.key} ${shape.line}`
  let candidate = candidates.get(name)
  if (candidate === undefined) {
    candidate = { shape, read: createLevelReader(shape), hits: 0 }
    candidates.set(name, candidate)
  }
  return candidate
}

function candidatesIn(bytes: Buffer, start: number, end: number, candidates: Map<string, Candidate>): Candidate[] {
  const found: Candidate[] = []
  const add = (shape: LevelShape): void => {
    found.push(candidateOf(shape, candidates))
  }
  const head = headOf(bytes, start, end)
  const object = objectIn(bytes, start, end)
  if (object >= 0) {
    for (const { key, path } of keyPaths) if (jsonValue(bytes, start, end, path) >= 0) add(shapeOf('json', 0, key))
  }
  if (object === head) return found
  // Without a `=` there is no logfmt.
  if (bytes.subarray(head, end).includes(0x3d)) {
    for (const { key, bytes: name } of keyPaths) {
      if (logfmtValue(bytes, start, end, name) >= 0) add(shapeOf('logfmt', 0, key))
    }
  }
  if (behindPriority(bytes, head, end) !== head) add(shapeOf('priority'))
  if (postgresLevel(bytes, start, end) !== 0) add(shapeOf('postgres'))
  for (let index = 0; index < wordsMax; index++) {
    const at = wordAt(bytes, start, end, index)
    if (at < 0) break
    if (levelAt(bytes, at, end) !== 0) add(shapeOf('word', index))
    if (letterLevelAt(bytes, at, end) !== 0 && wordEnd(bytes, at, end) === at + 1) add(shapeOf('letter', index))
    if (markLevel(bytes[at] as number) !== 0 && bytes[at + 1] === 0x20) add(shapeOf('mark', index))
    const group = groupAt(bytes, start, end, index)
    if (group >= 0 && levelAt(bytes, group, end) !== 0) add(shapeOf('group', index))
  }
  for (let index = 1; index < columnsMax; index++) {
    const at = columnAt(bytes, start, end, index)
    if (at < 0) break
    if (severityAt(bytes, at, end) !== 0) add(shapeOf('csv', index))
  }
  return found
}

/** DETAIL and its like: lines of PostgreSQL that belong to the message before. */
function isPostgresAddition(bytes: Buffer, start: number, end: number): boolean {
  const at = postgresWord(bytes, start, end)
  if (at < 0) return false
  const word = bytes.toString('latin1', at, wordEnd(bytes, at, end))
  return postgresAdditions.has(word)
}

const postgresAdditions = new Set(['DETAIL', 'HINT', 'CONTEXT', 'STATEMENT', 'QUERY', 'LOCATION'])

/** `INFO: message`, also with a full-width colon as a Chinese JDK writes it. */
function isLevelLine(bytes: Buffer, start: number, end: number): boolean {
  if (levelAt(bytes, start, end) === 0) return false
  return bytes[wordEnd(bytes, start, end)] === 0x3a
}

function scaleOf(
  bytes: Buffer,
  starts: Uint32Array,
  ends: Uint32Array,
  lines: readonly number[],
  key: string,
): NumberScale {
  if (key === 'levelno') return 'python'
  const path = keyPath(key)
  for (const i of lines) {
    const at = jsonValue(bytes, starts[i] as number, ends[i] as number, path)
    if (at < 0) continue
    const value = bytes[at] === 0x22 ? at + 1 : at
    if (!((bytes[value] as number) >= 0x30 && (bytes[value] as number) <= 0x39)) continue
    if (numberAt(bytes, value, ends[i] as number) >= 10) return 'pino'
    return 'syslog'
  }
  return 'pino'
}
