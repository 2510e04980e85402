/**
 * Copies of incarnations that are known. Rotation by copytruncate writes the log into a new file and empties the old
 * one: what had not been read by then stands in the copy, and all of it would be shipped a second time if the copy
 * passed for a file of its own. Compressing a rotated file makes a new file, too. A copy is known by its content, never
 * by its name.
 */
import type { Source } from '../pipeline/record.ts'
import type { GenerationRow } from './checkpoint.ts'
import { agrees, type Block, signatureBytesMax } from './identity.ts'
import type { Tail } from './tail.ts'

/** Files that agree in fewer first bytes are not compared: a banner alone makes no copy. */
const signatureBytesMin = 16

/** An incarnation whose file was emptied or is gone, with what was not read of it. */
export interface Orphan {
  readonly tail: Tail
  readonly unreadBytes: number
  readonly why: string
  readonly sinceMs: number
}

/** What the first bytes of a new file say about it. */
export type Verdict =
  | { readonly kind: 'new' }
  /** It may be a copy in the making: ask again. */
  | { readonly kind: 'wait' }
  /** Another file has the same content and is still there: nothing to read. */
  | { readonly kind: 'twin' }
  | { readonly kind: 'copy'; readonly original: GenerationRow; readonly orphan: Orphan | undefined }

/** What a file is judged against, beside the orphans. */
export interface Known {
  /** Of the same instance. */
  readonly followed: Iterable<Tail>
  readonly absent: Iterable<GenerationRow>
}

/** Looks into files for the judgement. */
export interface Probe {
  /** Compares an acknowledged block of an incarnation with what stands at that place in the file; undefined when it is too short. */
  blockFits(blocks: readonly Block[]): Promise<boolean | undefined>
  /** The size of a followed file now, 0 when it is not any more what was read of it; undefined when it cannot be told. */
  presentBytes(tail: Tail): Promise<number | undefined>
  /** The first bytes of another file that was never read; undefined while they cannot be had. */
  beginningOf(tail: Tail): Promise<Buffer | undefined>
}

export class Copies {
  readonly #orphans = new Set<Orphan>()
  readonly #copyWaitMs: number
  #added = 0

  /**
   * A new file that begins as a known one waits `copyWaitMs` behind its own last change for that one to be emptied. An
   * emptied one waits thrice that for its copy: then what was not read of it is lost.
   */
  constructor(copyWaitMs: number) {
    this.#copyWaitMs = copyWaitMs
  }

  add(orphan: Orphan): void {
    this.#orphans.add(orphan)
    this.#added++
  }

  has(orphan: Orphan): boolean {
    return this.#orphans.has(orphan)
  }

  remove(orphan: Orphan): void {
    this.#orphans.delete(orphan)
  }

