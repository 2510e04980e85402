/**
 * What each character is to words.ts. Pure; filled one page of 256 characters at a time, so a browser that highlights
 * English never pays for the rest of Unicode.
 *
 * Source: the grammar of Lucene's StandardTokenizer (UAX #29 word break, LB=SA runs, UTS #51 emoji). JavaScript's
 * regular expressions do not know the Word_Break and Line_Break properties, so they are derived here from those they
 * do know, as UAX #29 table 3 derives them. Lucene is bound to Unicode 9 for letters; scripts that came later are words here
 * already, and will be there when it moves.
 */

/** Bits of a class. A character may have several: `Ⓜ` is a letter and an emoji, a Thai vowel sign extends and runs. */
export const wordClass = {
  letter: 1, // UAX #29 ALetter, Hebrew_Letter, Numeric: joins into one word
  katakana: 2,
  southEastAsian: 4, // Thai, Lao, Myanmar, Khmer …: one word a run
  han: 8, // a word of its own
  hiragana: 16, // a word of its own
  extend: 32, // combining marks, format characters and ZWJ: belong to what is before them
  pictograph: 64,
  emojiModifier: 128,
  emojiModifierBase: 256,
  regionalIndicator: 512,
  plainToken: 1024, // SQLite's unicode61 takes it as a token character and leaves it as it is
} as const

const extend = /[\p{Grapheme_Extend}\p{Mc}\p{Cf}]/u
const katakana = /[\p{Script=Katakana}\u3031-\u3035\u309b\u309c\u30a0\u30fc\uff70]/u
const southEastAsian =
  /[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ec6\u0ec8-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd\u1950-\u196d\u1970-\u1974\u1980-\u19ab\u19b0-\u19c9\u19da\u19de\u19df\u1a20-\u1a5e\u1a60-\u1a7c\u1aa0-\u1aad\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaac2\uaadb-\uaadf\u{11700}-\u{1171a}\u{1171d}-\u{1172b}\u{1173a}\u{1173b}\u{1173f}]/u
const letter = /[\p{Alphabetic}\p{Nd}\u05f3\u066b]/u
const standsApart = /[\p{Ideographic}\p{Script=Hiragana}]/u

// Only what words.ts can emit, that is lower case; a test asks SQLite about each one.
const plainToken =
  /[0-9a-z\u00df-\u00f6\u00f8-\u017e\u0180-\u02af\u03ac-\u03c1\u03c3-\u03ce\u0430-\u0481\u048a-\u052f\u05d0-\u05ea\u0620-\u064a\u1e01-\u1e9a\u1e9c-\u1eff\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff10-\uff19\uff41-\uff5a\uff66-\uff9d]/u

function classify(character: string): number {
  let bits = plainToken.test(character) ? wordClass.plainToken : 0
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xd800 && code <= 0xdfff) return 0 // half a pair is no character
  if (/\p{Emoji_Modifier}/u.test(character)) return bits | wordClass.emojiModifier
  if (/\p{Regional_Indicator}/u.test(character)) return bits | wordClass.regionalIndicator
  if (/\p{Extended_Pictographic}/u.test(character)) bits |= wordClass.pictograph
  if (/\p{Emoji_Modifier_Base}/u.test(character)) bits |= wordClass.emojiModifierBase
  if (southEastAsian.test(character) && /\P{Cn}/u.test(character)) bits |= wordClass.southEastAsian
  if (code !== 0x200b && extend.test(character)) return bits | wordClass.extend // ZWSP is Cf, yet it separates
  if (/\p{Script=Han}/u.test(character)) bits |= wordClass.han
  if (/\p{Script=Hiragana}/u.test(character)) bits |= wordClass.hiragana
  if (katakana.test(character)) return bits | wordClass.katakana
  if (bits & wordClass.southEastAsian) return bits
  if (letter.test(character) && !standsApart.test(character)) bits |= wordClass.letter
  return bits
}

const pages: (Uint16Array | undefined)[] = []

function fillPage(page: number): Uint16Array {
  const classes = new Uint16Array(256)
  for (let low = 0; low < 256; low++) classes[low] = classify(String.fromCodePoint(page * 256 + low))
  pages[page] = classes
  return classes
}

/** The class bits of a code point, 0 for a separator. */
export function wordClassOf(codePoint: number): number {
  const page = pages[codePoint >>> 8] ?? fillPage(codePoint >>> 8)
  return page[codePoint & 255] as number
}
