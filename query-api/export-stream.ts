/** An export on its way: batches of the store in, bytes of a format out, at the pace of the reader. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordBatch } from '../pipeline/event-batch.ts'
import type { EventKey } from '../pipeline/record.ts'
import type { FormatWriter } from './export-formats.ts'
import type { Fold } from './fold.ts'
import { keyAt } from './selection.ts'

/** Bytes that are handed on at once; beside it only what the sockets hold is in memory. */
export const chunkBytes = 64 * 1024

/** How far an export is; grows while its bytes are made. */
export interface ExportProgress {
  records: number
  /** Of the last event that was written. */
  last: EventKey | undefined
  /** True when the limit ended it and at least one more event follows. */
  more: boolean
}

export interface ExportOptions {
  readonly writer: FormatWriter
  /** Events; undefined = all. */
  readonly limit: number | undefined
  /** The event that `raw` goes on behind, which its scan gives again. */
  readonly skip: Pick<EventKey, 'generation' | 'offset'> | undefined
  readonly progress: ExportProgress
  /** Takes the parts of events together; undefined = the records as they are. */
  readonly fold: Fold | undefined
}

/** The chunks. Whatever the store throws comes out of it: the reader must never take a broken export for a whole one. */
export async function* exportChunks(
  batches: AsyncIterable<RecordBatch>,
  { writer, limit = Number.POSITIVE_INFINITY, skip, progress, fold }: ExportOptions,
): AsyncGenerator<Buffer> {
  const { out } = writer
  scan: for await (const batch of batches) {
    const marks = await fold?.withParts(batch)
    const folds = fold !== undefined && (marks !== undefined || batch.continues.size > 0 || fold.isInside)
    for (let i = 0; i < batch.count; i++) {
      if (skip !== undefined && progress.records === 0) {
        const { generation, offset } = keyAt(batch, i)
        if (generation === skip.generation && offset === skip.offset) continue
      }
      // Nearly every record is an event of its own: no object and no promise for those.
      const shown =
        folds && (marks?.[i] === 1 || batch.continues.has(i) || batch.length[i] === 0)
          ? await fold.show(batch, i, marks?.[i] === 1)
          : 'single'
      if (shown === undefined) continue
      if (progress.records === limit) {
        progress.more = true
        if (i > 0) progress.last ??= keyAt(batch, i - 1)
        break scan
      }
      if (shown === 'single') {
        writer.append(batch, i)
        progress.last = undefined
      } else {
        writer.append(shown.batch, shown.i, shown.parts)
        progress.last = shown.last
      }
      progress.records++
      if (out.at >= chunkBytes || i === batch.count - 1) progress.last ??= keyAt(batch, i)
      if (out.at < chunkBytes) continue
      yield out.detach()
      // A store that answers from memory must not keep the other requests waiting.
      await nextTurn()
    }
  }
  if (out.at > 0) yield out.detach()
}
