/** The time range as people choose and type it, and as the server reads it. Pure. */
import { instantOf, localIso } from './zone.ts'

export const presets = ['15m', '1h', '6h', 'today', '1d', '3d', '7d', '30d'] as const
export type Preset = (typeof presets)[number]

export interface TimeRange {
  readonly from: string
  readonly to: string
}

export function presetRange(preset: Preset): TimeRange {
  return { from: preset === 'today' ? 'now/d' : `now-${preset}`, to: '' }
}

export function presetOf({ from, to }: TimeRange): Preset | undefined {
  return to === '' || to === 'now' ? presets.find((preset) => from === presetRange(preset).from) : undefined
}

const relativePattern = /^now(?:[+-]\d{1,6}[smhdwMy]|\/[smhdwMy])*$/
const momentPattern =
  /^(?<date>\d[\dW/.年月日-]*?)(?:(?:T|\s+)(?<hour>\d{1,2})(?::?(?<minute>\d\d)(?::?(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?\s*(?<zone>[zZ]|[+-]\d\d(?::?\d\d)?)?)?$/
const clockPattern = /^\d{1,2}:\d{2}(?::\d{2})?$/
const minuteMs = 60_000
const dayMs = 86_400_000
/** The year 10000, ms: what the server takes ends before it. */
const timeEndMs = Date.UTC(10_000, 0)

/** A time, ms and the µs behind them. `endMs` is right behind what was named (a day, a month …), or the time itself. */
interface Moment {
  readonly startMs: number
  readonly endMs: number
  readonly micros: number
}

/** The days that a text names, as if its clock were UTC, ms. Undefined when there are none such. */
function readDays(text: string): { startMs: number; endMs: number } | undefined {
  const named =
    /^(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?)?[年月日]?$/.exec(text) ?? /^(\d{4})(\d\d)(\d\d)$/.exec(text)
  if (named !== null) {
    const year = Number(named[1])
    const month = Number(named[2] ?? 1) - 1
    const day = Number(named[3] ?? 1)
    const startMs = Date.UTC(year, month, day)
    const there = new Date(startMs)
    if (there.getUTCMonth() !== month || there.getUTCDate() !== day) return undefined
    if (named[3] !== undefined) return { startMs, endMs: startMs + dayMs }
    return { startMs, endMs: named[2] === undefined ? Date.UTC(year + 1, 0) : Date.UTC(year, month + 1) }
  }
  const ordinal = /^(\d{4})-?(\d{3})$/.exec(text)
  if (ordinal !== null) {
    const startMs = Date.UTC(Number(ordinal[1]), 0, Number(ordinal[2]))
    const sameYear = new Date(startMs).getUTCFullYear() === Number(ordinal[1]) && ordinal[2] !== '000'
    return sameYear ? { startMs, endMs: startMs + dayMs } : undefined
  }
  const week = /^(\d{4})-?W([0-5]\d)(?:-?([1-7]))?$/.exec(text)
  if (week === null || Number(week[2]) < 1 || Number(week[2]) > 53) return undefined
  // ISO 8601: the first week of a year is the one with 4 January.
  const fourth = Date.UTC(Number(week[1]), 0, 4)
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * dayMs + (Number(week[2]) - 1) * 7 * dayMs
  if (week[3] === undefined) return { startMs: monday, endMs: monday + 7 * dayMs }
  const startMs = monday + (Number(week[3]) - 1) * dayMs
  return { startMs, endMs: startMs + dayMs }
}

/** A time that is not relative. Without a zone of its own it is read in `zone`, as the server does by `tz`. */
function readMoment(text: string, zone: string): Moment | undefined {
  const moment =
    /^\d+$/.test(text) && text.length !== 4 && text.length !== 8 ? atOf(Number(text)) : readNamed(text, zone)
  return moment !== undefined && moment.startMs >= 0 && moment.startMs < timeEndMs ? moment : undefined
}

function atOf(ms: number, micros = 0): Moment {
  return { startMs: ms, endMs: ms, micros }
}

function readNamed(text: string, zone: string): Moment | undefined {
  const parts = momentPattern.exec(text)?.groups
  const days = parts === undefined ? undefined : readDays(parts.date as string)
  if (parts === undefined || days === undefined) return undefined
  if (parts.hour === undefined) {
    return { startMs: instantOf(zone, days.startMs), endMs: instantOf(zone, days.endMs), micros: 0 }
  }
  const [hour, minute, second] = [parts.hour, parts.minute, parts.second].map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
  ]
  const fraction = (parts.fraction ?? '').slice(0, 6).padEnd(6, '0')
  const endOfDay = hour === 24 && minute === 0 && second === 0 && Number(fraction) === 0
  if ((hour > 23 && !endOfDay) || minute > 59 || second > 59) return undefined
  const wallMs = days.startMs + (hour * 60 + minute) * minuteMs + second * 1000 + Number(fraction.slice(0, 3))
  const ms = parts.zone === undefined ? instantOf(zone, wallMs) : wallMs - offsetOf(parts.zone)
  return atOf(ms, Number(fraction.slice(3)))
}

/** `+08:00` → how far it is ahead of UTC, ms. */
function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)) * (zone.length > 3 ? 1 : 0)
  return (zone.startsWith('-') ? -minutes : minutes) * minuteMs
}

