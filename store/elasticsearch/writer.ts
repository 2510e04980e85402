/**
 * Writing: what calls have queued up goes into `_bulk` requests, a few at the same time. `create` by the record's id makes
 * a repetition harmless: 409 means that it is there. A call is answered when each of its events is durable or refused.
 *
 * Every failure ends in one of three ways: the event is tried again with a growing pause, its whole call is given back as
 * "write it all again", or the event alone is refused with its reason, so that it never blocks those behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import type { EventBatch } from '../../pipeline/event-batch.ts'
import { faultOf, faultOfOrigin } from '../../pipeline/event-faults.ts'
import { backoffMs, defaultBackoff } from '../../pipeline/retry.ts'
import type { Refused } from '../../pipeline/store.ts'
import { type BulkAnswer, readBulkAnswer } from './bulk-answer.ts'
import { BulkBody } from './bulk-body.ts'
import { latestUs } from './compile.ts'
import type { Connection } from './connection.ts'

/** What the store tells the operator; pino's Logger fits. */
export interface StoreLog {
  warn(details: object, message: string): void
}

export interface WriterOptions {
  readonly connection: Connection
  readonly prefix: string
  readonly log?: StoreLog | undefined
  /** Called when an index was written to that was not before. */
  readonly onNewIndex: () => void
  /** For tests. */
  readonly bodyBytesMax?: number
  readonly retryMsMax?: number
}

/** Requests at the same time: Elasticsearch indexes one while the next is on its way. More only wait there. */
const inFlightMax = 3
/** Of one request, bytes; less when there is less, and when the server takes less (413). */
const bodyBytesMost = 4 * 1024 * 1024
const bodyBytesLeast = 64 * 1024
/**
 * How long one request is tried again before its calls are given back, ms. The callers try again for ever; this only lets
 * them stop in time when they have to end.
 */
const retryMsMost = 5000
/** A trouble that lasts is told again so often, ms. */
const logIntervalMs = 10_000

interface Call {
  readonly batches: readonly EventBatch[]
  readonly refused: Refused[]
  pending: number
  failed: boolean
  readonly resolve: (refused: Refused[]) => void
  readonly reject: (error: unknown) => void
}

/** Events [start, end) of one batch. */
interface Run {
  readonly call: Call
  readonly batch: EventBatch
  readonly start: number
  readonly end: number
  /** Without fields: the second and last attempt for an event that was not taken with them. */
  readonly plain: boolean
}

export class BulkWriter {
  readonly #options: WriterOptions
  readonly #bodies: BulkBody[]
  /** That were written to. */
  readonly #indices = new Set<string>()
  #indicesTold = 0
  #queue: Run[] = []
  #bodyBytesMax: number
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(options: WriterOptions) {
    this.#options = options
    this.#bodyBytesMax = options.bodyBytesMax ?? bodyBytesMost
    this.#bodies = Array.from({ length: inFlightMax }, () => new BulkBody(options.prefix, this.#indices))
  }

