/** The candidate with the fewest edits, when that is at most a third of its length; source: Levenshtein 1965. Pure. */
export function nearestOf(written: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestEdits = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const edits = editDistance(written.toLowerCase(), candidate)
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best !== undefined && bestEdits <= Math.max(2, best.length / 3) ? best : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
