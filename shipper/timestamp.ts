/**
 * The time that a line says it is from. Pure.
 *
 * The shape of the stamp (which format, at which place) is learnt once per file and kept; a line is then read with that
 * shape alone. What does not fit has no stamp: a second guess per line would cost more than it finds, and would give
 * stack frames and messages times of their own.
 */
import { ShiplogError } from '../pipeline/errors.ts'
import { behindOpeners, headBytesMax, headOf, jsonValue, keyPath, logfmtValue, objectIn, partAt } from './line-parts.ts'
import { emptyFields, type FormatReader, isDigit, type StampFields } from './stamp-fields.ts'
import { stampFormats } from './stamp-formats.ts'
import { createMoments } from './stamp-moments.ts'
import { createZone } from './zone.ts'

/**
 * Where the stamp stands: `part` is the index-th part between blanks (0: the head of the line), `bracket` and `paren`
 * behind one of the first four `[` or `(`, `json` and `logfmt` at a key.
 */
export type StampPlace = 'part' | 'bracket' | 'paren' | 'json' | 'logfmt'

/** Plain data, kept in the checkpoint; `format` carries its version (see stampFormats). */
export interface StampShape {
  readonly format: string
  readonly place: StampPlace
  /** Only for `part`, else 0. */
  readonly index: number
  /** Only for `json` and `logfmt`, else empty. */
  readonly key: string
  /** True when a zone stands behind a blank (`28 +0800`, `28 CST`). A zone right behind the time is always read. */
  readonly spacedZone: boolean
}

export interface StampOptions {
  /** IANA name of the zone that stamps without one are in. */
  readonly zone: string
  /** What a stamp without a year is nearest to, and the first one without a date. µs since the epoch. */
  readonly referenceUs: number
}

/**
 * µs since the epoch of the stamp in `bytes[start, end)`, a line as UTF-8 without its line end; NaN when it has none.
 * A stamp more than a day behind `nowUs` is none (default: no such bound); pass the time at which the line was first
 * read, so that a replay answers the same.
 */
export interface StampReader {
  (bytes: Buffer, start: number, end: number, nowUs?: number): number
  /**
   * The stamp before, NaN at first: a stamp without a date is the first such time of day that is not more than three
   * hours before it, so midnight is passed. The reader moves it; to replay, set it to what it was.
   */
  previousUs: number
}

const learnLinesMax = 64
const bracketsMax = 4
const partsMax = 8

/** @throws ShiplogError STATE_UNREADABLE for a format of a newer version, CONFIG_INVALID for an unknown zone. */
export function createStampReader(shape: StampShape, options: StampOptions): StampReader {
  const format = stampFormats[shape.format]
  if (format === undefined) {
    throw new ShiplogError('STATE_UNREADABLE', `the stamp format "${shape.format}" is not known`, {
      hint: 'The data folder was written by a newer version; run that version, or let the file be learnt again.',
    })
  }
  const fields = emptyFields()
  fields.spacedZone = shape.spacedZone
  const find = finderOf(shape, format)
  const moments = createMoments(createZone(options.zone), options.referenceUs)
  const read: StampReader = Object.assign(
    (bytes: Buffer, start: number, end: number, nowUs = Number.POSITIVE_INFINITY): number => {
      if (!find(bytes, start, end, fields)) return Number.NaN
      if (fields.isEpoch || fields.month !== 0) return moments.dated(fields, nowUs)
      const us = moments.timeOnly(fields, read.previousUs, nowUs)
      if (!Number.isNaN(us)) read.previousUs = us
      return us
    },
    { previousUs: Number.NaN },
  )
  return read
}

/** Sets the fields from the line's stamp, or returns false. */
type Finder = (bytes: Buffer, start: number, end: number, fields: StampFields) => boolean

