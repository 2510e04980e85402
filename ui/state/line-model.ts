/** What a row of the list shows of a message, which may be a stack trace or half a megabyte. Pure. */

export interface Range {
  readonly start: number
  readonly end: number
}

export interface Excerpt {
  /** The part of the message that is shown. */
  readonly start: number
  readonly end: number
  /** Whether something of the first line was left out before it. */
  readonly clipped: boolean
  /** What is folded away: lines behind the shown part, characters of the first line on both sides of it. */
  readonly linesMore: number
  readonly charsMore: number
  readonly hitsMore: number
}

/** Characters of a folded row: more than the widest screen shows in one line, little enough to lay out at once. */
export const foldedCharsMax = 600
/** In wrap mode a row may be a few lines high before it is folded. */
export const wrappedCharsMax = 1_200
/** An unfolded message still has a bound: a browser that lays out half a megabyte in one row stands still. */
export const unfoldedCharsMax = 40_000
const leadChars = 40

/**
 * The folded form: the first line, from a little before its first hit when that would lie beyond what is shown.
 * `columnsMax`: how many columns of a fixed-width font there is room for.
 */
export function foldMessage(
  message: string,
  hits: readonly Range[],
  charsMax: number,
  columnsMax = Number.POSITIVE_INFINITY,
): Excerpt {
  const lineEnd = endOfLine(message)
  const linesMore = countLines(message, lineEnd)
  const first = hits.find((hit) => hit.end <= lineEnd)
  const beyond = first !== undefined && (first.end > charsMax || columnsOf(message, first.end) > columnsMax)
  // Where there is little room, little of it goes to what stands before the hit.
  const lead = Math.min(leadChars, Math.floor(columnsMax / 3))
  const start = beyond ? startOfPart(message, first.start - lead, lead) : 0
  const end = Math.min(lineEnd, start + charsMax)
  return {
    start,
    end,
    clipped: start > 0,
    linesMore,
    charsMore: linesMore > 0 ? 0 : lineEnd - (end - start),
    hitsMore: hits.filter((hit) => hit.start >= end).length,
  }
}

export function unfoldMessage(message: string, charsMax = unfoldedCharsMax): Excerpt {
  const end = Math.min(message.length, charsMax)
  return { start: 0, end, clipped: false, linesMore: 0, charsMore: message.length - end, hitsMore: 0 }
}

export interface Segment {
  readonly text: string
  readonly hit: boolean
  readonly start: number
  readonly className: string | undefined
}

/** A part of the text that looks different; without a class it is not shown at all. */
export interface Styled extends Range {
  readonly className: string | undefined
}

/** Cuts the shown part at the edges of its hits and styles. Both must be in order and not overlap themselves. */
export function segments(
  message: string,
  excerpt: Range,
  hits: readonly Range[],
  styles: readonly Styled[] = [],
): Segment[] {
  const parts: Segment[] = []
  let at = excerpt.start
  let style = 0
  const push = (end: number, hit: boolean) => {
    while (at < end) {
      while ((styles[style]?.end ?? end) <= at) style++
      const next = styles[style]
      const styled = next !== undefined && next.start <= at
      const stop = Math.min(end, next === undefined ? end : styled ? next.end : next.start)
      if (!styled || next.className !== undefined) {
        parts.push({ text: message.slice(at, stop), hit, start: at, className: styled ? next.className : undefined })
      }
      at = stop
    }
  }
  for (const hit of hits) {
    if (hit.end <= excerpt.start) continue
    if (hit.start >= excerpt.end) break
    push(Math.max(hit.start, excerpt.start), false)
    push(Math.min(hit.end, excerpt.end), true)
  }
  push(excerpt.end, false)
  return parts
}

/** Its first lines, for where a stack trace must not push away what stands around it. */
export function headOfMessage(message: string, linesMax: number, charsMax: number): Excerpt {
  let end = 0
  for (let line = 0; line < linesMax && end <= message.length; line++) {
    const next = message.indexOf('\n', end)
    end = next < 0 ? message.length + 1 : next + 1
  }
  end = Math.min(end - 1, charsMax)
  return {
    start: 0,
    end,
    clipped: false,
    linesMore: countLines(message, end),
    charsMore: message.length - end,
    hitsMore: 0,
  }
}

/** Columns up to that place: Chinese, Japanese, Korean and full-width characters take two. */
function columnsOf(message: string, end: number): number {
  let columns = end
  for (let at = 0; at < end; at++) if (message.charCodeAt(at) >= 0x2e80) columns++
  return columns
}

function endOfLine(message: string): number {
  const at = message.indexOf('\n')
  return at < 0 ? message.length : at
}

function countLines(message: string, from: number): number {
  let count = 0
  for (let at = message.indexOf('\n', from); at >= 0; at = message.indexOf('\n', at + 1)) count++
  return count
}

/** At the next beginning of a word when one is near; never between the halves of a surrogate pair. */
function startOfPart(message: string, at: number, lead: number): number {
  if (at <= 0) return 0
  const near = message.slice(at, at + lead / 2)
  const word = near.search(/(?<=[^\p{L}\p{N}])[\p{L}\p{N}]/u)
  const start = word < 0 ? at : at + word
  const code = message.charCodeAt(start)
  return code >= 0xdc00 && code <= 0xdfff ? start - 1 : start
}
