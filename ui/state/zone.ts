/** Local time in any zone, by Intl alone. Pure. */

const formatters = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()
const offsetsMax = 2_000
const quarterMs = 900_000

/** How far the zone's clock is ahead of UTC at that instant, ms. */
export function zoneOffset(zone: string, epochMs: number): number {
  // Zones change on a quarter of an hour; asking Intl for every line would be what the list spends its time on.
  const key = `${zone} ${Math.floor(epochMs / quarterMs)}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  const offset = readOffset(zone, Math.floor(epochMs / quarterMs) * quarterMs)
  if (offsets.size >= offsetsMax) offsets.clear()
  offsets.set(key, offset)
  return offset
}

function readOffset(zone: string, epochMs: number): number {
  let formatter = formatters.get(zone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, formatter)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of formatter.formatToParts(epochMs)) part[type] = Number(value)
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second) - epochMs
}

/** `2016-05-16T20:47:10.112`: what a clock on the wall of the zone shows. */
export function localIso(zone: string, epochMs: number): string {
  return new Date(epochMs + zoneOffset(zone, epochMs)).toISOString().slice(0, -1)
}

/** The instant at which the zone's clock shows this (given as if it were UTC). A time that a clock change skips moves on. */
export function instantOf(zone: string, wallMs: number): number {
  // The offset is looked up at a guess and once more at the result: enough on both sides of a clock change.
  const guess = wallMs - zoneOffset(zone, wallMs)
  return wallMs - zoneOffset(zone, guess)
}

/** `UTC+8`, `UTC−3:30`. */
export function zoneLabel(zone: string, epochMs: number): string {
  const minutes = Math.round(zoneOffset(zone, epochMs) / 60_000)
  if (minutes === 0) return 'UTC'
  const rest = Math.abs(minutes) % 60
  const hours = Math.floor(Math.abs(minutes) / 60)
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`
}

export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
