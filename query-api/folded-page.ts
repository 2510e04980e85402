/** One page of a search: events with all their parts, or the records as they are. */
import type { EventKey } from '../pipeline/record.ts'
import type { Bounds, Page, SearchQuery } from '../pipeline/store.ts'
import { alone, Fold, type Shown } from './fold.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

export interface ShownPage {
  readonly events: readonly Shown[]
  /** Where the next page goes on; undefined at the end. */
  readonly next: EventKey | undefined
  /** The time limit ended it: how far it came. */
  readonly partial?: Page['partial']
}

export async function plainPage(
  store: LogStore,
  query: SearchQuery,
  limit: number,
  bounds: Bounds,
): Promise<ShownPage> {
  const { records, more, partial } = await store.search(query, limit, bounds)
  const events = Array.from({ length: records.count }, (_, i) => alone(records, i))
  if (partial !== undefined) return { events, next: edgeKey(partial.edge), partial }
  return { events, next: more ? events.at(-1)?.last : undefined }
}

/** `limit` events: where records of one event were taken together, more records are asked for until it is full. */
export async function foldedPage(
  store: LogStore,
  query: SearchQuery,
  limit: number,
  bounds: Bounds,
): Promise<ShownPage> {
  const fold = new Fold(store, query, bounds)
  const events: Shown[] = []
  let after = query.after
  for (;;) {
    const page = await store.search({ ...query, ...(after && { after }) }, limit - events.length, bounds)
    const { records } = page
    const marks = await fold.withParts(records)
    for (let i = 0; i < records.count; i++) {
      const shown = await fold.show(records, i, marks?.[i] === 1)
      if (shown !== undefined) events.push(shown)
    }
    const { partial } = page
    if (partial !== undefined) return { events, next: edgeKey(partial.edge), partial }
    const last = events.at(-1)
    if (!page.more || last === undefined) return { events, next: undefined }
    after = keyAt(records, records.count - 1)
    if (events.length < limit) continue
    if (last.parts.length === 0) return { events, next: last.last }
    // What followed the last record may have been nothing but the other parts of its event.
    const rest = await store.search({ ...query, after: last.last }, 1, bounds)
    return { events, next: rest.records.count > 0 ? last.last : undefined }
  }
}

/** In front of all that happened at `time` for asc, behind it for desc: no generation sorts before this one. */
function edgeKey(time: number): EventKey {
  return { time, generation: '-', offset: 0 }
}