function finderOf(shape: Pick<StampShape, 'place' | 'index' | 'key'>, format: FormatReader): Finder {
  const readAt = (bytes: Buffer, at: number, end: number, fields: StampFields): boolean => {
    const start = behindOpeners(bytes, at, end)
    fields.start = start
    return format(bytes, start, end, fields)
  }
  switch (shape.place) {
    case 'part': {
      const { index } = shape
      if (index === 0) return (bytes, start, end, fields) => readAt(bytes, headOf(bytes, start, end), end, fields)
      return (bytes, start, end, fields) => {
        const at = partAt(bytes, headOf(bytes, start, end), end, index)
        return at >= 0 && readAt(bytes, at, end, fields)
      }
    }
    case 'bracket':
    case 'paren': {
      const opener = shape.place === 'bracket' ? 0x5b : 0x28
      return (bytes, start, end, fields) => {
        const head = headOf(bytes, start, end)
        const stop = end - head > headBytesMax ? head + headBytesMax : end
        let tried = 0
        for (let i = head; i < stop; i++) {
          if (bytes[i] !== opener) continue
          if (readAt(bytes, i + 1, end, fields)) return true
          if (++tried === bracketsMax) return false
        }
        return false
      }
    }
    case 'json': {
      const path = keyPath(shape.key)
      return (bytes, start, end, fields) => {
        const at = jsonValue(bytes, start, end, path)
        return at >= 0 && readAt(bytes, at, end, fields)
      }
    }
    case 'logfmt': {
      const key = Buffer.from(shape.key)
      return (bytes, start, end, fields) => {
        const at = logfmtValue(bytes, start, end, key)
        return at >= 0 && readAt(bytes, at, end, fields)
      }
    }
  }
}

/** Known names of a time in JSON and logfmt lines; where several are equally good, the first counts. */
const timeKeys = [
  '@timestamp', // Logstash, ECS, nginx by custom
  'timestamp', // PostgreSQL, Spring, structlog
  'time', // pino, slog, bunyan, Docker, logrus
  'ts', // zap, go-kit
  't', // short forms
  't.$date', // MongoDB ≥ 4.4
  'asctime', // python-json-logger
  'datetime', // Monolog
  'date',
  'eventTime',
  'event_time',
  'logTime',
  'log_time',
  'timeMillis', // log4j2 JsonLayout
  'instant.epochSecond', // log4j2 JsonLayout since 2.11
  'msec', // nginx $msec
  'start_time', // Envoy
  '__REALTIME_TIMESTAMP', // journalctl -o json
] as const
const timePaths = timeKeys.map((key) => ({ key, path: keyPath(key), bytes: Buffer.from(key) }))

/** A place that is looked at when a file is learnt; shapes and readers are one for each format. */
interface Spot {
  readonly shapes: readonly Omit<StampShape, 'spacedZone'>[]
  /** Behind a bracket they search for their stamp, elsewhere they read at the place that is given. */
  readonly readers: readonly FormatReader[]
  readonly rank: number
}

const formatNames = Object.keys(stampFormats)
const formatReaders = Object.values(stampFormats)

/** No stamp has its first digit further in: `星期二 十一月 24 …`. */
const digitWithinBytes = 32

function hasDigit(bytes: Buffer, at: number, end: number): boolean {
  for (let i = at; i < end && i < at + digitWithinBytes; i++) if (isDigit(bytes[i])) return true
  return false
}

function spot(place: StampPlace, index: number, key: string, rank: number): Spot {
  const shapes = formatNames.map((format) => ({ format, place, index, key }))
  const isSearched = place === 'bracket' || place === 'paren'
  const readers = isSearched
    ? formatReaders.map((format, i) => finderOf(shapes[i] as StampShape, format))
    : formatReaders
  return { shapes, readers, rank }
}

// Made once: files are learnt by the thousands, and most of what is tried on a line does not fit.
const parts = Array.from({ length: partsMax }, (_, index) => spot('part', index, '', index === 0 ? 0 : 2 + index))
const bracket = spot('bracket', 0, '', 1)
const paren = spot('paren', 0, '', 20)
const logfmtSpots = timePaths.map(({ key }, rank) => spot('logfmt', 0, key, 30 + rank))
const jsonSpots = timePaths.map(({ key }, rank) => spot('json', 0, key, 60 + rank))

