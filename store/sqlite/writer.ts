/**
 * The one thread that writes. Group commit: what has queued up goes into one transaction for each partition file, and a
 * call is answered when every file that holds something of it is on the disk. A crash in between leaves whole batches in
 * some files; the caller was not answered, writes all of them again, and what is covered is passed over.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { workerData } from 'node:worker_threads'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import { faultOf, faultOfOrigin } from '../../pipeline/event-faults.ts'
import { type Dropped, partitionOf } from '../../pipeline/store.ts'
import { listPartitions, type PartitionName, partitionBytes, partitionPath, setAside } from './catalog.ts'
import { isDamage, writeError } from './database.ts'
import { PartitionWriter } from './partition.ts'
import { notify, serve } from './thread.ts'

export interface WriterOptions {
  readonly folder: string
  readonly openFilesMax: number
}

/** [batch, event, reason] of an event that is refused for good. */
export type RefusedPlace = readonly [batch: number, event: number, reason: string]

interface Job {
  readonly batches: readonly EventBatch[]
  readonly refused: RefusedPlace[]
  readonly partitions: Set<string>
  readonly resolve: (refused: RefusedPlace[]) => void
  readonly reject: (error: unknown) => void
}

const { folder, openFilesMax } = workerData as WriterOptions
/** Bytes of messages in one group: what a commit, and so the wait for it, may take. */
const groupBytesMax = 8 * 1024 * 1024
const dayUs = 86_400_000_000

/** Least recently used first. */
const open = new Map<string, PartitionWriter>()
/** Damaged files that wait to be set aside: nothing may be written to them. */
const broken = new Set<string>()
const queue: Job[] = []
let scheduled = false

function write(batches: readonly EventBatch[]): Promise<RefusedPlace[]> {
  return new Promise((resolve, reject) => {
    queue.push({ batches, refused: [], partitions: new Set(), resolve, reject })
    schedule()
  })
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  // Behind the messages that have arrived by now: they join the group.
  setImmediate(() => {
    scheduled = false
    const group: Job[] = []
    for (let bytes = 0; queue.length > 0 && bytes < groupBytesMax; ) {
      const job = queue.shift() as Job
      group.push(job)
      for (const batch of job.batches) bytes += batch.text.length
    }
    try {
      commitGroup(group)
    } catch (error) {
      abandon(group, error)
    }
    if (queue.length > 0) schedule()
  })
}

/** What nobody foresaw fails the calls of one group, not the thread and every call that waits: nothing of it is kept. */
function abandon(group: readonly Job[], error: unknown): void {
  for (const key of [...open.keys()]) closeWriter(key)
  for (const job of group) job.reject(error)
}

/** The files of one group: each fails alone, and with it the calls that have something in it. */
class Group {
  readonly writers = new Map<string, PartitionWriter>()
  readonly failed = new Map<string, ShiplogError>()

  /** The writer of a partition with its transaction begun, or undefined when it has failed. */
  writer(cluster: string, partition: string): PartitionWriter | undefined {
    const key = `${cluster}/${partition}`
    const known = this.writers.get(key)
    if (known !== undefined) return known
    if (this.failed.has(key)) return undefined
    try {
      if (broken.has(key)) throw new ShiplogError('STORE_UNAVAILABLE', `${key} is being set aside`, { retryable: true })
      const writer = openWriter({ cluster, partition })
      writer.begin()
      this.writers.set(key, writer)
      return writer
    } catch (error) {
      this.fail(key, error)
      return undefined
    }
  }

  /** True when a file must be closed before this one can be opened. */
  needsRoom(key: string): boolean {
    return open.size >= openFilesMax && !open.has(key)
  }

  /**
   * Commits and closes the file that was used longest ago. A part of the group is on the disk before the rest then, as after a
   * crash between two commits; nobody was answered yet. What it stored must be covered before: the caller sees to that.
   */
  makeRoom(): void {
    const key = open.keys().next().value
    if (key === undefined) return
    const writer = this.writers.get(key)
    this.writers.delete(key)
    try {
      writer?.commit()
      closeWriter(key)
    } catch (error) {
      this.fail(key, error)
    }
  }

