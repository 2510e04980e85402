/**
 * Why a search finds nothing, from the outside in: the cluster, the filters, the query at any time, then the range. The first
 * of these that has nothing is the cause; what lies further in cannot be judged then.
 */
import { nearestOf } from '../pipeline/config.ts'
import { type Expression, printQuery } from '../pipeline/query.ts'
import { formatTime } from '../pipeline/record.ts'
import type { FilterField, Selection } from '../pipeline/store.ts'
import { type Finding, finding } from './explain-findings.ts'
import type { Probe } from './explain-probe.ts'

/** Values of one filter, and parts of the query, that are looked at. */
const valuesMax = 10
const termsMax = 16

const always = { from: 0, to: Number.POSITIVE_INFINITY }
const sourceFilters = ['app', 'instance', 'dir', 'file', 'host'] as const

/** True when findings were added: then the cause is known. */
export async function missingPlace(probe: Probe, wanted: Selection, findings: Finding[]): Promise<boolean> {
  const { cluster, filters } = wanted
  const clusters = (await probe.values('cluster', { filters: {}, where: undefined, ...always })).map(
    ({ value }) => value,
  )
  if (clusters.length === 0) return findings.push(finding('NOTHING_INDEXED')) > 0
  if (!clusters.includes(cluster)) {
    const nearest = nearestOf(cluster, clusters) ?? (clusters.length === 1 ? clusters[0] : undefined)
    const values = { cluster, nearest: nearest ?? null, known: clusters.slice(0, 20) }
    return (
      findings.push(finding('NO_SUCH_CLUSTER', values, nearest === undefined ? null : { set: { cluster: nearest } })) >
      0
    )
  }
  const everything = { cluster, filters: {}, where: undefined, ...always }
  for (const field of sourceFilters) {
    const asked = filters[field] ?? []
    const unknown: string[] = []
    for (const value of asked.slice(0, valuesMax)) {
      if ((await probe.time({ ...everything, filters: { [field]: [value] } })) === undefined) unknown.push(value)
    }
    // Any of several values is enough: one that is there is no cause.
    if (unknown.length < asked.length) continue
    for (const value of unknown) findings.push(await unknownValue(probe, everything, field, value))
  }
  if (findings.length > 0) return true
  const { level: _level, ...sources } = filters
  const fields = sourceFilters.filter((field) => (filters[field]?.length ?? 0) > 0)
  if (fields.length < 2 || (await probe.time({ ...everything, filters: sources })) !== undefined) return false
  // The filter that stands in the way of the others, from the narrowest on.
  const remove: string[] = []
  for (const field of fields.toReversed()) {
    const { [field]: _left, ...others } = sources
    if ((await probe.time({ ...everything, filters: others })) === undefined) continue
    remove.push(field)
    break
  }
  return findings.push(finding('FILTERS_NEVER_TOGETHER', { fields }, remove.length > 0 ? { remove } : null)) > 0
}

async function unknownValue(probe: Probe, everything: Selection, field: FilterField, value: string): Promise<Finding> {
  const known = (await probe.values(field, everything)).map((one) => one.value)
  const nearest = known.find((one) => one.toLowerCase() === value.toLowerCase()) ?? nearestOf(value, known)
  const values = { field, value, nearest: nearest ?? null, known: known.slice(0, 20) }
  return finding('NO_SUCH_VALUE', values, nearest === undefined ? { remove: [field] } : { set: { [field]: [nearest] } })
}

/** What no line has at any time: the level, or a part of the query. */
export async function neverThere(probe: Probe, wanted: Selection, findings: Finding[]): Promise<boolean> {
  const here = { ...wanted, ...always }
  const level = wanted.filters.level ?? []
  if (level.length > 0 && (await probe.time({ ...here, where: undefined })) === undefined) {
    const { level: _left, ...filters } = wanted.filters
    const known = (await probe.values('level', { ...here, filters, where: undefined })).map(({ value }) => value)
    return findings.push(finding('LEVEL_NEVER', { level, known }, { remove: ['level'] })) > 0
  }
  if (wanted.where === undefined || (await probe.time(here)) !== undefined) return false
  const parts = partsOf(wanted.where)
  for (const part of parts.slice(0, termsMax)) {
    if ((await probe.time({ ...here, where: part })) === undefined)
      findings.push(await lonelyTerm(probe, here, part, parts))
  }
  if (findings.length === 0) findings.push(await together('TERMS_NEVER_TOGETHER', probe, here, parts))
  return true
}

