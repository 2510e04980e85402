import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparePlaces } from '../../ui/state/line-order.ts'
import {
  arrive,
  clearLines,
  type LiveLines,
  liveLinesMax,
  mergeLines,
  noLiveLines,
  rateOf,
  retryWaitMs,
  shownLines,
  showWaiting,
} from '../../ui/state/live-model.ts'

interface Line {
  readonly time: string
  readonly generation: string
  readonly offset: number
}

const line = (n: number, offset = 0): Line => ({ time: String(n).padStart(9, '0'), generation: 'g', offset })
const newestFirst = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, n) => line(from - n))
const none: LiveLines<Line> = noLiveLines

const lines = fc.array(fc.record({ n: fc.nat(30), offset: fc.nat(2) }).map(({ n, offset }) => line(n, offset)))

describe('lines as they come', () => {
  it('are what a search would find: in order, each once, however they came', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(lines, fc.boolean())), lines, (arrivals, found) => {
        const there = mergeLines<Line>([], found)
        let live = none
        for (const [arrived, held] of arrivals) {
          const before = live.lines
          live = arrive(live, arrived, there, held)
          if (held) expect(live.lines).toBe(before)
          const shown = [...live.lines, ...there]
          expect(live.waiting.filter((one) => shown.some((other) => comparePlaces(one, other) === 0))).toEqual([])
        }
        const shown = shownLines(showWaiting(live), there, false)
        const all = [...found, ...arrivals.flatMap(([arrived]) => arrived)].map((one) => JSON.stringify(one))
        const sorted = [...new Set(all)].map((one) => JSON.parse(one) as Line).sort((a, b) => comparePlaces(b, a))
        expect(shown).toEqual(sorted)
      }),
    )
  })

  it('that are older than what is loaded wait for its page', () => {
    const live = arrive(none, [line(9), line(2)], [], false)
    expect(shownLines(live, [line(8), line(5)], true)).toEqual([line(9), line(8), line(5)])
    expect(shownLines(live, [line(8), line(5)], false)).toEqual([line(9), line(8), line(5), line(2)])
  })

  it('are bounded: the oldest are let go, and then nothing stands below them', () => {
    let live = arrive(none, newestFirst(liveLinesMax, 1), [], false)
    expect(live).toMatchObject({ below: 'found' })
    live = arrive(live, [line(liveLinesMax + 1)], [], false)
    expect(live.lines.length).toBe(liveLinesMax)
    expect(live.lines.at(-1)).toEqual(line(2))
    expect(shownLines(live, [line(0)], true)).toBe(live.lines)
    expect(live.below).toBe('cut')
  })

  it('that wait are bounded too, and do not join what is shown with a hole between', () => {
    let live = arrive(arrive(none, [line(1)], [], false), newestFirst(liveLinesMax + 2, 2), [], true)
    expect(live.waiting.length).toBe(liveLinesMax)
    expect(live.waiting.at(-1)).toEqual(line(3))
    live = showWaiting(live)
    expect(live.lines.length).toBe(liveLinesMax)
    expect(live).toMatchObject({ below: 'cut', waiting: [], overflowed: false })
  })

  it('of a list that was cleared stand alone', () => {
    const cleared = clearLines(arrive(none, [line(2)], [line(1)], false), [line(1)])
    const live = arrive(cleared, [line(3), line(2), line(1)], [line(1)], false)
    expect(shownLines(live, [line(1)], true)).toEqual([line(3)])
  })
})

it('counts lines a second over the last five', () => {
  expect(rateOf([], 10_000)).toBe(0)
  const arrivals = [
    [1_000, 900],
    [6_000, 10],
    [9_000, 40],
  ] as const
  expect(rateOf(arrivals, 10_000)).toBe(10)
})

it('waits longer for a server that stays away, but never long', () => {
  expect([0, 1, 2, 20].map(retryWaitMs)).toEqual([500, 1_000, 2_000, 10_000])
})
