/** How long the events of each cluster are kept. Pure. */
import { clusterPattern } from './record.ts'

/** Days; 0 = for ever. */
export interface Retention {
  readonly days: number
  /** Of single clusters, instead of `days`. */
  readonly of: readonly ClusterDays[]
}

export interface ClusterDays {
  readonly cluster: string
  readonly days: number
}

export const retentionDaysMax = 36_500

/** Where the indexer says in the state what it goes by: a query API of its own may be configured differently, and must not guess. */
export const retentionKey = 'retention'

/** What is kept there. `v` grows when its meaning changes. */
export interface StoredRetention extends Retention {
  readonly v: 1
}

export function daysOf({ days, of }: Retention, cluster: string): number {
  return of.find((one) => one.cluster === cluster)?.days ?? days
}

/** `prod=90`, one a line. Throws what was expected. */
export function readClusterDays(written: string): readonly ClusterDays[] {
  const all = written
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [cluster = '', days = '', ...more] = line.split('=').map((part) => part.trim())
      const amount = /^\d+$/.test(days) ? Number(days) : Number.NaN
      if (more.length > 0 || !clusterPattern.test(cluster) || !(amount <= retentionDaysMax))
        throw new Error(`CLUSTER=DAYS with a whole number from 0 to ${retentionDaysMax}, such as prod=90`)
      return { cluster, days: amount }
    })
  const twice = all.find(({ cluster }, i) => all.findIndex((one) => one.cluster === cluster) !== i)
  if (twice !== undefined) throw new Error(`each cluster once: ${twice.cluster} is there twice`)
  return all
}
