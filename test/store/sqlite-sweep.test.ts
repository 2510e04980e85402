import { expect, test } from 'vitest'
import { FoundRows } from '../../store/sqlite/rows.ts'
import { type Entry, sweep } from '../../store/sqlite/sweep.ts'

/** A wildcard page read 248 blocks where 29 were enough: 600 blocks without a match had made the next window as wide. */
test('a long stretch without a match does not widen the window behind it', () => {
  const entries = Array.from(
    { length: 2000 },
    (_, i): Entry => ({ part: 0, first: i * 512, count: 512, start: i * 10, end: i * 10 + 15, bits: null }),
  )
  const rows = new FoundRows()
  const looked: number[] = []
  let fed = false
  const windows = sweep(
    {
      sign: 1,
      feed: {
        nextStart: () => (fed ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY),
        next: () => {
          fed = true
          return entries
        },
      },
      step: 2,
      windowRows: 256,
      evaluate: ({ start }) => {
        if (start < 6000) return false
        looked.push(start)
        return true
      },
      collect: ({ start, first }, at, to, found) => {
        // Two matches each, of which the second lies in the next chunk's time.
        for (const key of [start, start + 12]) if (key >= at && key < to) found.add(key, key, first, 0, 0, 0)
      },
    },
    rows,
  )
  const keys: number[] = []
  for (const full of windows) {
    if (!full) continue
    keys.push(...[...rows.key.subarray(0, rows.count)].sort((a, b) => a - b))
    if (keys.length >= 20) break
  }
  expect(keys.slice(0, 6)).toEqual([6000, 6010, 6012, 6020, 6022, 6030])
  expect(keys).toEqual([...keys].sort((a, b) => a - b))
  expect(looked.length).toBeLessThan(40)
})
