/** The most frequent values of a field. Source fields and levels come from zones where all of a chunk matches. */
import { fieldsOf } from '../../pipeline/fields.ts'
import { levels } from '../../pipeline/record.ts'
import type { Selection, ValueCount } from '../../pipeline/store.ts'
import { lowerCase } from '../../pipeline/words.ts'
import { listClusters, listPartitions } from './catalog.ts'
import { gramsOfNeedles } from './grams.ts'
import { type Plan, planOf } from './plan.ts'
import { type Part, Request } from './request.ts'
import { eachRow } from './rows.ts'
import type { PartitionView } from './view.ts'
import type { Views } from './views.ts'
import { ZoneReader } from './zone.ts'

/** Distinct values that are counted at the same time; those that come later are left out. */
export const distinctValuesMax = 10_000

export type ValuesSelection = Omit<Selection, 'cluster'> & { readonly cluster?: string }

class Tally {
  readonly #counts = new Map<string, { value: string; count: number; last: number }>()

  add(value: string, count: number, last: number): void {
    const known = this.#counts.get(value)
    if (known !== undefined) {
      known.count += count
      if (last > known.last) known.last = last
    } else if (this.#counts.size < distinctValuesMax) {
      this.#counts.set(value, { value, count, last })
    }
  }

  top(limit: number): ValueCount[] {
    const byCount = [...this.#counts.values()].sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    return byCount.slice(0, limit)
  }
}

/** Yields where it pauses. Throws QUERY_INVALID for a field that is none. */
export function* values(
  views: Views,
  field: string,
  selection: ValuesSelection,
  { limit, prefix }: { readonly limit: number; readonly prefix?: string },
): Generator<undefined, ValueCount[], void> {
  const wanted = lowerCase(prefix ?? '')
  const fits = (value: string): boolean => lowerCase(value).startsWith(wanted)
  const clusters = field === 'cluster' ? listClusters(views.folder).filter(fits) : [selection.cluster ?? '']
  const tally = new Tally()
  const add = (value: string, count: number, last: number): void => {
    if (count > 0 && fits(value)) tally.add(value, count, last)
  }
  const name = field.startsWith('fields.') ? lowerCase(field.slice(7)) : undefined
  const plan = name === undefined ? planOf(selection) : withField(planOf(selection), name)
  for (const cluster of clusters) {
    const request = new Request(views, plan, 16)
    for (const place of listPartitions(views.folder, cluster, selection.from, selection.to)) {
      const part = request.open(place)
      yield
      const counter: Counter =
        name !== undefined
          ? fieldCounter(name, add)
          : field === 'level'
            ? levelCounter(add)
            : originCounter(field, cluster, add)
      yield* countPart(part, selection, counter)
    }
  }
  return tally.top(limit)
}

/** Counts one file: whole chunks by zone, others by row. */
interface Counter {
  /** False when the zone does not tell. */
  chunk(view: PartitionView, i: number): boolean
  row(view: PartitionView, chunk: number, row: number, time: number, origin: number, mark: number): void
  end(view: PartitionView): void
}

function* countPart(part: Part, { from, to }: ValuesSelection, counter: Counter): Generator<undefined, void, void> {
  // Newest first: what a bound cuts off is the oldest.
  const chunks = part.read((view) => view.count) ?? 0
  for (let i = chunks - 1; i >= 0; i--) {
    part.read((view) => {
      if (i >= view.count || (view.maxTime[i] as number) < from || (view.minTime[i] as number) >= to) return
      const verdict = part.evaluator.verdict(view, i)
      if (verdict === 'none') return
      const inside = (view.minTime[i] as number) >= from && (view.maxTime[i] as number) < to
      if (verdict === 'all' && inside && counter.chunk(view, i)) return
      const first = view.first[i] as number
      const count = view.rows[i] as number
      const bits = verdict === 'all' ? undefined : part.evaluator.bits(view, first, count)
      if (verdict === 'some' && bits === undefined) return
      const meta = view.meta(first, count)
      eachRow(meta, first, count, bits, from, to, (row, time, origin) => {
        counter.row(view, first, meta.first + row, time, origin, meta.marks[row] as number)
      })
    })
    yield
  }
  part.read((view) => counter.end(view))
}

type Add = (value: string, count: number, last: number) => void

function originCounter(field: string, cluster: string, add: Add): Counter {
  if (!['cluster', 'app', 'instance', 'host', 'dir', 'file'].includes(field)) {
    // Checked by the caller; here it would count nothing.
    return { chunk: () => true, row: () => undefined, end: () => undefined }
  }
  const counts: number[] = []
  const last: number[] = []
  const zone = new ZoneReader()
  const ids: number[] = []
  const count = (origin: number, n: number, time: number): void => {
    counts[origin] = (counts[origin] ?? 0) + n
    if (time > (last[origin] ?? Number.NEGATIVE_INFINITY)) last[origin] = time
  }
  return {
    chunk(view, i) {
      zone.open(view.zones, view.zoneAt[i] as number).skipLevels()
      const n = zone.origins(ids)
      for (let k = 0; k < n; k++) {
        const known = zone.originZone(ids[k] as number)
        count(known.origin, known.count, (view.minTime[i] as number) + known.last)
      }
      return true
    },
    row: (_view, _chunk, _row, time, origin) => count(origin, 1, time),
    end(view) {
      for (const [id, n] of counts.entries()) {
        if (n === undefined) continue
        const origin = view.origins[id]
        if (origin === undefined) continue
        add(field === 'cluster' ? cluster : (origin[field as 'app'] as string), n, last[id] as number)
      }
    },
  }
}

function levelCounter(add: Add): Counter {
  const counts = new Uint32Array(levels.length)
  const last = new Float64Array(levels.length)
  const zone = new ZoneReader()
  return {
    chunk(view, i) {
      zone.open(view.zones, view.zoneAt[i] as number).levels(counts, last)
      for (const [level, name] of levels.entries()) {
        add(name, counts[level] as number, (view.minTime[i] as number) + (last[level] as number))
      }
      return true
    },
    row: (_view, _chunk, _row, time, _origin, mark) => add(levels[mark & 15] as string, 1, time),
    end: () => undefined,
  }
}

function fieldCounter(name: string, add: Add): Counter {
  return {
    chunk: () => false,
    row(view, chunk, row, time) {
      const { meta, text } = view.chunk(chunk, row - chunk + 1)
      const at = row - meta.first
      const message = text.toString('utf8', meta.starts[at], meta.starts[at + 1])
      const found = fieldsOf(message).filter(([key]) => lowerCase(key) === name)
      // Events are counted: a line that has a value twice has it.
      for (const value of new Set(found.map(([, value]) => value))) add(value, 1, time)
    },
    end: () => undefined,
  }
}

/** Only messages in which the field's name can stand need to be read. */
function withField(plan: Plan, name: string): Plan {
  const needles = name.slice(name.lastIndexOf('.') + 1).match(/[a-z0-9]+/g) ?? []
  const grams = gramsOfNeedles(needles)
  const text: Plan = { kind: 'text', needles: needles.slice(0, 2), grams, escapes: true, holds: () => true }
  return plan.kind === 'all' ? text : { kind: 'and', parts: [plan, text] }
}
