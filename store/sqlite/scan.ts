/** A scan on the main thread: asks a reader for one batch after the other, one ahead of who reads them. */
import { ShiplogError } from '../../pipeline/errors.ts'
import { originAt, type RecordBatch } from '../../pipeline/event-batch.ts'
import type { EventKey } from '../../pipeline/record.ts'
import type { Bounds } from '../../pipeline/store.ts'
import type { DamagedAnswer } from './reader.ts'
import type { Notice } from './thread.ts'
import type { ThreadLink } from './thread-link.ts'

export interface ScanOptions {
  /** Picks the reader that serves the scan. */
  readonly reader: () => ThreadLink
  /** Kind and query of what follows behind a key, and how many events were given until there; undefined = from the beginning. */
  readonly queryAfter: (after: EventKey | undefined, given: number) => readonly [kind: 'time' | 'file', query: unknown]
  readonly setAside: (notice: Notice) => Promise<void>
  readonly bounds?: Bounds
}

let lastScan = 0

/** Back-pressure: one batch is with the reader's caller, at most one more is made meanwhile. */
export async function* scanOf({
  reader,
  queryAfter,
  setAside,
  bounds,
}: ScanOptions): AsyncGenerator<RecordBatch, void, void> {
  const signal = bounds?.signal
  let after: EventKey | undefined
  let given = 0
  let suspect: string | undefined
  for (;;) {
    const damaged = yield* scanFrom(reader(), queryAfter(after, given), bounds, (key, events) => {
      after = key
      given += events
    })
    if (damaged === undefined) return
    if (signal?.aborted) throw new ShiplogError('ABORTED', 'the request was cancelled')
    // As for a page: the second time it is damage. The scan goes on behind what it has given, without that file.
    const key = `${damaged.cluster}/${damaged.partition}`
    if (suspect === key) await setAside({ kind: 'damaged', ...damaged })
    suspect = suspect === key ? undefined : key
  }
}

/** Gives what one reader finds; returns the file that turned out to be damaged, if one did. */
async function* scanFrom(
  link: ThreadLink,
  [kind, query]: readonly [kind: 'time' | 'file', query: unknown],
  bounds: Bounds | undefined,
  moved: (key: EventKey, events: number) => void,
): AsyncGenerator<RecordBatch, DamagedAnswer['damaged'] | undefined, void> {
  const signal = bounds?.signal
  const scan = ++lastScan
  const aborted = abortOf(signal)
  const ask = (): Promise<RecordBatch | DamagedAnswer | undefined> => {
    const answer = link.call('scanNext', [scan]).answer as Promise<RecordBatch | DamagedAnswer | undefined>
    // It is asked ahead: should nobody wait for it any more, its failure is nobody's.
    answer.catch(() => undefined)
    return answer
  }
  try {
    aborted.check()
    await link.call('scanOpen', [scan, kind, query, bounds?.timeMsMax]).answer
    let ahead = ask()
    for (;;) {
      const batch = await Promise.race([ahead, aborted.rejects])
      if (batch === undefined) return undefined
      if ('damaged' in batch) return batch.damaged
      ahead = ask()
      const last = batch.count - 1
      const { generation } = originAt(batch, last)
      moved({ time: batch.time[last] as number, generation, offset: batch.offset[last] as number }, batch.count)
      yield batch
      if (bounds?.reuse === true) (batch.text.buffer as ArrayBuffer).transfer(0)
      aborted.check()
    }
  } finally {
    aborted.end()
    link.call('scanClose', [scan]).answer.catch(() => undefined)
  }
}

function abortOf(signal: AbortSignal | undefined) {
  const error = (): ShiplogError => new ShiplogError('ABORTED', 'the request was cancelled')
  let onAbort = (): void => undefined
  const rejects = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(error())
  })
  rejects.catch(() => undefined)
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    rejects,
    check: () => {
      if (signal?.aborted) throw error()
    },
    end: () => signal?.removeEventListener('abort', onAbort),
  }
}
