/** The main thread's end: calls into a worker that is started again when it dies. */
import { getCompileCacheDir } from 'node:module'
import { Worker } from 'node:worker_threads'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { Call, Notice, Reply } from './thread.ts'

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: ShiplogError) => void
}

export interface ThreadLinkOptions {
  readonly url: URL
  readonly workerData: unknown
  readonly name: string
  /** Starts with the first call, not at once. */
  readonly lazy?: boolean
  readonly onNotice?: (notice: Notice) => void
  /** Told when the thread died without being asked to. */
  readonly onDeath?: (reason: string) => void
}

/**
 * Small, so that short-lived buffers are freed soon: a thread makes megabytes of them outside of V8's heap for every kilobyte
 * in it, and V8 looks at the heap. (Default: 48; a scan of a million events then held 100 MB more.)
 */
const maxYoungGenerationSizeMb = 2

export class ThreadLink {
  readonly #options: ThreadLinkOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #nextId = 1
  #closed = false

  constructor(options: ThreadLinkOptions) {
    this.#options = options
    if (options.lazy !== true) this.#start()
  }

  /** False when it was never needed, or has died since: then it holds nothing. */
  get running(): boolean {
    return this.#worker !== undefined
  }

  /** Calls that wait for an answer. */
  get busy(): number {
    return this.#pending.size
  }

  #start(): Worker {
    const { url, workerData, name, onNotice } = this.#options
    // A thread that finds its modules compiled starts in half the time, and without the 20 MB that taking out the types needs.
    const cache = getCompileCacheDir()
    const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache }
    const worker = new Worker(url, { workerData, name, env, resourceLimits: { maxYoungGenerationSizeMb } })
    worker.unref()
    worker.on('message', (reply: Reply) => {
      if ('notice' in reply) {
        onNotice?.(reply.notice)
        return
      }
      const pending = this.#pending.get(reply.id)
      this.#pending.delete(reply.id)
      if (this.#pending.size === 0) worker.unref()
      if (pending === undefined) return
      if ('fault' in reply) {
        const { code, message, retryable, hint } = reply.fault
        pending.reject(new ShiplogError(code, message, { retryable, ...(hint === undefined ? {} : { hint }) }))
      } else {
        pending.resolve(reply.value)
      }
    })
    let reason = 'it ended'
    worker.on('error', (error) => {
      reason = messageOf(error)
    })
    worker.on('exit', () => this.#ended(worker, reason))
    this.#worker = worker
    return worker
  }

  /** Every call that waits is answered: nothing is known of what it did, and all calls can be repeated. */
  #ended(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined
    const message = `the store's thread ${this.#options.name} died: ${reason}`
    for (const { reject } of this.#pending.values()) {
      reject(new ShiplogError('STORE_UNAVAILABLE', message, { retryable: true }))
    }
    this.#pending.clear()
    if (!this.#closed) this.#options.onDeath?.(reason)
  }

  call(
    method: string,
    args: readonly unknown[],
    transfer: readonly ArrayBuffer[] = [],
  ): { id: number; answer: Promise<unknown> } {
    const id = this.#nextId++
    if (this.#closed) return { id, answer: Promise.reject(closedError()) }
    const worker = this.#worker ?? this.#start()
    worker.ref()
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      worker.postMessage({ id, method, args } satisfies Call, [...transfer])
    })
    return { id, answer }
  }

  /** Lets the thread close its files, then ends it. */
  async close(): Promise<void> {
    if (this.#closed) return
    const worker = this.#worker
    if (worker === undefined) {
      this.#closed = true
      return
    }
    const { answer } = this.call('close', [])
    this.#closed = true
    await answer.catch(() => undefined)
    await worker.terminate()
  }
}

export function closedError(): ShiplogError {
  return new ShiplogError('CLOSED', 'the store is closed')
}
