import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTimeText } from '../../pipeline/time-range.ts'
import { selectionParams } from '../../ui/state/api-params.ts'
import {
  edgeText,
  isReversed,
  parseTyped,
  presetOf,
  presetRange,
  rangeText,
  settledEdge,
} from '../../ui/state/time-range.ts'
import { agoText, columnTime, dateShape, fullTime, spanText, tickText } from '../../ui/state/time-text.ts'
import { emptyView } from '../../ui/state/url-state.ts'
import { instantOf, localIso, zoneLabel, zoneOffset } from '../../ui/state/zone.ts'

const shanghai = 'Asia/Shanghai'
const berlin = 'Europe/Berlin'
const now = Date.parse('2016-05-16T12:47:10.412Z')

describe('zones', () => {
  it('know how far they are ahead, also before the epoch and across a clock change', () => {
    expect(zoneOffset(shanghai, now)).toBe(8 * 3_600_000)
    expect(zoneOffset('UTC', -1)).toBe(0)
    expect(zoneOffset(berlin, Date.parse('2016-03-27T00:59:59Z'))).toBe(3_600_000)
    expect(zoneOffset(berlin, Date.parse('2016-03-27T01:00:00Z'))).toBe(7_200_000)
    expect(zoneLabel('Asia/Kolkata', now)).toBe('UTC+5:30')
    expect(zoneLabel('America/St_Johns', now)).toBe('UTC−2:30')
  })

  it('give local time back as the instant it was', () => {
    for (const zone of [shanghai, berlin, 'America/St_Johns', 'UTC']) {
      expect(instantOf(zone, Date.parse(`${localIso(zone, now)}Z`))).toBe(now)
    }
  })
})

describe('a typed time', () => {
  const from = (text: string) => parseTyped(text, 'from', shanghai, now)
  const to = (text: string) => parseTyped(text, 'to', shanghai, now)

  it('may be relative, local, with a zone, or epoch milliseconds', () => {
    expect(from('now-15m')).toBe('now-15m')
    expect(from('now/d')).toBe('now/d')
    expect(from(' 2016-05-16 20:47 ')).toBe('2016-05-16T12:47:00.000Z')
    expect(from('2016/5/16 20:47:10.4')).toBe('2016-05-16T12:47:10.400Z')
    expect(from('2016年5月16日')).toBe('2016-05-15T16:00:00.000Z')
    expect(from('2016-05-16T12:47:10Z')).toBe('2016-05-16T12:47:10.000Z')
    expect(from(String(now))).toBe('2016-05-16T12:47:10.412Z')
    expect(from('19:30')).toBe('2016-05-16T11:30:00.000Z')
  })

  it('as a bare day is its beginning, or for the end the end of the day', () => {
    expect(from('2016-05-16')).toBe('2016-05-15T16:00:00.000Z')
    expect(to('2016-05-16')).toBe('2016-05-16T16:00:00.000Z')
  })

  it('is refused when it is none', () => {
    for (const text of [
      'yesterday',
      '2016-02-30',
      '2016-05-16 25:00',
      'now-',
      '2016-13',
      '12:60',
      '1969',
      '2016-366x',
    ]) {
      expect(from(text), text).toBeUndefined()
    }
    expect(from('')).toBeUndefined()
    expect(to('')).toBe('')
  })

  it('is shown again as it was typed', () => {
    expect(edgeText('2016-05-16T12:47:00.000Z', shanghai)).toBe('2016-05-16 20:47:00')
    expect(edgeText('now-3h', shanghai)).toBe('now-3h')
    expect(from(edgeText('2016-05-16T12:47:10.412Z', shanghai))).toBe('2016-05-16T12:47:10.412Z')
  })
})

