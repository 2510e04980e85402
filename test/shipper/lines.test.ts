import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CodeUnit, emptyLines, splitLines } from '../../shipper/lines.ts'

function split(chunk: Buffer, options: { unit?: CodeUnit; max?: number; rest?: boolean; from?: number } = {}) {
  const lines = emptyLines()
  const { from = 0, unit = 'byte', max = 1000, rest = false } = options
  const next = splitLines(chunk, from, unit, max, rest, lines)
  const found = Array.from({ length: lines.count }, (_, i) => [lines.start[i], lines.end[i], lines.next[i]])
  return { found, next }
}

test.each([
  ['nothing', '', [], 0],
  ['a line', 'abc\n', [[0, 3, 4]], 4],
  ['an unfinished line is left', 'abc', [], 0],
  [
    'two lines and a rest',
    'a\nbc\nde',
    [
      [0, 1, 2],
      [2, 4, 5],
    ],
    5,
  ],
  [
    'blank lines',
    '\n\n',
    [
      [0, 0, 1],
      [1, 1, 2],
    ],
    2,
  ],
  [
    'CRLF',
    'ab\r\nc\r\n',
    [
      [0, 2, 4],
      [4, 5, 7],
    ],
    7,
  ],
  [
    'a CR alone is content',
    'a\rb\n\r\n',
    [
      [0, 3, 4],
      [4, 4, 6],
    ],
    6,
  ],
  ['a CR at the end of the chunk waits', 'a\r', [], 0],
])('%s', (_name, text, found, next) => {
  expect(split(Buffer.from(text))).toEqual({ found, next })
})

test('the rest is taken when asked for', () => {
  expect(split(Buffer.from('a\nbc'), { rest: true })).toEqual({
    found: [
      [0, 1, 2],
      [2, 4, 4],
    ],
    next: 4,
  })
})

test('a line over the bound is cut, also before its end was seen, and never inside a character', () => {
  expect(split(Buffer.from('abcdefg\n'), { max: 3 }).found).toEqual([
    [0, 3, 3],
    [3, 6, 6],
    [6, 7, 8],
  ])
  expect(split(Buffer.from('abcdefg'), { max: 3 })).toEqual({
    found: [
      [0, 3, 3],
      [3, 6, 6],
    ],
    next: 6,
  })
  expect(split(Buffer.from('ab连接\n'), { max: 4 }).found).toEqual([
    [0, 2, 2],
    [2, 5, 5],
    [5, 8, 9],
  ])
  expect(split(Buffer.from('ab😀\n', 'utf16le'), { unit: 'utf-16le', max: 6 }).found).toEqual([
    [0, 4, 4],
    [4, 8, 10],
  ])
})

test('UTF-16: only a whole code unit is a line feed', () => {
  // U+0A0A and U+0A00 hold the byte 0x0A but end no line.
  const text = 'a\u0a0a\u0a00\r\nb\n'
  const little = Buffer.from(text, 'utf16le')
  expect(split(little, { unit: 'utf-16le' }).found).toEqual([
    [0, 6, 10],
    [10, 12, 14],
  ])
  expect(split(Buffer.from(little).swap16(), { unit: 'utf-16be' }).found).toEqual([
    [0, 6, 10],
    [10, 12, 14],
  ])
})

test('lines lie side by side and cover the chunk, and a chunk cut anywhere gives the same lines', () => {
  const text = fc
    .array(fc.constantFrom('a', '\n', '\r', '连', '😀', 'bcd'), { maxLength: 60 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.nat(80), (whole, at) => {
      const chunk = Buffer.from(whole)
      const all = split(chunk, { rest: true })
      expect(all.next).toBe(chunk.length)
      let expected = 0
      for (const [start, end, next] of all.found) {
        expect(start).toBe(expected)
        expect((end as number) <= (next as number)).toBe(true)
        expected = next as number
      }
      const first = split(chunk.subarray(0, at))
      const second = split(chunk, { from: first.next, rest: true })
      // A CR may wait at the cut: what was left is read again, so the lines are the same.
      expect([...first.found, ...second.found]).toEqual(all.found)
    }),
    { numRuns: 500 },
  )
})
