/** The sample files with what their manifest says of them, as the readers of lines get them: UTF-8 and line bounds. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Encoding, toUtf8 } from '../../pipeline/encoding.ts'
import { detectEncoding, lineEncoding } from '../../shipper/encoding.ts'
import { emptyLines, splitLines } from '../../shipper/lines.ts'

const root = join(import.meta.dirname, '../fixtures/samples')

export interface SampleFile {
  readonly path: string
  readonly app: string
  readonly instance: string
  readonly directory: string
  readonly encoding: string
  readonly bytes: number
  readonly lines: number
  readonly events: number
  readonly errors: number | null
  readonly zone: string | null
  readonly first_event_utc: string | null
  readonly last_event_utc: string | null
  readonly events_without_timestamp?: number
  /** Lines above the first event that are not counted as one. */
  readonly preamble_lines?: number
  readonly longest_event_lines?: number | null
  readonly header_regex: string | null
  readonly errors_how: string
}

export interface LineBytes {
  readonly bytes: Buffer
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  readonly count: number
}

export const sampleFiles: readonly SampleFile[] = JSON.parse(readFileSync(join(root, 'MANIFEST.json'), 'utf8')).files

export function readSample(file: SampleFile): Buffer {
  return readFileSync(join(root, file.path))
}

/** Blank lines between two events: the manifest counts them to the event above, here they are records by themselves. */
export function blanksBetween(file: SampleFile): number {
  if (file.header_regex === null || file.path.includes('utf16')) return 0
  const header = new RegExp(file.header_regex)
  let pending = 0
  let found = 0
  for (const line of readSample(file).toString('latin1').split('\n')) {
    if (line === '') pending++
    else {
      if (header.test(line)) found += pending
      pending = 0
    }
  }
  return found
}

/** The zone that the file's program ran in; where the stamps have an offset it does not matter. */
export function zoneOf(file: SampleFile): string {
  return /Shanghai|UTC\+08/.test(file.zone ?? '') ? 'Asia/Shanghai' : 'UTC'
}

/** The lines of a whole file, each decoded on its own, as the shipper decodes them. */
export function linesOf(content: Buffer): LineBytes {
  const { encoding, bomBytes } = detectEncoding(content.subarray(0, 64 * 1024), true)
  const found = emptyLines()
  splitLines(content, bomBytes, unitOf(encoding), 1 << 20, true, found)
  const parts: Buffer[] = []
  for (let i = 0; i < found.count; i++) {
    const start = found.start[i] as number
    const end = found.end[i] as number
    parts.push(toUtf8(content, start, end, lineEncoding(content, start, end, encoding)))
  }
  return packed(parts)
}

/** Lines given as text. */
export function textLines(...lines: readonly string[]): LineBytes {
  return packed(lines.map((line) => Buffer.from(line)))
}

function packed(parts: readonly Buffer[]): LineBytes {
  const starts = new Uint32Array(parts.length)
  const ends = new Uint32Array(parts.length)
  let at = 0
  for (const [i, part] of parts.entries()) {
    starts[i] = at
    at += part.length
    ends[i] = at
    // A byte between the lines that belongs to none: a reader that looks past the end of its line would see a digit.
    at += 1
  }
  return { bytes: Buffer.concat(parts.flatMap((part) => [part, Buffer.from('7')])), starts, ends, count: parts.length }
}

function unitOf(encoding: Encoding) {
  return encoding === 'utf-16le' || encoding === 'utf-16be' ? encoding : 'byte'
}
