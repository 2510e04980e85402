/**
 * What passed lately, for those who follow live: a ring of batches, bounded in bytes, in which every follower has a place
 * of its own. A follower that is slow loses its place to newer events and is told how many it missed; nothing grows.
 */
import type { Follower, Subscription } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batchBytes, type EventBatch } from '../../pipeline/event-batch.ts'

interface Entry {
  readonly batches: readonly EventBatch[]
  readonly events: number
  readonly bytes: number
}

export class FollowRing {
  readonly #bytesMax: number
  /** Positions of another process mean nothing here: theirs has another epoch. */
  readonly #epoch: string
  #entries: Entry[] = []
  #bytes = 0
  /** Events that ever passed, and those of them that the ring no longer has. A position is a number of events passed. */
  #passed = 0
  #gone = 0
  readonly #readers = new Set<RingReader>()

  constructor(bytesMax: number, epoch: string) {
    this.#bytesMax = bytesMax
    this.#epoch = epoch
  }

  add(batches: readonly EventBatch[]): void {
    const events = batches.reduce((sum, batch) => sum + batch.count, 0)
    const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0)
    this.#entries.push({ batches, events, bytes })
    this.#bytes += bytes
    this.#passed += events
    // The newest stays whatever its size: a follower that keeps up gets everything.
    while (this.#bytes > this.#bytesMax && this.#entries.length > 1) {
      const oldest = this.#entries.shift() as Entry
      this.#bytes -= oldest.bytes
      this.#gone += oldest.events
    }
    for (const reader of this.#readers) reader.wake()
  }

  follow(follower: Follower, from: string | undefined): Subscription {
    const reader = new RingReader(follower, from === undefined ? this.#passed : this.#numberOf(from), {
      positionOf: (passed) => `${this.#epoch}.${passed}`,
      next: (passed) => this.#next(passed),
    })
    this.#readers.add(reader)
    reader.wake()
    return {
      close: async () => {
        this.#readers.delete(reader)
        await reader.close()
      },
    }
  }

  /** The entry behind `passed` events and how many were missed before it. */
  #next(passed: number): { missed: number; entry: Entry } | undefined {
    const missed = Math.max(0, this.#gone - passed)
    let behind = this.#gone
    for (const entry of this.#entries) {
      if (behind >= passed + missed) return { missed, entry }
      behind += entry.events
    }
    return undefined
  }

  #numberOf(position: string): number {
    const [epoch, digits = ''] = position.split('.')
    const passed = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN
    if (epoch === this.#epoch && passed <= this.#passed) return passed
    throw new ShiplogError('POSITION_GONE', 'this position is of another process: what passed since is not known', {
      hint: 'Follow from now on, and search for what came before.',
    })
  }
}

interface Ring {
  positionOf(passed: number): string
  next(passed: number): { missed: number; entry: Entry } | undefined
}

/** One follower's place. */
class RingReader {
  readonly #follower: Follower
  readonly #ring: Ring
  #passed: number
  #running: Promise<void> | undefined
  #closed = false

  constructor(follower: Follower, passed: number, ring: Ring) {
    this.#follower = follower
    this.#passed = passed
    this.#ring = ring
  }

  wake(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // Not inside the caller's publish: a follower only looks on.
    await undefined
    for (;;) {
      const next = this.#closed ? undefined : this.#ring.next(this.#passed)
      if (next === undefined) break
      this.#passed += next.missed + next.entry.events
      if (next.missed > 0) this.#follower.missed(next.missed)
      try {
        await this.#follower.events(next.entry.batches, this.#ring.positionOf(this.#passed))
      } catch {
        this.#follower.missed(next.entry.events)
      }
    }
    // With nothing awaited since the ring was asked, so that what comes next wakes a new run.
    this.#running = undefined
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }
}
