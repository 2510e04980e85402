import { describe, expect, it } from 'vitest'
import { apiUrl, exportUrl, isOneFile, selectionParams } from '../../ui/state/api-params.ts'
import { barsOf, rangeOfBars, ticksOf } from '../../ui/state/histogram-model.ts'
import { countText, shortCount } from '../../ui/state/number-text.ts'
import { markQuery, queryReason } from '../../ui/state/query-problem.ts'
import { andField } from '../../ui/state/query-text.ts'
import { emptyView } from '../../ui/state/url-state.ts'

const view = { ...emptyView, cluster: 'prod', app: ['2048'], q: 'a b&c', level: ['error' as const] }

describe('what is asked of the API', () => {
  it('names each value once and leaves out what a picker does not choose by', () => {
    expect(apiUrl('search', selectionParams(view, 'UTC'))).toBe(
      'api/v1/search?cluster=prod&app=2048&level=error&q=a+b%26c&from=now-1d&tz=UTC',
    )
    expect(selectionParams(view, 'UTC', ['level', 'q', 'app'])).toEqual([
      ['cluster', 'prod'],
      ['from', 'now-1d'],
      ['tz', 'UTC'],
    ])
  })

  it('is the whole file for a raw export', () => {
    const file = { ...view, instance: ['i'], dir: ['/'], file: ['f.log'] }
    expect(isOneFile(view)).toBe(false)
    expect(isOneFile(file)).toBe(true)
    expect(exportUrl(file, 'UTC', 'raw')).not.toMatch(/[?&](q|level)=/)
    expect(exportUrl(file, 'UTC', 'txt')).toContain('order=asc&format=txt')
  })
})

describe('the histogram', () => {
  const time = (minute: number) => new Date(Date.UTC(2016, 4, 16, 12, minute)).toISOString()
  const bars = barsOf({
    bucketMs: 60_000,
    total: 15,
    buckets: [
      { time: time(0), count: 10, levels: { info: 5, warn: 2, error: 2, fatal: 1 } },
      { time: time(1), count: 5, levels: { debug: 5 } },
      { time: time(2), count: 0, levels: {} },
    ],
  })

  it('stacks errors, warnings and the rest as shares of the highest bar', () => {
    expect(bars[0]).toMatchObject({ errors: 3, errorShare: 0.3, warnShare: 0.2, restShare: 0.5 })
    expect(bars[1]).toMatchObject({ errors: 0, restShare: 0.5 })
    expect(barsOf({ bucketMs: 1, total: 0, buckets: [{ time: time(0), count: 0, levels: {} }] })[0]?.restShare).toBe(0)
  })

  it('narrows to the bars between two, whichever was first', () => {
    expect(rangeOfBars(bars, 2, 1)).toEqual({ from: time(1), to: time(3) })
    expect(rangeOfBars(bars, 5, 6)).toBeUndefined()
  })

  it('has ticks at round times of the zone', () => {
    const day = Array.from({ length: 48 }, (_, n) => ({
      time: new Date(n * 1_800_000 + 60_000).toISOString(),
      count: 0,
      levels: {},
    }))
    const { stepMs, ticks } = ticksOf(barsOf({ bucketMs: 1_800_000, total: 0, buckets: day }), 'Asia/Kolkata', 9)
    expect(stepMs).toBe(3 * 3_600_000)
    expect(ticks.every(({ atMs }) => (atMs + 5.5 * 3_600_000) % stepMs === 0)).toBe(true)
    expect(ticksOf([], 'UTC', 9).ticks).toEqual([])
  })
})

describe('a query that is wrong', () => {
  it('has a reason in the words of the page', () => {
    const reasons = [
      'a OR',
      '"open',
      '(a',
      'a)',
      '-',
      'level:nosuch',
      'host:',
      ';;;',
      '.a<3',
      '.a:x*y',
      'x'.repeat(5_000),
    ]
    expect(reasons.map(queryReason)).toEqual([
      'term',
      'closingQuote',
      'closingParenthesis',
      'noParenthesis',
      'term',
      'levelName',
      'value',
      'searchable',
      'colon',
      'noStarInside',
      'shorter',
    ])
    expect(queryReason('a OR b')).toBeUndefined()
  })

  it('shows its place, also behind the end', () => {
    expect(markQuery('a OR b', { start: 2, end: 4 })).toEqual({ before: 'a ', marked: 'OR', after: ' b' })
    expect(markQuery('a OR', { start: 4, end: 4 })).toEqual({ before: 'a OR', marked: '\u00a0', after: '' })
    expect(markQuery('a', { start: 7, end: 9 }).before).toBe('a')
  })
})

describe('a query made by a click', () => {
  it('adds a field to what is there', () => {
    expect(andField('', 'status', '500')).toBe('.status:500')
    expect(andField('timeout', 'msg', 'request "completed"')).toBe('timeout .msg:"request \\"completed\\""')
    expect(andField('a OR b', 'status', '500')).toBe('(a OR b) .status:500')
    expect(andField('a OR', 'status', '500')).toBe('.status:500')
  })
})

describe('counts', () => {
  it('are short on cards and whole in the summary', () => {
    expect([0, 999, 1_000, 1_290, 12_408, 860_000, 1_200_000, 9_990_000].map(shortCount)).toEqual([
      '0',
      '999',
      '1 k',
      '1.2 k',
      '12 k',
      '860 k',
      '1.2 M',
      '9.9 M',
    ])
    expect(countText(12_408)).toBe('12,408')
  })
})
