/**
 * GET /tail: lines as they come, as server-sent events, fed by the bus: it does not wait for the store. A client that
 * reads more slowly than lines come misses lines and is told how many; nothing is kept for it beyond `tailBufferBytesMax`.
 */
import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Follower, Subscription } from '../pipeline/bus.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { EventBatch } from '../pipeline/event-batch.ts'
import { originAt } from '../pipeline/event-batch.ts'
import { recordId } from '../pipeline/record.ts'
import type { Page } from '../pipeline/store.ts'
import { type LiveMatch, liveMatch } from './live-match.ts'
import { createRecordWriter } from './record-writer.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { keyAt, selectionOf } from './selection.ts'
import type { Visible } from './visible.ts'

const heartbeatMs = 15_000

const { from: _from, to: _to, ...filterParameters } = schema.Common
const position = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: 'the id of the last event that arrived: goes on behind it, as the header Last-Event-ID does',
  examples: ['1-42'],
})
const tailParameters = schema.parameters({
  ...filterParameters,
  lines: schema.whole(0, schema.searchLimitMax, 50, 'newest lines to begin with, unless it goes on behind a position'),
  lastEventId: Type.Optional(position),
})

export function tailRoutes(api: Api, { visible, config, now }: RouteParts): void {
  api.get(
    '/tail',
    {
      config: { access: 'logs', slot: 'tail' },
      schema: {
        summary: 'Lines as they come, as server-sent events',
        description:
          'Events: record (a record), missed (events: how many a slow client did not get, null where nobody knows), heartbeat, ended (the token or session of the client does not hold any more: nothing follows). The id of an event is a position to go on behind; records that came behind the last id may come again, with the same record id.',
        tags: ['search'],
        querystring: tailParameters,
        response: schema.download(
          'Goes on until the client leaves',
          { 'text/event-stream': `event: record\ndata: ${JSON.stringify(schema.recordExample)}\n\n` },
          400,
          429,
          503,
        ),
      },
    },
    async (request, reply) => {
      const logs = visible(request)
      const header = request.headers['last-event-id']
      const from = request.query.lastEventId ?? (typeof header === 'string' && header !== '' ? header : undefined)
      const selection = { cluster: request.query.cluster, ...selectionOf(request.query, now()) }
      const live = new LiveLines(liveMatch(selection), config.tailBufferBytesMax)
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      // Following begins before the newest lines are looked up, so that no line falls between the two.
      const subscription = await follow(logs, live, from)
      const beat = async (): Promise<void> => {
        // Whose token has ended in the meantime sees no more.
        if (await api.stillHolds(request)) live.beat()
        else live.end()
      }
      const heartbeat = setInterval(() => {
        // While the sessions cannot be asked nobody has ended; the next beat asks again.
        beat().catch((error) => request.log.warn({ error }, 'who follows could not be looked up'))
      }, heartbeatMs)
      const leave = (): void => {
        clearInterval(heartbeat)
        live.out.destroy()
        subscription.close().catch((error) => request.log.error({ error }, 'a follower could not be closed'))
      }
      if (reply.raw.destroyed) leave()
      else reply.raw.once('close', leave)
      const { lines } = request.query
      const isNew = from === undefined && lines > 0
      live.begin(isNew ? await logs.store.search({ ...selection, order: 'desc' }, lines, bounds) : undefined)
      reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no')
      // The schema of the answer says what a client sees; that it comes as a stream is no part of it.
      const answer: FastifyReply = reply.type('text/event-stream; charset=utf-8')
      return answer.send(live.out)
    },
  )
}

/** A position that the bus no longer has is no error for who follows: it goes on from now, and is told so. */
async function follow(logs: Visible, live: LiveLines, from: string | undefined): Promise<Subscription> {
  try {
    return await logs.follow(live, from)
  } catch (error) {
    if (!(error instanceof ShiplogError && error.code === 'POSITION_GONE')) throw error
    live.missed(undefined)
    return logs.follow(live)
  }
}

