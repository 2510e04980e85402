/** The closed list of what can go wrong in operation. A caller decides by code, never by message text. */
export type ErrorCode =
  | 'CONFIG_INVALID' // a flag, variable or key of the configuration cannot be used
  | 'DATA_LOCKED' // another process works on the same data folder
  | 'DATA_UNWRITABLE' // the data folder cannot be written: full disk, read-only, permissions
  | 'STATE_UNREADABLE' // a state file exists but cannot be read: never start over silently
  | 'QUERY_INVALID' // what a client asked for cannot be understood
  | 'QUERY_TOO_COSTLY' // a search reached its time limit
  | 'UNAUTHENTICATED' // who asks is not known: no token, or one that does not hold
  | 'FORBIDDEN' // who asks is known, and may not do this
  | 'NOT_FOUND'
  | 'STORE_UNAVAILABLE'
  | 'STORE_DAMAGED' // one file of the store cannot be read; the others still serve
  | 'BUS_UNAVAILABLE'
  | 'BUS_REFUSED' // the bus is there and does not take it: rights, size, a topic that it may not make
  | 'POSITION_GONE' // the bus no longer has what lies behind a position of a follower
  | 'CONFLICT' // a state entry has another version than the writer thinks
  | 'CLOSED' // used after close
  | 'ABORTED'

/** What a user of Shiplog can read and act on: a code, what happened, and what to do about it. */
export class ShiplogError extends Error {
  override readonly name = 'ShiplogError'
  readonly code: ErrorCode
  /** True when the same call may succeed later without anyone changing it. */
  readonly retryable: boolean
  /** What the operator or the user can do, as one sentence. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    this.hint = options.hint
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The `code` of a system error (`ENOENT`, `ENOSPC` …), or undefined. */
export function systemCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
