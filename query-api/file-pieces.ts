/** A file for whoever looks around a place in it: most of them end soon, and what a store reads ahead would be for nothing. */
import type { RecordBatch } from '../pipeline/event-batch.ts'
import type { Bounds, FileQuery } from '../pipeline/store.ts'
import { keyAt } from './selection.ts'
import type { LogStore } from './visible.ts'

/** Records that are asked for at once where the reader does not end. */
const pieceRecordsMax = 65_536

/** As scanFile, asking for `first` records, then for more and more of them. */
export async function* scanPieces(
  store: Pick<LogStore, 'scanFile'>,
  query: Omit<FileQuery, 'most'>,
  first: number,
  bounds: Bounds,
): AsyncGenerator<RecordBatch, void, void> {
  const step = query.order === 'asc' ? 1 : -1
  let from = query
  for (let most = first; ; most = Math.min(most * 4, pieceRecordsMax)) {
    let records = 0
    for await (const batch of store.scanFile({ ...from, most }, bounds)) {
      records += batch.count
      const { generation, offset } = keyAt(batch, batch.count - 1)
      yield batch
      from = { ...query, start: { generation, offset: offset + step } }
    }
    if (records < most) return
  }
}
