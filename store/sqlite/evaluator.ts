/**
 * Which rows of a chunk a plan matches, as bits: 16 words of 32 for the 512 slots of a block. AND, OR and NOT are bit
 * operations; a costly part looks only at the rows that the cheap ones left. One evaluator serves one request on one file.
 */
import { levels } from '../../pipeline/record.ts'
import { blockRows, type ChunkMeta } from './block.ts'
import { mayHold } from './grams.ts'
import type { IndexPlan, Plan, TextPlan } from './plan.ts'
import type { PartitionView } from './view.ts'
import { ZoneReader } from './zone.ts'

export type Bits = Uint32Array
export const bitWords = blockRows / 32
/** Never written to. */
const noBits: Bits = new Uint32Array(bitWords)

/** What a zone says of all rows of its chunk. */
export type Verdict = 'none' | 'some' | 'all'

/** Blocks that one question to the index spans: many rows cost little more than few, but all of them are answered. */
const spanMost = 256
/** The same where a question costs the same for one block as for all. */
const spanPrefix = 2048
/** Blocks whose grams are read together. */
const spanGrams = 64
/** Chunks of which the text is read, before the index is asked for the beginning of a word. */
const prefixTextsMax = 24

interface IndexState {
  /** By block: 1 = asked. */
  known: Uint8Array
  readonly bits: Map<number, Bits>
  span: number
  asked: number
  /** Chunks that were read instead of asking. */
  texts: number
}

interface GramState {
  /** By span: 1 = its grams were read. */
  known: Uint8Array
  /** Blocks that cannot match. */
  readonly without: Set<number>
}

export class Evaluator {
  readonly plan: Plan
  /** Blocks of the first question: 1 where a page is wanted, more where everything will be read. */
  readonly #spanFirst: number
  readonly #index = new Map<Plan, IndexState>()
  readonly #grams = new Map<TextPlan, GramState>()
  readonly #origins = new Map<Plan, Uint8Array>()
  readonly #zone = new ZoneReader()
  readonly #zoneOrigins: number[] = []
  readonly #zoneLevels = new Uint32Array(levels.length)

  constructor(plan: Plan, spanFirst: number) {
    this.plan = plan
    this.#spanFirst = spanFirst
  }

