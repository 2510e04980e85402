/** The pure parts behind the page: colours of a terminal, columns, JSON, queries by a click, files, exports. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matches } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import type { ApiRecord, FileRow } from '../../ui/api.ts'
import { styledRanges, visibleText } from '../../ui/state/ansi.ts'
import { cellText, columnChars, columnsOf, fieldsOf } from '../../ui/state/column-model.ts'
import { estimateBytes } from '../../ui/state/export-model.ts'
import { filterFiles, reasonOf, sortFiles, statesOf } from '../../ui/state/file-model.ts'
import { entriesOf, parseJson } from '../../ui/state/json-model.ts'
import { segments } from '../../ui/state/line-model.ts'
import { comparePlaces, seek } from '../../ui/state/line-order.ts'
import { bytesText } from '../../ui/state/number-text.ts'
import { findEntries } from '../../ui/state/palette-model.ts'
import { andField, andSource, andWords } from '../../ui/state/query-text.ts'
import { sinceText } from '../../ui/state/time-text.ts'

const esc = '\u001b'
const record = {
  ...{ v: 1, id: 'g-0', time: '2026-11-24T00:00:00.000000Z', timeFrom: 'line', readAt: '2026-11-24T00:00:00.000000Z' },
  ...{ cluster: 'c', app: 'shop', instance: 'shop-0', host: '10.0.0.1', dir: '/', file: 'a.log', generation: 'g' },
  ...{ offset: 0, bytes: 10, level: 'info', message: 'm' },
} as ApiRecord

describe('terminal colours', () => {
  const shown = (message: string) =>
    segments(message, { start: 0, end: message.length }, [], styledRanges(message)).map(({ text, className = '' }) => [
      text,
      className,
    ])

  it.each([
    [
      `a ${esc}[31mred${esc}[0m b`,
      [
        ['a ', ''],
        ['red', 'ansi-red'],
        [' b', ''],
      ],
    ],
    [
      `${esc}[1;92mok${esc}[22m no`,
      [
        ['ok', 'ansi-bold ansi-green'],
        [' no', 'ansi-green'],
      ],
    ],
    [
      `${esc}[41mx${esc}[49my`,
      [
        ['x', 'ansi-on-red'],
        ['y', ''],
      ],
    ],
    [
      `${esc}[38;5;196mx${esc}[38;2;0;0;250my${esc}[m.`,
      [
        ['x', 'ansi-red'],
        ['y', 'ansi-blue'],
        ['.', ''],
      ],
    ],
    [
      `${esc}[2Kline${esc}]0;title${'\u0007'} end`,
      [
        ['line', ''],
        [' end', ''],
      ],
    ],
  ])('%j', (message, expected) => expect(shown(message)).toEqual(expected))

  it('never hide or change a letter of the text', () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom(`${esc}[31m`, `${esc}[0m`, `${esc}[1;4m`, `${esc}[999m`, esc))
    fc.assert(
      fc.property(fc.array(piece), fc.nat(20), fc.nat(20), (pieces, a, b) => {
        const message = pieces.join('')
        const [start, end] = [Math.min(a, b, message.length), Math.min(Math.max(a, b), message.length)]
        const parts = segments(message, { start: 0, end: message.length }, [{ start, end }], styledRanges(message))
        expect(parts.map(({ text }) => text).join('')).toBe(visibleText(message))
      }),
    )
  })
})

describe('columns', () => {
  const lines = [
    { ...record, fields: { Status: ['500'], tag: ['a', 'b'] } },
    { ...record, fields: { tag: ['c'] } },
  ]

  it('are what the address names, the plain ones without', () => {
    expect(columnsOf([])).toEqual(['time', 'host'])
    expect(columnsOf(['level', 'nosuch', '.', '.status'])).toEqual(['level', '.status'])
  })

  it('show a field in any case, all its values, and are as wide as these', () => {
    expect(cellText(lines[0] as ApiRecord, '.status')).toBe('500')
    expect(cellText(lines[0] as ApiRecord, '.tag')).toBe('a, b')
    expect(cellText(record, '.tag')).toBe('')
    expect(columnChars(lines, 'host', false)).toBe('10.0.0.1'.length)
    expect(columnChars([{ ...record, host: 'x'.repeat(99) }], 'host', false)).toBe(24)
    expect(fieldsOf(lines)).toEqual(['tag', 'Status'])
  })
})

describe('JSON', () => {
  it('is a whole object or list, and nothing else', () => {
    expect(parseJson('{"a":{"b":[1]}}')).toEqual({ a: { b: [1] } })
    for (const text of ['{"a":1} tail', '{broken}', '"text"', '12', '', '{}x}']) expect(parseJson(text)).toBeUndefined()
  })

  it('names inner values as they are searched: joined by dots, lists without places', () => {
    const [outer] = entriesOf({ a: { b: [1, 2] } }, '')
    const [inner] = entriesOf(outer?.value ?? null, outer?.field ?? '')
    expect(entriesOf(inner?.value ?? null, inner?.field ?? '').map(({ field, name }) => [field, name])).toEqual([
      ['a.b', '0'],
      ['a.b', '1'],
    ])
  })
})

describe('a query made by a click', () => {
  it('joins what was there, whatever it was', () => {
    expect(andField('a OR b', 'status', '500', true)).toBe('(a OR b) -.status:500')
    expect(andSource('timeout', 'file', 'my file.log')).toBe('timeout file:"my file.log"')
    expect(andWords('"unclosed', { text: 'retry', cutStart: false, cutEnd: false })).toBe('retry')
    expect(andWords('', { text: 'OR', cutStart: false, cutEnd: false })).toBe('"OR"')
    expect(andWords('a', { text: 'ime', cutStart: true, cutEnd: true }, true)).toBe('a -*ime*')
    expect(andWords('', { text: ' => ', cutStart: false, cutEnd: false })).toBeUndefined()
  })

  it('finds the line that the text was selected in, and without it does not', () => {
    const words = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((text) => !text.includes('\n'))
    fc.assert(
      fc.property(words, (text) => {
        const line = { ...record, message: `before ${text} behind`, fields: [] }
        const query = andWords('before', { text, cutStart: false, cutEnd: false })
        const without = andWords('before', { text, cutStart: false, cutEnd: false }, true)
        fc.pre(query !== undefined && without !== undefined)
        expect(matches(parseQuery(query), line)).toBe(true)
        expect(matches(parseQuery(without), line)).toBe(false)
      }),
    )
  })
})

describe('files', () => {
  const file = (name: string, change: Partial<FileRow>): FileRow => ({
    ...{ cluster: 'c', app: 'shop', instance: 'shop-0', host: 'h', dir: '/', file: name, generation: name, path: name },
    ...{
      state: 'following',
      size: 100,
      read: 100,
      acknowledged: 100,
      behind: 0,
      lost: 0,
      updatedAt: '2026-11-24T00:00:00Z',
    },
    ...change,
  })
  const files = [
    file('fine', {}),
    file('new', { state: 'compacting' }),
    file('slow', { state: 'behind', acknowledged: 40, behind: 60 }),
    file('gone', { state: 'gone', acknowledged: 10 }),
    file('lossy', { lost: 7, loss: { first: 't', last: 't', cause: 'truncated', atLeast: true } }),
    file('closed', { state: 'unreadable', acknowledged: 0, reason: 'EACCES' }),
  ]

  it('are in the order in which somebody is needed, also in a state that is not known', () => {
    expect(sortFiles(files, 'state', false).map((one) => one.file)).toEqual([
      ...['closed', 'lossy', 'slow', 'new', 'fine', 'gone'],
    ])
    expect(sortFiles(files, 'lost', true).at(-1)?.file).toBe('lossy')
  })

  it('are told by state, with what there is to say, and filtered by it', () => {
    expect(statesOf({ following: 9, 'at-end': 0, skipped: 2, unreadable: 1 }).map(([state]) => state)).toEqual([
      ...['unreadable', 'following', 'skipped'],
    ])
    expect(reasonOf(file('a', {}))).toBeUndefined()
    expect(reasonOf(file('a', { reason: 'EACCES', warning: 'zone looks 8 h off' }))).toBe('EACCES · zone looks 8 h off')
    expect(filterFiles(files, 'SHOP eacces', undefined).map((one) => one.file)).toEqual(['closed'])
    expect(filterFiles(files, '', 'behind').map((one) => one.file)).toEqual(['slow'])
  })
})

describe('small things', () => {
  it('lines have one order, and the next of a kind is found in it', () => {
    const at = (time: string, generation: string, offset: number) => ({ time, generation, offset })
    const places = [at('2', 'a', 9), at('1', 'b', 1), at('1', 'a', 10), at('1', 'a', 9)]
    expect(places.toSorted(comparePlaces)).toEqual(places.toReversed())
    expect(seek([1, 2, 3, 4], 0, 1, (n) => n % 2 === 0)).toBe(1)
    expect(seek([1, 2, 3, 4], 0, -1, (n) => n % 2 === 0)).toBe(-1)
  })

  it('bytes and ages read well', () => {
    expect([0, 999, 999.6, 18_200, 99_960, 1e6, 2.5e12].map(bytesText)).toEqual([
      ...['0 B', '999 B', '1.0 KB', '18.2 KB', '100 KB', '1.0 MB', '2.5 TB'],
    ])
    expect(sinceText('2026-11-24T00:00:00Z', Date.parse('2026-11-24T00:12:59Z'), 'zh-CN')).toBe('12分钟')
    expect(estimateBytes([record], 1_000, 'txt')).toBe(22_000)
    expect(estimateBytes([], 1_000, 'txt')).toBeUndefined()
  })

  it('the palette puts first what begins so, and keeps groups together', () => {
    const entries = [
      { group: 'apps', name: 'my-order' },
      { group: 'apps', name: 'order' },
      { group: 'pages', name: 'Search', also: 'order' },
    ] as const
    expect(findEntries(entries, 'order').map(({ name }) => name)).toEqual(['Search', 'order', 'my-order'])
    expect(findEntries(entries, 'ord my').map(({ name }) => name)).toEqual(['my-order'])
  })
})
