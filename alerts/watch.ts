/**
 * Which shapes of lines a policy has seen, and which of them lately for the first time. The shapes are kept in the State port
 * under `alert-patterns/<id>`, so that another process goes on with them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AlertCondition } from '../pipeline/alert-policy.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import { messageBytes } from '../pipeline/event-batch.ts'
import { patternText } from '../pipeline/pattern-text.ts'
import { type KnownPattern, type Pattern, PatternTree, patternsMax } from '../pipeline/pattern-tree.ts'
import type { State } from '../pipeline/state.ts'
import type { Bounds, Selection, Store } from '../pipeline/store.ts'
import type { Judgement } from './judge.ts'

export const patternsPrefix = 'alert-patterns/'
/** Of one evaluation; of more lines the newest are looked at. */
const linesMax = 5000
/** Lines that arrive later than this behind their time are not looked at. */
const lateMsMax = 60_000
const messageBytesMax = 8 * 1024
/** Shapes that are remembered beside the patterns: a watch lives for as long as its policy does. */
const shapesMax = 2000
/** Other work waits no longer than for so many lines. */
const turnLines = 500
const detailUnitsMax = 300

interface Known extends KnownPattern {
  readonly firstSeen: number
}

/** A golden test pins it: fields are only ever added. */
export interface KnownPatterns {
  readonly v: 1
  /** What was searched: another search has other shapes. */
  readonly scope: string
  /** When learning began, ms. */
  readonly since: number
  readonly patterns: readonly Known[]
}

export type NewPattern = Extract<AlertCondition, { kind: 'new-pattern' }>

export class PatternWatch {
  readonly scope: string
  readonly #key: string
  readonly #state: State
  readonly #since: number
  readonly #tree = new PatternTree<true>(1, shapesMax)
  readonly #firstSeen = new Map<Pattern<true>, number>()
  #version: number
  #kept: number
  #lookedTo = 0

  private constructor(key: string, state: State, version: number, { scope, since, patterns }: KnownPatterns) {
    this.#key = key
    this.#state = state
    this.#version = version
    this.scope = scope
    this.#since = since
    for (const known of patterns) {
      const pattern = this.#tree.know(known)
      if (pattern !== undefined) this.#firstSeen.set(pattern, known.firstSeen)
    }
    this.#kept = this.#firstSeen.size
  }

  /** With what was learnt about this search before; begins to learn where that is nothing. */
  static async open(state: State, id: string, scope: string, nowMs: number): Promise<PatternWatch> {
    const key = `${patternsPrefix}${id}`
    const entry = await state.get(key)
    const known = entry?.value as KnownPatterns | undefined
    if (known !== undefined && known.v !== 1) {
      throw new ShiplogError('STATE_UNREADABLE', `${key} is not of a form that this version knows`)
    }
    const fresh: KnownPatterns = { v: 1, scope, since: nowMs, patterns: [] }
    const watch = new PatternWatch(key, state, entry?.version ?? 0, known?.scope === scope ? known : fresh)
    if (known?.scope !== scope) await watch.#put()
    return watch
  }

  /** Looks at the lines that have come; what is new among them counts for as long as the window is. */
  async look(
    store: Pick<Store, 'search'>,
    selection: Selection,
    condition: NewPattern,
    windowMs: number,
    nowMs: number,
    bounds: Bounds,
  ): Promise<Judgement> {
    const learntAt = this.#since + (condition.learnMs ?? 3_600_000)
    const from = Math.max(selection.from, (this.#lookedTo - lateMsMax) * 1000)
    const { records } = await store.search({ ...selection, from, order: 'desc' }, linesMax, bounds)
    for (let i = 0; i < records.count; i++) {
      if (i % turnLines === turnLines - 1) await nextTurn()
      const bytes = messageBytes(records, i)
      const message = bytes.toString('utf8', 0, Math.min(bytes.length, messageBytesMax))
      const pattern = this.#tree.add(message, records.level[i] as number, records.time[i] as number, 1, 0, () => true)
      if (pattern !== undefined && !this.#firstSeen.has(pattern)) this.#firstSeen.set(pattern, nowMs)
    }
    this.#lookedTo = nowMs
    if (nowMs < learntAt) {
      const reason = `shapes of lines are learnt until ${new Date(learntAt).toISOString()}`
      return { holds: undefined, failed: false, reason }
    }
    const fresh = [...this.#firstSeen].filter(([, seen]) => seen >= learntAt && seen > nowMs - windowMs)
    const newest = fresh.at(-1)?.[0]
    if (newest === undefined && this.#firstSeen.size >= patternsMax) {
      const reason = `${patternsMax} shapes are known, and no more are kept: narrow the query`
      return { holds: undefined, failed: false, reason }
    }
    const detail = newest === undefined ? {} : { detail: patternText(newest).slice(0, detailUnitsMax) }
    return { holds: fresh.length > 0, value: fresh.length, ...detail }
  }

  /**
   * To be called when what `look` found is stored with the alert. Who dies before it finds the same shapes new once more, and
   * an alert that fires for them already.
   */
  async keep(): Promise<void> {
    if (this.#firstSeen.size !== this.#kept) await this.#put()
  }

  async #put(): Promise<void> {
    const patterns = [...this.#firstSeen].map(([{ level, words, between, body, cut }, firstSeen]) => {
      return { level, words, between, body, cut, firstSeen }
    })
    const value: KnownPatterns = { v: 1, scope: this.scope, since: this.#since, patterns }
    this.#version = await this.#state.put(this.#key, value, this.#version)
    this.#kept = patterns.length
  }
}