/** What one client gets, in order: the lines that were there, then those that come. */
class LiveLines implements Follower {
  readonly out: PassThrough
  readonly #match: LiveMatch
  readonly #writer = createRecordWriter()
  readonly #bufferBytesMax: number
  /** Ids of the first lines, which the bus may deliver once more. */
  #shown: ReadonlySet<string> = new Set()
  #begun = false
  /** What came before the first lines were there. */
  #held: (readonly [batches: readonly EventBatch[], position: string])[] = []
  #heldBytes = 0
  #position: string | undefined
  #missed = 0
  #missedUnknown = false
  #isFull = false

  constructor(match: LiveMatch, bufferBytesMax: number) {
    this.#match = match
    this.#bufferBytesMax = bufferBytesMax
    this.out = new PassThrough({ highWaterMark: bufferBytesMax })
    this.out.on('drain', () => {
      this.#isFull = false
      this.#tellMissed()
    })
    // A client that leaves in the middle of a write is no error of ours; the route hears of it by its signal.
    this.out.on('error', () => {})
  }

  begin(page: Page | undefined): void {
    if (this.out.destroyed) return
    // A first byte at once: the client sees that it is connected.
    this.#write(': following\n\n')
    if (page !== undefined) {
      const { records } = page
      const shown = new Set<string>()
      for (let i = records.count - 1; i >= 0; i--) {
        const { generation, offset } = keyAt(records, i)
        shown.add(recordId(generation, offset))
        this.#putRecord(() => this.#writer.appendOf(records, i, originAt(records, i)))
      }
      this.#shown = shown
      this.#flush()
    }
    this.#begun = true
    for (const [batches, position] of this.#held.splice(0)) this.events(batches, position)
    this.#heldBytes = 0
    this.#tellMissed()
  }

  events(batches: readonly EventBatch[], position: string): void {
    if (this.out.destroyed) return
    if (!this.#begun) {
      for (const batch of batches) this.#heldBytes += batch.text.length
      if (this.#heldBytes <= this.#bufferBytesMax) this.#held.push([batches, position])
      else this.#missed += this.#countOf(batches)
      return
    }
    this.#position = position
    if (this.#isFull) {
      this.#missed += this.#countOf(batches)
      return
    }
    this.#tellMissed()
    for (const batch of batches) this.#show(batch)
    this.#flush(position)
  }

  /** Undefined = some, nobody knows how many. */
  missed(events: number | undefined): void {
    if (events === undefined) this.#missedUnknown = true
    else this.#missed += events
    if (this.#begun && !this.#isFull) this.#tellMissed()
  }

  /** So that a proxy does not take silence for death; with the position, so that a quiet client can go on from here. */
  beat(): void {
    if (!this.#isFull) this.#write(`event: heartbeat\ndata: {}\n${this.#idLine(this.#position)}\n`)
  }

  end(): void {
    if (!this.out.destroyed) this.out.end('event: ended\ndata: {}\n\n')
  }

  #show(batch: EventBatch): void {
    const { generation } = batch.origin
    for (const i of this.#match(batch)) {
      if (this.#shown.size > 0 && this.#shown.has(recordId(generation, batch.offset[i] as number))) continue
      if (this.#writer.out.at > this.#bufferBytesMax) this.#missed++
      else this.#putRecord(() => this.#writer.appendOf(batch, i, batch.origin))
    }
  }

  #countOf(batches: readonly EventBatch[]): number {
    return batches.reduce((sum, batch) => sum + this.#match(batch).length, 0)
  }

  #putRecord(append: () => void): void {
    const { out } = this.#writer
    out.text('event: record\ndata: ')
    append()
    out.text('\n\n')
  }

  /** The position stands behind all records of a delivery: what a client has seen of it by then is all of it. */
  #flush(position?: string): void {
    const { out } = this.#writer
    if (out.at === 0) return
    if (position !== undefined) out.text(`event: position\ndata: {}\n${this.#idLine(position)}\n`)
    this.#write(out.detach())
  }

  #idLine(position: string | undefined): string {
    return position === undefined ? '' : `id: ${position}\n`
  }

  #tellMissed(): void {
    if (this.#missed === 0 && !this.#missedUnknown) return
    const events = this.#missedUnknown ? null : this.#missed
    this.#missed = 0
    this.#missedUnknown = false
    this.#write(`event: missed\ndata: ${JSON.stringify({ events })}\n\n`)
  }

  #write(chunk: string | Buffer): void {
    if (this.out.writableEnded) return
    if (!this.out.write(chunk)) this.#isFull = true
  }
}
