/** What /explain asks the store: is there anything of this kind, and when was the newest? One line a question. */
import { ShiplogError } from '../pipeline/errors.ts'
import type { SearchQuery, Selection, ValueCount } from '../pipeline/store.ts'
import type { LogStore } from './visible.ts'

/** Questions for one answer: each is a page of one line. */
const questionsMax = 200

export interface ProbeBounds {
  readonly signal: AbortSignal
  /** For all questions together. */
  readonly timeMsMax: number
}

export class Probe {
  readonly #store: Pick<LogStore, 'search' | 'values'>
  readonly #signal: AbortSignal
  readonly #end: number
  #questions = 0

  constructor(store: Pick<LogStore, 'search' | 'values'>, { signal, timeMsMax }: ProbeBounds) {
    this.#store = store
    this.#signal = signal
    this.#end = performance.now() + timeMsMax
  }

  /** Time of the newest (desc) or oldest (asc) line, µs; undefined when there is none. */
  async time(selection: Selection, order: SearchQuery['order'] = 'desc'): Promise<number | undefined> {
    // An empty range has nothing; a store need not be asked.
    if (selection.from >= selection.to) return undefined
    const { records, partial } = await this.#store.search({ ...selection, order }, 1, this.#bounds())
    if (records.count === 0 && partial !== undefined) throw tooLong()
    return records.count === 0 ? undefined : records.time[0]
  }

  values(field: string, selection: Omit<Selection, 'cluster'> & { cluster?: string }): Promise<ValueCount[]> {
    return this.#store.values(field, selection, { limit: 1000 }, this.#bounds())
  }

  #bounds(): { signal: AbortSignal; timeMsMax: number } {
    const left = Math.ceil(this.#end - performance.now())
    if (left <= 0 || ++this.#questions > questionsMax) {
      throw tooLong()
    }
    return { signal: this.#signal, timeMsMax: left }
  }
}

function tooLong(): ShiplogError {
  return new ShiplogError('QUERY_TOO_COSTLY', 'finding out why took too long')
}
