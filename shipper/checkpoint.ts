/**
 * What a shipper remembers, in `<data>/shipper/checkpoint.db`: one row for each incarnation of a file.
 *
 * The crash story. Before a window of events is published, its row is written ahead: where the window ends, when it
 * was read, and everything that the events' content depends on. Only when the bus has acknowledged the window does
 * `position` move behind it. A process that dies between the two finds the window here, reads exactly those bytes
 * again and makes exactly those events again; whoever got them the first time knows them by their ids.
 *
 * SQLite is synchronous, so it works in a thread of its own; rows that come while it commits share the next commit.
 */
import { Worker } from 'node:worker_threads'
import type { Loss } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { Source } from '../pipeline/record.ts'
import { type Cells, cellsOf, partRowsMax, rowOf } from './checkpoint-row.ts'
import type { Position, Reading } from './events.ts'
import type { Block, Signature } from './identity.ts'

export interface GenerationRow {
  readonly generation: string
  readonly source: Source
  /** Relative to the root; the name's bytes as latin1 text. */
  readonly path: string
  /** See identityOf. */
  readonly identity: string
  readonly signature: Signature
  /** The last acknowledged bytes, oldest first: a copy of the file is known by them. */
  readonly blocks: readonly Block[]
  /** Everything before it is acknowledged. */
  readonly position: Position
  readonly reading: Reading
  /**
   * The window that was or is about to be published: [position.offset, to). Undefined = none. `lost`: so many bytes of
   * it are counted in the row's `lost`, as the file cannot be found; should it come back, they are not.
   */
  readonly window: { readonly to: number; readonly readAt: number; readonly lost?: number } | undefined
  /** Bytes known lost, a lower bound. */
  readonly lost: number
  /** When and why; undefined when nothing was. */
  readonly loss: Loss | undefined
  /** False once the file is gone or truncated: nothing more will be read of this incarnation. */
  readonly live: boolean
  /** ms since the epoch. */
  readonly updatedAt: number
}

/** Bytes that were taken of an app on a day (days since 1970, UTC); of the whole shipper both names are empty. */
export interface DayBytes {
  readonly cluster: string
  readonly app: string
  readonly day: number
  readonly bytes: number
}

export interface Checkpoint {
  /** What was remembered when it was opened. */
  readonly rows: readonly GenerationRow[]
  readonly days: readonly DayBytes[]
  /** Also takes out the rows of `forgotten` generations. Durable when it resolves. Rejects with DATA_UNWRITABLE (retryable) and changes nothing. */
  commit(rows: readonly GenerationRow[], forgotten?: readonly string[], days?: readonly DayBytes[]): Promise<void>
  close(): Promise<void>
}

export interface CheckpointRequest {
  readonly id: number
  readonly rows: readonly Cells[]
  readonly forgotten: readonly string[]
  readonly days: readonly DayBytes[]
  /** Further rows of the same commit follow. */
  readonly more: boolean
}

export interface CheckpointReply {
  readonly id: number
  readonly error?: {
    readonly code: 'DATA_UNWRITABLE' | 'STATE_UNREADABLE'
    readonly message: string
    readonly hint: string
  }
  readonly rows?: readonly Cells[]
  readonly days?: readonly DayBytes[]
  /** Further rows follow. */
  readonly more?: boolean
}

/** Opens or creates the checkpoint. Throws STATE_UNREADABLE with a remedy rather than ever starting over by itself. */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
    workerData: { folder },
    // It makes few objects and lets go of them at once. Without bounds their remains grow to 100 MB before they go.
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  })
  const waiting = new Map<number, { resolve: (reply: CheckpointReply) => void; reject: (error: Error) => void }>()
  let lastId = 0
  let closed = false

  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const opened: GenerationRow[] = []
  const days: DayBytes[] = []
  worker.on('message', (reply: CheckpointReply) => {
    for (const cells of reply.rows ?? []) opened.push(rowOf(cells))
    days.push(...(reply.days ?? []))
    if (reply.more) return
    const call = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (reply.error === undefined) call?.resolve(reply)
    else {
      const { code, message, hint } = reply.error
      call?.reject(new ShiplogError(code, message, { hint, retryable: code === 'DATA_UNWRITABLE' }))
    }
  })
  worker.on('error', (cause) => fail(new ShiplogError('STATE_UNREADABLE', 'the checkpoint’s thread ended', { cause })))
  worker.on('exit', () => {
    closed = true
    fail(new ShiplogError('CLOSED', 'the checkpoint is closed'))
  })

  function answer(id: number): Promise<CheckpointReply> {
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  }

  // The thread answers 0 by itself, with the rows or with why it could not open.
  await answer(0).catch(async (error) => {
    await worker.terminate()
    throw error
  })

  return {
    rows: opened,
    days,
    async commit(rows, forgotten = [], days = []) {
      if (rows.length === 0 && forgotten.length === 0) return
      if (closed) throw new ShiplogError('CLOSED', 'the checkpoint is closed')
      const id = ++lastId
      // At once one after another: rows of another commit never come between them.
      for (let from = 0; from === 0 || from < rows.length; from += partRowsMax) {
        const part = rows.slice(from, from + partRowsMax).map(cellsOf)
        const more = from + partRowsMax < rows.length
        const last = more ? { forgotten: [], days: [] } : { forgotten, days }
        worker.postMessage({ id, rows: part, ...last, more } satisfies CheckpointRequest)
      }
      await answer(id)
    },
    async close() {
      if (closed) return
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      worker.postMessage(undefined)
      await exited
    },
  }
}