  /** Those that waited long enough. */
  expired(nowMs: number): Orphan[] {
    return [...this.#orphans].filter(({ sinceMs }) => nowMs - sinceMs >= 3 * this.#copyWaitMs)
  }

  /**
   * What ended before anything was read of it, and of which `file`, a new one, is the copy. Where its first bytes are
   * not known a file that is as long may be one: what is counted as lost is a lower bound.
   */
  unread(file: Tail, head: Buffer): Orphan[] {
    return [...this.#orphans].filter(
      ({ tail, unreadBytes }) =>
        tail.generation === undefined &&
        isSameInstance(tail.source, file.source) &&
        (tail.beginning === undefined ? file.size >= unreadBytes : agree(tail.beginning, head)),
    )
  }

  /**
   * What ended unread was the copy of an incarnation that is known: that one's own account says what of it is lost.
   * `tail` has no generation.
   */
  hasOriginal(tail: Tail, known: Known): boolean {
    const { beginning } = tail
    if (beginning === undefined) return false
    const orphans = [...this.#orphans].flatMap((orphan) => (orphan.tail.generation === undefined ? [] : [orphan.tail]))
    for (const original of [...known.followed, ...known.absent, ...orphans]) {
      if (original !== tail && mayBeCopy(original, tail, beginning)) return true
    }
    return false
  }

  /** Judges a file that was never read, by its first bytes `head`. `quietMs`: since its last change. */
  async judge(file: Tail, head: Buffer, known: Known, quietMs: number, probe: Probe): Promise<Verdict> {
    const added = this.#added
    for (const orphan of this.#orphans) {
      const { tail } = orphan
      // What was written into the emptied file since is no copy of it, also where it begins alike.
      if (tail.generation === undefined || tail.identity === file.identity || !mayBeCopy(tail, file, head)) continue
      // What is on its way has to arrive first: the copy is read on from there.
      if (tail.flying !== undefined || tail.prepared !== undefined) return { kind: 'wait' }
      if ((await probe.blockFits(tail.blocks)) === false) continue
      return { kind: 'copy', original: tail.row(undefined), orphan }
    }
    let twin = false
    for (const tail of known.followed) {
      if (tail === file) continue
      if (tail.generation === undefined) {
        // Of two files that nobody has read yet, the older is the original and comes first.
        if (tail.isTwin || !isOlder(tail, file)) continue
        const beginning = await probe.beginningOf(tail)
        if (beginning !== undefined && agree(beginning, head)) return { kind: 'wait' }
        continue
      }
      if (!mayBeCopy(tail, file, head)) continue
      // One that outgrew another, which is as it was, is no copy of it: a banner of a line begins many files. How much
      // an archive holds is not known before it is whole.
      const present = file.isArchive ? undefined : await probe.presentBytes(tail)
      if (present !== undefined && present > 0 && present < file.size) continue
      // Emptied, and its own turn did not tell yet.
      if (present === 0 && quietMs < 3 * this.#copyWaitMs) return { kind: 'wait' }
      // While windows of it wait nobody looks at it: it may have been emptied since.
      if (quietMs < this.#copyWaitMs || tail.isReading || tail.prepared !== undefined) return { kind: 'wait' }
      twin ||= tail.isArchive !== file.isArchive && tail.size === file.size
    }
    // One that was emptied while this looked at others has not been compared.
    if (added !== this.#added) return { kind: 'wait' }
    if (twin) return { kind: 'twin' }
    // The original may be gone as well: packed and taken away since. A small file that took the place of a gone one
    // may begin alike, with a banner; a copy has another name.
    for (const row of known.absent) {
      if (!mayBeCopy(row, file, head)) continue
      const isSame = await probe.blockFits(row.blocks)
      if (isSame === false) continue
      // Too short to compare more than its beginning (half an archive is, too): its name has to say whose copy it is.
      const isNamedSo = !file.isArchive && file.path.startsWith(`${row.path}.`)
      if (isSame === undefined && row.blocks.length > 0 && !isNamedSo) continue
      if (row.signature.bytes < signatureBytesMax && row.path === file.path) continue
      return { kind: 'copy', original: row, orphan: undefined }
    }
    return { kind: 'new' }
  }
}

function mayBeCopy(original: Pick<GenerationRow, 'signature' | 'source'>, file: Tail, head: Buffer): boolean {
  const { signature, source } = original
  return signature.bytes >= signatureBytesMin && isSameInstance(source, file.source) && agrees(signature, head)
}

function isSameInstance(a: Source, b: Source): boolean {
  return a.instance === b.instance && a.app === b.app && a.cluster === b.cluster
}

function agree(a: Buffer, b: Buffer): boolean {
  const length = Math.min(a.length, b.length)
  return length >= signatureBytesMin && a.compare(b, 0, length, 0, length) === 0
}

/** A copy is made after its original, and of one that grows it is never longer. */
function isOlder(a: Tail, b: Tail): boolean {
  const [inodeA, bornA] = a.identity.split(':').map(BigInt) as [bigint, bigint]
  const [inodeB, bornB] = b.identity.split(':').map(BigInt) as [bigint, bigint]
  if (bornA !== bornB) return bornA < bornB
  return a.size === b.size ? inodeA < inodeB : a.size > b.size
}