  /** What the zone of the view's chunk i says. */
  verdict(view: PartitionView, i: number, plan: Plan = this.plan): Verdict {
    switch (plan.kind) {
      case 'all':
        return 'all'
      case 'index':
      case 'text':
        return 'some'
      case 'part':
        return view.holdsParts(i) ? 'some' : 'none'
      case 'origin': {
        const reader = this.#zone.open(view.zones, view.zoneAt[i] as number)
        reader.skipLevels()
        const count = reader.origins(this.#zoneOrigins)
        const holds = this.#holds(plan, view)
        let met = 0
        for (let k = 0; k < count; k++) met += holds[this.#zoneOrigins[k] as number] as number
        return met === 0 ? 'none' : met === count ? 'all' : 'some'
      }
      case 'level': {
        this.#zone.open(view.zones, view.zoneAt[i] as number).levels(this.#zoneLevels)
        let met = 0
        for (let level = 0; level < levels.length; level++) {
          if (plan.wanted[level] === 1) met += this.#zoneLevels[level] as number
        }
        return met === 0 ? 'none' : met === view.rows[i] ? 'all' : 'some'
      }
      case 'not': {
        const inner = this.verdict(view, i, plan.part)
        return inner === 'none' ? 'all' : inner === 'all' ? 'none' : 'some'
      }
      case 'and':
      case 'or': {
        const deciding = plan.kind === 'and' ? 'none' : 'all'
        const neutral = plan.kind === 'and' ? 'all' : 'none'
        let verdict: Verdict = neutral
        for (const part of plan.parts) {
          const one = this.verdict(view, i, part)
          if (one === deciding) return deciding
          if (one === 'some') verdict = 'some'
        }
        return verdict
      }
    }
  }

  /** The rows [first, first + count) of one block that match; undefined = none. */
  bits(view: PartitionView, first: number, count: number): Bits | undefined {
    // Most chunks of a rare word end here.
    if (this.plan.kind === 'index') {
      const state = this.#indexState(this.plan)
      const block = Math.floor(first / blockRows)
      if (state.known[block] === 1 && !state.bits.has(block)) return undefined
    }
    const mask = new Uint32Array(bitWords)
    const slot = first % blockRows
    for (let i = slot; i < slot + count; i++) mask[i >> 5] = (mask[i >> 5] as number) | (1 << (i & 31))
    const bits = this.#evaluate(this.plan, view, first, count, mask)
    return isEmpty(bits) ? undefined : bits
  }

  /** A subset of `mask`, which is never changed. */
  #evaluate(plan: Plan, view: PartitionView, first: number, count: number, mask: Bits): Bits {
    switch (plan.kind) {
      case 'all':
        return mask
      case 'index':
        return this.#indexBits(plan, view, first, count, mask)
      case 'origin':
        return this.#originBits(plan, view, first, count, mask)
      case 'level':
        return levelBits(plan.wanted, view.meta(first, count), mask)
      case 'part':
        return partBits(view, first, count, mask)
      case 'text':
        return this.#ruledOut(plan, view, first) ? noBits : textBits(plan, view, first, count, mask)
      case 'not': {
        const inner = this.#evaluate(plan.part, view, first, count, mask)
        const bits = new Uint32Array(bitWords)
        for (let w = 0; w < bitWords; w++) bits[w] = (mask[w] as number) & ~(inner[w] as number)
        return bits
      }
      case 'and': {
        // Before the index is asked: a look at the grams is cheaper, and the text would be read last of all.
        if (plan.parts.some((part) => part.kind === 'text' && this.#ruledOut(part, view, first))) return noBits
        let left = mask
        for (const part of plan.parts) {
          left = this.#evaluate(part, view, first, count, left)
          if (isEmpty(left)) break
        }
        return left
      }
      case 'or': {
        const found = new Uint32Array(bitWords)
        const left = mask.slice()
        for (const part of plan.parts) {
          const bits = this.#evaluate(part, view, first, count, left)
          for (let w = 0; w < bitWords; w++) {
            found[w] = (found[w] as number) | (bits[w] as number)
            left[w] = (left[w] as number) & ~(bits[w] as number)
          }
          if (isEmpty(left)) break
        }
        return found
      }
    }
  }

  /** By id of the origin: 1 = its rows match. Grows with the origins of the file. */
  #holds(plan: Extract<Plan, { kind: 'origin' }>, view: PartitionView): Uint8Array {
    const known = this.#origins.get(plan)
    if (known !== undefined && known.length >= view.origins.length) return known
    const holds = new Uint8Array(view.origins.length)
    for (let id = 1; id < view.origins.length; id++) {
      const origin = view.origins[id]
      if (origin !== undefined && plan.holds(origin)) holds[id] = 1
    }
    this.#origins.set(plan, holds)
    return holds
  }

  #originBits(
    plan: Extract<Plan, { kind: 'origin' }>,
    view: PartitionView,
    first: number,
    count: number,
    mask: Bits,
  ): Bits {
    const holds = this.#holds(plan, view)
    const meta = view.meta(first, count)
    const bits = new Uint32Array(bitWords)
    let slot = meta.first % blockRows
    for (let r = 0; r < meta.runCount.length; r++) {
      const end = slot + (meta.runCount[r] as number)
      if (holds[meta.runOrigin[r] as number] === 1) {
        for (let i = slot; i < end; i++) bits[i >> 5] = (bits[i >> 5] as number) | (1 << (i & 31))
      }
      slot = end
    }
    return intersection(bits, mask)
  }

  #indexState(plan: IndexPlan): IndexState {
    let state = this.#index.get(plan)
    if (state === undefined) {
      const span = plan.text === undefined ? this.#spanFirst : spanPrefix
      // Everything is wanted: then the index is asked at once.
      const texts = this.#spanFirst > 1 ? prefixTextsMax : 0
      state = { known: new Uint8Array(4096), bits: new Map(), span, asked: 0, texts }
      this.#index.set(plan, state)
    }
    return state
  }

  #indexBits(plan: IndexPlan, view: PartitionView, first: number, count: number, mask: Bits): Bits {
    const state = this.#indexState(plan)
    const block = Math.floor(first / blockRows)
    if (state.known[block] !== 1) {
      if (plan.text !== undefined && state.texts < prefixTextsMax) {
        if (this.#ruledOut(plan.text, view, first)) return noBits
        state.texts++
        return textBits(plan.text, view, first, count, mask)
      }
      this.#ask(state, view, block, plan.expression)
    }
    return intersection(state.bits.get(block), mask)
  }

