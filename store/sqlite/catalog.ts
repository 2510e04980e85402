/**
 * Which partition files there are, by their names alone: `<folder>/<cluster>/<YYYY-MM-DD or YYYY-MM>.db`. The folder is read
 * each time: it is small, and then it is always right, whichever thread made or dropped a file.
 */
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemCodeOf } from '../../pipeline/errors.ts'

export interface PartitionName {
  readonly cluster: string
  /** `2026-11-22` or `2026-11`. */
  readonly partition: string
}

export interface PartitionPlace extends PartitionName {
  /** Every event in it has from <= time < to, µs. */
  readonly from: number
  readonly to: number
}

export interface Damaged {
  readonly path: string
  readonly reason: string
}

/** A cluster's name becomes a folder: nothing else may pass. */
export function isClusterName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)
}

export function partitionPath(folder: string, { cluster, partition }: PartitionName): string {
  return join(folder, cluster, `${partition}.db`)
}

/** The time that a partition's name stands for. */
export function partitionPlace(cluster: string, partition: string): PartitionPlace {
  const year = Number(partition.slice(0, 4))
  const month = Number(partition.slice(5, 7)) - 1
  const day = partition.length === 10 ? Number(partition.slice(8)) : undefined
  const at = (y: number, m: number, d: number): number => {
    const date = new Date(0)
    // Date.UTC takes the years 0 to 99 for 1900 to 1999.
    date.setUTCFullYear(y, m, d)
    return date.getTime() * 1000
  }
  const to = day === undefined ? at(year, month + 1, 1) : at(year, month, day + 1)
  return { cluster, partition, from: at(year, month, day ?? 1), to }
}

/** The clusters that have a folder, by name. */
export function listClusters(folder: string): string[] {
  return listFolder(folder).filter(isClusterName).sort()
}

/** The partitions of a cluster that may hold events of [from, to), in no order. None for a cluster that is not known. */
export function listPartitions(folder: string, cluster: string, from = -Infinity, to = Infinity): PartitionPlace[] {
  if (!isClusterName(cluster)) return []
  const places: PartitionPlace[] = []
  for (const file of listFolder(join(folder, cluster))) {
    const match = /^(\d{4}-\d\d(?:-\d\d)?)\.db$/.exec(file)
    if (match?.[1] === undefined) continue
    const place = partitionPlace(cluster, match[1])
    if (place.from < to && place.to > from) places.push(place)
  }
  return places
}

/** Bytes on disk, with what the write-ahead log holds. */
export function partitionBytes(path: string): number {
  let bytes = 0
  for (const file of [path, `${path}-wal`]) bytes += statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return bytes
}

/**
 * Renames a damaged file out of the way, with its log, and says why beside it. The next event of that day makes a fresh
 * file. Returns the new path; undefined when there is nothing to move.
 */
export function setAside(path: string, reason: string): string | undefined {
  if (!existsSync(path)) return undefined
  let n = 1
  while (existsSync(`${path}.damaged-${n}`)) n++
  const aside = `${path}.damaged-${n}`
  // The reason first: should the process die in between, a file is never moved without one. A reason alone is ignored.
  writeFileSync(`${aside}.reason`, `${reason}\n`)
  // The log before the file: alone under the old name it would be played into the fresh file of that day.
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  renameSync(path, aside)
  return aside
}

/** What was set aside, in every cluster. */
export function listDamaged(folder: string): Damaged[] {
  const damaged: Damaged[] = []
  for (const cluster of listClusters(folder)) {
    for (const file of listFolder(join(folder, cluster))) {
      if (!/\.db\.damaged-\d+$/.test(file)) continue
      const path = join(folder, cluster, file)
      damaged.push({ path, reason: readReason(path) })
    }
  }
  return damaged
}

function readReason(path: string): string {
  try {
    return readFileSync(`${path}.reason`, 'utf8').trim()
  } catch {
    return 'it was set aside'
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return []
    throw error
  }
}
