/**
 * Bytes → lines. Pure. A line keeps its byte offsets: where it starts, where its content ends, where the next begins;
 * a decoder that forgets them (or a CR) could not give an event its place in the file.
 */

/** Lines of one chunk as parallel arrays; the arrays are reused from chunk to chunk and may be longer than `count`. */
export interface Lines {
  count: number
  /** First byte of line i in the chunk. */
  start: Uint32Array
  /** Behind the last byte of its content: the line end (LF or CRLF) is left out. */
  end: Uint32Array
  /** Behind its line end: where line i + 1 starts. Equal to `end` for a line that was cut or is not finished. */
  next: Uint32Array
}

export function emptyLines(): Lines {
  return { count: 0, start: new Uint32Array(4096), end: new Uint32Array(4096), next: new Uint32Array(4096) }
}

/** How bytes make characters, as far as lines and cuts need it. `byte` is UTF-8 and everything like it. */
export type CodeUnit = 'byte' | 'gb18030' | 'utf-16le' | 'utf-16be'

function isWide(unit: CodeUnit): boolean {
  return unit === 'utf-16le' || unit === 'utf-16be'
}

/**
 * Finds the lines of `chunk` from `from` on and puts them into `lines`.
 *
 * A line of more than `lineBytesMax` bytes is cut into pieces of that size (or a few bytes less, so that no
 * character is torn); each piece but the last has `next === end`. What stands behind the last line end is left
 * out unless `takeRest`: then it is the last line. Returns where the next chunk has to begin.
 */
export function splitLines(
  chunk: Buffer,
  from: number,
  unit: CodeUnit,
  lineBytesMax: number,
  takeRest: boolean,
  lines: Lines,
): number {
  lines.count = 0
  const width = isWide(unit) ? 2 : 1
  let start = from
  while (start < chunk.length) {
    const lineFeed = findLineFeed(chunk, start, unit)
    const finished = lineFeed >= 0
    // Half a code unit at the end waits for its other half.
    const stop = finished ? lineFeed : chunk.length - ((chunk.length - start) % width)
    if (stop === start && !finished) break
    while (stop - start > lineBytesMax) {
      const cut = characterStart(chunk, start + lineBytesMax, start, unit)
      push(lines, start, cut, cut)
      start = cut
    }
    if (!finished && !takeRest) break
    const end = finished && stop - width >= start && isCarriageReturn(chunk, stop - width, unit) ? stop - width : stop
    const next = finished ? stop + width : stop
    push(lines, start, end, next)
    start = next
  }
  return start
}

function push(lines: Lines, start: number, end: number, next: number): void {
  const i = lines.count++
  if (i === lines.start.length) {
    lines.start = grown(lines.start)
    lines.end = grown(lines.end)
    lines.next = grown(lines.next)
  }
  lines.start[i] = start
  lines.end[i] = end
  lines.next[i] = next
}

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** In UTF-16 a line feed is a whole code unit at an even place: the byte 0x0A alone is part of other characters. */
function findLineFeed(chunk: Buffer, from: number, unit: CodeUnit): number {
  if (!isWide(unit)) return chunk.indexOf(0x0a, from)
  const low = unit === 'utf-16le' ? 0 : 1
  for (let at = chunk.indexOf(0x0a, from); at >= 0; at = chunk.indexOf(0x0a, at + 1)) {
    const first = at - low
    if (first >= from && (first - from) % 2 === 0 && chunk[first + 1 - low] === 0) return first
  }
  return -1
}

function isCarriageReturn(chunk: Buffer, at: number, unit: CodeUnit): boolean {
  if (!isWide(unit)) return chunk[at] === 0x0d
  return unit === 'utf-16le' ? chunk[at] === 0x0d && chunk[at + 1] === 0 : chunk[at] === 0 && chunk[at + 1] === 0x0d
}

/** The nearest place at or before `at` where a character starts; at least one code unit behind `start`. */
function characterStart(chunk: Buffer, at: number, start: number, unit: CodeUnit): number {
  if (unit === 'gb18030') {
    // Only from the front can be told which bytes are a character's first (WHATWG Encoding, gb18030: 1, 2 or 4 bytes).
    let next = start
    let cut = start
    while (next <= at) {
      cut = next
      const isSingle = (chunk[next] as number) < 0x81
      const second = chunk[next + 1] as number
      next += isSingle ? 1 : second >= 0x30 && second <= 0x39 ? 4 : 2
    }
    return cut > start ? cut : at
  }
  if (unit === 'byte') {
    let cut = at
    while (cut > at - 3 && cut > start + 1 && ((chunk[cut] as number) & 0xc0) === 0x80) cut--
    return ((chunk[cut] as number) & 0xc0) === 0x80 ? at : cut
  }
  const even = at - ((at - start) % 2)
  const high = chunk[even - (unit === 'utf-16le' ? 1 : 2)] as number
  return high >= 0xd8 && high <= 0xdb && even - 2 > start ? even - 2 : even
}
