import { describe, expect, it } from 'vitest'
import { changeName, valueText, viewChange } from '../../ui/state/explain-model.ts'
import { shareText } from '../../ui/state/number-text.ts'
import { onlyPattern, patternParts, withoutPattern } from '../../ui/state/pattern-model.ts'
import { emptyView } from '../../ui/state/url-state.ts'

describe('a pattern', () => {
  it('is text and what varies in it', () => {
    expect(patternParts('took <num> ms, <*>登录 <tag>')).toEqual([
      { text: 'took ', mask: undefined },
      { text: '<num>', mask: 'num' },
      { text: ' ms, ', mask: undefined },
      { text: '<*>', mask: 'any' },
      { text: '登录 <tag>', mask: undefined },
    ])
    expect(patternParts('<ip>')).toEqual([{ text: '<ip>', mask: 'ip' }])
    expect(patternParts('')).toEqual([])
  })

  it('is searched for within what is searched, or left out at its level alone', () => {
    const found = { level: 'error', query: '"no live upstreams" "client"' } as const
    expect(onlyPattern({ ...emptyView, q: 'a OR b' }, found)).toEqual({
      q: '(a OR b) "no live upstreams" "client"',
      level: ['error'],
      tab: 'lines',
    })
    expect(withoutPattern({ ...emptyView, q: 'timeout' }, found)).toEqual({
      q: 'timeout -("no live upstreams" "client" level:error)',
    })
  })
})

describe('a share', () => {
  it('is never nothing or everything when it is not', () => {
    expect([0, 0.000_01, 0.0012, 0.123_45, 0.999_99, 1].map(shareText)).toEqual([
      '0 %',
      '< 0.1 %',
      '0.1 %',
      '12.3 %',
      '99.9 %',
      '100 %',
    ])
  })
})

describe('what mends an empty search', () => {
  it('is a change of what the page shows', () => {
    expect(
      viewChange({ set: { app: ['shop'], from: '2016-05-16T00:00:00Z' }, remove: ['to', 'level', 'series'] }),
    ).toEqual({
      app: ['shop'],
      from: '2016-05-16T00:00:00Z',
      to: '',
      level: [],
    })
    expect(viewChange({ set: { q: 'a' }, remove: ['from'] })).toEqual({ q: 'a', from: 'now-1d' })
    expect(viewChange({ set: { unknown: 'x' }, remove: [] })).toEqual({})
  })

  it('has a name for its button', () => {
    const name = (set: Record<string, string | string[]>, remove: string[] = []) => changeName({ set, remove }).name
    expect(name({ q: 'a*' })).toBe('query')
    expect(name({}, ['q'])).toBe('noQuery')
    expect(name({ app: ['shop'] })).toBe('value')
    expect(name({}, ['level'])).toBe('noLevel')
    expect(name({}, ['dir'])).toBe('noFilter')
    expect(name({ from: '2016-05-16T00:00:00Z' }, ['to'])).toBe('range')
    expect(name({}, ['to'])).toBe('upToNow')
    expect(name({}, ['from', 'to'])).toBe('lastDay')
  })

  it('is told with values as they are read', () => {
    const text = (name: string, value: string | number | null | string[]) =>
      valueText(name, value, 'Asia/Shanghai', (field) => `the ${field}`)
    expect(text('before', '2016-05-16T12:47:10.000000Z')).toBe('2016-05-16 20:47:10')
    expect(text('bytes', 18_200)).toBe('18.2 KB')
    expect(text('files', 12_408)).toBe('12,408')
    expect(text('fields', ['app', 'dir'])).toBe('the app, the dir')
    expect(text('nearest', null)).toBe('–')
    expect(text('term', '"a b"')).toBe('\u0001"a b"\u0001')
  })
})