async function lonelyTerm(
  probe: Probe,
  here: Selection,
  part: Expression,
  parts: readonly Expression[],
): Promise<Finding> {
  const values = { term: printQuery(part), start: part.start, end: part.end }
  const instead = (other: Expression) => change(parts.map((one) => (one === part ? other : one)))
  if (part.kind === 'words') {
    const [only] = part.words
    const [word] = only ?? []
    if (part.words.length === 1 && only?.length === 1 && word !== undefined) {
      const longer: Expression = { ...part, words: [[word, '']] }
      if ((await probe.time({ ...here, where: longer })) !== undefined)
        return finding('WORD_ONLY_LONGER', values, instead(longer))
    } else if (part.words.length > 1) {
      const apart: Expression = { ...part, kind: 'and', parts: part.words.map((one) => ({ ...part, words: [one] })) }
      if ((await probe.time({ ...here, where: apart })) !== undefined)
        return finding('PHRASE_NEVER', values, instead(apart))
    }
  }
  return finding('TERM_NEVER', values, change(parts.filter((one) => one !== part)))
}

async function together(
  code: 'TERMS_NEVER_TOGETHER' | 'TERMS_NOT_TOGETHER_IN_RANGE',
  probe: Probe,
  here: Selection,
  parts: readonly Expression[],
): Promise<Finding> {
  const terms = parts.map(printQuery)
  if (parts.length > termsMax) return finding(code, { terms: terms.slice(0, termsMax) })
  for (const part of parts) {
    const others = parts.filter((one) => one !== part)
    if ((await probe.time({ ...here, where: all(others) })) !== undefined)
      return finding(code, { terms, without: printQuery(part) }, change(others))
  }
  return finding(code, { terms, without: null })
}

/** What is there, but not in the range. */
export async function notInRange(probe: Probe, wanted: Selection, nowUs: number, findings: Finding[]): Promise<void> {
  const { cluster, from, to, filters, where } = wanted
  if (from > nowUs) findings.push(finding('RANGE_IN_FUTURE', { from: formatTime(from) }, { remove: ['from', 'to'] }))
  const oldest = await probe.time({ cluster, filters: {}, where: undefined, ...always }, 'asc')
  if (oldest !== undefined && to <= oldest) {
    const values = { to: formatTime(to), oldest: formatTime(oldest) }
    findings.push(finding('BEFORE_OLDEST', values, { set: { from: formatTime(oldest) }, remove: ['to'] }))
  }
  const inRange = (await probe.time({ ...wanted, filters: withoutLevel(filters), where: undefined })) !== undefined
  if (!inRange) findings.push(finding('NOTHING_IN_RANGE', { from: formatTime(from), to: endText(to) }))
  else await narrowedInRange(probe, wanted, findings)
  const before = await probe.time({ ...wanted, from: 0, to: from })
  const after = await probe.time({ ...wanted, from: to, to: Number.POSITIVE_INFINITY }, 'asc')
  if (before === undefined && after === undefined) return
  const values = {
    before: before === undefined ? null : formatTime(before),
    after: after === undefined ? null : formatTime(after),
  }
  const wider = before === undefined ? { remove: ['to'] } : { set: { from: formatTime(before) } }
  const found = finding('MATCHES_OUTSIDE_RANGE', values, wider)
  // Where nothing at all is in the range, that is the news; where the query is too narrow, to widen it is.
  findings.push(found)
  if (where === undefined && !inRange) findings.sort((a, b) => Number(b === found) - Number(a === found))
}

async function narrowedInRange(probe: Probe, wanted: Selection, findings: Finding[]): Promise<void> {
  const { filters, where } = wanted
  const level = filters.level ?? []
  if (level.length > 0 && (await probe.time({ ...wanted, filters: withoutLevel(filters) })) !== undefined) {
    findings.push(finding('LEVEL_EXCLUDES', { level }, { remove: ['level'] }))
    return
  }
  if (where === undefined) return
  const parts = partsOf(where)
  const before = findings.length
  for (const part of parts.slice(0, termsMax)) {
    if ((await probe.time({ ...wanted, where: part })) !== undefined) continue
    const values = { term: printQuery(part), start: part.start, end: part.end }
    findings.push(finding('TERM_NOT_IN_RANGE', values, change(parts.filter((one) => one !== part))))
  }
  if (findings.length === before) findings.push(await together('TERMS_NOT_TOGETHER_IN_RANGE', probe, wanted, parts))
}

function partsOf(where: Expression): readonly Expression[] {
  return where.kind === 'and' ? where.parts : [where]
}

function all(parts: readonly Expression[]): Expression | undefined {
  const [first] = parts
  return first === undefined || parts.length === 1 ? first : { kind: 'and', parts, start: 0, end: 0 }
}

/** The same search with these parts of its query. */
function change(parts: readonly Expression[]) {
  const where = all(parts)
  return where === undefined ? { remove: ['q'] } : { set: { q: printQuery(where) } }
}

function withoutLevel({ level: _level, ...filters }: Selection['filters']): Selection['filters'] {
  return filters
}

function endText(to: number): string | null {
  return Number.isFinite(to) ? formatTime(to) : null
}
