/**
 * The embedded store: one SQLite file for each cluster and UTC day (or month, for old back-fills), one thread that writes,
 * a few that read. The main thread only packs, waits and hands on: node:sqlite is synchronous and never runs on it.
 */
import { mkdirSync } from 'node:fs'
import { messageOf, ShiplogError, systemCodeOf } from '../../pipeline/errors.ts'
import type { EventBatch, RecordBatch } from '../../pipeline/event-batch.ts'
import { sourceFields } from '../../pipeline/record.ts'
import {
  type Bounds,
  type Dropped,
  type Histogram,
  type Page,
  partitionPattern,
  type Refused,
  type Store,
  type StoreStats,
  type ValueCount,
} from '../../pipeline/store.ts'
import { isClusterName } from './catalog.ts'
import { writeError } from './database.ts'
import { joinPages, packBatches, packedBytes } from './pack.ts'
import type { PageParts } from './page.ts'
import type { DamagedAnswer, ReaderOptions } from './reader.ts'
import { scanOf } from './scan.ts'
import type { Notice } from './thread.ts'
import { ThreadLink } from './thread-link.ts'
import type { RefusedPlace, WriterOptions } from './writer.ts'

/** What the store tells the operator; pino's Logger fits. */
export interface StoreLog {
  error(details: object, message: string): void
}

export interface SqliteStoreOptions {
  readonly folder: string
  /** Partition files that are open at the same time, over all threads. */
  readonly openFilesMax?: number
  /** Threads that read. */
  readonly readers?: number
  readonly log?: StoreLog
}

/** Of one histogram: more of them would be a reader's whole heap. */
const bucketsMax = 10_000

/** Bytes of events on their way to the writer; further calls of write() wait. */
const inFlightBytesMax = 16 * 1024 * 1024

