import { classAt, emojiEnd, skipClass, unitsAt } from './emoji.ts'
import { wordClass, wordClassOf } from './word-classes.ts'

/**
 * What a word is: in the index, in a query, in the highlighter. Pure.
 * The judge is Elasticsearch's `standard` tokenizer behind a char_filter that turns `wordJoiners` and ANSI control
 * sequences into spaces, then `lowercase`. So a word is a run of letters and digits with the marks on them, each Han and Hiragana character is a word
 * of its own, a run of Katakana is one word, a run of Thai, Lao, Myanmar or Khmer is one word, an emoji is one word.
 */
export interface Word {
  /** Lower-cased. */
  readonly word: string
  /** Where it is in the text, UTF-16 units, end exclusive. */
  readonly start: number
  readonly end: number
}

/** UTF-16 units; a longer run is cut into words of this length, as StandardTokenizer does (max_token_length). */
export const wordUnitsMax = 255

/**
 * The characters that UAX #29 lets stand inside a word (MidLetter, MidNum, MidNumLet, quotes, ExtendNumLet), and that
 * separate here: `java.lang.NullPointerException` has three words, `user_id` two. The Elasticsearch store maps each one to a
 * space before its tokenizer sees it.
 */
export const wordJoiners =
  '\'".:,;_·\u02d7\u037e\u0387\u055f\u0589\u05f4\u060c\u060d\u066c\u07f8\u2018\u2019\u2024\u2027\u202f\u203f\u2040\u2044\u2054' +
  '\ufe10\ufe13\ufe14\ufe33\ufe34\ufe4d\ufe4e\ufe4f\ufe50\ufe52\ufe54\ufe55\uff07\uff0c\uff0e\uff1a\uff1b\uff3f'

const asciiWord = new Uint8Array(128)
for (const range of ['09', 'AZ', 'az']) asciiWord.fill(1, range.charCodeAt(0), range.charCodeAt(1) + 1)

const emojiStarts = wordClass.pictograph | wordClass.emojiModifier | wordClass.regionalIndicator

/** End of the longest word that begins exactly at `start`, or `start` when none does. */
function wordEnd(text: string, start: number): number {
  const bits = classAt(text, start)
  let end = start
  const behind = start + unitsAt(text, start)
  if (bits & wordClass.letter) end = skipClass(text, behind, wordClass.letter | wordClass.extend)
  else if (bits & wordClass.katakana) end = skipClass(text, behind, wordClass.katakana | wordClass.extend)
  else if (bits & wordClass.southEastAsian) end = skipClass(text, behind, wordClass.southEastAsian | wordClass.extend)
  else if (bits & (wordClass.han | wordClass.hiragana)) end = skipClass(text, behind, wordClass.extend)
  const code = text.charCodeAt(start)
  if (bits & emojiStarts || code === 0x200d || code === 0x23 || code === 0x2a) {
    end = Math.max(end, emojiEnd(text, start))
  }
  if (end - start <= wordUnitsMax) return end
  const cut = start + wordUnitsMax
  // A pair is never cut in two.
  return unitsAt(text, cut - 1) === 2 ? cut - 1 : cut
}

const escapeUnit = 0x1b

/**
 * Behind the ANSI control sequence (ECMA-48 §5.4: `ESC [`, parameters and intermediates 0x20–0x3F, one final byte
 * 0x40–0x7E) at `start`, or behind the escape alone when there is none: colours are no words, so `\x1b[31merror` is `error`.
 */
function ansiEnd(text: string, start: number): number {
  if (text.charCodeAt(start + 1) !== 0x5b) return start + 1
  let at = start + 2
  while (text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) < 0x40) at++
  const final = text.charCodeAt(at)
  return final >= 0x40 && final < 0x7f ? at + 1 : start + 1
}

/** Calls `visit` with the place of each word, in order. */
function eachWord(text: string, visit: (start: number, end: number) => void): void {
  const length = text.length
  let at = 0
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code < 128 && asciiWord[code] === 1) {
      let end = at + 1
      const limit = Math.min(length, at + wordUnitsMax)
      while (end < limit && asciiWord[text.charCodeAt(end)] === 1) end++
      // A run that goes on behind ASCII (`naïve`) is scanned again with the whole of Unicode.
      if (end < length && text.charCodeAt(end) >= 128) end = wordEnd(text, at)
      visit(at, end)
      at = end
    } else if (code === escapeUnit) {
      at = ansiEnd(text, at)
    } else if (code < 128 && !(text.charCodeAt(at + 1) >= 128)) {
      at++
    } else {
      const end = wordEnd(text, at)
      if (end > at) visit(at, end)
      at = end > at ? end : at + unitsAt(text, at)
    }
  }
}

