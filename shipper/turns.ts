/**
 * Whose turn is it to be read? Files that one turn brings up to date take theirs in the order in which they came. The
 * others are the backlog: it is read oldest file first, one turn of four while others wait, and never fills the last
 * quarter of what may be in flight, so that what is written now is never behind what was written long ago.
 */
import type { Tail } from './tail.ts'

const liveTurns = 3

export class Turns {
  readonly #live = new Set<Tail>()
  readonly #backlog = new Set<Tail>()
  readonly #readBytesMax: number
  readonly #inFlightBytesMax: number
  #turn = 0

  constructor(limits: { readonly readBytesMax: number; readonly inFlightBytesMax: number }) {
    this.#readBytesMax = limits.readBytesMax
    this.#inFlightBytesMax = limits.inFlightBytesMax
  }

  add(tail: Tail): void {
    const isBacklog = tail.unreadBytes > this.#readBytesMax
    this.#live[isBacklog ? 'delete' : 'add'](tail)
    this.#backlog[isBacklog ? 'add' : 'delete'](tail)
  }

  has(tail: Tail): boolean {
    return this.#live.has(tail) || this.#backlog.has(tail)
  }

  delete(tail: Tail): void {
    this.#live.delete(tail)
    this.#backlog.delete(tail)
  }

  /** Takes out whose turn it is; undefined when nobody may read now. `heldBytes`: what is in flight. */
  next(heldBytes: number): Tail | undefined {
    if (heldBytes >= this.#inFlightBytesMax) return undefined
    const mayCatchUp = heldBytes < this.#inFlightBytesMax * 0.75
    const [first] = this.#live
    const isLive = first !== undefined && (this.#backlog.size === 0 || this.#turn++ % (liveTurns + 1) < liveTurns)
    const tail = isLive || !mayCatchUp ? first : (this.#oldest() ?? first)
    if (tail !== undefined) this.delete(tail)
    return tail
  }

  #oldest(): Tail | undefined {
    let oldest: Tail | undefined
    for (const tail of this.#backlog) {
      if (oldest === undefined || tail.reading.referenceUs < oldest.reading.referenceUs) oldest = tail
    }
    return oldest
  }
}
