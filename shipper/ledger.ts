/** What the shipper tells of its files: one state for each incarnation, and one for each thing that is not shipped. */
import type { FileState } from '../pipeline/bus.ts'
import type { Source } from '../pipeline/record.ts'
import { shownPath } from './discover.ts'
import type { Placed } from './source.ts'
import type { Tail } from './tail.ts'
import { zoneText } from './zone-watch.ts'

/** A file that changed within this is being followed; afterwards it stands at its end. */
const followingMs = 10_000
/** Files whose state is looked at in one report although nothing was said of them. */
const tailsAtOnce = 250
/** States that are sent at once; the others wait for the next report. */
const statesMax = 500

export interface LedgerView {
  readonly tails: Iterable<Tail>
  follows(tail: Tail): boolean
  /** By path, what is there and not read, and why. */
  readonly notRead: ReadonlyMap<string, string>
  /** Why files of the source wait, or undefined. */
  slowedBy(source: Source): string | undefined
}

export class Ledger {
  readonly #place: (path: string) => Placed
  readonly #host: string
  #round: Iterator<Tail> = [].values()
  /** What was told last, by tail and by path. */
  readonly #told = new WeakMap<Tail, string>()
  readonly #toldPaths = new Map<string, string>()

  constructor(place: (path: string) => Placed, host: string) {
    this.#place = place
    this.#host = host
  }

  /** States that changed since they were told: at the start all of them. `changed` = tails whose numbers did. */
  take({ tails, follows, notRead, slowedBy }: LedgerView, changed: Set<Tail>, nowMs: number): FileState[] {
    const states: FileState[] = []
    const tell = (tail: Tail): void => {
      const state = this.#stateOf(tail, follows(tail), nowMs, slowedBy)
      const name = `${state.state} ${state.reason ?? ''} ${state.warning ?? ''} ${state.state === 'behind' ? state.size : ''}`
      if (!changed.has(tail) && this.#told.get(tail) === name) return
      if (states.length >= statesMax) return
      changed.delete(tail)
      this.#told.set(tail, name)
      const isByPath = tail.generation === undefined && state.state === 'unreadable'
      if (isByPath) this.#toldPaths.set(tail.path, ofTail)
      else this.#forgetPath(tail, states)
      // Until it has an id of its own, only what keeps it from having one is worth telling.
      if (tail.generation !== undefined || isByPath) states.push(state)
    }
    for (const tail of changed) tell(tail)
    // What only time changes is seen within some rounds: with thousands of files looking at all has its price.
    for (const tail of this.#nextOf(tails)) tell(tail)
    for (const [path, why] of notRead) {
      if (states.length >= statesMax) break
      if (this.#toldPaths.get(path) === why) continue
      this.#toldPaths.set(path, why)
      states.push(this.#stateOfPath(path, isSystemCode(why) ? 'unreadable' : 'skipped', why))
    }
    for (const path of this.#toldPaths.keys()) {
      if (states.length >= statesMax) break
      if (notRead.has(path) || this.#toldPaths.get(path) === ofTail) continue
      this.#toldPaths.delete(path)
      states.push(this.#stateOfPath(path, 'gone'))
    }
    return states
  }

  *#nextOf(tails: Iterable<Tail>): Generator<Tail> {
    for (let i = 0; i < tailsAtOnce; i++) {
      const next = this.#round.next()
      if (next.done) {
        this.#round = tails[Symbol.iterator]()
        return
      }
      yield next.value
    }
  }

  /** What could not be told is told again. */
  giveBack(states: readonly FileState[], tails: Iterable<Tail>): void {
    for (const { path, generation } of states) if (generation === undefined) this.#toldPaths.delete(path)
    for (const tail of tails) this.#told.delete(tail)
  }

  /** A file that could not be opened was told by its path; now it has an id of its own, or is gone. */
  #forgetPath(tail: Tail, states: FileState[]): void {
    if (this.#toldPaths.get(tail.path) !== ofTail) return
    this.#toldPaths.delete(tail.path)
    states.push(this.#stateOfPath(tail.path, 'gone'))
  }

  #stateOf(tail: Tail, isFollowed: boolean, nowMs: number, slowedBy: LedgerView['slowedBy']): FileState {
    const { source, generation, loss, trouble } = tail
    const reached = tail.acknowledged.previousTime
    const path = shownPath(tail.path)
    const state = stateName(tail, isFollowed, nowMs)
    const slowed = state === 'behind' ? slowedBy(source) : undefined
    const warning = slowed ?? zoneText(tail.zoneOffMinutes) ?? (this.#isMisplaced(tail) ? misplaced : undefined)
    return {
      source,
      ...(generation === undefined ? {} : { generation }),
      path,
      state,
      size: tail.size,
      read: tail.head.offset,
      acknowledged: tail.acknowledged.offset,
      ...(reached === undefined ? {} : { reached }),
      lost: tail.lost,
      ...(loss === undefined ? {} : { loss }),
      ...(trouble === undefined ? {} : { reason: trouble }),
      ...(warning === undefined ? {} : { warning }),
      updatedAt: Date.now() * 1000,
    }
  }

  #isMisplaced({ source }: Tail): boolean {
    return source.app === 'unknown' && !this.#place(`${source.dir.slice(1)}/${source.file}`.replace(/^\//, '')).fits
  }

  #stateOfPath(path: string, state: FileState['state'], reason?: string): FileState {
    const shown = shownPath(path)
    const { source } = this.#place(shown)
    return {
      source: { ...source, host: source.host === '' ? this.#host : source.host },
      path: shown,
      state,
      size: 0,
      read: 0,
      acknowledged: 0,
      lost: 0,
      ...(reason === undefined ? {} : { reason }),
      updatedAt: Date.now() * 1000,
    }
  }
}

const ofTail = 'cannot be opened'
const misplaced = 'outside the layout: shipped as app unknown'

function stateName(tail: Tail, isFollowed: boolean, nowMs: number): FileState['state'] {
  if (tail.trouble === 'excluded') return 'skipped'
  if (!isFollowed) return 'gone'
  if (tail.trouble !== undefined) return 'unreadable'
  if (tail.acknowledged.offset < tail.size) return 'behind'
  const name = tail.path.slice(tail.path.lastIndexOf('/') + 1)
  if (shownPath(name) !== tail.source.file) return 'rotated'
  return nowMs - tail.activeAtMs < followingMs ? 'following' : 'at-end'
}

/** The system says why: `EACCES`, `ELOOP` … Everything else was decided here. */
function isSystemCode(why: string): boolean {
  return /^E[A-Z0-9]+$/.test(why) || why === 'unreadable'
}
