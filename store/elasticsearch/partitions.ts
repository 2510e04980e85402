/**
 * Partitions as indices: `<prefix>-<cluster>-2026.11.22`, or `-2026.11` for old back-fills. Indices are always named exactly:
 * a wildcard for cluster `prod` would name those of `prod-eu` too.
 */
import { clusterPattern } from '../../pipeline/record.ts'
import type { Connection } from './connection.ts'
import { pageAttemptsMax, retrying } from './reading.ts'

export interface Partition {
  readonly index: string
  readonly cluster: string
  /** `2026-11-22` or `2026-11`, as partitionOf names it. */
  readonly partition: string
  /** Every event in it has from <= time < to, µs. */
  readonly from: number
  readonly to: number
}

/** `partition` as partitionOf gives it. */
export function indexOf(prefix: string, cluster: string, partition: string): string {
  return `${prefix}-${cluster}-${partition.replaceAll('-', '.')}`
}

/** The partition that an index is, or undefined for an index that is none of ours. */
export function partitionOfIndex(prefix: string, index: string): Partition | undefined {
  if (!index.startsWith(`${prefix}-`)) return undefined
  const match = /^(.+)-(\d{4})\.(\d\d)(?:\.(\d\d))?$/.exec(index.slice(prefix.length + 1))
  if (match === null) return undefined
  const [, cluster = '', year = '', month = '', day] = match
  if (!clusterPattern.test(cluster)) return undefined
  const start = Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1))
  const end =
    day === undefined
      ? Date.UTC(Number(year), Number(month), 1)
      : Date.UTC(Number(year), Number(month) - 1, Number(day) + 1)
  if (Number.isNaN(start)) return undefined
  const partition = day === undefined ? `${year}-${month}` : `${year}-${month}-${day}`
  return { index, cluster, partition, from: start * 1000, to: end * 1000 }
}

/** How long a list of indices is believed, ms: as long as a new event may take to be found anyway. */
const listMsMax = 1000

/** Which partitions there are: asked for again each second, and told by who makes and drops them. */
export class PartitionList {
  readonly #connection: Connection
  readonly #prefix: string
  #known: Promise<readonly Partition[]> | undefined
  #askedAt = 0

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection
    this.#prefix = prefix
  }

  /** Those of a cluster (undefined = of all) that may hold events of [from, to), oldest first. */
  async of(cluster: string | undefined, from = -Infinity, to = Infinity): Promise<Partition[]> {
    if (cluster !== undefined && !clusterPattern.test(cluster)) return []
    const all = await this.#list()
    return all.filter((one) => (cluster === undefined || one.cluster === cluster) && one.from < to && one.to > from)
  }

  /** The next question is answered by the server: an index was made or dropped. */
  forget(): void {
    this.#known = undefined
  }

  #list(): Promise<readonly Partition[]> {
    const now = performance.now()
    if (this.#known === undefined || now - this.#askedAt > listMsMax) {
      this.#askedAt = now
      const asked = this.#ask()
      this.#known = asked
      asked.catch(() => {
        if (this.#known === asked) this.#known = undefined
      })
    }
    return this.#known
  }

  async #ask(): Promise<readonly Partition[]> {
    const path = `/_resolve/index/${encodeURIComponent(`${this.#prefix}-*`)}`
    const { body } = await retrying(this.#connection, { attemptsMax: pageAttemptsMax }, () =>
      this.#connection.json<{ indices: { name: string; attributes: string[] }[] }>({ method: 'GET', path }),
    )
    return body.indices
      .filter(({ attributes }) => attributes.includes('open'))
      .flatMap(({ name }) => partitionOfIndex(this.#prefix, name) ?? [])
      .sort((a, b) => a.from - b.from || a.to - b.to)
  }
}

/** A stretch of time and the partitions that may hold events of it. */
export interface TimeSlice {
  readonly from: number
  readonly to: number
  readonly indices: readonly string[]
}

/**
 * [from, to) in stretches that follow each other in the direction of `order`, each beginning where a partition does: the first
 * two partitions, then four, eight … So a page of the newest events asks few shards, and a rare word in a year of
 * days takes few steps. Pure.
 */
export function slicesOf(
  partitions: readonly Partition[],
  from: number,
  to: number,
  order: 'asc' | 'desc',
): TimeSlice[] {
  const inside = partitions.filter((one) => one.from < to && one.to > from)
  const edges = [...new Set(inside.map((one) => Math.max(from, one.from)))].sort((a, b) => a - b)
  edges.push(to)
  if (order === 'desc') edges.reverse()
  const slices: TimeSlice[] = []
  for (let at = 0, width = 2; at < edges.length - 1; at += width, width *= 2) {
    const ends = [edges[at] as number, edges[Math.min(at + width, edges.length - 1)] as number]
    const [start, end] = order === 'asc' ? (ends as [number, number]) : [ends[1] as number, ends[0] as number]
    const indices = inside.filter((one) => one.from < end && one.to > start).map(({ index }) => index)
    slices.push({ from: start, to: end, indices })
  }
  return slices
}
