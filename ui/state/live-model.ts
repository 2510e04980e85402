/** Lines as they come: where they stand among those that are there, what waits, what is let go. Pure. */
import { comparePlaces, type LinePlace } from './line-order.ts'

/** Lines that came and are kept; of a list that goes on for hours the oldest are let go. */
export const liveLinesMax = 20_000

export interface LiveLines<Line> {
  /** Shown, newest first. */
  readonly lines: readonly Line[]
  /** Came while something older was being read, newest first. */
  readonly waiting: readonly Line[]
  /** What stands below `lines`: what the search found, or nothing, because the reader cleared it or it was let go. */
  readonly below: 'found' | 'cleared' | 'cut'
  /** Of those that wait some were let go: they do not join what is shown any more. */
  readonly overflowed: boolean
  /** The newest line that was there when the list was cleared: what is older stays away. */
  readonly behind: Line | undefined
}

export const noLiveLines: LiveLines<never> = {
  lines: [],
  waiting: [],
  below: 'found',
  overflowed: false,
  behind: undefined,
}

/** `found`: what the search found, newest first. `held`: something older is being read, so that nothing may move. */
export function arrive<Line extends LinePlace>(
  live: LiveLines<Line>,
  arrived: readonly Line[],
  found: readonly Line[],
  held: boolean,
): LiveLines<Line> {
  const { behind, below } = live
  const isNew = (line: Line) =>
    !has(live.lines, line) &&
    !(below === 'found' && has(found, line)) &&
    !(behind !== undefined && comparePlaces(line, behind) <= 0)
  const fresh = arrived.filter(isNew)
  if (fresh.length === 0) return live
  const waiting = mergeLines(live.waiting, fresh)
  if (!held) return showWaiting({ ...live, waiting })
  if (waiting.length <= liveLinesMax) return { ...live, waiting }
  return { ...live, waiting: waiting.slice(0, liveLinesMax), overflowed: true }
}

export function showWaiting<Line extends LinePlace>(live: LiveLines<Line>): LiveLines<Line> {
  const { waiting, overflowed, below } = live
  if (waiting.length === 0) return live
  const lines = overflowed ? waiting : mergeLines(live.lines, waiting)
  const isCut = overflowed || lines.length > liveLinesMax
  return {
    ...live,
    lines: lines.length > liveLinesMax ? lines.slice(0, liveLinesMax) : lines,
    waiting: [],
    below: isCut && below === 'found' ? 'cut' : below,
    overflowed: false,
  }
}

/** Nothing of what is there any more, whether it is shown or waits. */
export function clearLines<Line extends LinePlace>(live: LiveLines<Line>, found: readonly Line[]): LiveLines<Line> {
  const newest = [live.waiting[0], live.lines[0], found[0], live.behind].filter((line) => line !== undefined)
  return { ...noLiveLines, below: 'cleared', behind: newest.sort((a, b) => comparePlaces(b, a))[0] }
}

function has<Line extends LinePlace>(lines: readonly Line[], line: Line): boolean {
  const there = lines[placeOf(lines, line)]
  return there !== undefined && comparePlaces(there, line) === 0
}

/** The index at which the line stands or would stand. */
function placeOf<Line extends LinePlace>(lines: readonly Line[], line: LinePlace): number {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (comparePlaces(lines[middle] as Line, line) > 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Both newest first (what arrived: in any order); each line once. Most lines are newer than all that are there. */
export function mergeLines<Line extends LinePlace>(lines: readonly Line[], arrived: readonly Line[]): readonly Line[] {
  const sorted = arrived.toSorted((a, b) => comparePlaces(b, a))
  const oldest = sorted.at(-1)
  if (oldest === undefined) return lines
  // Only what stands among those that arrived is looked at one by one.
  const end = placeOf(lines, oldest)
  const same = lines[end] !== undefined && comparePlaces(lines[end], oldest) === 0 ? 1 : 0
  const all = end + same === 0 ? sorted : [...sorted, ...lines.slice(0, end + same)].sort((a, b) => comparePlaces(b, a))
  const each = all.filter((line, at) => at === 0 || comparePlaces(all[at - 1] as Line, line) !== 0)
  return each.concat(lines.slice(end + same))
}

/** The list: what came on top of what was found, as far as it is loaded (`more`: there is older, which pages will bring). */
export function shownLines<Line extends LinePlace>(
  live: LiveLines<Line>,
  found: readonly Line[],
  more: boolean,
): readonly Line[] {
  if (live.below !== 'found') return live.lines
  const last = found.at(-1)
  if (!more || last === undefined) return mergeLines(found, live.lines)
  return mergeLines(found, live.lines.slice(0, placeOf(live.lines, last)))
}

const rateWindowMs = 5_000

/** Lines a second over the last few; `arrivals` in order. */
export function rateOf(arrivals: readonly (readonly [atMs: number, lines: number])[], nowMs: number): number {
  const recent = arrivals.filter(([atMs]) => nowMs - atMs < rateWindowMs)
  return recent.reduce((sum, [, lines]) => sum + lines, 0) / (rateWindowMs / 1000)
}

const waitMsMin = 500
const waitMsMax = 10_000

/** How long is waited before the server is asked again. */
export function retryWaitMs(attempt: number): number {
  return Math.min(waitMsMax, waitMsMin * 2 ** attempt)
}
