/** What became of an alert policy: all that has to survive a restart, kept in the State port under `alert/<policy id>`. */
import { ShiplogError } from './errors.ts'
import type { StateEntry } from './state.ts'

/** Entries of an alert's history that are kept. */
export const historyMax = 100

/** `no-data`: the condition cannot be judged, too few events or a store that does not answer; `reason` says which. */
export type AlertState = 'ok' | 'firing' | 'no-data'
export type NoticeKind = 'firing' | 'still-firing' | 'resolved' | 'test'

/** A notification that has to be sent, kept until its target took it. All times here are ms since the epoch. */
export interface Notice {
  /** The same for every attempt: who gets it twice knows it by this. */
  readonly key: string
  readonly kind: NoticeKind
  /** Id of the action in its policy: where it goes is looked up when it is sent, and no secret is kept twice. */
  readonly action: string
  readonly at: number
  readonly value?: number
  /** What the value stands for, for people: the shape that is new. */
  readonly detail?: string
  readonly attempts: number
  readonly nextAt: number
  /** Why the last attempt failed. */
  readonly error?: string
}

export interface HistoryEntry {
  readonly at: number
  /** A state that was reached, a notice that its target took, or one that none ever will. */
  readonly event: AlertState | 'told' | 'given-up'
  readonly notice?: NoticeKind
  readonly value?: number
  readonly detail?: string
}

/** A golden test pins it: fields are only ever added. */
export interface Alert {
  readonly v: 1
  readonly state: AlertState
  readonly since: number
  /** Why nothing can be said. */
  readonly reason?: string
  /** What was counted when the state was reached: events, percent, or new shapes. */
  readonly value?: number
  readonly detail?: string
  /** Since when the condition says something else than the state. */
  readonly changingSince?: number
  /** Grows with each firing; part of the keys of its notices. */
  readonly episode: number
  /** When its targets were last told that it fires; gone when they were told that it is over. */
  readonly toldAt?: number
  readonly outbox: readonly Notice[]
  /** Newest first. */
  readonly history: readonly HistoryEntry[]
}

export const alertPrefix = 'alert/'

export function newAlert(nowMs: number): Alert {
  return { v: 1, state: 'ok', since: nowMs, episode: 0, outbox: [], history: [] }
}

/** Undefined = not evaluated yet. Throws STATE_UNREADABLE for what another version has written. */
export function alertOf(entry: StateEntry | undefined): Alert | undefined {
  if (entry === undefined) return undefined
  if ((entry.value as Partial<Alert> | null)?.v === 1) return entry.value as Alert
  throw new ShiplogError('STATE_UNREADABLE', `${entry.key} is not of a form that this version knows`, {
    hint: 'It is of a newer version: run that one.',
  })
}

export function withHistory(alert: Alert, ...entries: readonly HistoryEntry[]): Alert {
  return { ...alert, history: [...entries.toReversed(), ...alert.history].slice(0, historyMax) }
}