  /** Undoes what the file has of this group. */
  fail(key: string, error: unknown): void {
    const [cluster, partition] = key.split('/') as [string, string]
    const path = partitionPath(folder, { cluster, partition })
    this.writers.delete(key)
    open.get(key)?.close()
    open.delete(key)
    if (isDamage(error)) {
      broken.add(key)
      notify({ kind: 'damaged', cluster, partition, reason: messageOf(error) })
      const failure = `${path} is damaged and is being set aside: ${messageOf(error)}`
      this.failed.set(key, new ShiplogError('STORE_UNAVAILABLE', failure, { retryable: true, cause: error }))
    } else {
      this.failed.set(key, writeError(error, path))
    }
  }
}

function commitGroup(jobs: readonly Job[]): void {
  const group = new Group()
  for (const { batch, job, index } of inFileOrder(jobs)) writeBatch(group, job, index, batch)
  for (const [key, writer] of [...group.writers]) {
    try {
      writer.commit()
    } catch (error) {
      group.fail(key, error)
    }
  }
  closeSurplus()
  for (const job of jobs) {
    const failure = [...job.partitions].map((key) => group.failed.get(key)).find((error) => error !== undefined)
    if (failure === undefined) job.resolve(job.refused)
    else job.reject(failure)
  }
}

/** Batches of one incarnation behind each other: its rows lie together in blocks that span little time. */
function inFileOrder(jobs: readonly Job[]): { batch: EventBatch; job: Job; index: number }[] {
  const byGeneration = new Map<string, { batch: EventBatch; job: Job; index: number }[]>()
  for (const job of jobs) {
    for (const [index, batch] of job.batches.entries()) {
      const list = byGeneration.get(batch.origin.generation)
      if (list === undefined) byGeneration.set(batch.origin.generation, [{ batch, job, index }])
      else list.push({ batch, job, index })
    }
  }
  return [...byGeneration.values()].flat()
}

/** What a batch has in one partition. */
interface Share {
  readonly key: string
  readonly writer: PartitionWriter | undefined
  readonly origin: number
  /** What will be covered: from the first to the last event of this stretch that is of this partition. */
  start: number
  stop: number
}

/** Writes the events of a batch that are not there yet. */
function writeBatch(group: Group, job: Job, index: number, batch: EventBatch): void {
  const { origin, count } = batch
  const { cluster } = origin.source
  const { generation, readAt } = origin
  const originFault = faultOfOrigin(origin)
  const text = Buffer.from(batch.text.buffer, batch.text.byteOffset, batch.text.length)
  const shares = new Map<string, Share>()
  let share: Share | undefined
  let shareDay = Number.NaN
  let shareOld = false
  let expected = -1

  const coverStretch = (): void => {
    for (const { key, writer, start, stop } of shares.values()) {
      if (writer === undefined || stop <= start || group.failed.has(key)) continue
      try {
        writer.cover(generation, start, stop)
      } catch (error) {
        group.fail(key, error)
      }
    }
    shares.clear()
    share = undefined
    shareDay = Number.NaN
  }

  for (let i = 0; i < count; i++) {
    const fault = originFault ?? faultOf(batch, i)
    if (fault !== undefined) {
      job.refused.push([index, i, fault])
      continue
    }
    const offset = batch.offset[i] as number
    const time = batch.time[i] as number
    // What the batch leaves out may come one day: a gap is covered only when its events went to other partitions.
    if (offset !== expected && expected !== -1) coverStretch()
    const bytes = Math.max(1, batch.bytes[i] as number)
    const next = i + 1 < count ? (batch.offset[i + 1] as number) : Number.POSITIVE_INFINITY
    expected = next > offset ? Math.min(offset + bytes, next) : offset + 1
    const day = Math.floor(time / dayUs)
    const old = readAt - time > 90 * dayUs
    if (share === undefined || day !== shareDay || old !== shareOld) {
      const partition = partitionOf(time, readAt)
      if (group.needsRoom(`${cluster}/${partition}`)) {
        coverStretch()
        group.makeRoom()
      }
      share = openShare(group, job, shares, batch, partition, offset)
      shareDay = day
      shareOld = old
    }
    const { writer } = share
    if (writer === undefined || group.failed.has(share.key)) continue
    try {
      if (!writer.covers(generation, offset)) writer.append(batch, text, i, share.origin, readAt)
      share.stop = expected
    } catch (error) {
      group.fail(share.key, error)
    }
  }
  coverStretch()
}

