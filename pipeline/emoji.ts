import { wordClass, wordClassOf } from './word-classes.ts'

/**
 * Where an emoji ends. Pure. Source: emoji_sequence of UTS #51 as Lucene's StandardTokenizer reads it: presentation,
 * modifier, keycap, flag, tag and ZWJ sequences are one word each. Places are UTF-16 units.
 */
const zeroWidthJoiner = 0x200d
const emojiPresentation = 0xfe0f
const keycap = 0x20e3
const emojiTags = /[\u{e0020}-\u{e007e}]+\u{e007f}/uy

/** The class bits of the code point at a place, 0 behind the end. */
export function classAt(text: string, at: number): number {
  return at < text.length ? wordClassOf(text.codePointAt(at) as number) : 0
}

/** Length of the code point at a place, UTF-16 units. */
export function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) as number) > 0xffff ? 2 : 1
}

/** Behind the characters from a place on that have one of the bits. */
export function skipClass(text: string, from: number, bits: number): number {
  let at = from
  while (classAt(text, at) & bits) at += unitsAt(text, at)
  return at
}

/** Behind the marks at a place, but before a presentation selector (U+FE0E, U+FE0F), which emoji treat apart. */
function skipMarks(text: string, from: number): number {
  let at = from
  while (classAt(text, at) & wordClass.extend) {
    const code = text.charCodeAt(at)
    if (code === 0xfe0e || code === emojiPresentation) break
    at += unitsAt(text, at)
  }
  return at
}

/** End of the emoji that begins at a place, or `start` when there is none. */
export function emojiEnd(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === 0x23 || first === 0x2a) {
    const marks = skipMarks(text, start + 1)
    if (text.charCodeAt(marks) === emojiPresentation && text.charCodeAt(marks + 1) === keycap)
      return skipMarks(text, marks + 2)
    return text.slice(start + 1, marks).includes('\u20e3') ? marks : start
  }
  if (classAt(text, start) & wordClass.regionalIndicator) {
    const second = skipClass(text, start + 2, wordClass.extend)
    if (!(classAt(text, second) & wordClass.regionalIndicator)) return start
    return skipClass(text, second + 2, wordClass.extend)
  }
  let at = start
  while (text.charCodeAt(at) === zeroWidthJoiner) at++
  if (at > start && !(classAt(text, at) & wordClass.pictograph)) return start
  let end = start
  for (;;) {
    const bits = classAt(text, at)
    if (!(bits & (wordClass.pictograph | wordClass.emojiModifier))) return end
    end = skipMarks(text, at + unitsAt(text, at))
    if (bits & wordClass.emojiModifierBase && classAt(text, end) & wordClass.emojiModifier) {
      end = skipMarks(text, end + 2)
    } else if (bits & wordClass.pictograph && text.charCodeAt(end) === emojiPresentation) {
      end++
    }
    at = end
    while (text.charCodeAt(at) === zeroWidthJoiner) at++
    if (at > end || text.charCodeAt(end - 1) === zeroWidthJoiner) continue
    emojiTags.lastIndex = end
    return emojiTags.test(text) ? emojiTags.lastIndex : end
  }
}
