/**
 * Which incarnations there are: holds what the listing of the folders, the checkpoint and the files themselves say
 * together. A tail lives here from the moment its file is seen until it is gone and read to its end.
 */
import type { Logger } from 'pino'
import { messageOf } from '../pipeline/errors.ts'
import { type Source, sourceKey } from '../pipeline/record.ts'
import { archiveSuffix } from './archive.ts'
import type { GenerationRow } from './checkpoint.ts'
import { type Found, isBelow, type Listing, shownPath } from './discover.ts'
import { emptySignature } from './identity.ts'
import type { PathRule, PathRules } from './path-rules.ts'
import type { Placed } from './source.ts'
import { Tail, type TailLimits } from './tail.ts'
import { ulid, ulidMs } from './ulid.ts'

/** A file that two listings in a row did not show is gone; one alone may have missed it while it was renamed. */
const missedListingsMax = 2

/** What ended, and files that nobody saw, are remembered so long. */
const rememberMs = 7 * 86_400_000

export interface FilesOptions {
  readonly rules: PathRules
  readonly limits: TailLimits
  readonly log: Logger
}

export class Files {
  readonly tails = new Map<string, Tail>()
  readonly #ofInstance = new Map<string, Set<Tail>>()
  /** What is there and not read, with the reason. */
  unreadable: ReadonlyMap<string, string> = new Map()
  /** Incarnations whose file was emptied before this process, and whose copy may still turn up. */
  readonly emptied: Tail[] = []
  /** Files outside the layout. */
  misplaced = 0
  readonly #remembered: Map<string, GenerationRow>
  /** Incarnations that ended before this process. */
  #ended: GenerationRow[]
  /** ms of the newest generation of each source: older incarnations must sort first. */
  readonly #newest = new Map<string, number>()
  /** Files that are there and shall not be shipped: identity and path at which that was judged. */
  readonly #excluded = new Map<string, string>()
  readonly #options: FilesOptions
  #rules: PathRules
  /** The listing that was taken last, when each file in it has a tail and each tail a file. */
  #taken: Listing | undefined

