/** A thread that reads: pages, scans, histograms, values. It holds no transaction between two slices of work. */
import { workerData } from 'node:worker_threads'
import { ShiplogError } from '../../pipeline/errors.ts'
import type { FileQuery, SearchQuery, Selection, StoreStats } from '../../pipeline/store.ts'
import { answer } from './answer.ts'
import { listClusters, listDamaged, listPartitions, partitionBytes, partitionPath } from './catalog.ts'
import { openPartitionFile } from './database.ts'
import { histogram } from './histogram.ts'
import { byPlace, byTime, type Ordered, type Window } from './ordered.ts'
import { readPage } from './page.ts'
import { readTotals } from './partition.ts'
import { check, inSlices, type Limits } from './slices.ts'
import { Moved, serve } from './thread.ts'
import { type ValuesSelection, values } from './values.ts'
import { DamagedPartition, Views } from './views.ts'

export interface ReaderOptions {
  readonly folder: string
  readonly openFilesMax: number
}

/** Instead of an answer: this file must be set aside, then the call is made again. */
export interface DamagedAnswer {
  readonly damaged: { readonly cluster: string; readonly partition: string; readonly reason: string }
}

const { folder, openFilesMax } = workerData as ReaderOptions
const views = new Views(folder, openFilesMax)
/** By the id of their call. */
const running = new Map<number, Limits>()

interface Scan {
  readonly limits: Limits
  readonly ordered: Ordered
  window: Window | undefined
  at: number
}

/** By the id that the main thread gave. */
const scans = new Map<number, Scan>()

/** Makes damage an answer, so that it can say which file it is about. */
async function damageAsAnswer<T>(work: () => Promise<T>): Promise<T | DamagedAnswer> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DamagedPartition)) throw error
    // Perhaps the file was only replaced under our hands: the next attempt opens it anew.
    views.forget(error.partition)
    return { damaged: { ...error.partition, reason: error.message } }
  }
}

async function limited<T>(id: number, timeMsMax: number | undefined, work: (limits: Limits) => Promise<T>): Promise<T> {
  const limits: Limits = { timeMsMax, cancelled: false, spentMs: 0 }
  running.set(id, limits)
  try {
    return await work(limits)
  } finally {
    running.delete(id)
  }
}

async function next(scan: Scan): Promise<Moved | undefined> {
  check(scan.limits)
  for (;;) {
    const { window } = scan
    if (window !== undefined && scan.at < window.order.length) {
      const { batch, buffer, taken } = answer(scan.ordered.request, window, scan.at, window.order.length)
      scan.at = taken
      if (batch.count > 0) return new Moved(batch, [buffer])
      continue
    }
    const step = await inSlices(scan.ordered.windows, scan.limits)
    if (step.done) return undefined
    scan.window = step.value
    scan.at = 0
  }
}

function stats(): StoreStats {
  const partitions: StoreStats['partitions'][number][] = []
  for (const cluster of listClusters(folder)) {
    for (const place of listPartitions(folder, cluster)) {
      const path = partitionPath(folder, place)
      try {
        // Its own short connection: counting all files must not push the ones in use out.
        const db = openPartitionFile(path, { write: false, cacheKiB: 64 })
        try {
          const { events, minTime, maxTime, newestReadAt } = readTotals(db)
          const { partition } = place
          if (events === 0) continue
          const bytes = partitionBytes(path)
          partitions.push({ cluster, partition, events, bytes, from: minTime, to: maxTime, newestReadAt })
        } finally {
          db.close()
        }
      } catch {
        // Dropped in between, or damaged: whoever reads its events will say so.
      }
    }
  }
  partitions.sort((a, b) =>
    a.cluster === b.cluster ? (a.partition < b.partition ? -1 : 1) : a.cluster < b.cluster ? -1 : 1,
  )
  return {
    events: partitions.reduce((sum, { events }) => sum + events, 0),
    bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    partitions,
    damaged: listDamaged(folder),
  }
}

serve({
  search: ([query, limit, timeMsMax], id) =>
    limited(id, timeMsMax as number | undefined, (limits) =>
      damageAsAnswer(() => readPage(views, query as SearchQuery, limit as number, limits)),
    ),
  histogram: ([selection, buckets, timeMsMax], id) =>
    limited(id, timeMsMax as number | undefined, (limits) =>
      damageAsAnswer(
        async () => (await inSlices(histogram(views, selection as Selection, buckets as number), limits)).value,
      ),
    ),
  values: ([field, selection, options, timeMsMax], id) =>
    limited(id, timeMsMax as number | undefined, (limits) =>
      damageAsAnswer(
        async () =>
          (
            await inSlices(
              values(
                views,
                field as string,
                selection as ValuesSelection,
                options as { limit: number; prefix?: string },
              ),
              limits,
            )
          ).value,
      ),
    ),
  scanOpen: ([scan, kind, query, timeMsMax]) => {
    const ordered = kind === 'file' ? byPlace(views, query as FileQuery) : byTime(views, query as SearchQuery, false)
    const limits: Limits = { timeMsMax: timeMsMax as number | undefined, cancelled: false, spentMs: 0 }
    scans.set(scan as number, { limits, ordered, window: undefined, at: 0 })
  },
  scanNext: ([scan]) => {
    const open = scans.get(scan as number)
    // Never an end that is none: this thread may have died in between, and its scans with it.
    if (open === undefined)
      throw new ShiplogError('STORE_UNAVAILABLE', 'the scan is not known any more', { retryable: true })
    return damageAsAnswer(() => next(open))
  },
  scanClose: ([scan]) => {
    const open = scans.get(scan as number)
    if (open !== undefined) open.limits.cancelled = true
    scans.delete(scan as number)
  },
  cancel: ([id]) => {
    const limits = running.get(id as number)
    if (limits !== undefined) limits.cancelled = true
  },
  forget: ([cluster, partition]) => views.forget({ cluster: cluster as string, partition: partition as string }),
  stats,
  close: () => views.close(),
})