/** What was found in some line. */
interface Candidate {
  readonly shape: Omit<StampShape, 'spacedZone'>
  /** Order among equals: place first, then format. */
  readonly rank: number
  hits: number
  spaced: number
  decimals: number
  /** Sum of the columns where the stamps begin, to find the leftmost. */
  columns: number
  readonly moments: Float64Array
}

/** Formats that are so short that numbers of another meaning look like them: they need more evidence. */
const weakFormats = new Set(['epoch/1', 'time/1', 'no-year/1', 'short-year/1', 'compact/1'])
/** Dates of digits that can be read in more than one order. */
const ambiguousFormats = new Set(['month-first/1', 'day-first/1', 'short-year/1', 'no-year/1'])

/**
 * The stamp shape of a file from its first lines (at most 64 are looked at), or undefined when they have none.
 *
 * The rule: of all (place, format) pairs, those that stamp nearly as many lines (80 %) as the best are kept; the
 * leftmost of them wins. A stamp further right takes over only when it has more decimals, says the same moment (cut to
 * the coarser unit) in every line, and is no bracketed one behind the head: nginx's `msec` is finer than its
 * `@timestamp`, but HAProxy's second stamp, in brackets, is when the request came, not when the line was written.
 *
 * With `current` (a shape that does not fit any more) the new one must stamp half of the lines: a long stack trace with
 * a date in it is no new format.
 */
export function learnStamp(
  bytes: Buffer,
  starts: Uint32Array,
  ends: Uint32Array,
  count: number,
  context: StampOptions & { readonly nowUs?: number; readonly current?: StampShape | undefined },
): StampShape | undefined {
  const lines = Math.min(count, learnLinesMax)
  const nowUs = context.nowUs ?? Number.POSITIVE_INFINITY
  const moments = createMoments(createZone(context.zone), context.referenceUs)
  const fields = emptyFields()
  const candidates = new Map<Spot, (Candidate | undefined)[]>()
  let written = 0
  for (let i = 0; i < lines; i++) {
    const start = starts[i] as number
    const end = ends[i] as number
    if (start === end) continue
    written++
    visitSpots(bytes, start, end, (at, place, behindDigit) => {
      if (place >= 0 && !hasDigit(bytes, place, end)) return
      const from = place < 0 ? start : behindOpeners(bytes, place, end)
      for (let format = 0; format < at.readers.length; format++) {
        // The time of a date that cannot be read, or is no stamp (a clock that begins in 1970), must not become today's.
        if (behindDigit && format === timeOnly) continue
        fields.start = from
        if (!(at.readers[format] as FormatReader)(bytes, from, end, fields)) continue
        const us =
          fields.isEpoch || fields.month !== 0
            ? moments.dated(fields, nowUs)
            : moments.timeOnly(fields, Number.NaN, nowUs)
        if (Number.isNaN(us)) continue
        const candidate = candidateAt(candidates, at, format)
        candidate.hits++
        candidate.moments[i] = us
        candidate.columns += fields.start - start
        candidate.decimals = Math.max(candidate.decimals, fields.decimals)
        if (fields.zoneWasSpaced) candidate.spaced++
      }
    })
  }
  const found = [...candidates.values()]
    .flat()
    .filter((candidate) => candidate !== undefined)
    .filter((candidate) => isEvident(candidate, written))
  const mostHits = Math.max(0, ...found.map((candidate) => candidate.hits))
  const near = found.filter((candidate) => candidate.hits * 5 >= mostHits * 4)
  near.sort((a, b) => compareCandidates(a, b, context.referenceUs))
  let best = near[0]
  if (best === undefined) return undefined
  for (const other of near) if (isFinerAndSame(other, best)) best = other
  if (context.current !== undefined && best.hits * 2 < written) return undefined
  return { ...best.shape, spacedZone: best.spaced * 2 > best.hits }
}

const timeOnly = formatNames.indexOf('time/1')

function candidateAt(candidates: Map<Spot, (Candidate | undefined)[]>, at: Spot, format: number): Candidate {
  let here = candidates.get(at)
  if (here === undefined) candidates.set(at, (here = []))
  return (here[format] ??= {
    shape: at.shapes[format] as Candidate['shape'],
    rank: at.rank * 100 + format,
    hits: 0,
    spaced: 0,
    decimals: 0,
    columns: 0,
    moments: new Float64Array(learnLinesMax).fill(Number.NaN),
  })
}

