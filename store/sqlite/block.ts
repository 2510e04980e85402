/**
 * Rows as they lie in a partition file. Pure.
 *
 * A row's id says where it is: block = rowid >> 9, slot = rowid & 511. A *chunk* is a run of consecutive rows of one block:
 * a full block is one chunk, the youngest block grows as a few small ones. A chunk has
 *  - `meta`: fixed-width columns, read in place (no decoding), each as narrow as its values allow;
 *  - `text`: zstd over the messages, one behind the other, and the sparse extras (continues, raw, encodings) as JSON;
 *  - a zone (zone.ts), which says what is in the chunk so that most chunks need not be read at all.
 *
 *     meta = header (48 bytes) | run readAt f64 | run offset f64 | times | run origin u32 | run count u32 | lengths | ends | marks
 *
 * A *run* is rows of one origin that were read together and lie behind one another in their file: offsets follow from the
 * first one and the lengths. Numbers are little-endian, as every machine that Node runs on.
 */
import { constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ShiplogError } from '../../pipeline/errors.ts'

export const blockRows = 512
/** A block is closed early at this many bytes of messages and extras: what one read has to decompress stays bounded. */
export const blockTextBytesMax = 256 * 1024

const headerBytes = 48

/** What few events have. */
export interface Extras {
  readonly continues?: string
  /** Base64. */
  readonly raw?: string
  readonly encoding?: string
}

/** The rows of the block that is being filled, in arrival order. */
export class OpenBlock {
  count = 0
  textBytes = 0
  text: Buffer = Buffer.allocUnsafeSlow(128 * 1024)
  readonly length = new Uint32Array(blockRows)
  readonly bytes = new Uint32Array(blockRows)
  readonly time = new Float64Array(blockRows)
  readonly offset = new Float64Array(blockRows)
  readonly readAt = new Float64Array(blockRows)
  readonly origin = new Uint32Array(blockRows)
  readonly level = new Uint8Array(blockRows)
  readonly timeFrom = new Uint8Array(blockRows)
  readonly extras = new Map<number, Extras>()
  #extrasBytes = 0

  get full(): boolean {
    return this.count === blockRows || this.textBytes + this.#extrasBytes >= blockTextBytesMax
  }

  /** Room for one more message, to be filled at the returned place of `text`. */
  reserve(length: number): number {
    const end = this.textBytes + length
    if (end > this.text.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.text.length * 2))
      this.text.copy(larger, 0, 0, this.textBytes)
      this.text = larger
    }
    const start = this.textBytes
    this.textBytes = end
    return start
  }

  setExtras(row: number, extras: Extras): void {
    this.extras.set(row, extras)
    this.#extrasBytes += 100 + (extras.raw?.length ?? 0) + (extras.continues?.length ?? 0)
  }

  clear(): void {
    this.count = 0
    this.textBytes = 0
    this.#extrasBytes = 0
    this.extras.clear()
    // One giant message must not hold its memory for ever.
    if (this.text.length > 2 * blockTextBytesMax) this.text = Buffer.allocUnsafeSlow(128 * 1024)
  }
}

export interface EncodedChunk {
  readonly meta: Uint8Array
  readonly text: Uint8Array
}

/** Rows [from, to) of the block. `textStart` = where the message of row `from` begins in `block.text`. */
export function encodeChunk(block: OpenBlock, from: number, to: number, textStart: number): EncodedChunk {
  const count = to - from
  const runStart: number[] = []
  let minTime = Number.POSITIVE_INFINITY
  let maxTime = Number.NEGATIVE_INFINITY
  let wholeTimes = true
  let lengthMost = 0
  let endLeast = Number.POSITIVE_INFINITY
  let endMost = Number.NEGATIVE_INFINITY
  let textEnd = textStart
  for (let i = from; i < to; i++) {
    const time = block.time[i] as number
    if (time < minTime) minTime = time
    if (time > maxTime) maxTime = time
    if (!Number.isInteger(time)) wholeTimes = false
    const length = block.length[i] as number
    textEnd += length
    if (length > lengthMost) lengthMost = length
    const end = (block.bytes[i] as number) - length
    if (end < endLeast) endLeast = end
    if (end > endMost) endMost = end
    if (
      i === from ||
      block.origin[i] !== block.origin[i - 1] ||
      block.readAt[i] !== block.readAt[i - 1] ||
      block.offset[i] !== (block.offset[i - 1] as number) + (block.bytes[i - 1] as number)
    ) {
      runStart.push(i)
    }
  }
  const timeWidth = wholeTimes && maxTime - minTime < 2 ** 32 ? 4 : 8
  const lengthWidth = widthFor(lengthMost)
  const endWidth = endMost === endLeast ? 0 : widthFor(endMost - endLeast)
  const runs = runStart.length
  const place = layout(count, runs, timeWidth, lengthWidth, endWidth)
  const buffer = new ArrayBuffer(place.total)
  const header = new DataView(buffer)
  header.setUint32(0, count, true)
  header.setUint32(4, runs, true)
  header.setFloat64(8, minTime, true)
  header.setUint32(16, timeWidth, true)
  header.setUint32(20, lengthWidth, true)
  header.setUint32(24, endWidth, true)
  header.setInt32(28, endLeast, true)
  header.setUint32(32, textEnd - textStart, true)
  const runReadAt = new Float64Array(buffer, place.runReadAt, runs)
  const runOffset = new Float64Array(buffer, place.runOffset, runs)
  const runOrigin = new Uint32Array(buffer, place.runOrigin, runs)
  const runCount = new Uint32Array(buffer, place.runCount, runs)
  for (let r = 0; r < runs; r++) {
    const row = runStart[r] as number
    runReadAt[r] = block.readAt[row] as number
    runOffset[r] = block.offset[row] as number
    runOrigin[r] = block.origin[row] as number
    runCount[r] = (r + 1 < runs ? (runStart[r + 1] as number) : to) - row
  }
  const times =
    timeWidth === 4 ? new Uint32Array(buffer, place.time, count) : new Float64Array(buffer, place.time, count)
  const base = timeWidth === 4 ? minTime : 0
  const lengths = columnView(buffer, place.length, lengthWidth, count)
  const ends = columnView(buffer, place.end, endWidth, count)
  const marks = new Uint8Array(buffer, place.mark, count)
  for (let i = 0; i < count; i++) {
    const row = from + i
    times[i] = (block.time[row] as number) - base
    lengths[i] = block.length[row] as number
    if (endWidth !== 0) ends[i] = (block.bytes[row] as number) - (block.length[row] as number) - endLeast
    marks[i] = (block.level[row] as number) | ((block.timeFrom[row] as number) << 4)
  }
  return { meta: new Uint8Array(buffer), text: packText(block, from, to, textStart, textEnd) }
}

