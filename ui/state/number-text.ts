/** Counts as people read them. Pure. */

/** `12,408`. */
export function countText(count: number): string {
  return new Intl.NumberFormat('en-US').format(count)
}

const units = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const

/** At most four characters and a unit, the same in both languages: `860 k`, `1.2 M`. */
export function shortCount(count: number): string {
  for (const [size, unit] of units) {
    if (count < size) continue
    const value = count / size
    return `${value < 10 ? (Math.floor(value * 10) / 10).toString() : Math.floor(value)} ${unit}`
  }
  return String(count)
}
