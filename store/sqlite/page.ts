/** One page of a search: the first rows of a sweep that ends as soon as it has them. */
import { ShiplogError } from '../../pipeline/errors.ts'
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
  readonly partial?: { readonly edge: number }
}

/** Resolves with PageParts whose buffers move. */
export async function readPage(views: Views, query: SearchQuery, limit: number, limits: Limits): Promise<Moved> {
  const { request, windows, edge } = byTime(views, query, true)
  const rows = new FoundRows()
  let more = false
  let partial: PageParts['partial']
  for (;;) {
    const step = await inSlices(windows, limits).catch((error: unknown) => {
      partial = partialOf(error, edge())
      return undefined
    })
    if (step === undefined) {
      more = true
      break
    }
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
    { parts: made.map(({ batch }) => batch), more, ...(partial && { partial }) } satisfies PageParts,
    made.map(({ buffer }) => buffer),
  )
}

/** What is known when the time is up. Throws the error where that is nothing, and every other error. */
function partialOf(error: unknown, edge: number | undefined): { edge: number } {
  if (error instanceof ShiplogError && error.code === 'QUERY_TOO_COSTLY' && edge !== undefined) return { edge }
  throw error
}
