/**
 * Lines of a selection that stand for all of it: what patterns and fields look at. Up to `linesMax` lines are all of them;
 * of more, some from each stretch of the range, in proportion to how many lie there, so that nothing that happened only for
 * a while is missed. The same data gives the same lines, on every store: it takes nothing but its port.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ShiplogError } from '../pipeline/errors.ts'
import type { RecordBatch } from '../pipeline/event-batch.ts'
import type { Bounds, Page, SearchQuery, Selection } from '../pipeline/store.ts'
import type { LogStore } from './visible.ts'

/** Stretches of time in which lines are counted first; one that holds far more than its share is counted again in pieces. */
const stretchesMax = 64
const piecesMax = 64
/** Of each stretch at least so many lines, so that a quiet hour is seen beside a loud one. */
const stretchLinesMin = 8
/** Stretches whose lines are asked for at the same time. */
const readAheadMax = 2
/** Other requests wait no longer than this for the lines that are being looked at. */
const turnMs = 5

export interface Sample {
  /** Lines that match. */
  readonly total: number
  /** Lines that were looked at. */
  readonly lines: number
  /** Stretches of time that they come from; 0 = all lines were looked at, and every count is exact. */
  readonly stretches: number
}

/** Hears of one line. It stands for `weight` lines, itself among them. */
export type TakeLine = (batch: RecordBatch, i: number, weight: number) => void

interface Stretch {
  readonly from: number
  readonly to: number
  readonly count: number
}

export interface SampleBounds {
  readonly signal: AbortSignal
  /** For everything together. */
  readonly timeMsMax: number
}

export async function readSample(
  store: Pick<LogStore, 'search' | 'scan' | 'histogram'>,
  selection: Selection,
  linesMax: number,
  { signal, timeMsMax }: SampleBounds,
  take: TakeLine,
): Promise<Sample> {
  const end = performance.now() + timeMsMax
  const bounds = (): Bounds => ({ signal, timeMsMax: leftOf(end, timeMsMax) })
  const range = await rangeOf(store, selection, bounds, timeMsMax)
  if (range === undefined) return { total: 0, lines: 0, stretches: 0 }
  const stretches = await stretchesOf(store, { ...selection, ...range }, bounds)
  const total = stretches.reduce((sum, { count }) => sum + count, 0)
  let lines = 0
  if (total <= linesMax) {
    const turns = createTurns()
    for await (const batch of store.scan({ ...selection, ...range, order: 'asc' }, { ...bounds(), reuse: true })) {
      for (let i = 0; i < batch.count; i++) {
        take(batch, i, 1)
        if (turns.over()) await turns.next()
      }
      lines += batch.count
      leftOf(end, timeMsMax)
    }
    return { total: lines, lines, stretches: 0 }
  }
  const ask = ({ from, to, count }: Stretch): Promise<RecordBatch> => {
    const wanted = Math.min(count, Math.max(stretchLinesMin, Math.floor((count / total) * linesMax)))
    const page = store.search({ ...selection, from, to, order: 'asc' }, wanted, bounds())
    const records = page.then((found) => wholeOf(found, timeMsMax).records)
    // It is awaited in its turn; should one before it fail, nobody waits for this one.
    records.catch(() => undefined)
    return records
  }
  const turns = createTurns()
  const asked: Promise<RecordBatch>[] = []
  for (const [n, { count }] of stretches.entries()) {
    while (asked.length < Math.min(stretches.length, n + readAheadMax))
      asked.push(ask(stretches[asked.length] as Stretch))
    const batch = (await asked[n]) as RecordBatch
    for (let i = 0; i < batch.count; i++) {
      take(batch, i, count / batch.count)
      if (turns.over()) await turns.next()
    }
    lines += batch.count
    delete asked[n]
  }
  return { total, lines, stretches: stretches.length }
}

/** Milliseconds that are left. Throws QUERY_TOO_COSTLY when none are. */
function leftOf(end: number, timeMsMax: number): number {
  const left = Math.ceil(end - performance.now())
  if (left > 0) return left
  throw tooCostly(timeMsMax)
}

/** A page that the time limit cut short stands for less than it says. */
function wholeOf(page: Page, timeMsMax: number): Page {
  if (page.partial !== undefined) throw tooCostly(timeMsMax)
  return page
}

function tooCostly(timeMsMax: number): ShiplogError {
  return new ShiplogError('QUERY_TOO_COSTLY', `the sample took longer than ${timeMsMax} ms`, {
    hint: 'Ask for a smaller sample, narrow the time range, or add a word or a filter.',
  })
}

/** From the oldest match to the newest: stretches of an open range would be empty, nearly all of them. */
async function rangeOf(
  store: Pick<LogStore, 'search'>,
  selection: Selection,
  bounds: () => Bounds,
  timeMsMax: number,
): Promise<{ from: number; to: number } | undefined> {
  const edge = async (order: SearchQuery['order']): Promise<number | undefined> => {
    const page = await store.search({ ...selection, order }, 1, bounds())
    const { records } = page.records.count > 0 ? page : wholeOf(page, timeMsMax)
    return records.count === 0 ? undefined : records.time[0]
  }
  const [oldest, newest] = await Promise.all([edge('asc'), edge('desc')])
  if (oldest === undefined || newest === undefined) return undefined
  return { from: oldest, to: Math.max(oldest, newest) + 1 }
}

async function stretchesOf(
  store: Pick<LogStore, 'histogram'>,
  selection: Selection,
  bounds: () => Bounds,
): Promise<Stretch[]> {
  const count = async (of: Selection, buckets: number): Promise<Stretch[]> => {
    const { from, bucketUs, counts } = await store.histogram(of, buckets, bounds())
    return counts.flatMap((byLevel, i) => {
      const sum = byLevel.reduce((total, one) => total + one, 0)
      const start = from + i * bucketUs
      // A store may begin its first bucket earlier and end its last one later.
      const within = { from: Math.max(start, of.from), to: Math.min(start + bucketUs, of.to) }
      return sum === 0 ? [] : [{ ...within, count: sum }]
    })
  }
  const stretches = await count(selection, stretchesMax)
  const fair = stretches.reduce((sum, stretch) => sum + stretch.count, 0) / stretchesMax
  const fine: Stretch[] = []
  for (const stretch of stretches) {
    const pieces = Math.min(piecesMax, Math.floor(stretch.count / fair))
    const split = pieces >= 4 && stretch.to - stretch.from > 1
    fine.push(...(split ? await count({ ...selection, from: stretch.from, to: stretch.to }, pieces) : [stretch]))
  }
  return fine
}

function createTurns() {
  let began = performance.now()
  return {
    over: (): boolean => performance.now() - began > turnMs,
    async next(): Promise<void> {
      await nextTurn()
      began = performance.now()
    },
  }
}
