/** The files of a series (pipeline/series.ts) as the store has them: one log, whatever its files are called. */
import type { RecordBatch } from '../pipeline/event-batch.ts'
import { filesOfSeries, seriesOf } from '../pipeline/series.ts'
import type { Bounds, FileQuery, FilterField, ValueCount } from '../pipeline/store.ts'
import { lowerCase } from '../pipeline/words.ts'
import type { LogStore } from './visible.ts'

/** Files of one folder that are looked through, most lines first. */
const filesMax = 10_000

type Asked = { readonly cluster: string; readonly series?: readonly string[]; readonly file?: readonly string[] } & {
  readonly [field in Exclude<FilterField, 'file'>]?: readonly string[]
}

/** The same with the names of the files in place of those of their series. */
export async function withSeries<T extends Asked>(store: LogStore, asked: T, bounds: Bounds): Promise<T> {
  if (asked.series === undefined) return asked
  const { cluster, app, instance, dir, host } = asked
  const given = { app, instance, dir, host }
  const filters = Object.fromEntries(Object.entries(given).filter(([, values]) => values !== undefined))
  const known = await fileNames(store, { cluster, filters }, bounds)
  // The bare name is always one of them: a series without files must not become every file.
  const files = asked.series.flatMap((series) => [series, ...filesOfSeries(series, known)])
  return { ...asked, file: [...new Set([...(asked.file ?? []), ...files])] }
}

/** Which series the matching events are of: the values of `file`, taken together. */
export async function seriesValues(
  store: LogStore,
  selection: Parameters<LogStore['values']>[1],
  { limit, prefix = '' }: { readonly limit: number; readonly prefix?: string },
  bounds: Bounds,
): Promise<ValueCount[]> {
  const counts = new Map<string, ValueCount>()
  for (const { value: file, count, last } of await store.values('file', selection, { limit: filesMax }, bounds)) {
    const value = seriesOf(file).series
    const before = counts.get(value)
    counts.set(value, { value, count: count + (before?.count ?? 0), last: Math.max(last, before?.last ?? 0) })
  }
  return [...counts.values()]
    .filter(({ value }) => lowerCase(value).startsWith(lowerCase(prefix)))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, limit)
}

/** As scanFile, going on into the files of the series behind (desc: before) this one. */
export async function* scanSeries(store: LogStore, query: FileQuery, bounds: Bounds): AsyncGenerator<RecordBatch> {
  const { source, start: _, ...rest } = query
  yield* store.scanFile(query, bounds)
  const files = await filesBeside(store, source, bounds)
  if (query.order === 'desc') files.reverse()
  // Only now is it known that they are wanted.
  for (const file of files.slice(files.indexOf(source.file) + 1)) {
    yield* store.scanFile({ ...rest, source: { ...source, file } }, bounds)
  }
}

/** All files of the series that `source.file` is of, oldest first, itself among them. */
export async function filesBeside(store: LogStore, source: FileQuery['source'], bounds: Bounds): Promise<string[]> {
  const { cluster, app, instance, dir, host, file } = source
  const { series } = seriesOf(file)
  const filters = { app: [app], instance: [instance], dir: [dir], ...(host === undefined ? {} : { host: [host] }) }
  const known = await fileNames(store, { cluster, filters }, bounds)
  return filesOfSeries(series, [...known, file])
}

async function fileNames(
  store: LogStore,
  selection: { readonly cluster: string; readonly filters: { readonly [field in FilterField]?: readonly string[] } },
  { signal, timeMsMax }: Bounds,
): Promise<string[]> {
  const everywhere = { ...selection, where: undefined, from: 0, to: Number.POSITIVE_INFINITY }
  const bounds = { ...(signal && { signal }), ...(timeMsMax && { timeMsMax }) }
  const values = await store.values('file', everywhere, { limit: filesMax }, bounds)
  return values.map(({ value }) => value)
}
