/** All files of one instance as a zip: an entry for each file, with its original bytes, made while it is sent. */
import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { ShiplogError } from '../pipeline/errors.ts'
import type { FilterField, SearchQuery, ValueCount } from '../pipeline/store.ts'
import { createFormatWriter } from './export-formats.ts'
import { type ExportProgress, exportChunks, newProgress } from './export-stream.ts'
import { entryPath } from './file-name.ts'
import type { LogStore } from './visible.ts'

/** Files in one archive: the list of them is what is held in memory. */
export const archiveFilesMax = 5000
/** As in a gzipped export: the network is seldom slower than this is. */
const compressionLevel = 1

interface ArchiveFile {
  readonly source: { cluster: string; app: string; instance: string; host: string; dir: string; file: string }
  /** Of its newest line in the range, µs. */
  readonly last: number
}

interface Bounds {
  readonly signal: AbortSignal
  readonly timeMsMax: number
}

/** The files that have lines in the range, by host, directory and name. Throws QUERY_INVALID for too many. */
export async function archiveFiles(
  store: Pick<LogStore, 'values'>,
  query: SearchQuery,
  bounds: Bounds,
): Promise<ArchiveFile[]> {
  const { cluster, filters } = query
  const values = async (field: FilterField, more: Readonly<Record<string, string>>): Promise<ValueCount[]> => {
    const only = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, [value]]))
    const selection = { cluster, filters: { ...filters, ...only }, where: undefined, from: query.from, to: query.to }
    const found = await store.values(field, selection, { limit: archiveFilesMax + 1 }, bounds)
    return found.sort((a, b) => (a.value < b.value ? -1 : 1))
  }
  const files: ArchiveFile[] = []
  for (const { value: host } of await values('host', {})) {
    for (const { value: dir } of await values('dir', { host })) {
      for (const { value: file, last } of await values('file', { host, dir })) {
        const [app = '', instance = ''] = [filters.app?.[0], filters.instance?.[0]]
        files.push({ source: { cluster, app, instance, host, dir, file }, last })
        if (files.length <= archiveFilesMax) continue
        throw new ShiplogError('QUERY_INVALID', `there are more than ${archiveFilesMax} files`, {
          hint: 'Narrow the range, or give dir or file.',
        })
      }
    }
  }
  return files
}

/** The zip as a stream, at the pace of its reader: one file is read at a time. What the store throws ends it broken. */
export function archiveOf(
  store: Pick<LogStore, 'scanFile'>,
  files: readonly ArchiveFile[],
  { from, to }: Pick<SearchQuery, 'from' | 'to'>,
  signal: AbortSignal,
  progress: ExportProgress,
): Readable {
  const zip = new ZipFile()
  const out = zip.outputStream as Readable
  zip.on('error', (error: Error) => out.destroy(error))
  const hosts = new Set(files.map(({ source }) => source.host))
  const taken = new Set<string>()
  for (const { source, last } of files) {
    const { host, instance, dir, file } = source
    const path = entryPath([...(hosts.size > 1 ? [host] : []), instance, ...dir.split('/'), file], taken)
    const mtime = new Date(Math.floor(last / 1000))
    zip.addReadStreamLazy(path, { mtime, mode: 0o100644, compressionLevel }, (give) => {
      const batches = store.scanFile({ source, order: 'asc', from, to }, { signal, reuse: true })
      const own = newProgress()
      const writer = createFormatWriter('raw', { csvSafe: false })
      const chunks = exportChunks(batches, {
        writer,
        limit: undefined,
        skip: undefined,
        progress: own,
        fold: undefined,
      })
      const bytes = Readable.from(chunks, { objectMode: false })
      bytes.once('end', () => {
        progress.records += own.records
      })
      // The library hears of failures that it makes itself only.
      bytes.once('error', (error) => out.destroy(error))
      // Whoever does not wait for the archive any more does not wait for this file either.
      out.once('close', () => bytes.destroy())
      give(null, bytes)
    })
  }
  zip.end()
  return out
}
