/**
 * Which bytes of each incarnation a partition file holds, as disjoint intervals [start, stop), ascending. An event is there
 * already when its offset lies in one. Pure.
 *
 * Why not a unique index: it costs a row for every line, this costs a number for every batch. It is exact because the
 * events of an incarnation come in the order of the file, and a record's partition follows from the record alone: what
 * lies in an interval and is not in this file belongs to the partition of another day.
 */
export class Intervals {
  readonly starts: number[] = []
  readonly stops: number[] = []

  has(offset: number): boolean {
    const i = this.#lastAtOrBefore(offset)
    return i >= 0 && offset < (this.stops[i] as number)
  }

  /** Adds [start, stop), joining what touches. Returns the interval that holds it now and the starts that are gone. */
  add(start: number, stop: number): { start: number; stop: number; gone: number[] } {
    let i = this.#lastAtOrBefore(start)
    if (i < 0 || (this.stops[i] as number) < start) i++
    let end = i
    let from = start
    let to = stop
    const gone: number[] = []
    while (end < this.starts.length && (this.starts[end] as number) <= stop) {
      const first = this.starts[end] as number
      if (first < from) from = first
      if ((this.stops[end] as number) > to) to = this.stops[end] as number
      gone.push(first)
      end++
    }
    this.starts.splice(i, end - i, from)
    this.stops.splice(i, end - i, to)
    return { start: from, stop: to, gone: gone.filter((first) => first !== from) }
  }

  #lastAtOrBefore(offset: number): number {
    // Nearly always the newest interval: files grow at their end.
    const last = this.starts.length - 1
    if (last >= 0 && (this.starts[last] as number) <= offset) return last
    let low = 0
    let high = last
    while (low <= high) {
      const middle = (low + high) >> 1
      if ((this.starts[middle] as number) <= offset) low = middle + 1
      else high = middle - 1
    }
    return high
  }
}
