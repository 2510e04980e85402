import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lowerCase, splitWords, standsAlone, wordJoiners, wordsOf, wordUnitsMax } from '../../pipeline/words.ts'

const table: [title: string, text: string, words: string[]][] = [
  ['nothing', '', []],
  ['separators only', ' \t-=!?/()\0', []],
  ['letters and digits', 'GET /api2/v1 200', ['get', 'api2', 'v1', '200']],
  [
    'joiners separate',
    "java.lang.NPE: user_id=1,234;it's",
    ['java', 'lang', 'npe', 'user', 'id', '1', '234', 'it', 's'],
  ],
  ['ANSI colours are no words', '\x1b[31merror\x1b[0m \x1b[1;38;5;196mx\x1b[m', ['error', 'x']],
  ['ANSI between letters separates', 'a\x1b[0mb\x1b[0m连接', ['a', 'b', '连', '接']],
  ['an escape that begins no sequence separates', 'a\x1bb \x1b[31', ['a', 'b', '31']],
  ['a sequence that is not finished', '\x1b[3\x01mx \x1b[3连', ['3', 'mx', '3', '连']],
  ['an address', '10.3.11.18:80', ['10', '3', '11', '18', '80']],
  ['Latin beyond ASCII', 'Café naïve ÅNGSTRÖM', ['café', 'naïve', 'ångström']],
  ['Han, each for itself', '连接失败timeout了', ['连', '接', '失', '败', 'timeout', '了']],
  ['Han beyond the BMP', '𠀀𠀁', ['𠀀', '𠀁']],
  ['Hiragana, each for itself', 'これは', ['こ', 'れ', 'は']],
  ['a run of Katakana, with the long mark', 'カタカナ・サーバー', ['カタカナ', 'サーバー']],
  ['half-width Katakana with its voice mark', 'ｶﾞｽ', ['ｶﾞｽ']],
  ['Katakana does not join Latin', 'カナabc1', ['カナ', 'abc1']],
  ['Hangul runs, and joins Latin as UAX #29 has it', '서버 오류abc', ['서버', '오류abc']],
  ['Cyrillic', 'ОШИБКА сервера', ['ошибка', 'сервера']],
  ['Thai is one word a run', 'ข้อผิดพลาด error', ['ข้อผิดพลาด', 'error']],
  ['Thai does not join Latin', 'กขabc', ['กข', 'abc']],
  ['Thai digits are digits', '๑๒a', ['๑๒a']],
  ['full-width letters and digits', 'ＡＢＣ１２', ['ａｂｃ１２']],
  ['full-width joiners', 'a：b，c．d', ['a', 'b', 'c', 'd']],
  ['combining marks stay on their letter', 'e\u0301te\u0301 x', ['e\u0301te\u0301', 'x']],
  ['a mark on nothing is nothing', ' \u0301 \u0301', []],
  ['soft hyphen and ZWNJ are inside', 'so\u00adft no\u200cn', ['so\u00adft', 'no\u200cn']],
  ['a zero width space separates', 'a\u200bb', ['a', 'b']],
  ['the byte order mark attaches', 'a\ufeffb', ['a\ufeffb']],
  ['a Han character with its variation selector', '葛\u{e0100}x', ['葛\u{e0100}', 'x']],
  ['the iteration mark is a letter, as in UAX #29', '人々の', ['人', '々', 'の']],
  ['superscripts and circled numbers separate', 'm² ① ½', ['m']],
  ['circled letters are letters', 'Ⓐⓑ', ['ⓐⓑ']],
  ['Hebrew with quotes', 'צה"ל', ['צה', 'ל']],
  ['Arabic', 'خطأ في ١٢', ['خطأ', 'في', '١٢']],
  ['Devanagari with vowel signs', 'त्रुटि', ['त्रुटि']],
  ['an emoji', 'ok👍ok', ['ok', '👍', 'ok']],
  ['emoji side by side', '🔥🔥', ['🔥', '🔥']],
  ['skin tone', '👍🏽', ['👍🏽']],
  ['a family is one', '👨‍👩‍👧‍👦!', ['👨‍👩‍👧‍👦']],
  ['presentation selector', '❤️‍🔥x', ['❤️‍🔥', 'x']],
  ['text presentation is left out', '❤︎x', ['❤', 'x']],
  ['keycaps', '#️⃣ *️⃣ 1️⃣', ['#️⃣', '*️⃣', '1️⃣']],
  ['flags in pairs', '🇨🇳🇩🇪🇨', ['🇨🇳', '🇩🇪']],
  ['a tagged flag', '🏴󠁧󠁢󠁥󠁮󠁧󠁿x', ['🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'x']],
  ['accidental emoji', '© ™ ↔ ✔', ['©', '™', '↔', '✔']],
  ['an emoji that is a letter too joins', 'Ⓜetro', ['ⓜetro']],
  ['half a pair separates', 'a\ud83db', ['a', 'b']],
  ['the replacement character separates', 'a\ufffdb', ['a', 'b']],
  ['Tangut is neither letter nor Han', '\u{17000}a', ['a']],
]

describe('words', () => {
  it.each(table)('%s', (_title, text, words) => {
    expect(wordsOf(text)).toEqual(words)
    expect(splitWords(text).map((word) => word.word)).toEqual(words)
  })

  it('cuts a run at 255 units, never inside a pair, and drops a mark that stood on the cut', () => {
    expect(wordsOf('a'.repeat(300)).map((word) => word.length)).toEqual([255, 45])
    expect(wordsOf('é'.repeat(600)).map((word) => word.length)).toEqual([255, 255, 90])
    expect(wordsOf(`a${'𐐀'.repeat(130)}`).map((word) => word.length)).toEqual([255, 6])
    expect(wordsOf('𐐀'.repeat(130)).map((word) => word.length)).toEqual([254, 6])
    expect(wordsOf(`${'a'.repeat(255)}\u0301b`)).toEqual(['a'.repeat(255), 'b'])
  })

  it('reads the samples with colours as if they had none', () => {
    for (const name of ['ansi-winston', 'ansi-pino-pretty', 'ansi-time-only']) {
      const path = `../fixtures/samples/edge-cases/edge-cases-0/ansi/${name}.log`
      const text = readFileSync(join(import.meta.dirname, path), 'utf8')
      expect(text).toContain('\x1b[3')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours begin with
      expect(wordsOf(text)).toEqual(wordsOf(text.replaceAll(/\x1b\[[0-9;]*m/g, ' ')))
    }
  })

  it('separates at every joiner', () => {
    for (const joiner of wordJoiners) {
      expect(wordsOf(`a${joiner}b`), joiner.codePointAt(0)?.toString(16)).toEqual(['a', 'b'])
      expect(wordsOf(`1${joiner}2`), joiner.codePointAt(0)?.toString(16)).toEqual(['1', '2'])
    }
  })

  it('lower-cases code point by code point', () => {
    expect(lowerCase('ΟΔΟΣ')).toBe('οδοσ')
    expect(lowerCase('İSTANBUL')).toBe('istanbul')
    expect(lowerCase('ẞ')).toBe('ß')
    expect(wordsOf('ΛΟΓΟΣ İ')).toEqual(['λογοσ', 'i'])
    for (let code = 0; code < 0x20000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue
      expect(lowerCase(String.fromCodePoint(code)).length).toBe(String.fromCodePoint(code).length)
    }
  })

  it('says which words stand alone', () => {
    expect(['连', 'の', '👍', '#️⃣', '🇨🇳', '𠀀'].map(standsAlone)).toEqual(Array(6).fill(true))
    expect(['a', '1', 'カ', '서', 'ก', 'e\u0301', 'ⓜ'].map(standsAlone)).toEqual(Array(7).fill(false))
  })

  it('gives places whose text is the word, in order, apart or adjoining', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        let behind = 0
        for (const { word, start, end } of splitWords(text)) {
          expect(start).toBeGreaterThanOrEqual(behind)
          expect(end).toBeGreaterThan(start)
          expect(end - start).toBeLessThanOrEqual(wordUnitsMax)
          expect(lowerCase(text.slice(start, end))).toBe(word)
          behind = end
        }
      }),
    )
  })

  it('gives the same words when they are written with spaces between', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const words = wordsOf(text)
        expect(wordsOf(words.join(' '))).toEqual(words)
      }),
      { numRuns: 500 },
    )
  })
})