function openShare(
  group: Group,
  job: Job,
  shares: Map<string, Share>,
  batch: EventBatch,
  partition: string,
  start: number,
): Share {
  const key = `${batch.origin.source.cluster}/${partition}`
  const known = shares.get(key)
  if (known !== undefined) return known
  job.partitions.add(key)
  const writer = group.writer(batch.origin.source.cluster, partition)
  let origin = 0
  try {
    origin = writer?.originId(batch.origin) ?? 0
  } catch (error) {
    group.fail(key, error)
  }
  const share: Share = { key, writer, origin, start, stop: start }
  shares.set(key, share)
  return share
}

function openWriter(name: PartitionName): PartitionWriter {
  const key = `${name.cluster}/${name.partition}`
  let writer = open.get(key)
  if (writer === undefined) {
    const path = partitionPath(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writer = new PartitionWriter(path)
  }
  open.delete(key)
  open.set(key, writer)
  return writer
}

function closeWriter(key: string): void {
  open.get(key)?.close()
  open.delete(key)
}

function closeSurplus(): void {
  for (const key of open.keys()) {
    if (open.size <= openFilesMax) return
    closeWriter(key)
  }
}

/** Partitions of the cluster that lie before `before` by their name and by what was read last. */
function outdated(cluster: string, before: number): Dropped[] {
  const dropped: Dropped[] = []
  for (const place of listPartitions(folder, cluster)) {
    if (place.to > before) continue
    const { partition } = place
    try {
      const { totals } = openWriter(place)
      if (totals.newestReadAt >= before) continue
      dropped.push({ partition, events: totals.events, bytes: partitionBytes(partitionPath(folder, place)) })
    } catch (error) {
      if (isDamage(error)) notify({ kind: 'damaged', cluster, partition, reason: messageOf(error) })
      else throw writeError(error, partitionPath(folder, place))
    }
  }
  closeSurplus()
  return dropped
}

/** Unlinks a partition; false when something was written to it in the meantime. */
function drop(cluster: string, partition: string, before: number): boolean {
  const key = `${cluster}/${partition}`
  const path = partitionPath(folder, { cluster, partition })
  if (openWriter({ cluster, partition }).totals.newestReadAt >= before) return false
  unlink(key, path)
  return true
}

/** Unlinks a partition, whatever is in it; undefined when there is none. A damaged one is set aside, not unlinked. */
function remove(cluster: string, partition: string): Dropped | undefined {
  const path = partitionPath(folder, { cluster, partition })
  if (!existsSync(path)) return undefined
  try {
    const { events } = openWriter({ cluster, partition }).totals
    const dropped = { partition, events, bytes: partitionBytes(path) }
    unlink(`${cluster}/${partition}`, path)
    return dropped
  } catch (error) {
    if (isDamage(error)) notify({ kind: 'damaged', cluster, partition, reason: messageOf(error) })
    throw writeError(error, path)
  }
}

function unlink(key: string, path: string): void {
  // Closing as the last one moves the log into the file. The log goes first: alone it would be played into a new file of that day.
  closeWriter(key)
  for (const suffix of ['-wal', '-shm', '']) rmSync(path + suffix, { force: true })
}

/** Renames a damaged file; returns where it is now, or undefined when there is none. */
function aside(cluster: string, partition: string, reason: string): string | undefined {
  const key = `${cluster}/${partition}`
  closeWriter(key)
  const path = setAside(partitionPath(folder, { cluster, partition }), reason)
  broken.delete(key)
  return path
}

serve({
  write: (args) => write(args[0] as EventBatch[]),
  outdated: (args) => outdated(args[0] as string, args[1] as number),
  drop: (args) => drop(args[0] as string, args[1] as string, args[2] as number),
  remove: (args) => remove(args[0] as string, args[1] as string),
  aside: (args) => aside(args[0] as string, args[1] as string, args[2] as string),
  close: () => {
    for (const key of [...open.keys()]) closeWriter(key)
  },
})
