import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import { formatTime } from '../../pipeline/record.ts'
import { parseTimeRange, parseTimeText } from '../../pipeline/time-range.ts'

const now = Date.parse('2024-03-31T12:34:56.789Z')

const understood: [text: string, tz: string | undefined, time: string][] = [
  ['2016-05-16T12:47:10Z', undefined, '2016-05-16T12:47:10.000000Z'],
  ['2016-05-16T12:47:10.123456Z', undefined, '2016-05-16T12:47:10.123456Z'],
  ['2016-05-16T12:47:10,1234567+08:00', undefined, '2016-05-16T04:47:10.123456Z'],
  ['20160516T124710.1234Z', undefined, '2016-05-16T12:47:10.123400Z'],
  ['2016-05-16T12:47:10', undefined, '2016-05-16T12:47:10.000000Z'],
  ['2016-05-16T12:47:10', 'Asia/Shanghai', '2016-05-16T04:47:10.000000Z'],
  ['2016-05-16T12:47:10Z', 'Asia/Shanghai', '2016-05-16T12:47:10.000000Z'],
  ['2016-05-16 12:47:10', '+08:00', '2016-05-16T04:47:10.000000Z'],
  ['2016-05-16 12:47', 'UTC-5', '2016-05-16T17:47:00.000000Z'],
  ['2016-05-16', 'Asia/Shanghai', '2016-05-15T16:00:00.000000Z'],
  ['20160516', undefined, '2016-05-16T00:00:00.000000Z'],
  ['2016', undefined, '2016-01-01T00:00:00.000000Z'],
  ['0', undefined, '1970-01-01T00:00:00.000000Z'],
  ['1463402830412', 'Asia/Shanghai', '2016-05-16T12:47:10.412000Z'],
  ['253402300799999', undefined, '9999-12-31T23:59:59.999000Z'],
  ['now', undefined, '2024-03-31T12:34:56.789000Z'],
  [' now ', undefined, '2024-03-31T12:34:56.789000Z'],
  ['now-30s', undefined, '2024-03-31T12:34:26.789000Z'],
  ['now-15m', undefined, '2024-03-31T12:19:56.789000Z'],
  ['now+1h', undefined, '2024-03-31T13:34:56.789000Z'],
  ['now-1d', undefined, '2024-03-30T12:34:56.789000Z'],
  ['now-2w', undefined, '2024-03-17T12:34:56.789000Z'],
  ['now-1M', undefined, '2024-02-29T12:34:56.789000Z'],
  ['now-1y', undefined, '2023-03-31T12:34:56.789000Z'],
  ['now/d', undefined, '2024-03-31T00:00:00.000000Z'],
  ['now/w', undefined, '2024-03-25T00:00:00.000000Z'],
  ['now/d', 'Asia/Shanghai', '2024-03-30T16:00:00.000000Z'],
  ['now-1d/d', undefined, '2024-03-30T00:00:00.000000Z'],
  ['now/d-2h', undefined, '2024-03-30T22:00:00.000000Z'],
  // The night before had 23 hours in Berlin: a day is a day of the calendar, an hour is an hour.
  ['now-1d', 'Europe/Berlin', '2024-03-30T13:34:56.789000Z'],
  ['now-24h', 'Europe/Berlin', '2024-03-30T12:34:56.789000Z'],
]

const refused: [text: string, tz: string | undefined, message: RegExp][] = [
  ['yesterday', undefined, /from: "yesterday" cannot be understood/],
  ['12:47', undefined, /cannot be understood/],
  ['2016-13-01', undefined, /no time that exists/],
  ['2016-02-30T00:00:00Z', undefined, /no time that exists/],
  ['now-15', undefined, /at "-15"/],
  ['now-15x', undefined, /at "-15x"/],
  ['now-1d/', undefined, /at "\/"/],
  ['now -1d', undefined, /at " -1d"/],
  ['nowhere', undefined, /cannot be understood/],
  ['now-1234567d', undefined, /at "-1234567d"/],
  ['now-999999y', undefined, /outside the years/],
  ['now+999999y', undefined, /outside the years/],
  ['1969-12-31', undefined, /outside the years/],
  ['1463402830412000', undefined, /outside the years/],
  ['9'.repeat(60), undefined, /outside the years/],
  ['-1', undefined, /cannot be understood/],
  ['9'.repeat(65), undefined, /more than 64 characters/],
  ['now', 'Mars/Olympus', /no time zone "Mars\/Olympus"/],
  ['now', '+25:00', /no time zone/],
]

function errorOf(call: () => unknown): ShiplogError {
  try {
    call()
  } catch (thrown) {
    if (thrown instanceof ShiplogError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

describe('time range', () => {
  it.each(understood)('%s in %s is %s', (text, tz, time) => {
    expect(formatTime(parseTimeText('from', text, now, tz))).toBe(time)
  })

  it.each(refused)('%s in %s is refused', (text, tz, message) => {
    const error = errorOf(() => parseTimeText('from', text, now, tz))
    expect(error.code).toBe('QUERY_INVALID')
    expect(error.message).toMatch(message)
    expect(error.hint).toBeTruthy()
  })

  it('is the last day, open to the future, when nothing is given', () => {
    const day = { from: (now - 86_400_000) * 1000, to: Number.POSITIVE_INFINITY }
    expect(parseTimeRange({}, now)).toEqual(day)
    expect(parseTimeRange({ from: '', to: ' ', tz: '' }, now)).toEqual(day)
  })

  it('takes both ends in the given zone', () => {
    expect(parseTimeRange({ from: 'now-1d/d', to: 'now/d', tz: '+08:00' }, now)).toEqual({
      from: Date.parse('2024-03-29T16:00:00Z') * 1000,
      to: Date.parse('2024-03-30T16:00:00Z') * 1000,
    })
  })

  it('refuses a range that ends before it begins, and says which end is the default', () => {
    expect(errorOf(() => parseTimeRange({ from: 'now', to: 'now' }, now)).message).toBe(
      'from (now) is not before to (now).',
    )
    expect(errorOf(() => parseTimeRange({ to: '2016' }, now)).message).toMatch(/now-1d, since none is given/)
    expect(errorOf(() => parseTimeRange({ to: 'soon' }, now)).message).toMatch(/^to: /)
  })

  it('never throws anything but QUERY_INVALID', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('now', '-', '+', '/', '1', '99', 'd', 'M', 'T', ':', '2016', '-05', 'Z', '.'))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, text, (from, tz) => {
        for (const zone of [undefined, tz]) {
          try {
            const time = parseTimeText('from', from, now, zone)
            expect(Number.isSafeInteger(time) || time > Number.MAX_SAFE_INTEGER).toBe(true)
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'QUERY_INVALID' })
          }
        }
      }),
    )
  })
})