describe('an edge of the address', () => {
  const forms = [
    ...['2016', '2016-05', '20160516', '2016-05-16', '2016-137', '2016-W20', '2016-W20-1', '2016W201'],
    ...['2016-05-16T20', '2016-05-16T20:47', '2016-05-16 20:47:10', '2016-05-16T24:00', '20160516T204710.1234'],
    ...['2016-05-16T20:47:10.123456', '2016-05-16T20:47:10,1234567+05:30', '2016-05-16T12:47:10.000001Z'],
    ...['2016-05-16T12:47:10-03', '2016-05-16T12:47:10-0330', '1463402830412', '0', '9999-12-30T23:59:59.999Z'],
  ]
  const server = (text: string, zone: string) => parseTimeText('from', text, now, zone)

  it('is for the page what it is for the server, in every form', () => {
    for (const zone of [shanghai, berlin, 'UTC']) {
      for (const text of forms) {
        const settled = settledEdge(text, zone)
        expect(settled, text).toMatch(/Z$/)
        expect(server(settled, 'UTC'), `${text} ${zone}`).toBe(server(text, zone))
        expect(parseTyped(text, 'from', zone, now), text).toBe(settled)
        // What the input shows is the same time when it is typed again.
        expect(parseTyped(edgeText(text, zone), 'from', zone, now), text).toBe(settled)
      }
    }
  })

  it('keeps every microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e15 }), (time) => {
        const text = `${new Date(Math.floor(time / 1000)).toISOString().slice(0, -1)}${String(time % 1000).padStart(3, '0')}`
        expect(server(settledEdge(text, 'UTC'), 'UTC')).toBe(time)
        expect(server(parseTyped(edgeText(`${text}Z`, shanghai), 'to', shanghai, now) ?? '', 'UTC')).toBe(time)
      }),
    )
  })

  it('stays as it is when it is relative, or for the server to refuse', () => {
    for (const text of ['now', 'now/d-2h', 'now-1d/d+3h', '', 'yesterday', '2016-02-30', '99999999999999999']) {
      expect(settledEdge(text, shanghai)).toBe(text)
    }
    expect(parseTyped('now/d-2h', 'from', shanghai, now)).toBe('now/d-2h')
  })

  it('is asked for with its zone, whatever the zone of the page becomes', () => {
    const view = { ...emptyView, from: '2016-05-16', to: '2016-05-17 12:00' }
    expect(selectionParams(view, shanghai)).toEqual([
      ['from', '2016-05-15T16:00:00.000Z'],
      ['to', '2016-05-17T04:00:00.000Z'],
      ['tz', shanghai],
    ])
    expect(edgeText(view.from, shanghai)).toBe('2016-05-16 00:00:00')
  })

  it('is behind another by its time, not by its text', () => {
    expect(isReversed({ from: '2016-05-16T12:47:10.400Z', to: '2016-05-16T12:47:10.400123Z' })).toBe(false)
    expect(isReversed({ from: '2016-05-16T12:47:10.400123Z', to: '2016-05-16T12:47:10.400Z' })).toBe(true)
    expect(isReversed({ from: 'now', to: '2016-05-16' })).toBe(false)
  })
})

describe('a range', () => {
  it('has the name of its preset, or as few characters as say it', () => {
    expect(presetOf(presetRange('6h'))).toBe('6h')
    expect(presetOf({ from: 'now-6h', to: 'now-1h' })).toBeUndefined()
    const range = { from: '2016-05-16T12:00:00.000Z', to: '2016-05-16T13:30:15.000Z' }
    expect(rangeText(range, shanghai, 'now')).toBe('2016-05-16 20:00 – 21:30:15')
    expect(rangeText({ from: 'now-3h', to: '' }, shanghai, 'now')).toBe('now-3h – now')
  })
})

describe('times on the page', () => {
  const time = '2016-05-16T16:00:00.112345Z'

  it('say as much of the date as tells lines apart', () => {
    expect(dateShape(['2016-05-16T12:00:00Z', '2016-05-15T16:00:00Z'], shanghai, now)).toBe('none')
    expect(dateShape(['2016-05-16T12:00:00Z', '2016-05-15T15:59:59Z'], shanghai, now)).toBe('day')
    expect(dateShape(['2015-12-31T15:59:59Z'], shanghai, now)).toBe('year')
    expect(columnTime(time, shanghai, 'none')).toBe('00:00:00.112')
    expect(columnTime(time, shanghai, 'day')).toBe('05-17 00:00:00.112')
    expect(columnTime(time, shanghai, 'year')).toBe('2016-05-17 00:00:00.112')
  })

  it('are given to the microsecond where one is known', () => {
    expect(fullTime(time, shanghai)).toBe('2016-05-17 00:00:00.112345 UTC+8')
    expect(fullTime('2016-05-16T16:00:00.112000Z', 'UTC')).toBe('2016-05-16 16:00:00.112 UTC')
  })

  it('are short under the histogram', () => {
    expect(tickText(Date.parse('2016-05-16T16:00:00Z'), 3_600_000, shanghai)).toBe('05-17')
    expect(tickText(now, 3_600_000, shanghai)).toBe('20:47')
    expect(spanText(now - 10_412 - 1_800_000, now - 10_412, shanghai)).toBe('05-16 20:17 – 20:47')
    expect(spanText(now - 412, now + 588, shanghai)).toBe('05-16 20:47:10 – 20:47:11')
  })

  it('are ages in the language of the page', () => {
    expect(agoText('2016-05-16T12:44:00Z', now, 'en')).toBe('3 minutes ago')
    expect(agoText('2016-05-16T12:44:00Z', now, 'zh-CN')).toBe('3分钟前')
    expect(agoText('2016-05-16T12:50:00Z', now, 'en')).toBe('now')
  })
})
