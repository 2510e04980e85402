/**
 * grep -B/-A for hits: each with the lines around it in its own file. What overlaps or touches is one group; no line comes
 * twice. In memory are the lines before one hit, and where in each file the last groups lay.
 */
import { type EventColumns, messageBytes, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { type Field, fieldsOf } from '../pipeline/fields.ts'
import { matches } from '../pipeline/query-matches.ts'
import { type Level, levels, type Source, sourceKey } from '../pipeline/record.ts'
import type { Bounds, FileQuery, FilterField, Selection, Store } from '../pipeline/store.ts'
import { keyAt } from './selection.ts'

/** Lines before and behind a hit. */
export const contextLinesMax = 100
/** Files of which it is remembered what was given; beyond, the one without a hit for longest is forgotten. */
const filesMax = 10_000
/** Groups that are remembered of a file: a hit that lies before all of them, since the clock went back, is a group anew. */
const spansMax = 32

/** Lines that are asked for at once where a group does not end. */
const pieceLinesMax = 65_536

export interface GroupLine {
  readonly batch: RecordBatch
  readonly i: number
  readonly hit: boolean
  /** From 1 on. */
  readonly group: number
}

export interface ContextOptions {
  readonly before: number
  readonly after: number
  /** True for a line that the search finds too. */
  readonly isHit: (batch: RecordBatch, i: number) => boolean
  /** Hits; behind the last one come its lines, of which none is a hit any more. */
  readonly limit?: number
  readonly bounds: Bounds
}

interface Span {
  readonly from: number
  to: number
}

/** Which places of which incarnations were given. */
class Given {
  readonly #spans = new Map<string, Span[]>()

  has(generation: string, offset: number): boolean {
    return this.#spans.get(generation)?.some(({ from, to }) => from <= offset && offset <= to) ?? false
  }

  /** Enters a line; `follows` = it stands directly behind the one before. */
  add(generation: string, offset: number, follows: boolean): void {
    const spans = this.#spans.get(generation) ?? []
    this.#spans.delete(generation)
    this.#spans.set(generation, spans)
    const last = spans.at(-1)
    if (follows && last !== undefined && last.to < offset) last.to = offset
    else spans.push({ from: offset, to: offset })
    if (spans.length > spansMax) spans.shift()
    if (this.#spans.size > filesMax) this.#spans.delete(this.#spans.keys().next().value as string)
  }
}

/** The lines of all groups, at the pace of the reader. A line's batch is only to be looked at until the next one is asked for. */
export async function* groupLines(
  store: Pick<Store, 'scanFile'>,
  hits: AsyncIterable<RecordBatch>,
  { before, after, isHit, limit = Number.POSITIVE_INFINITY, bounds }: ContextOptions,
): AsyncGenerator<GroupLine, void, void> {
  const given = new Given()
  let found = 0
  let group = 0
  /** Of the last group. */
  let lastFile = ''
  for await (const batch of hits) {
    for (let i = 0; i < batch.count; i++) {
      if (found >= limit) return
      const { generation, offset } = keyAt(batch, i)
      if (given.has(generation, offset)) continue
      const { source } = originAt(batch, i)
      const file = fileKey(source)
      const around = { source, start: { generation, offset }, from: 0, to: Number.POSITIVE_INFINITY }

      const earlier: (readonly [RecordBatch, number])[] = []
      let touches = false
      if (before > 0 || group > 0) {
        // One more than is wanted: it tells whether this group goes on where the last one ended.
        const query = { ...around, order: 'desc' as const, most: before + 2 }
        scan: for await (const lines of store.scanFile(query, { ...bounds, reuse: false })) {
          for (let k = 0; k < lines.count; k++) {
            const place = keyAt(lines, k)
            if (place.generation === generation && place.offset === offset) continue
            if (given.has(place.generation, place.offset)) {
              touches = file === lastFile
              break scan
            }
            if (earlier.length >= before) break scan
            earlier.push([lines, k])
          }
        }
      }
      if (!touches) group++
      lastFile = file

      let previous: string | undefined
      const line = (lines: RecordBatch, k: number, hit: boolean): GroupLine => {
        const place = keyAt(lines, k)
        given.add(place.generation, place.offset, previous === place.generation)
        previous = place.generation
        if (hit) found++
        return { batch: lines, i: k, hit, group }
      }
      for (const [lines, k] of earlier.reverse()) yield line(lines, k, isHit(lines, k) && found < limit)
      if (after === 0) {
        yield line(batch, i, true)
        continue
      }
      let left = after
      let reached: { generation: string; offset: number } | undefined
      walk: for await (const lines of onwards(store, around, after + 1, bounds)) {
        for (let k = 0; k < lines.count; k++) {
          const place = keyAt(lines, k)
          const itself = place.generation === generation && place.offset === offset
          // A piece begins with the line that the one before it ended with.
          if (place.generation === reached?.generation && place.offset === reached.offset) continue
          if (!itself && given.has(place.generation, place.offset)) break walk
          reached = place
          const hit = itself || (found < limit && isHit(lines, k))
          if (hit) left = after
          else if (--left < 0) break walk
          yield line(lines, k, hit)
        }
      }
    }
  }
}

/** A file from a place on, at first only a few lines of it: most groups end there. The place's own line comes once. */
async function* onwards(
  store: Pick<Store, 'scanFile'>,
  around: Omit<FileQuery, 'order'>,
  first: number,
  bounds: Bounds,
): AsyncGenerator<RecordBatch, void, void> {
  let { start } = around
  for (let most = first + 1; ; most = Math.min(most * 4, pieceLinesMax)) {
    let lines = 0
    for await (const batch of store.scanFile(
      { ...around, ...(start === undefined ? {} : { start }), order: 'asc', most },
      bounds,
    )) {
      lines += batch.count
      const { generation, offset } = keyAt(batch, batch.count - 1)
      yield batch
      start = { generation, offset }
    }
    if (lines < most) return
  }
}

function fileKey(source: Source): string {
  return `${sourceKey(source)}@${source.host}`
}

/** Says of a line of a hit's file whether the search finds it too, as the stores do. */
export function hitTest({ filters, where, from, to }: Selection): (batch: RecordBatch, i: number) => boolean {
  const wanted = Object.entries(filters) as [FilterField, readonly string[]][]
  return (batch, i) => {
    const time = batch.time[i] as number
    if (time < from || time >= to) return false
    const { source } = originAt(batch, i)
    const level = levels[batch.level[i] as number] as Level
    for (const [field, values] of wanted) {
      if (values.length > 0 && !values.includes(field === 'level' ? level : source[field])) return false
    }
    return where === undefined || matches(where, { ...source, level, ...textOf(batch, i) })
  }
}

/** The fields are read only if they are asked for. */
function textOf(columns: EventColumns, i: number): { message: string; readonly fields: readonly Field[] } {
  const message = messageBytes(columns, i).toString('utf8')
  return {
    message,
    get fields() {
      return fieldsOf(message)
    },
  }
}