/**
 * Every spot of a line that is worth trying, and where it is (-1: it is searched for); `behindDigit`: what stands before
 * it begins with a digit.
 */
function visitSpots(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (at: Spot, place: number, behindDigit: boolean) => void,
): void {
  const head = headOf(bytes, start, end)
  const object = objectIn(bytes, start, end)
  if (object !== head) {
    visit(parts[0] as Spot, head, false)
    const text = bytes.subarray(head, Math.min(end, head + headBytesMax))
    if (text.includes(0x5b)) visit(bracket, -1, false)
    let behindDigit = isDigit(bytes[behindOpeners(bytes, head, end)])
    for (let index = 1; index < partsMax; index++) {
      const at = partAt(bytes, head, end, index)
      if (at < 0) break
      visit(parts[index] as Spot, at, behindDigit)
      behindDigit = isDigit(bytes[behindOpeners(bytes, at, end)])
    }
    if (text.includes(0x28)) visit(paren, -1, false)
    // Without a `=` there is no logfmt.
    if (bytes.subarray(head, end).includes(0x3d)) {
      for (const [i, { bytes: name }] of timePaths.entries()) {
        const at = logfmtValue(bytes, start, end, name)
        if (at >= 0) visit(logfmtSpots[i] as Spot, at, false)
      }
    }
  }
  if (object >= 0) {
    for (const [i, { path }] of timePaths.entries()) {
      const at = jsonValue(bytes, start, end, path)
      if (at >= 0) visit(jsonSpots[i] as Spot, at, false)
    }
  }
}

/** One line that happens to hold a date in its middle (a preamble, a banner) must not decide for the file. */
function isEvident(candidate: Candidate, lines: number): boolean {
  const { place, index, format } = candidate.shape
  const { hits } = candidate
  if (hits === 0) return false
  const inHead = place === 'json' || place === 'logfmt' || (place === 'part' && index === 0)
  const half = hits * 2 >= lines
  if (weakFormats.has(format)) {
    if (place === 'json' || place === 'logfmt') return true
    if (inHead) return half || (format !== 'epoch/1' && hits >= 2)
    return hits * 5 >= lines * 4
  }
  return inHead || half || (hits >= 3 && hits * 8 >= lines)
}

function compareCandidates(a: Candidate, b: Candidate, referenceUs: number): number {
  const columns = a.columns / a.hits - b.columns / b.hits
  if (a.shape.place !== b.shape.place || a.shape.index !== b.shape.index || a.shape.key !== b.shape.key) {
    if (a.shape.place === 'json' && b.shape.place === 'json') {
      if (a.hits !== b.hits) return b.hits - a.hits
      return a.rank - b.rank
    }
    if (Math.abs(columns) >= 1) return columns
    return a.rank - b.rank
  }
  if (a.hits !== b.hits) return b.hits - a.hits
  if (ambiguousFormats.has(a.shape.format) && ambiguousFormats.has(b.shape.format)) {
    return distance(a, referenceUs) - distance(b, referenceUs)
  }
  return a.rank - b.rank
}

/** How far the last stamp is from the reference. */
function distance(candidate: Candidate, referenceUs: number): number {
  const last = candidate.moments.findLast((us) => !Number.isNaN(us)) ?? Number.POSITIVE_INFINITY
  return Math.abs(last - referenceUs)
}

function isFinerAndSame(finer: Candidate, coarser: Candidate): boolean {
  if (finer.decimals <= coarser.decimals || finer.hits < coarser.hits) return false
  if (finer.shape.place === 'bracket' || finer.shape.place === 'paren') return false
  const unitUs = 10 ** Math.max(0, 6 - coarser.decimals)
  let both = 0
  for (const [i, us] of finer.moments.entries()) {
    const other = coarser.moments[i] as number
    if (Number.isNaN(us) || Number.isNaN(other)) continue
    if (Math.floor(us / unitUs) !== Math.floor(other / unitUs)) return false
    both++
  }
  return both > 0
}