/**
 * Opens the store in `folder`, which is made when it is missing. Rejects with DATA_UNWRITABLE when it cannot be.
 * One process at a time: the caller holds the lock on the data folder.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { folder, openFilesMax = 32, readers = 2, log } = options
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw systemCodeOf(error) === undefined ? error : writeError(error, folder)
  }
  return new SqliteStore(folder, Math.max(1, readers), openFilesMax, log)
}

class SqliteStore implements Store {
  readonly #log: StoreLog | undefined
  readonly #writer: ThreadLink
  readonly #readers: readonly ThreadLink[]
  #inFlightBytes = 0
  #waiting: (() => void)[] = []
  #scans = 0
  #closed = false
  /** Files that are being set aside: by `cluster/partition`. */
  readonly #settingAside = new Map<string, Promise<void>>()

  constructor(folder: string, readers: number, openFilesMax: number, log: StoreLog | undefined) {
    this.#log = log
    const filesEach = Math.max(2, Math.floor(openFilesMax / (readers + 1)))
    const onDeath = (reason: string): void =>
      log?.error({ reason }, 'a thread of the store died and is started again; nothing that was acknowledged is lost')
    this.#writer = new ThreadLink({
      url: new URL('./writer.ts', import.meta.url),
      workerData: { folder, openFilesMax: filesEach } satisfies WriterOptions,
      name: 'store-writer',
      onNotice: (notice) => void this.#setAside(notice).catch(() => undefined),
      onDeath,
    })
    this.#readers = Array.from(
      { length: readers },
      (_, i) =>
        new ThreadLink({
          url: new URL('./reader.ts', import.meta.url),
          workerData: { folder, openFilesMax: filesEach } satisfies ReaderOptions,
          name: `store-reader-${i + 1}`,
          // The first answers at once; the others are for requests at the same time and for exports.
          lazy: i > 0,
          onDeath,
        }),
    )
  }

  async write(batches: readonly EventBatch[]): Promise<Refused[]> {
    const bytes = packedBytes(batches)
    while (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > inFlightBytesMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#inFlightBytes += bytes
    try {
      // Copied once: the caller keeps its buffers for another attempt.
      const { packed, buffer } = packBatches(batches)
      const refused = (await this.#writer.call('write', [packed], [buffer]).answer) as RefusedPlace[]
      return refused.map(([batch, index, reason]) => ({ batch: batches[batch] as EventBatch, index, reason }))
    } finally {
      this.#inFlightBytes -= bytes
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  async search(...[query, limit, bounds]: Parameters<Store['search']>): Promise<Page> {
    const answer = await this.#read<PageParts>('search', [query, Math.max(1, limit), bounds?.timeMsMax], bounds)
    const { parts, more, partial } = answer
    return { records: joinPages(parts), more, ...(partial && { partial }) }
  }

  scan(...[query, bounds]: Parameters<Store['scan']>): AsyncIterable<RecordBatch> {
    return this.#scan((after) => ['time', after === undefined ? query : { ...query, after }], bounds)
  }

  scanFile(...[query, bounds]: Parameters<Store['scanFile']>): AsyncIterable<RecordBatch> {
    const step = query.order === 'asc' ? 1 : -1
    const { most } = query
    return this.#scan(
      (after, given) => [
        'file',
        after === undefined
          ? query
          : {
              ...query,
              start: { generation: after.generation, offset: after.offset + step },
              ...(most === undefined ? {} : { most: most - given }),
            },
      ],
      bounds,
    )
  }

  #scan(
    queryAfter: Parameters<typeof scanOf>[0]['queryAfter'],
    bounds: Bounds | undefined,
  ): AsyncIterable<RecordBatch> {
    return scanOf({
      // One reader stays free of scans where there is more than one: a page must not wait for an export.
      reader: () =>
        this.#readers[this.#readers.length > 1 ? 1 + (this.#scans++ % (this.#readers.length - 1)) : 0] as ThreadLink,
      queryAfter,
      setAside: (notice) => this.#setAside(notice),
      ...(bounds === undefined ? {} : { bounds }),
    })
  }

  histogram(...[selection, buckets, bounds]: Parameters<Store['histogram']>): Promise<Histogram> {
    if (!Number.isFinite(selection.to) || !Number.isFinite(selection.from) || selection.to <= selection.from) {
      return Promise.reject(new ShiplogError('QUERY_INVALID', 'a histogram needs a range of time with an end'))
    }
    if (!(buckets <= bucketsMax)) {
      return Promise.reject(new ShiplogError('QUERY_INVALID', `a histogram has at most ${bucketsMax} buckets`))
    }
    return this.#read<Histogram>('histogram', [selection, buckets, bounds?.timeMsMax], bounds)
  }

  values(...[field, selection, options, bounds]: Parameters<Store['values']>): Promise<ValueCount[]> {
    const known = (sourceFields as readonly string[]).includes(field) || field === 'level' || /^fields\../.test(field)
    if (!known) {
      const hint = `Use one of ${[...sourceFields, 'level'].join(', ')} or fields.<name>.`
      return Promise.reject(new ShiplogError('QUERY_INVALID', `there is no field ${JSON.stringify(field)}`, { hint }))
    }
    return this.#read<ValueCount[]>('values', [field, selection, options, bounds?.timeMsMax], bounds)
  }

  async retain(cluster: string, before: number): Promise<Dropped[]> {
    if (!isClusterName(cluster)) return []
    const dropped: Dropped[] = []
    for (const candidate of (await this.#writer.call('outdated', [cluster, before]).answer) as Dropped[]) {
      const { partition } = candidate
      await this.#forget(cluster, partition)
      if (await this.#writer.call('drop', [cluster, partition, before]).answer) dropped.push(candidate)
      // Once more: a reader that was asked in between has opened the file that is gone now.
      await this.#forget(cluster, partition)
    }
    return dropped
  }

  async remove(cluster: string, partition: string): Promise<Dropped | undefined> {
    if (!isClusterName(cluster) || !partitionPattern.test(partition)) return undefined
    await this.#forget(cluster, partition)
    const dropped = (await this.#writer.call('remove', [cluster, partition]).answer) as Dropped | undefined
    // Once more, as in retain.
    await this.#forget(cluster, partition)
    return dropped
  }

  async stats(): Promise<StoreStats> {
    return (await this.#idlest().call('stats', []).answer) as StoreStats
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // Readers first: the last one to close a file moves its log into it, and that is the writer's work.
    await Promise.all(this.#readers.map((reader) => reader.close()))
    await this.#writer.close()
  }

  #idlest(): ThreadLink {
    return this.#readers.reduce((best, reader) => (reader.busy < best.busy ? reader : best))
  }

  /** Asks a reader; sets damaged files aside and asks again without them. */
  async #read<T>(method: string, args: readonly unknown[], bounds: Bounds | undefined): Promise<T> {
    let suspect: string | undefined
    for (;;) {
      const answer = await abortable<T | DamagedAnswer>(this.#idlest(), method, args, bounds?.signal)
      if (!isDamagedAnswer(answer)) return answer
      const key = `${answer.damaged.cluster}/${answer.damaged.partition}`
      // The first time the file may have been replaced under the reader's hands (retention): only then it is damage.
      if (suspect === key) await this.#setAside({ kind: 'damaged', ...answer.damaged })
      suspect = suspect === key ? undefined : key
    }
  }

  /** Renames a damaged file, so that the others go on serving and a fresh one takes the next events of that day. */
  #setAside({ cluster, partition, reason }: Notice): Promise<void> {
    const key = `${cluster}/${partition}`
    const running = this.#settingAside.get(key)
    if (running !== undefined) return running
    const work = (async () => {
      await this.#forget(cluster, partition)
      const why = `${reason}. What was in it can be read again from the log files: move the file away once it is not needed.`
      const path = (await this.#writer.call('aside', [cluster, partition, why]).answer) as string | undefined
      await this.#forget(cluster, partition)
      if (path !== undefined) {
        this.#log?.error(
          { cluster, partition, path, reason },
          `the store's file ${partition} is damaged and was set aside`,
        )
      }
    })()
    this.#settingAside.set(key, work)
    return work
      .catch((error: unknown) => {
        this.#log?.error({ cluster, partition, reason: messageOf(error) }, 'a damaged file could not be set aside')
        throw error
      })
      .finally(() => this.#settingAside.delete(key))
  }

  async #forget(cluster: string, partition: string): Promise<void> {
    const running = this.#readers.filter((reader) => reader.running)
    await Promise.all(running.map((reader) => reader.call('forget', [cluster, partition]).answer))
  }
}

function isDamagedAnswer(answer: unknown): answer is DamagedAnswer {
  return typeof answer === 'object' && answer !== null && 'damaged' in answer
}

/** A call that rejects with ABORTED as soon as the signal does, and then lets the thread stop its work. */
export function abortable<T>(
  link: ThreadLink,
  method: string,
  args: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return link.call(method, args).answer as Promise<T>
  if (signal.aborted) return Promise.reject(abortedError())
  const { id, answer } = link.call(method, args)
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      link.call('cancel', [id]).answer.catch(() => undefined)
      reject(abortedError())
    }
    signal.addEventListener('abort', onAbort, { once: true })
    answer.then((value) => resolve(value as T), reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

export function abortedError(): ShiplogError {
  return new ShiplogError('ABORTED', 'the request was cancelled')
}
