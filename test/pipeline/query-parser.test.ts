import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import {
  type Expression,
  patternShape,
  printQuery,
  QuerySyntaxError,
  queryDepthMax,
  queryTermsMax,
  queryUnitsMax,
  withoutPlaces,
} from '../../pipeline/query.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { queryText } from './query-arbitraries.ts'

/** A text and its canonical form, which says its tree. */
const understood: [title: string, text: string, canonical: string][] = [
  ['nothing typed', '', '*'],
  ['white space only', ' \t\u3000', '*'],
  ['a star', '*', '*'],
  ['stars', '**', '*'],
  ['a word', 'Timeout', 'timeout'],
  ['words', 'read timeout', 'read timeout'],
  ['AND', 'read AND timeout', 'read timeout'],
  ['lower-case keywords are words', 'read and not or', 'read and not or'],
  ['OR', 'a OR b OR c', 'a OR b OR c'],
  ['AND binds before OR', 'a b OR c AND d', 'a b OR c d'],
  ['NOT binds before AND', 'NOT a b', '-a b'],
  ['a dash is NOT', '-a -b', '-a -b'],
  ['NOT behind AND', 'a AND NOT b', 'a -b'],
  ['NOT twice', 'NOT -a', '--a'],
  ['parentheses', 'a (b OR c)', 'a (b OR c)'],
  ['parentheses that change nothing', '((a) (b c))', 'a b c'],
  ['NOT of parentheses', '-(a OR b) NOT(c d)', '-(a OR b) -(c d)'],
  ['keywords against parentheses', 'a OR(b)AND(c)', 'a OR b c'],
  ['a dash inside text', 'foo-bar', '"foo bar"'],
  ['an address', '10.3.11.18:80', '"10 3 11 18 80"'],
  ['a class', 'com.foo.Bar', '"com foo bar"'],
  ['a phrase', '"Connection reset  by peer"', '"connection reset by peer"'],
  ['a phrase of one word', '"timeout"', 'timeout'],
  ['keywords in quotes are words', '"AND" "OR"', 'and or'],
  ['quotes against text', 'msg="connection reset"', 'msg "connection reset"'],
  ['escapes separate', '"a\\"b\\\\c\\*d"', '"a b c d"'],
  ['a phrase over lines', '"a\nb"', '"a b"'],
  ['Chinese', '连接失败', '"连 接 失 败"'],
  ['a call', 'com.foo.Bar.main(Bar.java:12)', '"com foo bar main bar java 12"'],
  ['a call in parentheses', '(foo(x) OR b)', '"foo x" OR b'],
  ['any other colon', 'Error:timeout http://x', '"error timeout" "http x"'],
  ['fields are lower-case', 'Host:a Level:error', '"host a" "level error"'],
  ['names that only begin like a field', 'hostname:a leveled>b', '"hostname a" "leveled b"'],
  ['= is text', 'level=error', '"level error"'],
  ['a number with a colon', '.5:30', '"5 30"'],
  ['a path with a colon', '.ssh/config:22', '"ssh config 22"'],
  ['comparing a text field is text', 'host>a', '"host a"'],
  ['prefix', 'time*', 'time*'],
  ['suffix', '*Exception', '*exception'],
  ['inside', '*rror*', '*rror*'],
  ['in the middle', 'conn*ed', 'conn*ed'],
  ['several stars', 'a**b*', 'a*b*'],
  ['a phrase that ends in a star', 'com.foo.Ba*', '"com foo ba*"'],
  ['stars in a phrase', '"conn* *set by"', '"conn* *set by"'],
  ['a star behind the quotes', '"connection re"*', '"connection re*"'],
  ['a star that touches no word', '"SELECT * FROM"', '"select from"'],
  ['a star between separators', 'a.*.b', '"a b"'],
  ['a star between words that cannot be one', '连*timeout', '"连* *timeout"'],
  ['an escaped star', '"a\\*"', 'a'],
  ['a field', 'app:Web', 'app:web'],
  ['each field', 'host:a instance:b dir:/c file:d.log app:e', 'host:a instance:b dir:/c file:d.log app:e'],
  ['a value in quotes', 'app:"My App"', 'app:"my app"'],
  ['a value in quotes without need', 'app:"web"', 'app:web'],
  ['an empty value', 'app:""', 'app:""'],
  ['a value with stars', 'file:*.log host:10.* dir:*ng*', 'file:*.log host:10.* dir:*ng*'],
  ['a quoted value with stars', 'app:"*my app*" app:*"a b"*', 'app:*"my app"* app:*"a b"*'],
  ['any value', 'app:* app:**', 'app:* app:*'],
  ['a star as it is', 'app:"\\*"', 'app:"\\*"'],
  ['a Windows path', 'file:C:\\logs\\*', 'file:c:\\logs\\*'],
  ['a value with parentheses', 'dir:/a(b)', 'dir:"/a(b)"'],
  ['a field in parentheses', '(app:a OR app:b)', 'app:a OR app:b'],
  ['fields.name', 'fields.Status:500', '.status:500'],
  ['.name', '.http.status:500', '.http.status:500'],
  ['a name in quotes', 'fields."a b:c":d', '."a b:c":d'],
  ['a name that the short form does not take bare', 'fields.0/x:1', '."0/x":1'],
  ['not a field', '-app:web', '-app:web'],
  ['level', 'level:ERROR', 'level:error'],
  [
    'level ranges',
    'level>=warn level<error level<=info level>debug',
    'level>=warn level<error level<=info level>debug',
  ],
]

