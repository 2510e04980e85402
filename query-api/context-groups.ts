/**
 * grep -B/-A for hits: each with the lines around it in its own file. What overlaps or touches is one group; no line comes
 * twice. In memory are the lines before one hit, and where in each file the last groups lay.
 */
import { type EventColumns, messageBytes, originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { type Field, fieldsOf } from '../pipeline/fields.ts'
import { matches } from '../pipeline/query-matches.ts'
import { type Level, levels, parseRecordId, type Source, sourceKey } from '../pipeline/record.ts'
import type { Bounds, FilterField, Selection } from '../pipeline/store.ts'
import { scanPieces } from './file-pieces.ts'
import { Fold, type Shown, shownOf } from './fold.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

/** Lines before and behind a hit. */
export const contextLinesMax = 100
/** Files of which it is remembered what was given; beyond, the one without a hit for longest is forgotten. */
const filesMax = 10_000
/** Groups that are remembered of a file: a hit that lies before all of them, since the clock went back, is a group anew. */
const spansMax = 32

/** A line, or an event whose parts were put together, which counts as one. */
export interface GroupLine extends Shown {
  readonly hit: boolean
  /** From 1 on. */
  readonly group: number
}

export interface ContextOptions {
  readonly before: number
  readonly after: number
  /** True for what the search finds too. */
  readonly isHit: (shown: Shown) => boolean
  /** Hits; behind the last one come its lines, of which none is a hit any more. */
  readonly limit?: number
  /** Takes the parts of events together, as it was done with the hits. */
  readonly folds: boolean
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

  /** Enters what reaches from the one offset to the other; `follows` = it stands directly behind what was entered before. */
  add(generation: string, from: number, to: number, follows: boolean): void {
    const spans = this.#spans.get(generation) ?? []
    this.#spans.delete(generation)
    this.#spans.set(generation, spans)
    const last = spans.at(-1)
    if (follows && last !== undefined && last.to < from) last.to = to
    else spans.push({ from, to })
    if (spans.length > spansMax) spans.shift()
    if (this.#spans.size > filesMax) this.#spans.delete(this.#spans.keys().next().value as string)
  }
}

/** The lines of all groups, at the pace of the reader. A line's batch is only to be looked at until the next one is asked for. */
export async function* groupLines(
  store: LogStore,
  hits: AsyncIterable<Shown>,
  { before, after, isHit, limit = Number.POSITIVE_INFINITY, folds, bounds }: ContextOptions,
): AsyncGenerator<GroupLine, void, void> {
  const given = new Given()
  let found = 0
  let group = 0
  /** Of the last group. */
  let lastFile = ''
  for await (const first of hits) {
    if (found >= limit) return
    const { batch, i } = first
    const { generation, offset } = keyAt(batch, i)
    if (given.has(generation, offset)) continue
    const { source } = originAt(batch, i)
    const file = fileKey(source)
    const isItself = (shown: Shown): boolean => {
      const [from, to] = placesOf(shown)
      return keyAt(shown.batch, shown.i).generation === generation && from <= offset && offset <= to
    }
    const around = (order: 'asc' | 'desc', most: number, keep: Bounds): AsyncGenerator<Shown, void, void> => {
      const query = { source, start: { generation, offset }, order, from: 0, to: Number.POSITIVE_INFINITY }
      const filters = { app: [source.app], instance: [source.instance] }
      const fold = folds ? new Fold(store, { cluster: source.cluster, filters, order }, bounds) : undefined
      return shownOf(scanPieces(store, query, most, keep), fold)
    }

    const earlier: Shown[] = []
    let touches = false
    if (before > 0 || group > 0) {
      // One more than is wanted: it tells whether this group goes on where the last one ended.
      for await (const shown of around('desc', before + 2, { ...bounds, reuse: false })) {
        if (isItself(shown)) continue
        const at = keyAt(shown.batch, shown.i)
        if (given.has(at.generation, at.offset)) {
          touches = file === lastFile
          break
        }
        if (earlier.length >= before) break
        earlier.push(shown)
      }
    }
    if (!touches) group++
    lastFile = file

    let previous: string | undefined
    const line = (shown: Shown, hit: boolean): GroupLine => {
      const own = originAt(shown.batch, shown.i).generation
      given.add(own, ...placesOf(shown), previous === own)
      previous = own
      if (hit) found++
      return { ...shown, hit, group }
    }
    for (const shown of earlier.reverse()) yield line(shown, found < limit && isHit(shown))
    // Of an event that a cursor went through only the rest was found: all of it is read below.
    if (after === 0 && !(folds && batch.continues.has(i))) {
      yield line(first, true)
      continue
    }
    let left = after
    for await (const shown of around('asc', after + 2, bounds)) {
      const itself = isItself(shown)
      const at = keyAt(shown.batch, shown.i)
      if (!itself && given.has(at.generation, at.offset)) break
      const hit = itself || (found < limit && isHit(shown))
      if (hit) left = after
      else if (--left < 0) break
      yield line(shown, hit)
    }
  }
}

/** Offsets of its first record and of its last one. */
function placesOf({ batch, i, parts }: Shown): readonly [from: number, to: number] {
  const from = batch.offset[i] as number
  return [from, parseRecordId(parts.at(-1) ?? '')?.offset ?? from]
}

function fileKey(source: Source): string {
  return `${sourceKey(source)}@${source.host}`
}

/** Says of what stands around a hit whether the search finds it too, as the stores do: of an event, any of its records. */
export function hitTest({ filters, where, from, to }: Selection): (shown: Shown) => boolean {
  const wanted = Object.entries(filters) as [FilterField, readonly string[]][]
  const isFound = (batch: RecordBatch, i: number): boolean => {
    const time = batch.time[i] as number
    if (time < from || time >= to) return false
    const { source } = originAt(batch, i)
    const level = levels[batch.level[i] as number] as Level
    for (const [field, values] of wanted) {
      if (values.length > 0 && !values.includes(field === 'level' ? level : source[field])) return false
    }
    return where === undefined || matches(where, { ...source, level, ...textOf(batch, i) })
  }
  return ({ batch, i, records }) =>
    records === undefined ? isFound(batch, i) : records.some((record) => isFound(...record))
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
