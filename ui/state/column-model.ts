/** The columns in front of the message: which there can be, what stands in them, how wide they are. Pure. */
import type { ApiRecord } from '../api.ts'

export const ownColumns = ['time', 'level', 'host', 'instance', 'app', 'dir', 'file'] as const
export type OwnColumn = (typeof ownColumns)[number]
/** A name of `ownColumns`, or a field that was read from the line: `.status`. */
export type Column = OwnColumn | `.${string}`

/** The plain view: time, `host : message`. */
export const plainColumns: readonly Column[] = ['time', 'host']

export function isColumn(name: string): name is Column {
  return (name.startsWith('.') && name.length > 1) || (ownColumns as readonly string[]).includes(name)
}

/** What the address asks for; what is no column is left out. */
export function columnsOf(cols: readonly string[]): readonly Column[] {
  const columns = cols.filter(isColumn)
  return columns.length === 0 ? plainColumns : columns
}

/** The columns with this one, or without it when it was among them; empty = the plain view. */
export function toggledColumn(cols: readonly string[], column: Column): readonly Column[] {
  const chosen = columnsOf(cols)
  const next = chosen.includes(column) ? chosen.filter((name) => name !== column) : [...chosen, column]
  return next.join() === plainColumns.join() ? [] : next
}

export function cellText(record: ApiRecord, column: Column): string {
  if (!column.startsWith('.')) return record[column as OwnColumn]
  const wanted = column.slice(1).toLowerCase()
  const fields = record.fields ?? {}
  const name = Object.keys(fields).find((known) => known.toLowerCase() === wanted)
  return name === undefined ? '' : (fields[name] ?? []).join(', ')
}

const recordsLookedAt = 1_000
const charsMax = 24
const fieldCharsMax = 32

/** Characters that a column needs: as many as its longest value among the first lines, within reason. */
export function columnChars(records: readonly ApiRecord[], column: Column, named: boolean): number {
  const most = column.startsWith('.') ? fieldCharsMax : charsMax
  // A head needs room for its name and the button that takes the column away.
  let chars = named ? column.length + 3 : 4
  const count = Math.min(records.length, recordsLookedAt)
  for (let at = 0; at < count && chars < most; at++) {
    const record = records[at]
    if (record !== undefined) chars = Math.max(chars, cellText(record, column).length)
  }
  return Math.min(most, chars)
}

/** Fields of the first lines, the most frequent first. */
export function fieldsOf(records: readonly ApiRecord[]): string[] {
  const counts = new Map<string, number>()
  for (const { fields } of records.slice(0, recordsLookedAt)) {
    for (const name of Object.keys(fields ?? {})) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
}
