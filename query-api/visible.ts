/**
 * The logs as a caller sees them. Routes get no store but this one, so that none of them can forget what a caller may not see:
 * what is hidden is not there, for every question in the same way.
 */
import { randomUUID } from 'node:crypto'
import type { Bus, FileState, Follower, Subscription } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { RecordBatch } from '../pipeline/event-batch.ts'
import type { State } from '../pipeline/state.ts'
import type { Selection, Store, ValueCount } from '../pipeline/store.ts'
import { allows, type Rights } from './rights.ts'

/** The port's reading half; its promises hold. */
export type LogStore = Pick<Store, 'search' | 'scan' | 'scanFile' | 'histogram' | 'values'>

export interface Visible {
  readonly store: LogStore
  /** The newest state of each file that is shipped, of one cluster or of all. */
  files(cluster?: string): Promise<FileState[]>
  mayRead(cluster: string, app: string): boolean
  /** As the bus's own, without the batches that are hidden. */
  follow(follower: Follower, from?: string): Promise<Subscription>
}

/** Apps of one cluster among which those of a pattern are looked for. */
const appsMax = 10_000
/** Clusters that are looked at when their names are listed. */
const clustersMax = 10_000
/** How long a list of apps is kept: an app that is new is seen by patterns within this. */
const appsKeptMs = 5000
/**
 * An app that does not exist, whatever the logs hold: to ask for nothing at all is to ask for it. Thus a hidden app or
 * cluster gets the very answer that one gets which is not there.
 */
const nobody = `nobody ${randomUUID()}`

/** Makes the view of one caller; `handedOut` hears how many records went through it. */
export type VisibleFor = (rights: Rights, handedOut: (records: number) => void) => Visible

export interface VisibleParts {
  readonly store: LogStore
  readonly state: Pick<State, 'list'>
  readonly bus: Pick<Bus, 'follow'>
  readonly now: () => number
  /** For looking up the apps of a pattern. */
  readonly timeMsMax: number
}

export function visibleOf({ store, state, bus, now, timeMsMax }: VisibleParts): VisibleFor {
  const apps = new Map<string, { readonly at: number; readonly names: Promise<readonly string[]> }>()
  const appsIn = (cluster: string): Promise<readonly string[]> => {
    const kept = apps.get(cluster)
    if (kept !== undefined && Math.abs(now() - kept.at) < appsKeptMs) return kept.names
    const names = store
      .values('app', everything(cluster), { limit: appsMax }, { timeMsMax })
      .then((list) => list.map(({ value }) => value))
    // A failure is the next caller's to try again, and names that are no clusters must not fill the memory.
    names.then(
      (list) => list.length === 0 && apps.delete(cluster),
      () => apps.delete(cluster),
    )
    apps.set(cluster, { at: now(), names })
    return names
  }

  return (rights, handedOut) => {
    /** The same selection without what is hidden. */
    const narrowed = async <S extends Selection>(selection: S): Promise<S> => {
      const rule = rights.appsOf(selection.cluster)
      if (rule.all) return selection
      const asked = selection.filters.app ?? []
      const known =
        asked.length > 0 ? asked : [...rule.named, ...(rule.patterns.length > 0 ? await appsIn(selection.cluster) : [])]
      const app = [...new Set(known)].filter((name) => allows(rule, name))
      return { ...selection, filters: { ...selection.filters, app: app.length > 0 ? app : [nobody] } }
    }
    async function* counted(batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
      for await (const batch of batches) {
        handedOut(batch.count)
        yield batch
      }
    }
    const visible: LogStore = {
      async search(query, limit, bounds) {
        const page = await store.search(await narrowed(query), limit, bounds)
        handedOut(page.records.count)
        return page
      },
      async *scan(query, bounds) {
        yield* counted(store.scan(await narrowed(query), bounds))
      },
      async *scanFile(query, bounds) {
        const { cluster, app } = query.source
        const source = rights.mayRead(cluster, app) ? query.source : { ...query.source, app: nobody }
        yield* counted(store.scanFile({ ...query, source }, bounds))
      },
      async histogram(selection, buckets, bounds) {
        return store.histogram(await narrowed(selection), buckets, bounds)
      },
      async values(field, selection, options, bounds) {
        if (field !== 'cluster') {
          const { cluster } = selection
          if (cluster === undefined)
            throw new ShiplogError('QUERY_INVALID', `the values of ${field} are those of one cluster`)
          return store.values(field, await narrowed({ ...selection, cluster }), options, bounds)
        }
        const all = await store.values('cluster', selection, { ...options, limit: clustersMax }, bounds)
        const seen: ValueCount[] = []
        for (const one of all) {
          const { value: cluster } = one
          if (rights.appsOf(cluster).all) {
            seen.push(one)
            continue
          }
          // What a cluster counts is what may be seen of it; where that is nothing, there is no such cluster.
          const parts = await store.values('app', await narrowed({ ...selection, cluster }), { limit: appsMax }, bounds)
          if (parts.length === 0) continue
          const count = parts.reduce((sum, part) => sum + part.count, 0)
          seen.push({ value: cluster, count, last: Math.max(...parts.map(({ last }) => last)) })
        }
        return seen.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, options.limit)
      },
    }
    return {
      store: visible,
      mayRead: (cluster, app) => rights.mayRead(cluster, app),
      follow: (follower, from) =>
        bus.follow(
          {
            events: (batches, position) =>
              follower.events(
                batches.filter(({ origin: { source } }) => rights.mayRead(source.cluster, source.app)),
                position,
              ),
            missed: (events) => follower.missed(events),
          },
          from,
        ),
      async files(cluster) {
        const entries = await state.list(cluster === undefined ? 'file/' : `file/${cluster}/`)
        const files = entries.map((entry) => entry.value as FileState)
        return files.filter(({ source }) => rights.mayRead(source.cluster, source.app))
      },
    }
  }
}

function everything(cluster: string): Selection {
  return { cluster, filters: {}, where: undefined, from: 0, to: Number.POSITIVE_INFINITY }
}
