/**
 * A bus and a checkpoint that only remember, and at which a process can die at every place that matters. Both outlive
 * the shipper: they are what a disk and a broker hold after a crash.
 */

import { type FileState, fileStateKey } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { type EventBatch, recordOf } from '../../pipeline/event-batch.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import type { Checkpoint, DayBytes, GenerationRow } from '../../shipper/checkpoint.ts'

/** Where the process dies next, or what else goes wrong. `publish/half`: some of the events arrived. */
export const faults = [
  'commit/before',
  'commit/after',
  'publish/before',
  'publish/half',
  'publish/after',
  'acknowledged',
  'publish/refused',
] as const
export type Fault = (typeof faults)[number]

export class Remains {
  /** In the order of their first arrival. */
  readonly records = new Map<string, LogRecord>()
  readonly states = new Map<string, FileState>()
  /** The most that a shipper has told of each incarnation's size. */
  readonly sizes = new Map<string, number>()
  /** What was wrong as soon as it came. */
  readonly wrongs: string[] = []
  fault: Fault | undefined
  /** The process is dead: nothing that it does counts any more. */
  isDead = false
  /** How many of the events of a publish that is cut short arrive. */
  half = 0
  rows = new Map<string, string>()
  readonly days = new Map<string, DayBytes>()
  #open = Promise.resolve()
  #process = 0
  #release: (() => void) | undefined

  get isPaused(): boolean {
    return this.#release !== undefined
  }

  pause(): void {
    this.#open = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  resume(): void {
    this.#release?.()
    this.#release = undefined
  }

  readonly bus = {
    publish: async (batches: readonly EventBatch[]): Promise<void> => {
      const process = this.#process
      await this.#open
      if (process !== this.#process || this.isDead || this.#strikes('publish/before')) throw dead()
      if (this.#strikes('publish/refused')) {
        throw new ShiplogError('BUS_UNAVAILABLE', 'refused once', { retryable: true })
      }
      const isHalf = this.#strikes('publish/half')
      let left = isHalf ? this.half : Number.POSITIVE_INFINITY
      for (const batch of batches) {
        for (let i = 0; i < batch.count && left > 0; i++, left--) this.#keep(recordOf(batch, i, batch.origin))
      }
      if (isHalf || this.#strikes('publish/after')) throw dead()
      // The acknowledgement arrives; the next commit, which would remember it, does not.
      if (this.fault === 'acknowledged') this.fault = 'commit/before'
    },
    report: async (states: readonly FileState[]): Promise<void> => {
      if (this.isDead) throw dead()
      for (const state of states) {
        this.states.set(fileStateKey(state), state)
        this.sizes.set(fileStateKey(state), Math.max(state.size, this.sizes.get(fileStateKey(state)) ?? 0))
      }
    },
  }

  checkpoint(): Checkpoint {
    const rows = [...this.rows.keys()].sort().map((key) => JSON.parse(this.rows.get(key) as string) as GenerationRow)
    return {
      // As SQLite gives it back: no window is undefined, not missing.
      rows: rows.map((row) => ({ ...row, window: row.window })),
      days: [...this.days.values()],
      commit: async (changed, forgotten = [], days = []) => {
        if (this.isDead || this.#strikes('commit/before')) throw dead()
        for (const day of days) this.days.set(day.app, day)
        for (const row of changed) this.rows.set(row.generation, JSON.stringify(row))
        for (const generation of forgotten) this.rows.delete(generation)
        if (this.#strikes('commit/after')) throw dead()
      },
      close: async () => {},
    }
  }

  /** The next process knows of each file only what is written down, and nothing of this one arrives any more. */
  processEnded(): void {
    this.#process++
    this.fault = undefined
    this.isDead = false
    for (const { generation, window, position } of this.checkpoint().rows)
      this.sizes.set(generation, window?.to ?? position.offset)
  }

  #strikes(fault: Fault): boolean {
    if (this.fault !== fault) return false
    this.fault = undefined
    if (fault !== 'publish/refused') this.isDead = true
    return true
  }

  #keep(record: LogRecord): void {
    const known = this.records.get(record.id)
    if (known === undefined) this.records.set(record.id, record)
    else if (JSON.stringify(known) !== JSON.stringify(record)) {
      this.wrongs.push(`one id, two contents: ${JSON.stringify(known)} and ${JSON.stringify(record)}`)
    }
  }
}

function dead(): ShiplogError {
  return new ShiplogError('CLOSED', 'the process is dead')
}
