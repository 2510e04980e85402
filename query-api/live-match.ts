/** Which events of a batch that has just been published a client asked for. No index is asked; one event costs microseconds. */
import { type EventBatch, messageBytes } from '../pipeline/event-batch.ts'
import { type Field, fieldsOf } from '../pipeline/fields.ts'
import { type Matchable, matches } from '../pipeline/query-matches.ts'
import { type Level, levels } from '../pipeline/record.ts'
import type { Selection } from '../pipeline/store.ts'

/** The indices of the events that match, ascending. */
export type LiveMatch = (batch: EventBatch) => number[]

const filterFields = ['app', 'instance', 'host', 'dir', 'file'] as const

export function liveMatch({ cluster, filters, where }: Pick<Selection, 'cluster' | 'filters' | 'where'>): LiveMatch {
  return (batch) => {
    const { source } = batch.origin
    const isElsewhere = filterFields.some((field) => !isAnyOf(filters[field], source[field]))
    if (source.cluster !== cluster || isElsewhere) return []
    const found: number[] = []
    for (let i = 0; i < batch.count; i++) {
      if (!isAnyOf(filters.level, levelAt(batch, i))) continue
      if (where === undefined || matches(where, new Candidate(batch, i))) found.push(i)
    }
    return found
  }
}

function isAnyOf(wanted: readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.includes(value)
}

function levelAt(batch: EventBatch, i: number): Level {
  return levels[batch.level[i] as number] as Level
}

/** Text and fields are made only where the query looks at them. */
class Candidate implements Matchable {
  readonly #batch: EventBatch
  readonly #i: number
  #message: string | undefined
  readonly level: Level
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string

  constructor(batch: EventBatch, i: number) {
    this.#batch = batch
    this.#i = i
    this.level = levelAt(batch, i)
    const { app, instance, host, dir, file } = batch.origin.source
    this.app = app
    this.instance = instance
    this.host = host
    this.dir = dir
    this.file = file
  }

  get message(): string {
    this.#message ??= messageBytes(this.#batch, this.#i).toString('utf8')
    return this.#message
  }

  get fields(): readonly Field[] {
    return fieldsOf(this.message)
  }
}