function packText(block: OpenBlock, from: number, to: number, textStart: number, textEnd: number): Uint8Array {
  let text: Uint8Array = block.text.subarray(textStart, textEnd)
  if (block.extras.size > 0) {
    const sparse: [number, Extras][] = []
    for (const [row, extras] of block.extras) if (row >= from && row < to) sparse.push([row - from, extras])
    if (sparse.length > 0) text = Buffer.concat([text, Buffer.from(JSON.stringify(sparse))])
  }
  return zstdCompressSync(text, { params: { [zlib.ZSTD_c_compressionLevel]: 1, [zlib.ZSTD_c_checksumFlag]: 1 } })
}

type Column = Uint8Array | Uint16Array | Uint32Array

/** The columns of a chunk, over the bytes as they were read. Arrays are by row of the chunk, 0 = row `first`. */
export class ChunkMeta {
  readonly first: number
  readonly count: number
  readonly bytesHeld: number
  /** Time of row i = timeBase + time[i], µs. */
  readonly timeBase: number
  readonly time: Uint32Array | Float64Array
  readonly lengths: Column
  readonly textBytes: number
  readonly runOrigin: Uint32Array
  readonly runCount: Uint32Array
  readonly runReadAt: Float64Array
  readonly runOffset: Float64Array
  /** Level in the low four bits, timeFrom above. */
  readonly marks: Uint8Array
  readonly #ends: Column
  readonly #endWidth: number
  readonly #endBase: number
  #starts: Uint32Array | undefined
  #runOf: Uint16Array | undefined
  #offsets: Float64Array | undefined