const refused: [title: string, text: string, start: number, end: number, message: RegExp, expected: RegExp][] = [
  ['empty parentheses', 'a ()', 2, 4, /nothing between/, /a word/],
  ['a lone dash', 'a - b', 2, 3, /alone/, /a word/],
  ['a dash at the end', 'a -', 2, 3, /alone/, /a word/],
  ['a dash before a parenthesis', '(a -)', 3, 4, /alone/, /a word/],
  ['OR at the end', 'a OR', 4, 4, /missing behind OR/, /a word/],
  ['AND at the end', 'a AND', 5, 5, /missing behind AND/, /a word/],
  ['NOT at the end', 'a NOT', 5, 5, /missing behind NOT/, /a word/],
  ['OR in front', 'OR a', 0, 2, /front of OR/, /a word/],
  ['OR twice', 'a OR OR b', 5, 7, /front of OR/, /a word/],
  ['OR before a parenthesis', '(a OR) b', 5, 6, /front of \)/, /a word/],
  ['an unclosed quote', 'a "b c', 2, 3, /quote is never closed/, /closing "/],
  ['an unclosed value', 'app:"b c', 4, 5, /quote is never closed/, /closing "/],
  ['an unclosed parenthesis', 'a (b', 2, 3, /never closed/, /closing \)/],
  ['an unopened parenthesis', 'a b) c', 3, 4, /never opened/, /no \)/],
  ['no such level', 'level:nosuch', 6, 12, /no level nosuch/, /none, trace, debug/],
  ['a level with a star', 'level:err*', 6, 10, /no level err\*/, /error/],
  ['levels in parentheses', 'level:(error)', 6, 13, /no level/, /error/],
  ['no level', 'level>= x', 0, 7, /value is missing/, /error/],
  ['no value', 'a file: x', 2, 7, /value is missing/, /a value/],
  ['no value of a field', '.x:', 0, 3, /value is missing/, /a value/],
  ['a list of values', 'app:(a OR b)', 4, 6, /one value/, /one value/],
  ['a star inside a value', 'app:a*b', 5, 6, /star/, /without a star/],
  ['a range of a field', '.status>=500', 7, 9, /Only level/, /colon/],
  ['no words', 'a => b', 2, 4, /nothing here/, /letter or a digit/],
  ['no words in quotes', '"---"', 0, 5, /nothing here/, /letter or a digit/],
  ['a star in quotes', '"*"', 0, 3, /nothing here/, /letter or a digit/],
  ['exclamation', '!!!', 0, 3, /nothing here/, /letter or a digit/],
]

