/** One page of a search: the first rows of a sweep that ends as soon as it has them. */
import type { RecordBatch } from '../../pipeline/event-batch.ts'
import type { SearchQuery } from '../../pipeline/store.ts'
import { answer, emptyBatch } from './answer.ts'
import { byTime } from './ordered.ts'
import { FoundRows } from './rows.ts'
import { inSlices, type Limits } from './slices.ts'
import { Moved } from './thread.ts'
import type { Views } from './views.ts'

export interface PageParts {
  /** At least one; more only where messages are large. */
  readonly parts: readonly RecordBatch[]
  readonly more: boolean
}

/** Resolves with PageParts whose buffers move. */
export async function readPage(views: Views, query: SearchQuery, limit: number, limits: Limits): Promise<Moved> {
  const { request, windows } = byTime(views, query, true)
  const rows = new FoundRows()
  let more = false
  for (;;) {
    const step = await inSlices(windows, limits)
    if (step.done) break
    const window = step.value
    const wanted = window.order.slice(0, limit - rows.count)
    for (const row of wanted) {
      // Copied: the sweep uses its arrays again for the next window.
      rows.add(
        window.rows.key[row] as number,
        window.rows.offset[row] as number,
        window.rows.chunk[row] as number,
        window.rows.slot[row] as number,
        window.rows.origin[row] as number,
        window.rows.part[row] as number,
      )
    }
    // A full page goes on until one more row is found, or none is left: then it is known whether more follows.
    more = window.order.length > wanted.length
    if (more) break
  }
  windows.return()
  const order = Array.from({ length: rows.count }, (_, i) => i)
  const made: { batch: RecordBatch; buffer: ArrayBuffer }[] = rows.count === 0 ? [emptyBatch(0, 0)] : []
  for (let at = 0; at < order.length; ) {
    const part = answer(request, { rows, order }, at, order.length)
    made.push(part)
    at = part.taken
  }
  return new Moved(
    { parts: made.map(({ batch }) => batch), more } satisfies PageParts,
    made.map(({ buffer }) => buffer),
  )
}
