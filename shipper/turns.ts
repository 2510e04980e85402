/**
 * Whose turn is it to be read? Files that one turn brings up to date take theirs in the order in which they came. The
 * others are the backlog: it is read oldest file first, one turn of four while others wait, and never fills the last
 * quarter of what may be in flight, so that what is written now is never behind what was written long ago.
 *
 * Who is held back, by a quota, steps aside until that is over: nobody waits behind it.
 */
import { appKey } from './quotas.ts'
import type { Tail } from './tail.ts'

const liveTurns = 3

export class Turns {
  readonly #live = new Set<Tail>()
  readonly #backlog = new Set<Tail>()
  /** Held back, by app. */
  readonly #aside = new Map<string, Set<Tail>>()
  readonly #readBytesMax: number
  readonly #inFlightBytesMax: number
  readonly #isHeldBack: (tail: Tail) => boolean
  #turn = 0

  constructor(
    limits: { readonly readBytesMax: number; readonly inFlightBytesMax: number },
    isHeldBack: (tail: Tail) => boolean = () => false,
  ) {
    this.#readBytesMax = limits.readBytesMax
    this.#inFlightBytesMax = limits.inFlightBytesMax
    this.#isHeldBack = isHeldBack
  }

  add(tail: Tail): void {
    if (this.#aside.size > 0 && this.#aside.get(appKey(tail.source))?.has(tail)) return
    const isBacklog = tail.unreadBytes > this.#readBytesMax
    this.#live[isBacklog ? 'delete' : 'add'](tail)
    this.#backlog[isBacklog ? 'add' : 'delete'](tail)
  }

  /** Its turn comes soon. One that is held back is still to be looked at: it may wait for long. */
  has(tail: Tail): boolean {
    return this.#live.has(tail) || this.#backlog.has(tail)
  }

  delete(tail: Tail): void {
    this.#live.delete(tail)
    this.#backlog.delete(tail)
    if (this.#aside.size === 0) return
    const key = appKey(tail.source)
    const aside = this.#aside.get(key)
    aside?.delete(tail)
    if (aside?.size === 0) this.#aside.delete(key)
  }

  /** One file of each app that is held back. */
  *heldBack(): Generator<Tail> {
    for (const [first] of this.#aside.values()) if (first !== undefined) yield first
  }

  /** Takes out whose turn it is; undefined when nobody may read now. `heldBytes`: what is in flight. */
  next(heldBytes: number): Tail | undefined {
    if (heldBytes >= this.#inFlightBytesMax) return undefined
    // One at a time: the first may use up what there is for all of them.
    for (const tail of [...this.heldBack()]) {
      if (this.#isHeldBack(tail)) continue
      this.delete(tail)
      this.add(tail)
    }
    for (;;) {
      const tail = this.#choose(heldBytes)
      if (tail === undefined) return undefined
      if (!this.#isHeldBack(tail)) {
        this.delete(tail)
        return tail
      }
      const key = appKey(tail.source)
      // All of its backlog at once: looking for the oldest of thousands again for each of them has its price.
      if (this.#backlog.has(tail))
        for (const other of this.#backlog)
          if (appKey(other.source) === key && this.#isHeldBack(other)) this.#setAside(other, key)
      this.#setAside(tail, key)
    }
  }

  #setAside(tail: Tail, key: string): void {
    this.delete(tail)
    const aside = this.#aside.get(key)
    if (aside === undefined) this.#aside.set(key, new Set([tail]))
    else aside.add(tail)
  }

  #choose(heldBytes: number): Tail | undefined {
    const mayCatchUp = heldBytes < this.#inFlightBytesMax * 0.75
    const [first] = this.#live
    const isLive = first !== undefined && (this.#backlog.size === 0 || this.#turn++ % (liveTurns + 1) < liveTurns)
    return isLive || !mayCatchUp ? first : (this.#oldest() ?? first)
  }

  #oldest(): Tail | undefined {
    let oldest: Tail | undefined
    for (const tail of this.#backlog) {
      if (oldest === undefined || tail.reading.referenceUs < oldest.reading.referenceUs) oldest = tail
    }
    return oldest
  }
}
