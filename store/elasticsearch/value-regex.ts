/**
 * Values without regard to case, as regular expressions of Lucene. `case_insensitive` of Elasticsearch knows ASCII only, and a second
 * field in lower case would cost every event; a class for each letter costs the query alone. Pure.
 */
import { lowerCase } from '../../pipeline/words.ts'

/** By lower-case character: all that have it as their lower case, itself among them. Only those that have others. */
let variants: ReadonlyMap<string, string> | undefined

function variantsOf(character: string): string {
  variants ??= findVariants()
  return variants.get(character) ?? character
}

function findVariants(): Map<string, string> {
  const found = new Map<string, string>()
  // No letter behind the planes that have scripts has a case.
  for (let code = 0; code < 0x20000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const character = String.fromCodePoint(code)
    const lower = lowerCase(character)
    if (lower !== character) found.set(lower, (found.get(lower) ?? lower) + character)
  }
  return found
}

/** `value` is in lower case, as queries have it. */
export function regexOfValue(value: string): string {
  let regex = ''
  for (const character of value) {
    const all = variantsOf(character)
    regex += all === character ? regexEscaped(character) : `[${all}]`
  }
  return regex
}

/** A text as it is. With flags NONE the others have no meaning, but a backslash in front never hurts a sign. */
export function regexEscaped(text: string): string {
  return text.replace(/[.?+*|{}[\]()"\\#@&<>~^$-]/g, '\\$&')
}