  write(batches: readonly EventBatch[]): Promise<Refused[]> {
    return new Promise((resolve, reject) => {
      if (this.#options.connection.closed.aborted) throw new ShiplogError('CLOSED', 'the store is closed')
      const call: Call = { batches, refused: [], pending: 0, failed: false, resolve, reject }
      for (const batch of batches) this.#accept(call, batch)
      if (call.pending === 0) resolve(call.refused)
      this.#work()
    })
  }

  /** An index was dropped: the next event makes it anew. */
  forget(index: string): void {
    if (this.#indices.delete(index)) this.#indicesTold = this.#indices.size
  }

  /** Queues the events of a batch that can be stored. */
  #accept(call: Call, batch: EventBatch): void {
    const originFault = faultOfOrigin(batch.origin)
    let start = 0
    const queue = (end: number): void => {
      if (end === start) return
      call.pending += end - start
      this.#queue.push({ call, batch, start, end, plain: false })
    }
    for (let i = 0; i < batch.count; i++) {
      const reason = originFault ?? faultOf(batch, i) ?? faultOfTime(batch.time[i] as number)
      if (reason === undefined) continue
      queue(i)
      start = i + 1
      call.refused.push({ batch, index: i, reason })
    }
    queue(batch.count)
  }

  /** Lets every free body take from the queue. */
  #work(): void {
    while (this.#queue.length > 0) {
      const body = this.#bodies.pop()
      if (body === undefined) return
      const runs = this.#fill(body)
      void this.#send(body, runs).finally(() => {
        body.reset()
        this.#bodies.push(body)
        this.#work()
      })
    }
  }

  /** Takes events from the queue until the body is full. */
  #fill(body: BulkBody): Run[] {
    const runs: Run[] = []
    while (this.#queue.length > 0 && body.bytes < this.#bodyBytesMax) {
      const run = this.#queue.shift() as Run
      if (run.call.failed) continue
      let i = run.start
      while (i < run.end && (body.bytes < this.#bodyBytesMax || i === run.start)) body.append(run.batch, i++, run.plain)
      runs.push({ ...run, end: i })
      if (i < run.end) this.#queue.unshift({ ...run, start: i })
    }
    return runs
  }

  /** One request until each of its events is settled, queued again, or its call has failed. Never rejects. */
  async #send(body: BulkBody, first: readonly Run[]): Promise<void> {
    const { connection, retryMsMax = retryMsMost } = this.#options
    const deadline = performance.now() + retryMsMax
    let runs = first
    for (let attempt = 0; runs.length > 0; attempt++) {
      let trouble: ShiplogError
      try {
        const answer = await readBulkAnswer(connection, body.view())
        if (answer.kind === 'too-large') return this.#split(runs, body.bytes, answer.reason)
        const again = this.#settle(runs, answer)
        if (again.runs.length === 0) return
        runs = again.runs
        trouble = again.trouble
        body.reset()
        for (const run of runs) for (let i = run.start; i < run.end; i++) body.append(run.batch, i, run.plain)
        // An event without its fields goes at once.
        if (again.calm) continue
      } catch (error) {
        if (!(error instanceof ShiplogError) || !error.retryable) return this.#fail(runs, error)
        trouble = error
      }
      this.#tell(trouble)
      const waitMs = backoffMs(attempt, defaultBackoff)
      if (performance.now() + waitMs > deadline) return this.#fail(runs, trouble)
      await sleep(waitMs, undefined, { signal: connection.closed }).catch(() => undefined)
      runs = runs.filter(({ call }) => !call.failed)
    }
  }

  /** Settles what was answered for good; returns what is to be sent once more. */
  #settle(runs: readonly Run[], answer: Extract<BulkAnswer, { kind: 'items' }>): Again {
    const again = new Again(this.#options.connection.name)
    let item = 0
    for (const { call, batch, start, end, plain } of runs) {
      for (let i = start; i < end; i++) {
        const verdict = answer.verdictOf(item++)
        if (verdict === 'stored') call.pending--
        else if (verdict.retry) again.add({ call, batch, start: i, end: i + 1, plain }, verdict.trouble)
        else if (!plain) again.add({ call, batch, start: i, end: i + 1, plain: true })
        else {
          call.pending--
          call.refused.push({ batch, index: i, reason: verdict.reason })
        }
      }
      this.#answer(call)
    }
    if (this.#indices.size > this.#indicesTold) {
      this.#indicesTold = this.#indices.size
      this.#options.onNewIndex()
    }
    return again
  }

  /** The server takes no body of this size, or cannot read it: smaller ones, down to the one event that is to blame. */
  #split(runs: readonly Run[], bytes: number, reason: string): void {
    const count = runs.reduce((sum, { start, end }) => sum + end - start, 0)
    if (count > 1) {
      this.#bodyBytesMax = Math.max(bodyBytesLeast, Math.min(this.#bodyBytesMax, bytes >> 1))
      // Halves of events, not of bytes: one long event must not keep its neighbours from getting through.
      const pieces = runs.flatMap((run) => {
        const middle = (run.start + run.end) >> 1
        return [
          { ...run, end: middle },
          { ...run, start: middle },
        ].filter(({ start, end }) => end > start)
      })
      const half = pieces.length >> 1
      for (const part of [pieces.slice(0, half), pieces.slice(half)]) this.#sendApart(part)
      return
    }
    for (const { call, batch, start, plain } of runs) {
      if (!plain) this.#sendApart([{ call, batch, start, end: start + 1, plain: true }])
      else {
        call.pending--
        call.refused.push({ batch, index: start, reason })
        this.#answer(call)
      }
    }
  }

  /** In a body of its own, beside the queue. */
  #sendApart(runs: readonly Run[]): void {
    const body = new BulkBody(this.#options.prefix, this.#indices)
    for (const run of runs) for (let i = run.start; i < run.end; i++) body.append(run.batch, i, run.plain)
    void this.#send(body, runs)
  }

  #answer(call: Call): void {
    if (call.failed || call.pending > 0) return
    const place = ({ batch }: Refused): number => call.batches.indexOf(batch)
    call.resolve(call.refused.sort((a, b) => place(a) - place(b) || a.index - b.index))
  }

  /** Gives the calls back; what else of them is queued is dropped. */
  #fail(runs: readonly Run[], error: unknown): void {
    for (const { call } of runs) {
      if (call.failed) continue
      call.failed = true
      call.reject(error)
    }
  }

  #tell(trouble: ShiplogError): void {
    if (performance.now() - this.#loggedAt < logIntervalMs) return
    this.#loggedAt = performance.now()
    this.#options.log?.warn(
      { hint: trouble.hint },
      `writing to the store waits and is tried again: ${messageOf(trouble)}`,
    )
  }
}

/** What is to be sent once more, and why. */
class Again {
  readonly runs: Run[] = []
  readonly #server: string
  #trouble: ShiplogError | undefined

  constructor(server: string) {
    this.#server = server
  }

  add(run: Run, trouble?: ShiplogError): void {
    this.#trouble ??= trouble
    const last = this.runs.at(-1)
    const joins =
      last?.batch === run.batch && last.call === run.call && last.plain === run.plain && last.end === run.start
    if (joins) this.runs[this.runs.length - 1] = { ...(last as Run), end: run.end }
    else this.runs.push(run)
  }

  /** True when nothing is wrong with the server. */
  get calm(): boolean {
    return this.#trouble === undefined
  }

  get trouble(): ShiplogError {
    return this.#trouble ?? new ShiplogError('STORE_UNAVAILABLE', `${this.#server} refused events`, { retryable: true })
  }
}

function faultOfTime(time: number): string | undefined {
  return time > latestUs ? `the time ${time} is behind the year 2262, where nanoseconds end` : undefined
}
