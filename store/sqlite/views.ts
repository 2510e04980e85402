/** The open partition files of one reader thread: least recently used out, by number and by bytes of zones. */
import { existsSync } from 'node:fs'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import { ByteCache } from './byte-cache.ts'
import { type PartitionName, type PartitionPlace, partitionPath } from './catalog.ts'
import { isDamage } from './database.ts'
import { type Caches, PartitionView } from './view.ts'

/** Which file was damaged: what the main thread needs to have it set aside. */
export class DamagedPartition extends ShiplogError {
  readonly partition: PartitionName

  constructor(name: PartitionName, reason: string) {
    super('STORE_DAMAGED', reason)
    this.partition = name
  }
}

/** Columns of about 1,200 chunks: 600,000 events. */
const metaBytesMax = 10 * 1024 * 1024
/** Messages of about 100 chunks. */
const textBytesMax = 8 * 1024 * 1024
/** Zones of about a hundred million events that come from few files. */
const zoneBytesMax = 32 * 1024 * 1024

export class Views {
  readonly folder: string
  readonly openFilesMax: number
  readonly caches: Caches
  readonly #open = new Map<string, PartitionView>()
  #latest: PartitionView | undefined

  constructor(folder: string, openFilesMax: number) {
    this.folder = folder
    this.openFilesMax = openFilesMax
    this.caches = { metas: new ByteCache(metaBytesMax), texts: new ByteCache(textBytesMax) }
  }

  get openFiles(): number {
    return this.#open.size
  }

  /** The view as it was last refreshed; undefined when the partition was dropped or set aside in the meantime. */
  get(place: PartitionPlace): PartitionView | undefined {
    if (this.#latest?.place === place) return this.#latest
    const key = `${place.cluster}/${place.partition}`
    let view = this.#open.get(key)
    if (view === undefined) {
      const path = partitionPath(this.folder, place)
      if (!existsSync(path)) return undefined
      try {
        view = guarded(place, () => new PartitionView(place, path, this.caches))
      } catch (error) {
        if (error instanceof ShiplogError && error.code === 'NOT_FOUND') return undefined
        throw error
      }
    } else {
      this.#open.delete(key)
    }
    this.#open.set(key, view)
    this.#closeSurplus(key)
    this.#latest = view
    return view
  }

  /** Reads through a view; what goes wrong is laid at its file's door. */
  read<T>(place: PartitionPlace, read: (view: PartitionView) => T): T | undefined {
    const view = this.get(place)
    return view === undefined ? undefined : guarded(place, () => read(view))
  }

  forget({ cluster, partition }: PartitionName): void {
    const key = `${cluster}/${partition}`
    this.#open.get(key)?.close()
    this.#open.delete(key)
    this.#latest = undefined
  }

  #closeSurplus(keep: string): void {
    let bytes = 0
    for (const view of this.#open.values()) bytes += view.bytesHeld
    for (const [key, view] of this.#open) {
      if ((this.#open.size <= this.openFilesMax && bytes <= zoneBytesMax) || key === keep) return
      bytes -= view.bytesHeld
      view.close()
      this.#open.delete(key)
    }
  }

  close(): void {
    for (const view of this.#open.values()) view.close()
    this.#open.clear()
    this.#latest = undefined
  }
}

function guarded<T>(name: PartitionName, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isDamage(error)) throw new DamagedPartition(name, messageOf(error))
    throw error
  }
}
