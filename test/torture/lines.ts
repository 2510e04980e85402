/** Line `i` of the torture's program, with its line feed: ASCII, with a stamp of its own, no two alike. */
const beganMs = Date.parse('2026-11-20T00:00:00Z')

export function lineOf(i: number): string {
  const filler = 'the quick brown fox jumps over the lazy dog '.slice(0, (i * 7) % 44)
  return `${new Date(beganMs + i).toISOString()} INFO line ${i} ${filler}.\n`
}

/** The number of a line; undefined when nobody wrote it so. */
export function tryNumberOf(line: string): number | undefined {
  const number = Number(/ line (\d+) /.exec(line)?.[1])
  return `${line}\n` === lineOf(number || 0) ? number : undefined
}

export function numberOf(line: string): number {
  const number = tryNumberOf(line)
  if (number === undefined) throw new Error(`nobody wrote ${JSON.stringify(line)}`)
  return number
}