/**
 * Lower case, code point by code point as Lucene does it, with no look at the neighbours: `Σ` is `σ` also at the end of a
 * word, `İ` is `i`. Never longer than the text.
 */
export function lowerCase(text: string): string {
  if (!/[\u0130\u03a3]/.test(text)) return text.toLowerCase()
  return text.replaceAll('\u0130', 'i').replaceAll('\u03a3', '\u03c3').toLowerCase()
}

/** The words of a text with their places. */
export function splitWords(text: string): Word[] {
  const words: Word[] = []
  eachWord(text, (start, end) => {
    words.push({ word: lowerCase(text.slice(start, end)), start, end })
  })
  return words
}

/** The words of a text, lower-cased, in order. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  eachWord(text, (start, end) => {
    words.push(lowerCase(text.slice(start, end)))
  })
  return words
}

/**
 * True when no character can be added to the front or the back of the word such that it stays one word, marks left aside:
 * a Han or Hiragana character, an emoji. `word` is one that this file gave.
 */
export function standsAlone(word: string): boolean {
  const bits = classAt(word, 0)
  return (bits & (wordClass.letter | wordClass.katakana | wordClass.southEastAsian)) === 0
}

/**
 * Words as SQLite's FTS5 tokenizer `unicode61 remove_diacritics 0` must get them to see exactly the words of words.ts.
 * Its tables are of an old Unicode, it folds case in its own way (`ς` to `σ`, `µ` to `μ`) and knows neither emoji nor that a
 * Han character is a word. ASCII text goes in as it is; any other text goes in as its words with spaces between, and a
 * word that unicode61 would split or change goes in as `一` + the lower-case hex of its UTF-8 bytes. That meets no other word,
 * since a Han character is never in one word with ASCII.
 */
const encodedMark = '一'
const encoder = new TextEncoder()

function isPlain(word: string): boolean {
  for (let at = 0; at < word.length; at++) {
    // By unit: no plain character is beyond the BMP, and half a pair is never plain.
    if ((wordClassOf(word.charCodeAt(at)) & wordClass.plainToken) === 0) return false
  }
  return true
}

function encoded(word: string): string {
  let text = encodedMark
  for (const byte of encoder.encode(word)) text += byte < 16 ? `0${byte.toString(16)}` : byte.toString(16)
  return text
}

/** One word (as words.ts gives it, lower-cased) as the one token that stands for it in the index. */
export function indexWord(word: string): string {
  return isPlain(word) ? word : encoded(word)
}

/** A text as what is given to FTS5: one token for each word of `wordsOf`, in the same order. */
export function indexText(text: string): string {
  const words = wordsOf(text)
  for (let at = 0; at < words.length; at++) words[at] = indexWord(words[at] as string)
  return words.join(' ')
}

/** One token of an FTS5 expression; with `prefix` it stands for every token that begins so. */
export interface IndexTerm {
  readonly token: string
  readonly prefix: boolean
}

/**
 * The tokens that together (or) stand for all words that begin with `prefix`, no more and no fewer. Two, since a longer word
 * may need encoding (`12µs`) where its beginning (`12`) does not. `prefix` is lower-cased, not empty, and itself one word.
 */
export function indexPrefix(prefix: string): readonly IndexTerm[] {
  const longer: IndexTerm = { token: encoded(prefix), prefix: true }
  if (!isPlain(prefix)) return [longer]
  // Behind a Han or Hiragana character only marks can follow, and those are encoded; as a prefix `一` would meet every encoded word.
  return [{ token: prefix, prefix: !standsAlone(prefix) }, longer]
}

/** The reverse of indexWord, for reading the index's vocabulary. */
export function wordOfIndex(token: string): string {
  if (token.length <= 1 || !token.startsWith(encodedMark)) return token
  const bytes = new Uint8Array((token.length - 1) / 2)
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(token.slice(1 + 2 * at, 3 + 2 * at), 16)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/**
 * True when every byte of `[start, end)` is ASCII and no escape (see ansiEnd), and no run of letters and digits is longer than `wordUnitsMax`: then
 * unicode61 splits the bytes just as words.ts does, and the store gives them to FTS5 untouched. NUL separates in both; but
 * SQL functions such as `length()` and C strings end at it, so a store reads a text with a NUL by bytes only.
 */
export function asciiWordsNeedNoHelp(bytes: Uint8Array, start: number, end: number): boolean {
  let run = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte >= 128 || byte === escapeUnit) return false
    if (asciiWord[byte] === 1) {
      if (++run > wordUnitsMax) return false
    } else {
      run = 0
    }
  }
  return true
}
