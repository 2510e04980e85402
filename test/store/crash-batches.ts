import type { EventBatch } from '../../pipeline/event-batch.ts'
import { dayUs, generationOf, linesOf, noonUs } from '../contract/store-model.ts'

const linesEach = 40

/** Batch n of file 0 or 1, whose lines go to three days; the same whenever it is made. */
export function crashBatch(n: number, file: number): EventBatch {
  const lines = Array.from({ length: linesEach }, (_, i) => ({
    message: `batch ${String(n).padStart(8, '0')} file ${file} line ${String(i).padStart(2, '0')}`,
    time: noonUs + (i % 3) * dayUs + n * 1000,
  }))
  const bytes = (lines[0] as { message: string }).message.length + 1
  return linesOf(lines, { generation: generationOf(file), offset: n * linesEach * bytes, readAt: noonUs + 4 * dayUs })
}