  constructor(rows: readonly GenerationRow[], options: FilesOptions) {
    this.#options = options
    this.#rules = options.rules
    // Rows come with older incarnations first: of two on one inode the newer one is what stands in it now. The other
    // was emptied, and a process before this one still hoped for its copy.
    this.#remembered = new Map()
    this.#ended = rows.filter((row) => !row.live)
    for (const row of rows) {
      if (!row.live) continue
      const emptied = this.#remembered.get(row.identity)
      if (emptied !== undefined) this.emptied.push(this.#resume(emptied, emptied.path))
      this.#remembered.set(row.identity, row)
    }
    for (const row of rows) this.#noteGeneration(row.source, ulidMs(row.generation))
  }

  /** Takes a listing over: new tails, new names. Returns the tails whose file is gone. */
  take(listing: Listing): Tail[] {
    // With thousands of files going through them every second has its price.
    if (listing === this.#taken) return []
    this.unreadable = listing.unreadable
    const seen = new Set<string>()
    const named = this.#namesBefore(listing)
    for (const found of listing.files.values()) {
      const { identity } = found
      const tail = this.tails.get(identity)
      if (tail === undefined) {
        if (!this.#isExcluded(found)) this.#add(found, named)
      }
      // A second name of one file (a hard link) changes nothing while the first is still there.
      else if (!seen.has(identity) && !this.#stillNamed(tail, listing)) tail.path = found.path
      seen.add(identity)
    }
    for (const identity of this.#excluded.keys()) if (!seen.has(identity)) this.#excluded.delete(identity)
    const gone: Tail[] = []
    for (const tail of this.tails.values()) {
      if (seen.has(tail.identity)) tail.missedListings = 0
      // What lies in a folder that cannot be listed now is not gone.
      else if (!isBelow(tail.path, listing.unreadable)) tail.missedListings++
      if (tail.missedListings >= missedListingsMax) gone.push(tail)
    }
    this.#taken = gone.length === 0 && seen.size === this.tails.size + this.#excluded.size ? listing : undefined
    return gone
  }

  /** Other rules hold from now on. Returns the tails whose files shall not be shipped any more. */
  judgeBy(rules: PathRules): Tail[] {
    this.#rules = rules
    this.#taken = undefined
    this.#excluded.clear()
    return [...this.tails.values()].filter((tail) => {
      const { included, settings } = this.#ruleOf(tail.path, tail.source.file)
      if (included) tail.use(settings)
      return !included
    })
  }

  /**
   * A file is judged by the name that it was born with: one that rotation renamed is still to be read to its end, and
   * in the same way. One that was never seen has only the name that it has now.
   */
  #ruleOf(path: string, file: string): PathRule {
    const shown = shownPath(path)
    return this.#rules(`${shown.slice(0, shown.lastIndexOf('/') + 1)}${file}`)
  }

  /** Where a path (as it is shown) belongs, by the rules that hold now. */
  readonly place = (path: string): Placed => this.#rules(path).place(path)

  /** What is there and is not read, and why; excluded files that were read once have a row of their own to say it. */
  get notRead(): ReadonlyMap<string, string> {
    const found = new Map(this.unreadable)
    for (const [identity, path] of this.#excluded) if (!this.#remembered.has(identity)) found.set(path, 'excluded')
    return found
  }

  /** Judged once for each name: a listing comes every second. */
  #isExcluded({ identity, path }: Found): boolean {
    if (this.#excluded.get(identity) === path) return true
    const row = this.#remembered.get(identity)
    const rule = row === undefined ? this.#rules(shownPath(path)) : this.#ruleOf(path, row.source.file)
    if (rule.included) this.#excluded.delete(identity)
    else this.#excluded.set(identity, path)
    return !rule.included
  }

  /** The same file begins anew: it was truncated or written over. The tail of before keeps its own incarnation. */
  renew(old: Tail): Tail {
    const { identity, path, source, isArchive } = old
    const { settings } = this.#ruleOf(path, source.file)
    const found = { identity, path, source, isArchive, referenceUs: Date.now() * 1000 }
    const tail = new Tail(found, settings, this.#options.limits)
    // Not the newest of the source: the file may have been renamed since, and another have its name.
    tail.followsMs = old.generation === undefined ? old.followsMs : ulidMs(old.generation)
    this.#follow(tail)
    return tail
  }

  #follow(tail: Tail): void {
    const before = this.tails.get(tail.identity)
    if (before !== undefined) this.remove(before)
    this.tails.set(tail.identity, tail)
    const key = instanceKey(tail.source)
    const tails = this.#ofInstance.get(key)
    if (tails === undefined) this.#ofInstance.set(key, new Set([tail]))
    else tails.add(tail)
  }

  /** The files that are followed of the instance that a source belongs to. */
  beside(source: Source): Iterable<Tail> {
    return this.#ofInstance.get(instanceKey(source)) ?? []
  }

  /** False for an incarnation that ended. */
  follows(tail: Tail): boolean {
    return this.tails.get(tail.identity) === tail
  }

  /** `copy` holds what `original` held: it goes on as that incarnation, from where that one was acknowledged. */
  adopt(copy: Tail, original: GenerationRow): Tail {
    const { identity, path } = copy
    // A copy that ends before that place has nothing more to read; see Tail.isShortCopy.
    const isWhole = original.position.offset <= copy.size
    const position = isWhole ? original.position : { ...original.position, offset: copy.size, open: undefined }
    // Of a window that ends behind the copy some bytes are nowhere any more; what is left of it is read as it was. An
    // archive may still be being written: what it has not yet is read as new, and its lines have the ids that they had.
    const { window } = original
    const left = window && { ...window, to: copy.isArchive ? window.to : Math.min(window.to, copy.size) }
    const again = left !== undefined && left.to > position.offset && left.to <= copy.size ? left : undefined
    // What was signed has more bytes than a short copy: it is signed anew when it is read.
    const signature = original.signature.bytes <= copy.size ? original.signature : emptySignature
    const tail = this.#resume({ ...original, identity, signature, position, window: again }, path)
    if (this.#remembered.get(original.identity)?.generation === original.generation)
      this.#remembered.delete(original.identity)
    this.#follow(tail)
    return tail
  }

  /** Incarnations whose files cannot be found. */
  get absent(): Iterable<GenerationRow> {
    return this.#remembered.values()
  }

  /** The file is there and is not shipped. */
  isExcluded({ identity }: Pick<GenerationRow, 'identity'>): boolean {
    return this.#excluded.has(identity)
  }

  /** What is known of an incarnation whose file cannot be found, as a tail that reads nothing: to be told of. */
  absentTail(row: GenerationRow): Tail {
    const tail = this.#resume(row, row.path)
    return Object.assign(tail, { lost: row.lost, loss: row.loss })
  }

  #resume(row: GenerationRow, path: string): Tail {
    const { settings } = this.#ruleOf(path, row.source.file)
    return Tail.resumed({ ...row, path }, path, isArchive(path), settings, this.#options.limits)
  }

  remove(tail: Tail): void {
    if (!this.follows(tail)) return
    this.tails.delete(tail.identity)
    this.#ofInstance.get(instanceKey(tail.source))?.delete(tail)
  }

  /** Its file cannot be found (it has a generation): removed, but should it come back, it goes on where it was. */
  setAside(tail: Tail): GenerationRow {
    const row = tail.row(undefined)
    this.remove(tail)
    this.#remembered.set(tail.identity, row)
    return row
  }

  isAbsent(row: GenerationRow): boolean {
    return this.#remembered.get(row.identity) === row
  }

  /** False when it was found meanwhile. */
  replaceAbsent(row: GenerationRow, by: GenerationRow): boolean {
    if (!this.isAbsent(row)) return false
    this.#remembered.set(row.identity, by)
    return true
  }

  /** Takes out what ended, or was last seen, too long ago; returns the generations. */
  forgetOld(nowMs: number): string[] {
    const isOld = (row: GenerationRow): boolean =>
      row.updatedAt < nowMs - rememberMs && !this.#excluded.has(row.identity)
    const forgotten = [...this.#ended, ...this.#remembered.values()].filter(isOld)
    this.#ended = this.#ended.filter((row) => !isOld(row))
    for (const row of forgotten) if (row.live) this.#remembered.delete(row.identity)
    return forgotten.map((row) => row.generation)
  }

  /**
   * The id of a new incarnation whose first event has this time (ms). One that came after another under the same name
   * sorts behind it even where the clock in its lines went back; of files that were found together the stamps decide.
   */
  nextGeneration({ source, followsMs = -1 }: Tail, firstMs: number): string {
    const ms = Math.max(firstMs, followsMs + 1)
    this.#noteGeneration(source, ms)
    return ulid(ms)
  }

  #noteGeneration(source: Source, ms: number): void {
    const key = sourceKey(source)
    this.#newest.set(key, Math.max(ms, this.#newest.get(key) ?? 0))
  }

  /** The names under which files were followed until now; only new files ask for them, so none without any. */
  #namesBefore(listing: Listing): ReadonlySet<string> {
    const isNew = [...listing.files.values()].some(
      ({ identity, path }) => !this.tails.has(identity) && this.#excluded.get(identity) !== path,
    )
    const known = isNew ? [...this.tails.values(), ...this.#remembered.values()] : []
    return new Set(known.map(({ path }) => path))
  }

  #stillNamed(tail: Tail, listing: Listing): boolean {
    const found = listing.files.get(tail.path)
    return found?.identity === tail.identity
  }

  /** `named`: the names under which files were followed until now. */
  #add(found: Found, named: ReadonlySet<string>): void {
    const { identity } = found
    const { limits, log } = this.#options
    const row = this.#remembered.get(identity)
    if (row !== undefined) {
      this.#follow(this.#resume(row, found.path))
      this.#remembered.delete(identity)
      return
    }
    try {
      const packed = isArchive(found.path)
      // An archive has the name of what was packed: that is the name which its lines were written under.
      const name = packed ? found.path.slice(0, -archiveSuffix.length) : found.path
      const { settings, place } = this.#rules(shownPath(name))
      const { source, fits } = place(shownPath(name))
      if (!fits) this.misplaced++
      const referenceUs = Number(found.stat.mtimeNs / 1000n)
      const tail = new Tail({ identity, path: found.path, source, referenceUs, isArchive: packed }, settings, limits)
      if (named.has(found.path)) tail.followsMs = this.#newest.get(sourceKey(source))
      this.#follow(tail)
    } catch (error) {
      log.error({ path: shownPath(found.path) }, `cannot place a file: ${messageOf(error)}`)
    }
  }
}

function isArchive(path: string): boolean {
  return path.endsWith(archiveSuffix)
}

function instanceKey({ cluster, app, instance }: Source): string {
  return `${cluster}/${app}/${instance}`
}
