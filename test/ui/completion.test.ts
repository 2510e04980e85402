import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { complete, fieldNames, historyMax, readHistory, wantedAt, withSearch } from '../../ui/state/completion.ts'

/** `|` is the caret. */
function at(marked: string) {
  const caret = marked.indexOf('|')
  return wantedAt(marked.replace('|', ''), caret)
}

describe('what is completed', () => {
  it.each([
    ['le|', 'field', 'le', undefined],
    ['timeout -le|', 'field', 'le', undefined],
    ['(a OR ho|)', 'field', 'ho', undefined],
    ['.sta|', 'field', '.sta', undefined],
    ['level:|', 'value', '', 'level'],
    ['level>=wa|', 'value', 'wa', 'level'],
    ['timeout -host:10.3|', 'value', '10.3', 'host'],
    ['.http.status:5| retry', 'value', '5', 'fields.http.status'],
    ['app:"my sh|', 'value', 'my sh', 'app'],
  ])('%s', (marked, kind, typed, field) => {
    expect(at(marked)).toMatchObject({ kind, typed, ...(field && { field }) })
  })

  it.each(['|', 'timeout |', 'time|out', '"le|', '"connection le|', '.status>5|', 'a:b|', 'http://x|'])(
    'is nothing at %s',
    (marked) => expect(at(marked)).toBeUndefined(),
  )
})

describe('completing', () => {
  const take = (marked: string, chosen: string) => {
    const caret = marked.indexOf('|')
    const query = marked.replace('|', '')
    const wanted = wantedAt(query, caret)
    if (wanted === undefined) throw new Error(`nothing is wanted at ${marked}`)
    const done = complete(query, wanted, chosen)
    return `${done.text.slice(0, done.caret)}|${done.text.slice(done.caret)}`
  }

  it('puts the whole name or value in the place of what was typed', () => {
    expect(take('timeout -le|', 'level:')).toBe('timeout -level:|')
    expect(take('-level:de| timeout', 'debug')).toBe('-level:debug |timeout')
    expect(take('(level:w|)', 'warn')).toBe('(level:warn |)')
    expect(take('app:my|', 'my shop (old)')).toBe('app:"my shop (old)" |')
    expect(take('app:"my sh|', 'my shop')).toBe('app:"my shop" |')
  })

  it('gives a query that can be read, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (value) => {
        const { text } = complete('a app:', { kind: 'value', start: 6, end: 6, typed: '', field: 'app' }, value)
        expect(parseQuery(text)).toMatchObject({ kind: 'and' })
      }),
    )
  })

  it('offers known fields by their beginning, fields of lines by a part of their name behind a dot', () => {
    expect(fieldNames('h', ['http.status', 'reqId'])).toEqual(['host:', '.http.status:'])
    expect(fieldNames('.stat', ['http.status', 'user name'])).toEqual(['.http.status:'])
    expect(fieldNames('.user', ['user name'])).toEqual(['."user name":'])
  })
})

describe('the history', () => {
  it('has each search once, the newest first, and an end', () => {
    expect(withSearch(['b', 'a'], ' a ')).toEqual(['a', 'b'])
    expect(withSearch(['a'], '  ')).toEqual(['a'])
    const many = Array.from({ length: 80 }, (_, n) => `q${n}`).reduce<string[]>(withSearch, [])
    expect(many).toHaveLength(historyMax)
    expect(many[0]).toBe('q79')
  })

  it('takes what is not a history for an empty one', () => {
    for (const kept of [null, '', '{', '{"a":1}', '"x"']) expect(readHistory(kept)).toEqual([])
    expect(readHistory('["a",1,"b"]')).toEqual(['a', 'b'])
  })
})
