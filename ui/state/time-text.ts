/** How times are written on the page. Pure; all take ISO times in UTC as the API gives them. */
import { localIso, zoneLabel } from './zone.ts'

/** How much of the date the time column must say to be unambiguous. */
export type DateShape = 'none' | 'day' | 'year'

/** The least that tells all lines apart: nothing when all are of today, month and day within this year. */
export function dateShape(times: readonly string[], zone: string, nowMs: number): DateShape {
  const today = localIso(zone, nowMs).slice(0, 10)
  let shape: DateShape = 'none'
  for (const time of times) {
    const date = localIso(zone, Date.parse(time)).slice(0, 10)
    if (date.slice(0, 4) !== today.slice(0, 4)) return 'year'
    if (date !== today) shape = 'day'
  }
  return shape
}

/** `20:47:10.112`, with the date before it as far as the shape asks. */
export function columnTime(time: string, zone: string, shape: DateShape): string {
  const local = localIso(zone, Date.parse(time))
  const clock = local.slice(11)
  if (shape === 'none') return clock
  return `${local.slice(shape === 'year' ? 0 : 5, 10)} ${clock}`
}

/** Everything that is known of an instant, to the microsecond, with its zone. */
export function fullTime(time: string, zone: string): string {
  const epochMs = Date.parse(time)
  const local = localIso(zone, epochMs)
  const fraction = /\.(\d{3})(\d{1,6})Z$/.exec(time)
  const micros = fraction?.[2] !== undefined && Number(fraction[2]) > 0 ? fraction[2] : ''
  return `${local.slice(0, 10)} ${local.slice(11)}${micros} ${zoneLabel(zone, epochMs)}`
}

/** A label under the histogram: the clock, or the date where a day begins or the steps are whole days. */
export function tickText(epochMs: number, stepMs: number, zone: string): string {
  const local = localIso(zone, epochMs)
  if (stepMs >= 86_400_000 || local.slice(11, 19) === '00:00:00') return local.slice(5, 10)
  return local.slice(11, stepMs < 60_000 ? 19 : 16)
}

/** `05-16 20:40 – 21:00`: one bucket, or a range that was brushed. */
export function spanText(fromMs: number, toMs: number, zone: string): string {
  const seconds = toMs - fromMs < 60_000 || fromMs % 60_000 !== 0
  const [first, last] = [localIso(zone, fromMs), localIso(zone, toMs)]
  const clock = (local: string) => local.slice(11, seconds ? 19 : 16)
  const end = first.slice(0, 10) === last.slice(0, 10) ? clock(last) : `${last.slice(5, 10)} ${clock(last)}`
  return `${first.slice(5, 10)} ${clock(first)} – ${end}`
}

const ageUnits = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

function ageOf(time: string, nowMs: number) {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000))
  const [unit, size] = ageUnits.find(([, size]) => seconds >= size) ?? (['second', 1] as const)
  return { unit, amount: Math.floor(seconds / size) }
}

/** `3 minutes ago` in the page's language. */
export function agoText(time: string, nowMs: number, language: string): string {
  const { unit, amount } = ageOf(time, nowMs)
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-amount, unit)
}

/** `3 minutes`: how long something has been so. */
export function sinceText(time: string, nowMs: number, language: string): string {
  const { unit, amount } = ageOf(time, nowMs)
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(amount)
}