  /** True when the block of the row cannot hold what the plan looks for. What a full block holds never changes. */
  #ruledOut(plan: TextPlan, view: PartitionView, first: number): boolean {
    if (plan.grams.length === 0) return false
    let state = this.#grams.get(plan)
    if (state === undefined) {
      state = { known: new Uint8Array(64), without: new Set() }
      this.#grams.set(plan, state)
    }
    const block = Math.floor(first / blockRows)
    const span = Math.floor(block / spanGrams)
    if (state.known[span] !== 1) {
      if (span >= state.known.length) {
        const larger = new Uint8Array(span * 2)
        larger.set(state.known)
        state.known = larger
      }
      state.known[span] = 1
      const from = span * spanGrams * blockRows
      for (const row of view.grams(from, from + spanGrams * blockRows)) {
        if (!mayHold(row.bits, plan.grams, plan.escapes)) state.without.add(Math.floor(row.first / blockRows))
      }
    }
    return state.without.has(block)
  }

  /** Asks for the aligned span of blocks around this one. Sparse answers make the next span wider. */
  #ask(state: IndexState, view: PartitionView, block: number, expression: string): void {
    const from = block - (block % state.span)
    const to = from + state.span
    const rowids = view.matching(expression, from * blockRows, to * blockRows - 1)
    if (to > state.known.length) {
      const larger = new Uint8Array(Math.max(to, state.known.length * 2))
      larger.set(state.known)
      state.known = larger
    }
    // Blocks that are known already get the same rows again: rows are only ever added, and behind what is looked at.
    state.known.fill(1, from, to)
    let bits: Bits | undefined
    let current = -1
    for (const rowid of rowids) {
      const at = Math.floor(rowid / blockRows)
      if (at !== current) {
        current = at
        bits = state.bits.get(at)
        if (bits === undefined) {
          bits = new Uint32Array(bitWords)
          state.bits.set(at, bits)
        }
      }
      const slot = rowid % blockRows
      ;(bits as Bits)[slot >> 5] = ((bits as Bits)[slot >> 5] as number) | (1 << (slot & 31))
    }
    state.asked++
    if (state.span === spanPrefix) return
    if (rowids.length < 8 * state.span) state.span = Math.min(spanMost, state.span * 4)
    else if (rowids.length > 16_384) state.span = Math.max(1, state.span / 2)
    else if (state.asked % 4 === 0 && state.span < 16) state.span *= 2
  }
}

function levelBits(wanted: Uint8Array, meta: ChunkMeta, mask: Bits): Bits {
  const bits = new Uint32Array(bitWords)
  const slot = meta.first % blockRows
  for (let i = 0; i < meta.count; i++) {
    if (wanted[(meta.marks[i] as number) & 15] === 1) {
      const at = slot + i
      bits[at >> 5] = (bits[at >> 5] as number) | (1 << (at & 31))
    }
  }
  return intersection(bits, mask)
}

function partBits(view: PartitionView, first: number, count: number, mask: Bits): Bits {
  const { meta, extras } = view.chunk(first, count)
  const bits = new Uint32Array(bitWords)
  const slot = meta.first % blockRows
  for (const [row, { continues }] of extras) {
    const at = slot + row
    if (continues !== undefined) bits[at >> 5] = (bits[at >> 5] as number) | (1 << (at & 31))
  }
  return intersection(bits, mask)
}

/** Characters beyond ASCII that are ASCII in lower case: K (Kelvin) and İ. */
const strangers = { k: Buffer.from('\u212a'), i: Buffer.from('\u0130') } as const

function textBits(plan: TextPlan, view: PartitionView, first: number, count: number, mask: Bits): Bits {
  const { meta, text } = view.chunk(first, count)
  const candidates = candidatesOf(plan, text, meta, mask)
  const bits = new Uint32Array(bitWords)
  const { starts } = meta
  const slot = meta.first % blockRows
  for (let i = 0; i < meta.count; i++) {
    const at = slot + i
    if (((candidates[at >> 5] as number) & (1 << (at & 31))) === 0) continue
    if (plan.holds(text.toString('utf8', starts[i], starts[i + 1])))
      bits[at >> 5] = (bits[at >> 5] as number) | (1 << (at & 31))
  }
  return bits
}

/** The rows of the mask that have every needle, found in the chunk as one lower-cased text. */
function candidatesOf(plan: TextPlan, text: Buffer, meta: ChunkMeta, mask: Bits): Bits {
  if (plan.needles.length === 0) return mask
  for (const letter of ['k', 'i'] as const) {
    if (plan.needles.some((needle) => needle.includes(letter)) && text.includes(strangers[letter])) return mask
  }
  const hay = text.toString('latin1', 0, text.length).toLowerCase()
  let candidates = mask
  for (const needle of plan.needles) candidates = intersection(rowsWith(hay, needle, meta), candidates)
  if (!plan.escapes || !hay.includes('\\')) return candidates
  const escaped = intersection(rowsWith(hay, '\\', meta), mask)
  for (let w = 0; w < bitWords; w++) escaped[w] = (escaped[w] as number) | (candidates[w] as number)
  return escaped
}

/** Rows in which the needle begins; one that runs over the end of its row is ruled out later, by the exact test. */
function rowsWith(hay: string, needle: string, meta: ChunkMeta): Bits {
  const bits = new Uint32Array(bitWords)
  const { starts } = meta
  const slot = meta.first % blockRows
  let row = 0
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, starts[row + 1])) {
    while ((starts[row + 1] as number) <= at) row++
    const i = slot + row
    bits[i >> 5] = (bits[i >> 5] as number) | (1 << (i & 31))
    if (row === meta.count - 1) break
  }
  return bits
}

function intersection(bits: Bits | undefined, mask: Bits): Bits {
  const both = new Uint32Array(bitWords)
  if (bits !== undefined) for (let w = 0; w < bitWords; w++) both[w] = (bits[w] as number) & (mask[w] as number)
  return both
}

function isEmpty(bits: Bits): boolean {
  for (let w = 0; w < bitWords; w++) if (bits[w] !== 0) return false
  return true
}
