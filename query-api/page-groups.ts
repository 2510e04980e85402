/** The hits of one page with the lines around them, as groups. */
import { ShiplogError } from '../pipeline/errors.ts'
import { originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import { compareKeys, recordId } from '../pipeline/record.ts'
import type { Bounds, Page, Store } from '../pipeline/store.ts'
import { groupLines } from './context-groups.ts'
import { keyAt } from './selection.ts'

/** Lines in one answer, those around the hits with them. */
export const pageLinesMax = 5000

export interface PageGroup {
  readonly lines: readonly (readonly [batch: RecordBatch, i: number])[]
  /** Indices of its lines that are hits. */
  readonly hits: readonly number[]
}

interface Around {
  readonly contextBefore: number
  readonly contextAfter: number
}

export function refuseTooMany({ limit, contextBefore, contextAfter }: Around & { readonly limit: number }): void {
  const most = limit * (1 + contextBefore + contextAfter)
  if (contextBefore + contextAfter === 0 || most <= pageLinesMax) return
  throw new ShiplogError('QUERY_INVALID', `that may be ${most} lines in one page, more than ${pageLinesMax}`, {
    hint: 'Lower limit, contextBefore or contextAfter, or take /export, which has no such bound.',
  })
}

/** In the order of the page, by the hit of each that comes first in it; undefined when no context is asked for. */
export async function pageGroups(
  store: Store,
  { records }: Page,
  { contextBefore: before, contextAfter: after }: Around,
  bounds: Bounds,
): Promise<PageGroup[] | undefined> {
  if (before + after === 0) return undefined
  const idOf = (batch: RecordBatch, i: number): string =>
    recordId(originAt(batch, i).generation, batch.offset[i] as number)
  const places = new Map(Array.from({ length: records.count }, (_, i): [string, number] => [idOf(records, i), i]))
  const hits = ascending(records)
  const groups: { lines: (readonly [RecordBatch, number])[]; hits: number[]; first: number }[] = []
  const isHit = (batch: RecordBatch, i: number): boolean => places.has(idOf(batch, i))
  const end = performance.now() + (bounds.timeMsMax ?? Number.POSITIVE_INFINITY)
  for await (const { batch, i, hit, group } of groupLines(store, hits, { before, after, isHit, bounds })) {
    if (performance.now() > end) {
      throw new ShiplogError('QUERY_TOO_COSTLY', `the lines around the hits took longer than ${bounds.timeMsMax} ms`, {
        hint: 'Lower limit, or take /export, which has no such bound.',
      })
    }
    const current = (groups[group - 1] ??= { lines: [], hits: [], first: Number.POSITIVE_INFINITY })
    if (hit) {
      current.hits.push(current.lines.length)
      current.first = Math.min(current.first, places.get(idOf(batch, i)) as number)
    }
    current.lines.push([batch, i])
  }
  return groups.sort((a, b) => a.first - b.first)
}

/** The page from its oldest line on, one line a batch. */
async function* ascending(records: RecordBatch): AsyncGenerator<RecordBatch> {
  const keys = Array.from({ length: records.count }, (_, i) => ({ key: keyAt(records, i), i }))
  keys.sort((a, b) => compareKeys(a.key, b.key))
  for (const { i } of keys) yield lineOf(records, i)
}

function lineOf(records: RecordBatch, i: number): RecordBatch {
  const one = <T>(map: ReadonlyMap<number, T>): Map<number, T> => {
    const value = map.get(i)
    return value === undefined ? new Map() : new Map([[0, value]])
  }
  return {
    count: 1,
    text: records.text,
    origins: records.origins,
    originOf: records.originOf.subarray(i, i + 1),
    start: records.start.subarray(i, i + 1),
    length: records.length.subarray(i, i + 1),
    offset: records.offset.subarray(i, i + 1),
    bytes: records.bytes.subarray(i, i + 1),
    time: records.time.subarray(i, i + 1),
    timeFrom: records.timeFrom.subarray(i, i + 1),
    level: records.level.subarray(i, i + 1),
    continues: one(records.continues),
    raw: one(records.raw),
    encodings: one(records.encodings),
  }
}
