import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cursor, decodeCursor, encodeCursor } from '../../pipeline/cursor.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { parseTimeRange } from '../../pipeline/time-range.ts'

const cursor: Cursor = {
  order: 'desc',
  time: 1_463_402_830_000_000,
  generation: '01jd3v8p2q4r5s6t7v8w9x0y1z',
  offset: 18_233,
  from: 0,
  to: Number.POSITIVE_INFINITY,
}

function refuses(text: string): void {
  try {
    decodeCursor(text)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ShiplogError)
    expect(thrown).toMatchObject({ code: 'QUERY_INVALID' })
    return
  }
  throw new Error(`decoded: ${text}`)
}

describe('cursor', () => {
  it('comes back as it was', () => {
    const cursors = fc.record<Cursor>({
      order: fc.constantFrom('asc', 'desc'),
      time: fc.maxSafeNat(),
      generation: fc.stringMatching(/^[0-9a-z]{26}$/),
      offset: fc.maxSafeNat(),
      from: fc.maxSafeNat(),
      to: fc.oneof(fc.maxSafeNat(), fc.constant(Number.POSITIVE_INFINITY)),
    })
    fc.assert(
      fc.property(cursors, (given) => {
        const text = encodeCursor(given)
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(decodeCursor(text)).toEqual(given)
      }),
    )
  })

  it('takes every range that a search takes, up to the end of the year 9999', () => {
    const ranges = [{ from: '9999-12-30', to: '9999-12-31' }]
    const end = Date.UTC(10_000, 0) - 1
    const edges = fc.tuple(fc.integer({ min: 0, max: end }), fc.integer({ min: 0, max: end }), fc.nat(999))
    const check = (asked: { from: string; to: string }): void => {
      const { from, to } = parseTimeRange(asked, 0)
      const given = { ...cursor, time: from, from, to }
      expect(decodeCursor(encodeCursor(given))).toEqual(given)
    }
    for (const range of ranges) check(range)
    const micros = (ms: number, us: number): string =>
      new Date(ms).toISOString().replace('Z', `${String(us).padStart(3, '0')}Z`)
    fc.assert(
      fc.property(edges, ([a, b, us]) => {
        fc.pre(a !== b)
        check({ from: String(Math.min(a, b)), to: String(Math.max(a, b)) })
        check({ from: micros(Math.min(a, b), us), to: micros(Math.max(a, b), us) })
      }),
    )
  })

  it('refuses what it did not give', () => {
    const good = encodeCursor(cursor)
    expect(decodeCursor(good)).toEqual(cursor)
    for (const bad of [
      '',
      'x',
      '====',
      `${good}=`,
      `${good}AAA`,
      good.slice(0, -2),
      good.toUpperCase(),
      'A'.repeat(10_000),
    ])
      refuses(bad)
    for (const inside of [
      '2.a.1.g.1.0.x',
      '1.b.1.g.1.0.x',
      '1.a.-1.g.1.0.x',
      '1.a.01.g.1.0.x',
      '1.a.99999999999999999.g.1.0.x',
      '1.a.253402300800000000.g.1.0.x',
      '1.a.1.g.1.0.253402300800000000',
    ]) {
      refuses(btoa(inside).replaceAll('=', ''))
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => refuses(text)))
  })
})