/** `2016-05-16T12:47:10.412Z`, with six digits where there are microseconds. */
function isoOf(ms: number, micros: number): string {
  const iso = new Date(ms).toISOString()
  return micros === 0 ? iso : iso.replace('Z', `${String(micros).padStart(3, '0')}Z`)
}

/**
 * What was typed into "from" or "to", as the API takes it: relative text as it is, any other time as an instant in UTC.
 * Beside what the server takes there are `20:00` (of today), `2016/5/16` and `2016年5月16日`. A day, a month or a year is
 * its beginning for "from" and its end for "to". Undefined when it is no time.
 */
export function parseTyped(text: string, edge: 'from' | 'to', zone: string, nowMs: number): string | undefined {
  const typed = text.trim()
  if (typed === '') return edge === 'to' ? '' : undefined
  if (relativePattern.test(typed)) return typed
  const whole = clockPattern.test(typed) ? `${localIso(zone, nowMs).slice(0, 10)} ${typed}` : typed
  const moment = readMoment(whole, zone)
  return moment && isoOf(edge === 'to' ? moment.endMs : moment.startMs, moment.micros)
}

/**
 * An edge out of an address, as the server reads it: always with its zone, so that it is the same time for everyone who is
 * given the address. What is relative, or no time, stays as it is; the server says what is wrong with it.
 */
export function settledEdge(edge: string, zone: string): string {
  const moment = readMoment(edge.trim(), zone)
  return moment === undefined ? edge : isoOf(moment.startMs, moment.micros)
}

/** True when both are fixed times and the end is not behind the beginning. */
export function isReversed({ from, to }: TimeRange): boolean {
  const [first, last] = [readMoment(from, 'UTC'), readMoment(to, 'UTC')]
  if (first === undefined || last === undefined) return false
  return last.startMs === first.startMs ? last.micros <= first.micros : last.startMs < first.startMs
}

/** An edge as it is shown in its input: relative text as it is, an instant as wall-clock time without idle zeros. */
export function edgeText(edge: string, zone: string): string {
  const moment = readMoment(edge.trim(), zone)
  if (moment === undefined) return edge
  const local = localIso(zone, moment.startMs)
  const { micros } = moment
  const fraction = `${local.slice(20, 23)}${micros === 0 ? '' : String(micros).padStart(3, '0')}`
  return `${local.slice(0, 10)} ${local.slice(11, 19)}${fraction === '000' ? '' : `.${fraction}`}`
}

/** Both edges in as few characters as say it: the day only once, seconds only where there are some. */
export function rangeText({ from, to }: TimeRange, zone: string, open: string): string {
  const first = edgeText(from, zone)
  const last = to === '' ? open : edgeText(to, zone)
  const trim = (text: string) => text.replace(/^(\d{4}-\d\d-\d\d \d\d:\d\d):00$/, '$1')
  const sameDay = /^\d{4}-/.test(first) && last.startsWith(first.slice(0, 10))
  return `${trim(first)} – ${sameDay ? trim(last).slice(11) : trim(last)}`
}
