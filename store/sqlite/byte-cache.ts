/** Least recently used first out, bounded in bytes. Keys are numbers (safe integers). */
export class ByteCache<T> {
  readonly bytesMax: number
  #bytes = 0
  readonly #entries = new Map<number, { readonly value: T; readonly bytes: number }>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get(key: number): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: number, value: T, bytes: number): void {
    this.#bytes += bytes - (this.#entries.get(key)?.bytes ?? 0)
    this.#entries.delete(key)
    this.#entries.set(key, { value, bytes })
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.bytesMax || oldest === key) return
      this.#bytes -= entry.bytes
      this.#entries.delete(oldest)
    }
  }
}
