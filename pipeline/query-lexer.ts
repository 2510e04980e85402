/**
 * The query text cut into its pieces, each with its place (UTF-16 units). Pure; never throws: what is wrong with a piece
 * stands in the piece, so that the parser can refuse it and the input box can still colour it.
 */
interface At {
  readonly start: number
  readonly end: number
}
export interface MarkToken extends At {
  /** `minus` is the `-` in front of a term. */
  readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'minus'
}
/** Words: bare, or between quotes (which are inside start..end). */
export interface TextToken extends At {
  readonly kind: 'text'
  readonly quoted: boolean
  /** False = the text ends inside the quotes. */
  readonly closed: boolean
  /** A `*` directly behind the closing quote. */
  readonly starBehind: boolean
}
/** `field:value` of a known field, or of `fields.<name>` / `.name`. */
export interface ComparisonToken extends At {
  readonly kind: 'comparison'
  /** `level`, `host` …, or `fields`. */
  readonly field: string
  /** Of `fields`, as typed, quotes and escapes taken away. */
  readonly name: string
  readonly operator: ':' | '<' | '<=' | '>' | '>='
  readonly operatorAt: At
  /** Where the value stands, with its quotes and stars; empty when there is none. */
  readonly valueAt: At
  /** The text of the value, quotes and escapes taken away. `start` and `end` stars stand at its ends. */
  readonly value: string
  readonly starStart: boolean
  readonly starEnd: boolean
  /** Place of a star that is neither at an end nor escaped. */
  readonly starInside: number | undefined
  readonly closed: boolean
}
export type QueryToken = MarkToken | TextToken | ComparisonToken

const keywords: ReadonlyMap<string, MarkToken['kind']> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
  ['NOT', 'not'],
])

// Not `\s`: that takes U+FEFF too, which stands inside a word.
export const querySpace = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/
// Shorthand names begin like an identifier, so that `.5:30` and `...:` stay text.
const comparison =
  /(?:(?<field>level|host|instance|dir|file|app)|fields\.(?<long>"(?:[^"\\]|\\.)*"|[^\s():<>="*]+)|\.(?<short>"(?:[^"\\]|\\.)*"|[\p{L}_@$][\p{L}\p{N}_.@$-]*))(?<operator>:|<=|>=|<|>)/suy

/** Escapes are `\"`, `\\` and `\*`; any other backslash is itself (`C:\logs`). */
function withoutEscapes(text: string): string {
  return text.replace(/\\(["\\*])/g, '$1')
}

/** End of the quoted text that begins at `start` (behind its closing quote), or -1 when it is never closed. */
function quotedEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return at + 1
    if (text[at] === '\\' && /["\\*]/.test(text[at + 1] ?? '')) at++
  }
  return -1
}

/** End of a bare run. A `(` inside it belongs to it, and so does the `)` that closes that: `main(Bar.java:12)`. */
function bareEnd(text: string, start: number): number {
  let open = 0
  let at = start
  for (; at < text.length; at++) {
    const character = text[at] as string
    if (character === '"' || querySpace.test(character)) break
    if (character === '(') {
      if (keywords.has(text.slice(start, at))) break
      open++
    } else if (character === ')' && open-- === 0) break
  }
  return at
}

/** Splits a value in its text and its stars. Outside quotes (`escapes` false) a backslash is itself. */
function readStars(
  source: string,
  offset: number,
  escapes: boolean,
): Pick<ComparisonToken, 'value' | 'starStart' | 'starEnd' | 'starInside'> {
  let value = ''
  let starStart = false
  let starAt: number | undefined
  let starInside: number | undefined
  for (let at = 0; at < source.length; at++) {
    const character = source[at] as string
    if (character === '*') {
      if (value === '') starStart = true
      else starAt ??= offset + at
      continue
    }
    // A star with text on both sides.
    if (starAt !== undefined) starInside ??= starAt
    if (escapes && character === '\\' && /["\\*]/.test(source[at + 1] ?? '')) at++
    value += source[at]
  }
  return { value, starStart, starEnd: starAt !== undefined, starInside }
}

function readValue(
  text: string,
  start: number,
): Omit<ComparisonToken, 'kind' | 'field' | 'name' | 'operator' | 'operatorAt' | 'start'> {
  const quote = text[start] === '*' && text[start + 1] === '"' ? start + 1 : start
  if (text[quote] !== '"') {
    const end = bareEnd(text, start)
    return { ...readStars(text.slice(start, end), start, false), end, valueAt: { start, end }, closed: true }
  }
  const closing = quotedEnd(text, quote)
  const inside = text.slice(quote + 1, closing === -1 ? text.length : closing - 1)
  const read = readStars(inside, quote + 1, true)
  const starBehind = closing !== -1 && text[closing] === '*'
  const end = closing === -1 ? text.length : starBehind ? closing + 1 : closing
  return {
    ...read,
    starStart: read.starStart || quote > start,
    starEnd: read.starEnd || starBehind,
    end,
    valueAt: { start, end },
    closed: closing !== -1,
  }
}

function readComparison(text: string, start: number): ComparisonToken | undefined {
  comparison.lastIndex = start
  const groups = comparison.exec(text)?.groups
  if (groups === undefined) return undefined
  const operator = groups.operator as ComparisonToken['operator']
  const field = groups.field ?? 'fields'
  // `host>x` is text as any other; only what has an order can be compared, and the parser tells so for `.name`.
  if (operator !== ':' && field !== 'level' && field !== 'fields') return undefined
  const name = groups.long ?? groups.short ?? ''
  const operatorAt = { start: comparison.lastIndex - operator.length, end: comparison.lastIndex }
  return {
    kind: 'comparison',
    field,
    name: name.startsWith('"') ? withoutEscapes(name.slice(1, -1)) : name,
    operator,
    operatorAt,
    start,
    ...readValue(text, operatorAt.end),
  }
}

/** The pieces of a query in order; what is between them is white space. */
export function readTokens(text: string): QueryToken[] {
  const tokens: QueryToken[] = []
  let at = 0
  while (at < text.length) {
    const start = at
    const character = text[at] as string
    if (querySpace.test(character)) {
      at++
      continue
    }
    if (character === '(' || character === ')') {
      tokens.push({ kind: character === '(' ? 'open' : 'close', start, end: ++at })
      continue
    }
    if (character === '-') {
      tokens.push({ kind: 'minus', start, end: ++at })
      continue
    }
    if (character === '"') {
      const closing = quotedEnd(text, start)
      const starBehind = closing !== -1 && text[closing] === '*'
      at = closing === -1 ? text.length : closing + (starBehind ? 1 : 0)
      tokens.push({ kind: 'text', quoted: true, closed: closing !== -1, starBehind, start, end: at })
      continue
    }
    const compared = readComparison(text, start)
    if (compared !== undefined) {
      tokens.push(compared)
      at = compared.end
      continue
    }
    at = bareEnd(text, start)
    const keyword = keywords.get(text.slice(start, at))
    if (keyword !== undefined) tokens.push({ kind: keyword, start, end: at })
    else tokens.push({ kind: 'text', quoted: false, closed: true, starBehind: false, start, end: at })
  }
  return tokens
}