  constructor(first: number, meta: Uint8Array) {
    const buffer = meta.byteOffset % 8 === 0 ? meta.buffer : meta.slice().buffer
    const at = meta.byteOffset % 8 === 0 ? meta.byteOffset : 0
    if (meta.length < headerBytes) throw damagedChunk(first)
    const header = new DataView(buffer, at, headerBytes)
    this.first = first
    this.count = header.getUint32(0, true)
    const runs = header.getUint32(4, true)
    const timeWidth = header.getUint32(16, true)
    const lengthWidth = header.getUint32(20, true)
    this.#endWidth = header.getUint32(24, true)
    this.#endBase = header.getInt32(28, true)
    this.textBytes = header.getUint32(32, true)
    const place = layout(this.count, runs, timeWidth, lengthWidth, this.#endWidth)
    if (place.total !== meta.length || this.count > blockRows) throw damagedChunk(first)
    this.timeBase = timeWidth === 4 ? header.getFloat64(8, true) : 0
    this.time =
      timeWidth === 4
        ? new Uint32Array(buffer, at + place.time, this.count)
        : new Float64Array(buffer, at + place.time, this.count)
    this.lengths = columnView(buffer, at + place.length, lengthWidth, this.count)
    this.#ends = columnView(buffer, at + place.end, this.#endWidth, this.count)
    this.marks = new Uint8Array(buffer, at + place.mark, this.count)
    this.runReadAt = new Float64Array(buffer, at + place.runReadAt, runs)
    this.runOffset = new Float64Array(buffer, at + place.runOffset, runs)
    this.runOrigin = new Uint32Array(buffer, at + place.runOrigin, runs)
    this.runCount = new Uint32Array(buffer, at + place.runCount, runs)
    this.bytesHeld = meta.length + 5000
  }

  bytesAt(row: number): number {
    return (this.lengths[row] as number) + this.#endBase + (this.#endWidth === 0 ? 0 : (this.#ends[row] as number))
  }

  /** Where each message begins in the text; one more entry than rows. Made on first use. */
  get starts(): Uint32Array {
    if (this.#starts === undefined) {
      const starts = new Uint32Array(this.count + 1)
      let at = 0
      for (let i = 0; i < this.count; i++) {
        starts[i] = at
        at += this.lengths[i] as number
      }
      starts[this.count] = at
      this.#starts = starts
    }
    return this.#starts
  }

  /** Offset of each row in its file. Made on first use. */
  get offsets(): Float64Array {
    if (this.#offsets === undefined) {
      const offsets = new Float64Array(this.count)
      let row = 0
      for (let r = 0; r < this.runCount.length; r++) {
        let offset = this.runOffset[r] as number
        for (const end = row + (this.runCount[r] as number); row < end; row++) {
          offsets[row] = offset
          offset += this.bytesAt(row)
        }
      }
      this.#offsets = offsets
    }
    return this.#offsets
  }

  /** The run of each row. Made on first use. */
  get runOf(): Uint16Array {
    if (this.#runOf === undefined) {
      const runOf = new Uint16Array(this.count)
      let at = 0
      for (let r = 0; r < this.runCount.length; r++) {
        const end = at + (this.runCount[r] as number)
        runOf.fill(r, at, end)
        at = end
      }
      this.#runOf = runOf
    }
    return this.#runOf
  }
}

export interface ChunkText {
  /** The messages, one behind the other: see ChunkMeta.starts. */
  readonly text: Buffer
  readonly extras: ReadonlyMap<number, Extras>
}

const noExtras: ReadonlyMap<number, Extras> = new Map()

export function decodeText(meta: ChunkMeta, packed: Uint8Array): ChunkText {
  let whole: Buffer
  try {
    // Room for all of it at once: with the default of 64 KiB it is put together from pieces, and each is garbage.
    whole = zstdDecompressSync(packed, { chunkSize: Math.max(1024, meta.textBytes + 256) })
  } catch (cause) {
    throw damagedChunk(meta.first, cause)
  }
  if (whole.length < meta.textBytes) throw damagedChunk(meta.first)
  if (whole.length === meta.textBytes) return { text: whole, extras: noExtras }
  const extras = new Map(JSON.parse(whole.toString('utf8', meta.textBytes)) as [number, Extras][])
  return { text: whole.subarray(0, meta.textBytes), extras }
}

/** Fills `block` with rows that were stored before: the youngest block after a restart. */
export function reopenChunk(block: OpenBlock, meta: ChunkMeta, { text, extras }: ChunkText): void {
  const start = block.reserve(text.length)
  text.copy(block.text, start)
  let row = 0
  for (let r = 0; r < meta.runCount.length; r++) {
    let offset = meta.runOffset[r] as number
    for (let end = row + (meta.runCount[r] as number); row < end; row++) {
      const i = block.count++
      const bytes = meta.bytesAt(row)
      block.length[i] = meta.lengths[row] as number
      block.bytes[i] = bytes
      block.time[i] = meta.timeBase + (meta.time[row] as number)
      block.offset[i] = offset
      block.readAt[i] = meta.runReadAt[r] as number
      block.origin[i] = meta.runOrigin[r] as number
      block.level[i] = (meta.marks[row] as number) & 15
      block.timeFrom[i] = (meta.marks[row] as number) >> 4
      const more = extras.get(row)
      if (more !== undefined) block.setExtras(i, more)
      offset += bytes
    }
  }
}

function widthFor(most: number): 1 | 2 | 4 {
  return most < 256 ? 1 : most < 65_536 ? 2 : 4
}

function columnView(buffer: ArrayBufferLike, at: number, width: number, count: number): Column {
  if (width === 4) return new Uint32Array(buffer, at, count)
  if (width === 2) return new Uint16Array(buffer, at, count)
  return new Uint8Array(buffer, at, width === 0 ? 0 : count)
}

function layout(count: number, runs: number, timeWidth: number, lengthWidth: number, endWidth: number) {
  let at = headerBytes
  const take = (width: number, entries: number): number => {
    if (width > 1) at = Math.ceil(at / width) * width
    const start = at
    at += width * entries
    return start
  }
  return {
    runReadAt: take(8, runs),
    runOffset: take(8, runs),
    time: take(timeWidth, count),
    runOrigin: take(4, runs),
    runCount: take(4, runs),
    length: take(lengthWidth, count),
    end: take(endWidth, count),
    mark: take(1, count),
    total: at,
  }
}

function damagedChunk(first: number, cause?: unknown): ShiplogError {
  return new ShiplogError('STORE_DAMAGED', `the rows from ${first} on cannot be decoded`, { cause })
}
