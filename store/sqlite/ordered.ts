/** A sweep's windows as the answers of the port: by (time, generation, offset), or one file by (generation, offset). */
import type { FileQuery, SearchQuery } from '../../pipeline/store.ts'
import { listPartitions } from './catalog.ts'
import { planOf, readsZones } from './plan.ts'
import { type Part, Request } from './request.ts'
import { eachRow, FoundRows } from './rows.ts'
import { type Entry, sweep } from './sweep.ts'
import type { Views } from './views.ts'
import { ZoneReader } from './zone.ts'

/** A window: `order` lists the rows in the order of the answer. */
export interface Window {
  readonly rows: FoundRows
  readonly order: readonly number[]
}

/** Yields windows in order, and undefined where it only pauses. */
export type Windows = Generator<Window | undefined, void, void>

export interface Ordered {
  readonly request: Request
  readonly windows: Windows
}

/** Matches by time, and how far they were given out. */
export interface OrderedByTime extends Ordered {
  /** As in Page.partial; undefined while that is nowhere further than where the sweep began. */
  edge(): number | undefined
}

/** Matches by (time, generation, offset). `page` = only the first rows are wanted; otherwise everything will be. */
export function byTime(views: Views, query: SearchQuery, page: boolean): OrderedByTime {
  const request = new Request(views, planOf(query), page ? 1 : 16)
  const { from, to } = rangeOf(query)
  let covered = Number.NEGATIVE_INFINITY
  const windows = timeWindows(request, query, page, (signedKey) => {
    // Without an end it is a place that no page could go on from; then the place before it is.
    if (Number.isFinite(signedKey)) covered = Math.max(covered, signedKey)
  })
  const edge = (): number | undefined => {
    // Signed bounds as times, as below.
    const time = query.order === 'asc' ? Math.min(covered, to) : Math.max(1 - covered, from)
    return (query.order === 'asc' ? time > from : time < to) ? time : undefined
  }
  return { request, windows, edge }
}

/** What the cursor rules out is not looked at. */
function rangeOf({ order, from, to, after }: SearchQuery): { from: number; to: number } {
  if (after === undefined) return { from, to }
  return order === 'asc' ? { from: Math.max(from, after.time), to } : { from, to: Math.min(to, after.time + 1) }
}

function* timeWindows(
  request: Request,
  query: SearchQuery,
  page: boolean,
  covered: (signedKey: number) => void,
): Windows {
  const { after, cluster } = query
  const sign = query.order === 'asc' ? 1 : -1
  const { from, to } = rangeOf(query)
  const places = listPartitions(request.views.folder, cluster, from, to)
  places.sort((a, b) => (sign === 1 ? a.from - b.from : b.to - a.to))
  let opened = 0
  const zoned = readsZones(request.plan)

  const chunksOf = (part: Part): Entry[] => {
    const entries: Entry[] = []
    part.read((view) => {
      for (let i = 0; i < view.count; i++) {
        const minTime = view.minTime[i] as number
        const maxTime = view.maxTime[i] as number
        if (maxTime < from || minTime >= to) continue
        const verdict = zoned || request.plan.kind === 'all' ? part.evaluator.verdict(view, i) : 'some'
        if (verdict === 'none') continue
        entries.push({
          part: part.index,
          first: view.first[i] as number,
          count: view.rows[i] as number,
          start: sign === 1 ? minTime : -maxTime,
          end: sign === 1 ? maxTime : -minTime,
          bits: verdict === 'all' ? undefined : null,
        })
      }
    })
    return entries
  }

  const isBehind = (time: number, generation: string, offset: number): boolean => {
    if (after === undefined || time !== after.time) return after === undefined || sign * (time - after.time) > 0
    if (generation !== after.generation) return generation > after.generation === (sign === 1)
    return sign * (offset - after.offset) > 0
  }

  const rows = new FoundRows()
  const windows = sweep(
    {
      sign,
      feed: {
        nextStart: () => {
          const place = places[opened]
          if (place === undefined) return Number.POSITIVE_INFINITY
          return sign === 1 ? place.from : -place.to
        },
        next: () => chunksOf(request.open(places[opened++] as (typeof places)[number])),
      },
      step: page ? 2 : 16,
      windowRows: page ? 256 : 4096,
      evaluate: (entry) => evaluate(request, entry),
      covered,
      collect: (entry, at, end, found) => {
        const part = request.parts[entry.part] as Part
        part.read((view) => {
          const meta = view.meta(entry.first, entry.count)
          // Signed bounds as times: [at, end) becomes (-end, -at] for newest-first, and times are whole microseconds.
          const least = Math.max(from, sign === 1 ? at : 1 - end)
          const most = Math.min(to, sign === 1 ? end : 1 - at)
          eachRow(meta, entry.first, entry.count, entry.bits ?? undefined, least, most, (row, time, id) => {
            const origin = request.originOf(part, view, id)
            const offset = meta.offsets[row] as number
            if (after !== undefined && !isBehind(time, request.generationOf(origin), offset)) return
            found.add(time, offset, entry.first, meta.first + row - entry.first, origin, entry.part)
          })
        })
      },
    },
    rows,
  )
  for (const full of windows) yield full ? { rows, order: sorted(request, rows, sign) } : undefined
}

