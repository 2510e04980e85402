import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokenizeQuery } from '../../pipeline/query-colours.ts'
import { highlightRanges, levelsOf, type Matchable, matches, matchesWord } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { queryText } from './query-arbitraries.ts'

const record: Matchable = {
  message: 'java.lang.NullPointerException: 数据库连接失败 at com.foo.Bar.main(Bar.java:12) user_id=7 Reset by peer 👍',
  level: 'error',
  app: 'Web Shop',
  instance: 'web-5f9c',
  host: '10.3.11.18',
  dir: '/nginx',
  file: 'error.log',
  fields: [
    ['http.Status', '500'],
    ['tag', 'a'],
    ['tag', 'B*c'],
    ['empty', ''],
  ],
}

const table: [query: string, found: boolean][] = [
  ['', true],
  ['*', true],
  ['nullpointerexception', true],
  ['NULLPOINTEREXCEPTION', true],
  ['null', false],
  ['null*', true],
  ['*exception', true],
  ['*point*', true],
  ['n*pointer*n', true],
  ['nullp*pointerexception', false],
  ['java.lang', true],
  ['lang.java', false],
  ['"lang NullPointerException 数"', true],
  ['连接失败', true],
  ['连失', false],
  ['库连*', true],
  ['com.foo.Ba*', true],
  ['com.foo.Bar.main(Bar.java:12)', true],
  ['"reset by peer"', true],
  ['"reset peer"', false],
  ['user', true],
  ['user_id=7', true],
  ['👍', true],
  ['7 reset', true],
  ['7 nosuch', false],
  ['nosuch OR reset', true],
  ['NOT nosuch', true],
  ['-reset OR nosuch', false],
  ['-(nosuch reset) reset', true],
  ['error', false],
  ['level:error', true],
  ['level>=warn', true],
  ['level>error', false],
  ['level<=error -level<error', true],
  ['app:"web shop"', true],
  ['app:web', false],
  ['app:web*', true],
  ['app:*SHOP', true],
  ['app:"*b sh*"', true],
  ['host:10.3.*', true],
  ['dir:/nginx file:*.log instance:web-5f9c', true],
  ['dir:nginx', false],
  ['.http.status:500', true],
  ['fields.HTTP.STATUS:5*', true],
  ['.status:500', false],
  ['.tag:a .tag:"b\\*c"', true],
  ['.tag:*', true],
  ['.empty:*', true],
  ['.empty:""', true],
  ['.nosuch:*', false],
  ['-.nosuch:*', true],
]

describe('matches', () => {
  it.each(table)('%s is %s', (query, found) => {
    expect(matches(parseQuery(query), record)).toBe(found)
    if (query !== '') expect(matches(parseQuery(`-(${query})`), record)).toBe(!found)
  })

  it('needs a character for each piece of a pattern only once', () => {
    expect(matchesWord(['ab', 'ba'], 'aba')).toBe(false)
    expect(matchesWord(['ab', 'ba'], 'abba')).toBe(true)
    expect(matchesWord(['a', 'b', 'b'], 'ab')).toBe(false)
    expect(matchesWord(['', 'b', 'b', ''], 'abb')).toBe(true)
    expect(matchesWord(['', 'b', 'b'], 'abcb')).toBe(true)
    expect(matchesWord(['a', ''], 'a')).toBe(true)
  })

  it('matches a pattern as the regular expression of the same meaning does', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 })
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 4 }),
        fc.string({ unit: fc.constantFrom('a', 'b') }),
        (pattern, word) => {
          expect(matchesWord(pattern, word)).toBe(new RegExp(`^${pattern.join('.*')}$`).test(word))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('orders levels from none to fatal', () => {
    expect(levelsOf('=', 'warn')).toEqual(['warn'])
    expect(levelsOf('>=', 'warn')).toEqual(['warn', 'error', 'fatal'])
    expect(levelsOf('>', 'fatal')).toEqual([])
    expect(levelsOf('<', 'debug')).toEqual(['none', 'trace'])
    expect(levelsOf('<=', 'none')).toEqual(['none'])
  })
})

describe('highlightRanges', () => {
  const marked = (query: string, message: string) =>
    highlightRanges(parseQuery(query), message).map(([start, end]) => message.slice(start, end))

  it.each<[query: string, message: string, marked: string[]]>([
    ['', 'a b', []],
    ['a', 'a b A', ['a', 'A']],
    ['-a b', 'a b', ['b']],
    ['-(-a b)', 'a b', ['a']],
    ['"b c" OR a', 'x a b, c b', ['a', 'b, c']],
    ['"a b" "b c"', 'a b c', ['a b c']],
    ['rese*', 'Reset by peer', ['Reset']],
    ['连接', '数据库连接失败', ['连接']],
    ['app:a level:error', 'a error', []],
    ['café', 'x 👍 Café', ['Café']],
  ])('%s in %s', (query, message, expected) => {
    expect(marked(query, message)).toEqual(expected)
  })
})

describe('tokenizeQuery', () => {
  const kinds = (text: string) => tokenizeQuery(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`)

  it('names the pieces', () => {
    expect(kinds('time* OR -(level>=warn .x:"a b") "reset by" foo')).toEqual([
      'wildcard time*',
      'keyword OR',
      'keyword -',
      'parenthesis (',
      'field level',
      'operator >=',
      'value warn',
      'field .x',
      'operator :',
      'value "a b"',
      'parenthesis )',
      'phrase "reset by"',
      'word foo',
    ])
    expect(kinds('a "b c')).toEqual(['word a', 'error "b c'])
    expect(kinds('app:"b c')).toEqual(['field app', 'operator :', 'error "b c'])
  })

  it('covers any text but its white space, in order, and never throws', () => {
    fc.assert(
      fc.property(queryText, (text) => {
        let behind = 0
        for (const { start, end } of tokenizeQuery(text)) {
          expect(text.slice(behind, start).trim()).toBe('')
          expect(end).toBeGreaterThan(start)
          behind = end
        }
        expect(text.slice(behind).trim()).toBe('')
      }),
      { numRuns: 1000 },
    )
  })
})