function errorOf(text: string): QuerySyntaxError {
  try {
    parseQuery(text)
  } catch (thrown) {
    if (thrown instanceof QuerySyntaxError) return thrown
    throw thrown
  }
  throw new Error(`understood: ${text}`)
}

describe('parseQuery', () => {
  it.each(understood)('understands %s', (_title, text, canonical) => {
    const expression = parseQuery(text)
    expect(printQuery(expression)).toBe(canonical)
    expect(withoutPlaces(parseQuery(canonical))).toEqual(withoutPlaces(expression))
  })

  it.each(refused)('refuses %s', (_title, text, start, end, message, expected) => {
    const error = errorOf(text)
    expect(error).toBeInstanceOf(ShiplogError)
    expect(error).toMatchObject({ code: 'QUERY_INVALID', retryable: false, position: { start, end } })
    expect(error.message).toMatch(message)
    expect(error.expected).toMatch(expected)
    expect(error.hint).toBeTruthy()
  })

  it('gives the tree with places', () => {
    expect(parseQuery('time* (level>=warn OR -.Status:5*)')).toEqual({
      kind: 'and',
      start: 0,
      end: 33,
      parts: [
        { kind: 'words', words: [['time', '']], start: 0, end: 5 },
        {
          kind: 'or',
          start: 7,
          end: 33,
          parts: [
            { kind: 'level', comparison: '>=', level: 'warn', start: 7, end: 18 },
            {
              kind: 'not',
              start: 22,
              end: 33,
              part: { kind: 'field', name: 'status', match: 'prefix', value: '5', start: 23, end: 33 },
            },
          ],
        },
      ],
    })
  })

  it('tells how costly a pattern is', () => {
    const patterns = [['a'], ['a', ''], ['', 'a'], ['a', 'b'], ['', 'a', ''], ['a', 'b', '']]
    expect(patterns.map(patternShape)).toEqual(['exact', 'prefix', 'wildcard', 'wildcard', 'wildcard', 'wildcard'])
  })

  it('holds its bounds, and says which one was reached', () => {
    expect(parseQuery('a'.repeat(queryUnitsMax)).kind).toBe('words')
    expect(errorOf('a'.repeat(queryUnitsMax + 1)).message).toMatch(/queryUnitsMax/)
    const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`
    expect(printQuery(parseQuery(nested(queryDepthMax)))).toBe('a')
    expect(errorOf(nested(queryDepthMax + 1)).message).toMatch(/queryDepthMax/)
    expect(errorOf('-'.repeat(4000)).message).toMatch(/queryDepthMax/)
    expect(parseQuery('a '.repeat(queryTermsMax)).kind).toBe('and')
    expect(errorOf('a '.repeat(queryTermsMax + 1)).message).toMatch(/queryTermsMax/)
    expect(errorOf(`${'a.'.repeat(queryTermsMax)}a`).message).toMatch(/queryTermsMax/)
  })

  it('never throws anything but QuerySyntaxError, whose place is inside the text', () => {
    fc.assert(
      fc.property(queryText, (text) => {
        try {
          parseQuery(text)
        } catch (thrown) {
          if (!(thrown instanceof QuerySyntaxError)) throw thrown
          const { start, end } = thrown.position
          expect(start).toBeGreaterThanOrEqual(0)
          expect(start).toBeLessThanOrEqual(end)
          expect(end).toBeLessThanOrEqual(text.length)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('prints what it parses back to the same tree, and the same text again', () => {
    fc.assert(
      fc.property(queryText, (text) => {
        let expression: Expression
        try {
          expression = parseQuery(text)
        } catch {
          return
        }
        const printed = printQuery(expression)
        if (printed.length > queryUnitsMax) return
        expect(withoutPlaces(parseQuery(printed)), printed).toEqual(withoutPlaces(expression))
        expect(printQuery(parseQuery(printed))).toBe(printed)
      }),
      { numRuns: 3000 },
    )
  })
})