function evaluate(request: Request, entry: Entry): boolean {
  const part = request.parts[entry.part] as Part
  entry.bits = part.read((view) => part.evaluator.bits(view, entry.first, entry.count))
  return entry.bits !== undefined
}

function sorted(request: Request, rows: FoundRows, sign: 1 | -1): number[] {
  const order = Array.from({ length: rows.count }, (_, i) => i)
  const { key, origin, offset } = rows
  return order.sort((a, b) => {
    const apart = (key[a] as number) - (key[b] as number)
    if (apart !== 0) return sign * apart
    if (origin[a] !== origin[b]) {
      const one = request.generationOf(origin[a] as number)
      const other = request.generationOf(origin[b] as number)
      if (one !== other) return one < other ? -sign : sign
    }
    return sign * ((offset[a] as number) - (offset[b] as number))
  })
}

/** The events of one file by (generation, offset). */
export function byPlace(views: Views, query: FileQuery): Ordered {
  const request = new Request(views, { kind: 'all' }, 1)
  return { request, windows: placeWindows(request, query) }
}

function* placeWindows(request: Request, query: FileQuery): Windows {
  const sign = query.order === 'asc' ? 1 : -1
  const { start } = query
  const generations = new Map<string, Entry[]>()
  for (const place of listPartitions(request.views.folder, query.source.cluster, query.from, query.to)) {
    collectGenerations(request.open(place), query, generations)
    yield undefined
  }
  const rows = new FoundRows()
  for (const generation of [...generations.keys()].sort((a, b) => (a < b ? -sign : sign))) {
    const edge = start?.generation === generation ? start.offset : undefined
    let waiting = generations.get(generation) as Entry[]
    const windows = sweep(
      {
        sign,
        feed: {
          nextStart: () => (waiting.length > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY),
          next: () => {
            const entries = waiting
            waiting = []
            return entries
          },
        },
        step: 2,
        windowRows: 4096,
        evaluate: () => true,
        collect: (entry, at, end, found) => {
          const part = request.parts[entry.part] as Part
          part.read((view) => {
            const meta = view.meta(entry.first, entry.count)
            const { offsets } = meta
            eachRow(meta, entry.first, entry.count, undefined, query.from, query.to, (row, _time, id) => {
              if (id !== entry.origin) return
              const offset = offsets[row] as number
              const key = sign * offset
              if (key < at || key >= end || (edge !== undefined && key < sign * edge)) return
              const origin = request.originOf(part, view, id)
              found.add(offset, offset, entry.first, meta.first + row - entry.first, origin, entry.part)
            })
          })
        },
      },
      rows,
    )
    for (const full of windows) yield full ? { rows, order: sorted(request, rows, sign) } : undefined
  }
}

/** The chunks of a partition that hold rows of the file, by incarnation. */
function collectGenerations(part: Part, query: FileQuery, into: Map<string, Entry[]>): void {
  const { source, start } = query
  const sign = query.order === 'asc' ? 1 : -1
  const zone = new ZoneReader()
  const ids: number[] = []
  part.read((view) => {
    const wanted = new Map<number, string>()
    for (const [id, origin] of view.origins.entries()) {
      if (origin === undefined || origin.app !== source.app || origin.instance !== source.instance) continue
      if (origin.dir !== source.dir || origin.file !== source.file) continue
      if (source.host !== undefined && origin.host !== source.host) continue
      const { generation } = origin
      if (start !== undefined && generation !== start.generation && generation < start.generation === (sign === 1))
        continue
      wanted.set(id, generation)
    }
    if (wanted.size === 0) return
    for (let i = 0; i < view.count; i++) {
      if ((view.maxTime[i] as number) < query.from || (view.minTime[i] as number) >= query.to) continue
      zone.open(view.zones, view.zoneAt[i] as number).skipLevels()
      const count = zone.origins(ids)
      if (!ids.slice(0, count).some((id) => wanted.has(id))) continue
      for (let k = 0; k < count; k++) {
        const { least, most } = zone.originZone(ids[k] as number)
        const generation = wanted.get(ids[k] as number)
        if (generation === undefined) continue
        if (start?.generation === generation && (sign === 1 ? most < start.offset : least > start.offset)) continue
        const entry: Entry = {
          part: part.index,
          first: view.first[i] as number,
          count: view.rows[i] as number,
          start: sign === 1 ? least : -most,
          end: sign === 1 ? most : -least,
          origin: ids[k] as number,
          bits: undefined,
        }
        const entries = into.get(generation)
        if (entries === undefined) into.set(generation, [entry])
        else entries.push(entry)
      }
    }
  })
}
