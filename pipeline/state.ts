/** Small shared state: file states, saved searches, tokens, leases. Port; the adapter comes with the store's. */

export interface StateEntry {
  readonly key: string
  /** JSON value. */
  readonly value: unknown
  /** Grows with every put of this key; begins at 1. */
  readonly version: number
}

export interface State {
  get(key: string): Promise<StateEntry | undefined>
  /**
   * Durable when it resolves, with the new version. With `ifVersion` it rejects with CONFLICT when the entry has
   * another version (0 = must not exist).
   */
  put(key: string, value: unknown, ifVersion?: number): Promise<number>
  /** Every entry whose key begins with the prefix, by key. */
  list(prefix: string): Promise<StateEntry[]>
  /** True when there was one. With `ifVersion` as in put. */
  delete(key: string, ifVersion?: number): Promise<boolean>
  /** True when `holder` has the lease on `key` for the next `ttlMs`; the same holder renews it by asking again. */
  lease(key: string, holder: string, ttlMs: number): Promise<boolean>
  close(): Promise<void>
}
