/**
 * The store in Elasticsearch: one index for each cluster and UTC day (or month, for old back-fills), made from an index
 * template by the first event. Several processes may write and read the same indices.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ShiplogError } from '../../pipeline/errors.ts'
import { backoffMs, defaultBackoff } from '../../pipeline/retry.ts'
import type { Store } from '../../pipeline/store.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { histogram, values } from './counts.ts'
import { remove, retain, Statistics } from './keeping.ts'
import { scanByTime, scanFile, searchPage } from './pages.ts'
import { PartitionList } from './partitions.ts'
import { checkVersion, type IndexSettings, putTemplate } from './template.ts'
import { checkWords } from './words-analyzer.ts'
import { BulkWriter, type StoreLog, type WriterOptions } from './writer.ts'

export interface ElasticsearchOptions extends ConnectionOptions {
  /** What the names of indices begin with; default `shiplog`. */
  readonly prefix?: string
  readonly settings?: Partial<IndexSettings>
  readonly log?: StoreLog
  /** How long a server that does not answer yet is waited for, ms. */
  readonly startMsMax?: number
  readonly writer?: Pick<WriterOptions, 'bodyBytesMax' | 'retryMsMax'>
}

export const defaultPrefix = 'shiplog'
export const defaultSettings: IndexSettings = {
  shards: 1,
  replicas: 1,
  // best_compression reads a block of 240 KB for each hit that does not lie beside the one before.
  codec: 'default',
  refreshIntervalMs: 1000,
}
/** Longer than a server takes that was started together with this process. */
const startMsMost = 60_000

/**
 * Connects, checks version and analyzer, puts the index template. Rejects with STORE_UNAVAILABLE and a hint when that cannot
 * be done, after `startMsMax` when nobody answers.
 */
export async function openElasticsearchStore(options: ElasticsearchOptions): Promise<Store> {
  const { prefix = defaultPrefix, settings, log, startMsMax = startMsMost } = options
  const connection = new Connection(options)
  try {
    // One by one: a server that is only just up may answer the first and not yet the next.
    await waitForServer(startMsMax, log, () => checkVersion(connection))
    await waitForServer(startMsMax, log, () => checkWords(connection))
    await waitForServer(startMsMax, log, () => putTemplate(connection, prefix, { ...defaultSettings, ...settings }))
  } catch (error) {
    await connection.close()
    throw error
  }
  const partitions = new PartitionList(connection, prefix)
  const statistics = new Statistics(connection, partitions, prefix)
  const onNewIndex = (): void => partitions.forget()
  const writer = new BulkWriter({ ...options.writer, connection, prefix, log, onNewIndex })
  const onDropped = (index: string): void => {
    writer.forget(index)
    partitions.forget()
  }
  return {
    write: (batches) => writer.write(batches),
    search: (query, limit, bounds) => searchPage(connection, partitions, query, limit, bounds),
    scan: (query, bounds) => scanByTime(connection, partitions, query, bounds),
    scanFile: (query, bounds) => scanFile(connection, partitions, query, bounds),
    histogram: (selection, buckets, bounds) => histogram(connection, partitions, selection, buckets, bounds),
    values: (field, selection, limits, bounds) => values(connection, partitions, field, selection, limits, bounds),
    retain: (cluster, before) => retain(connection, partitions, cluster, before, onDropped),
    remove: (cluster, partition) => remove(connection, partitions, cluster, partition, onDropped),
    stats: () => statistics.read(),
    close: () => connection.close(),
  }
}

/** Calls `work` until it resolves, as long as the server may still be starting. */
export async function waitForServer<T>(msMax: number, log: StoreLog | undefined, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + msMax
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const waitMs = backoffMs(attempt, defaultBackoff)
      const mayCome = error instanceof ShiplogError && error.retryable && performance.now() + waitMs < deadline
      if (!mayCome) throw error
      if (attempt === 0) log?.warn({ hint: error.hint }, `the store is waited for: ${error.message}`)
      await sleep(waitMs)
    }
  }
}
