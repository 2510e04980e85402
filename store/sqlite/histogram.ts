/** Counts by time and level. Where a chunk lies in one bucket and all of it matches, its zone is enough. */
import { levels } from '../../pipeline/record.ts'
import type { Histogram, Selection } from '../../pipeline/store.ts'
import { blockRows } from './block.ts'
import { listPartitions } from './catalog.ts'
import { planOf } from './plan.ts'
import { Request } from './request.ts'
import type { PartitionView } from './view.ts'
import type { Views } from './views.ts'
import { ZoneReader } from './zone.ts'

/** Yields where it pauses. */
export function* histogram(views: Views, selection: Selection, buckets: number): Generator<undefined, Histogram, void> {
  const { from, to } = selection
  const bucketUs = Math.max(1, Math.ceil((to - from) / Math.max(1, Math.floor(buckets))))
  const counts = Array.from(
    { length: Math.max(1, Math.ceil((to - from) / bucketUs)) },
    () => new Uint32Array(levels.length),
  )
  const request = new Request(views, planOf(selection), 16)
  const zone = new ZoneReader()
  const zoneLevels = new Uint32Array(levels.length)

  /** Adds chunk i; returns what it adds to the total. */
  const addChunk = (view: PartitionView, i: number, evaluator: Request['parts'][number]['evaluator']): number => {
    const minTime = view.minTime[i] as number
    const maxTime = view.maxTime[i] as number
    if (maxTime < from || minTime >= to) return 0
    const verdict = evaluator.verdict(view, i)
    if (verdict === 'none') return 0
    const inside = minTime >= from && maxTime < to
    const bucket = Math.floor((minTime - from) / bucketUs)
    const oneBucket = inside && bucket === Math.floor((maxTime - from) / bucketUs)
    if (verdict === 'all' && oneBucket) {
      const counted = counts[bucket] as Uint32Array
      zone.open(view.zones, view.zoneAt[i] as number).levels(zoneLevels)
      for (let level = 0; level < levels.length; level++) {
        counted[level] = (counted[level] as number) + (zoneLevels[level] as number)
      }
      return view.rows[i] as number
    }
    const first = view.first[i] as number
    const bits = verdict === 'all' ? undefined : evaluator.bits(view, first, view.rows[i] as number)
    if (verdict === 'some' && bits === undefined) return 0
    const { time, timeBase, marks, first: metaFirst } = view.meta(first, view.rows[i] as number)
    const slot = first % blockRows
    const shift = metaFirst % blockRows
    let total = 0
    for (let at = slot; at < slot + (view.rows[i] as number); at++) {
      if (bits !== undefined && ((bits[at >> 5] as number) & (1 << (at & 31))) === 0) continue
      let place = bucket
      if (!oneBucket) {
        const when = timeBase + (time[at - shift] as number)
        if (when < from || when >= to) continue
        place = Math.floor((when - from) / bucketUs)
      }
      const counted = counts[place] as Uint32Array
      const level = (marks[at - shift] as number) & 15
      counted[level] = (counted[level] as number) + 1
      total++
    }
    return total
  }

  let total = 0
  for (const place of listPartitions(views.folder, selection.cluster, from, to)) {
    const part = request.open(place)
    yield
    for (let i = 0; ; i++) {
      const added = part.read((view) => (i < view.count ? addChunk(view, i, part.evaluator) : undefined))
      if (added === undefined) break
      total += added
      if ((i & 7) === 7) yield
    }
  }
  return { from, bucketUs, counts, total }
}
