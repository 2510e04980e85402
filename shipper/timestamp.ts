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

interface Candidate {
  readonly shape: Omit<StampShape, 'spacedZone'>
  readonly find: Finder
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
  const candidates = new Map<string, Candidate>()
  let written = 0
  for (let i = 0; i < lines; i++) {
    const start = starts[i] as number
    const end = ends[i] as number
    if (start === end) continue
    written++
    for (const candidate of candidatesIn(bytes, start, end, candidates)) {
      if (!candidate.find(bytes, start, end, fields)) continue
      const us =
        fields.isEpoch || fields.month !== 0
          ? moments.dated(fields, nowUs)
          : moments.timeOnly(fields, Number.NaN, nowUs)
      if (Number.isNaN(us)) continue
      candidate.hits++
      candidate.moments[i] = us
      candidate.columns += fields.start - start
      candidate.decimals = Math.max(candidate.decimals, fields.decimals)
      if (fields.zoneWasSpaced) candidate.spaced++
    }
  }
  const found = [...candidates.values()].filter((candidate) => isEvident(candidate, written))
  const mostHits = Math.max(0, ...found.map((candidate) => candidate.hits))
  const near = found.filter((candidate) => candidate.hits * 5 >= mostHits * 4)
  near.sort((a, b) => compareCandidates(a, b, context.referenceUs))
  let best = near[0]
  if (best === undefined) return undefined
  for (const other of near) if (isFinerAndSame(other, best)) best = other
  if (context.current !== undefined && best.hits * 2 < written) return undefined
  return { ...best.shape, spacedZone: best.spaced * 2 > best.hits }
}

/** Every pair of place and format that is worth trying on a line; known ones are found again in `candidates`. */
function candidatesIn(bytes: Buffer, start: number, end: number, candidates: Map<string, Candidate>): Candidate[] {
  const found: Candidate[] = []
  const add = (place: StampPlace, index: number, key: string, placeRank: number, behindDigit = false): void => {
    for (const [formatRank, format] of formatNames.entries()) {
      // The time of a date that cannot be read, or is no stamp (a clock that begins in 1970), must not become today's.
      if (behindDigit && format === 'time/1') continue
      const name = `${place} ${index} ${key} ${format}`
      let candidate = candidates.get(name)
      if (candidate === undefined) {
        const shape = { format, place, index, key }
        candidate = {
          shape,
          find: finderOf(shape, stampFormats[format] as FormatReader),
          rank: placeRank * 100 + formatRank,
          hits: 0,
          spaced: 0,
          decimals: 0,
          columns: 0,
          moments: new Float64Array(learnLinesMax).fill(Number.NaN),
        }
        candidates.set(name, candidate)
      }
      found.push(candidate)
    }
  }
  const head = headOf(bytes, start, end)
  const object = objectIn(bytes, start, end)
  if (object !== head) {
    add('part', 0, '', 0)
    if (bytes.subarray(head, Math.min(end, head + headBytesMax)).includes(0x5b)) add('bracket', 0, '', 1)
    let behindDigit = isDigit(bytes[behindOpeners(bytes, head, end)])
    for (let index = 1; index < partsMax; index++) {
      const at = partAt(bytes, head, end, index)
      if (at < 0) break
      add('part', index, '', 2 + index, behindDigit)
      behindDigit = isDigit(bytes[behindOpeners(bytes, at, end)])
    }
    if (bytes.subarray(head, Math.min(end, head + headBytesMax)).includes(0x28)) add('paren', 0, '', 20)
    for (const [rank, { key, bytes: name }] of timePaths.entries()) {
      if (logfmtValue(bytes, start, end, name) >= 0) add('logfmt', 0, key, 30 + rank)
    }
  }
  if (object >= 0) {
    for (const [rank, { key, path }] of timePaths.entries()) {
      if (jsonValue(bytes, start, end, path) >= 0) add('json', 0, key, 60 + rank)
    }
  }
  return found
}

const formatNames = Object.keys(stampFormats)

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
