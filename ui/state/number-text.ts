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

/** `12.3 %`, of a share between 0 and 1. What is there at all is never 0, and what is not all never 100. */
export function shareText(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`
  if (share < 0.001) return '< 0.1 %'
  return `${Math.min(99.9, share * 100).toFixed(1)} %`
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'] as const

/** `18.2 KB`, by thousands as disks and the exports of the API count. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`
}
