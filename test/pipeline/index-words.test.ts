import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wordClass, wordClassOf } from '../../pipeline/word-classes.ts'
import { asciiWordsNeedNoHelp, indexPrefix, indexText, indexWord, wordOfIndex, wordsOf } from '../../pipeline/words.ts'

const sample = [
  'timeout',
  '12µs',
  '连接失败',
  'ς',
  'σ',
  'ſ',
  's',
  '👍🏽',
  'カナ',
  '一',
  'e4b880',
  'ข้อ',
  '𠀀',
  'ñ',
  '葛\u{e0100}',
]

describe('words in SQLite FTS5', () => {
  let database: DatabaseSync
  beforeAll(() => {
    database = new DatabaseSync(':memory:')
    database.exec(
      `CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'unicode61 remove_diacritics 0');
       CREATE VIRTUAL TABLE terms USING fts5vocab(texts, instance);`,
    )
  })
  afterAll(() => database.close())

  /** The tokens that unicode61 makes of each text, in order. */
  function tokensOf(texts: (string | Uint8Array)[]): string[][] {
    database.exec('BEGIN')
    const insert = database.prepare('INSERT INTO texts(rowid, text) VALUES (?, ?)')
    for (const [row, text] of texts.entries()) insert.run(row + 1, text)
    const tokens: string[][] = texts.map(() => [])
    for (const { doc, term } of database.prepare('SELECT doc, term FROM terms ORDER BY doc, offset').all()) {
      tokens[Number(doc) - 1]?.push(String(term))
    }
    database.exec('ROLLBACK')
    return tokens
  }

  it('splits ASCII as words.ts does, for each of the 128 characters in each place, NUL included', () => {
    const texts: string[] = []
    for (let code = 0; code < 128; code++) {
      // Behind an escape words.ts passes over a control sequence: such a text is split here, not by SQLite.
      if (code === 0x1b) continue
      const character = String.fromCharCode(code)
      texts.push(character, `A${character}`, `${character}Z`, `a${character}9`, `a${character}${character}b c`)
    }
    for (const text of texts) expect(asciiWordsNeedNoHelp(new TextEncoder().encode(text), 0, text.length)).toBe(true)
    expect(tokensOf(texts)).toEqual(texts.map(wordsOf))
    // As bytes too: that is how the store binds them.
    expect(tokensOf(texts.map((text) => new TextEncoder().encode(text)))).toEqual(texts.map(wordsOf))
  })

  it('needs help for long runs and for anything that is not ASCII', () => {
    const needsNone = (text: string) => {
      const bytes = new TextEncoder().encode(`é${text}é`)
      return asciiWordsNeedNoHelp(bytes, 2, bytes.length - 2)
    }
    expect(needsNone('')).toBe(true)
    expect(needsNone('a'.repeat(255))).toBe(true)
    expect(needsNone(`${'a'.repeat(255)} ${'1'.repeat(255)}`)).toBe(true)
    expect(needsNone('a'.repeat(256))).toBe(false)
    expect(needsNone('café')).toBe(false)
    expect(needsNone('\x1b[31merror')).toBe(false)
  })

  it('SQL functions end at a NUL although the index does not', () => {
    expect(tokensOf(['foo\0bar'])).toEqual([['foo', 'bar']])
    expect(database.prepare('SELECT length(?) AS length').get('foo\0bar')).toMatchObject({ length: 3 })
    expect(database.prepare('SELECT length(CAST(? AS BLOB)) AS length').get('foo\0bar')).toMatchObject({ length: 7 })
  })

  it('leaves each plain character as it is, in front of, inside and behind a word', () => {
    const texts: string[] = []
    for (let code = 0; code < 0x10000; code++) {
      if ((wordClassOf(code) & wordClass.plainToken) === 0) continue
      const character = String.fromCodePoint(code)
      if (wordsOf(character)[0] === character) texts.push(`${character}a${character}b${character}`)
    }
    expect(texts.length).toBeGreaterThan(39_000)
    expect(tokensOf(texts)).toEqual(texts.map((text) => [text]))
  })

  it('encodes what SQLite would change, and decodes it', () => {
    expect(indexText('Connection 失败 12µs')).toBe('connection 失 败 一3132c2b573')
    expect(indexWord('👍')).toBe('一f09f918d')
    expect(indexWord('一')).toBe('一')
    for (const word of sample.flatMap(wordsOf)) expect(wordOfIndex(indexWord(word))).toBe(word)
  })

  it('gives FTS5 exactly the words of any text', () => {
    const pieces = fc.constantFrom(...sample, ' ', '.', '_', '\0', '\u0301', '\u200d', '²', 'İ', 'ΛΣ', 'x'.repeat(260))
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: pieces }), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
        expect(tokensOf(texts.map(indexText)).map((tokens) => tokens.map(wordOfIndex))).toEqual(texts.map(wordsOf))
      }),
    )
  })

  it('finds by prefix just the words that begin so', () => {
    const words = [...new Set([...sample, '12', '123', '1', '一\u0301', '接\u3099', 'カナリア', 'σς'].flatMap(wordsOf))]
    const prefixes = new Set(
      words.flatMap((word) => [word, [...word].slice(0, 1).join(''), [...word].slice(0, 2).join('')]),
    )
    database.exec('BEGIN')
    const insert = database.prepare('INSERT INTO texts(rowid, text) VALUES (?, ?)')
    for (const [row, word] of words.entries()) insert.run(row + 1, indexWord(word))
    const find = database.prepare('SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid')
    for (const prefix of prefixes) {
      if (wordsOf(prefix).length !== 1) continue
      const query = indexPrefix(prefix).map(({ token, prefix }) => `"${token}"${prefix ? '*' : ''}`)
      const found = find.all(query.join(' OR ')).map(({ rowid }) => words[Number(rowid) - 1])
      expect(found, prefix).toEqual(words.filter((word) => word.startsWith(prefix)))
    }
    database.exec('ROLLBACK')
  })
})
