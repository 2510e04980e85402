/** What is asked of the API for what the page shows. Pure. */
import type { LogRecord } from '../../pipeline/record.ts'
import { settledEdge } from './time-range.ts'
import { listFields, type View } from './url-state.ts'

export type ParamList = readonly (readonly [name: string, value: string | number])[]

/** Leaves out the named fields: a picker must also offer what is not chosen. */
export function selectionParams(view: View, zone: string, without: readonly (keyof View)[] = []): ParamList {
  const params: [string, string][] = []
  const add = (field: keyof View, values: readonly string[]) => {
    if (!without.includes(field)) for (const value of values) params.push([field, value])
  }
  if (view.cluster !== undefined) add('cluster', [view.cluster])
  for (const field of listFields) add(field, view[field])
  add('level', view.level)
  if (view.q.trim() !== '') add('q', [view.q])
  params.push(['from', settledEdge(view.from, zone)])
  if (view.to !== '') params.push(['to', settledEdge(view.to, zone)])
  params.push(['tz', zone])
  return params
}

export function apiUrl(path: string, params: ParamList): string {
  const query = new URLSearchParams(params.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return `api/v1/${path}${query === '' ? '' : `?${query}`}`
}

export const exportFormats = ['txt', 'ndjson', 'csv', 'raw'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** The original bytes exist only for one file: everything up to its name must be chosen. */
export function isOneFile(view: View): boolean {
  return [view.app, view.instance, view.dir, view.file].every((chosen) => chosen.length === 1)
}

export function exportUrl(view: View, zone: string, format: ExportFormat, order: 'asc' | 'desc' = 'asc'): string {
  // The original file is whole: neither words nor levels take lines out of it.
  const params = selectionParams(view, zone, format === 'raw' ? ['q', 'level', 'host'] : [])
  return apiUrl('export', [...params, ['order', order], ['format', format]])
}

export function contextUrl(record: Pick<LogRecord, 'id' | 'time'>, cluster: string, before: number, after: number) {
  return apiUrl('context', [
    ['cluster', cluster],
    ['id', record.id],
    ['time', record.time],
    ['before', before],
    ['after', after],
  ])
}
