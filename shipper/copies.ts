/**
 * Copies of incarnations that are known. Rotation by copytruncate writes the log into a new file and empties the old
 * one: what had not been read by then stands in the copy, and all of it would be shipped a second time if the copy
 * passed for a file of its own. Compressing a rotated file makes a new file, too. A copy is known by its content, never
 * by its name.
 */
import type { Source } from '../pipeline/record.ts'
import type { GenerationRow } from './checkpoint.ts'
import { type Block, fits, signatureBytesMax } from './identity.ts'
import type { Tail } from './tail.ts'

/** Files that agree in fewer first bytes are not compared: a banner alone makes no copy. */
const signatureBytesMin = 16

/** An incarnation that ended by truncation, with what was not read of it. */
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
  readonly followed: Iterable<Tail>
  readonly absent: Iterable<GenerationRow>
}

export class Copies {
  readonly #orphans = new Map<string, Orphan>()
  readonly #copyWaitMs: number

  /**
   * A new file that begins as a known one waits `copyWaitMs` behind its own last change for that one to be emptied. An
   * emptied one waits thrice that for its copy: then what was not read of it is lost.
   */
  constructor(copyWaitMs: number) {
    this.#copyWaitMs = copyWaitMs
  }

  add(orphan: Orphan): void {
    this.#orphans.set(orphan.tail.generation as string, orphan)
  }

  remove(orphan: Orphan): void {
    this.#orphans.delete(orphan.tail.generation as string)
  }

  /** Those that waited long enough. */
  expired(nowMs: number): Orphan[] {
    return [...this.#orphans.values()].filter(({ sinceMs }) => nowMs - sinceMs >= 3 * this.#copyWaitMs)
  }

  /**
   * Judges a file that was never read, by its first bytes `head` and by `blockFits`, which compares an acknowledged
   * block of an incarnation with what stands at that place. `quietMs`: since its last change.
   */
  async judge(
    file: Tail,
    head: Buffer,
    known: Known,
    quietMs: number,
    blockFits: (blocks: readonly Block[]) => Promise<boolean>,
  ): Promise<Verdict> {
    for (const orphan of this.#orphans.values()) {
      const { tail } = orphan
      if (!mayBeCopy(tail, file, head)) continue
      // What is on its way has to arrive first: the copy is read on from there.
      if (tail.flying !== undefined || tail.prepared !== undefined) return { kind: 'wait' }
      if (!(await blockFits(tail.blocks))) continue
      return { kind: 'copy', original: { ...tail.row(undefined), window: tail.replay }, orphan }
    }
    let twin = false
    for (const tail of known.followed) {
      if (tail === file || tail.generation === undefined || !mayBeCopy(tail, file, head)) continue
      if (quietMs < this.#copyWaitMs) return { kind: 'wait' }
      twin ||= tail.isArchive !== file.isArchive && tail.size === file.size
    }
    if (twin) return { kind: 'twin' }
    // The original may be gone as well: packed and taken away since. Its last block has to be in the copy then.
    for (const row of known.absent) {
      if (!mayBeCopy(row, file, head)) continue
      if (row.blocks.length === 0 ? row.signature.bytes < signatureBytesMax : !(await blockFits(row.blocks))) continue
      return { kind: 'copy', original: row, orphan: undefined }
    }
    return { kind: 'new' }
  }
}

function mayBeCopy(original: Pick<GenerationRow, 'signature' | 'source'>, file: Tail, head: Buffer): boolean {
  const { signature, source } = original
  return signature.bytes >= signatureBytesMin && isSameInstance(source, file.source) && fits(signature, head)
}

function isSameInstance(a: Source, b: Source): boolean {
  return a.instance === b.instance && a.app === b.app && a.cluster === b.cluster
}
