/**
 * Follows one incarnation of a file. It reads and cuts, nothing else: what it read counts only when the shipper says
 * that it is acknowledged. Nothing is carried over between two reads; a line that is not finished is read again.
 */
import { isAscii } from 'node:buffer'
import { type BigIntStats, closeSync, constants, fstatSync, openSync, read, readSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Loss } from '../pipeline/bus.ts'
import { batchBytes, type EventBatch } from '../pipeline/event-batch.ts'
import type { Source } from '../pipeline/record.ts'
import { contentBytesOf, contentHead, unpack } from './archive.ts'
import type { GenerationRow } from './checkpoint.ts'
import { type Events, type LineReaders, type Position, type Reading, readersOf, timeFromLine } from './events.ts'
import {
  type Block,
  blockOf,
  emptySignature,
  fits,
  identityOf,
  type Signature,
  signatureBytesMax,
  signatureOf,
} from './identity.ts'
import {
  changeOf,
  learn,
  learnBytesMax,
  type Settings,
  unlearnt,
  wantsLearning,
  wantsLearningFromStart,
  withSettings,
} from './learn.ts'
import { eventsIn } from './wrapped-events.ts'
import { ZoneWatch } from './zone-watch.ts'

/** Events that were read together, and where reading goes on behind them. */
export interface Window {
  readonly tail: Tail
  readonly batch: EventBatch
  readonly from: Position
  readonly next: Position
  readonly readAt: number
  /** How it was read: goes into the checkpoint with it. */
  readonly reading: Reading
  /** Its last bytes, once it is acknowledged. */
  readonly block: Block
  /** Memory it holds until it is acknowledged, bytes. */
  readonly heldBytes: number
  /** A process before this one had written it ahead. */
  readonly isAgain: boolean
}

export interface TailLimits {
  /** Where compressed files are unpacked while they are read. */
  readonly unpackFolder: string
  readonly readBytesMax: number
  readonly lineIdleMs: number
  readonly eventIdleMs: number
}

/** What a look at the file's size says; `waiting`: the rest was read and may still grow, see `releaseMs`. */
export type Look = 'unread' | 'waiting' | 'quiet' | 'truncated' | 'gone'

/** A shorter run of NUL bytes at the head of a file is no hole. */
const holeBytesMin = 64 * 1024
/** An archive that did not change for so long is whole. */
const archiveQuietMs = 1000
/** Up to so many bytes are read at once, without a promise. */
const syncBytesMax = 16 * 1024
/** So many acknowledged blocks are remembered. */
const blocksMax = 8

const start: Position = { offset: 0, previousTime: undefined, open: undefined }

/** The file was written over: it no longer begins with the bytes that were read. */
export class ReplacedError extends Error {}

/** The name leads to another file now: the next listing tells where this one went. */
export class MovedError extends Error {}

/** A file as it was found. */
export interface FoundFile {
  readonly identity: string
  readonly path: string
  readonly source: Source
  readonly referenceUs: number
  readonly isArchive: boolean
}

export class Tail {
  readonly identity: string
  /** Compressed: its size and offsets are those of its content. */
  readonly isArchive: boolean
  readonly source: Source
  path: string
  /** Undefined until the first event: its time is part of it. */
  generation: string | undefined
  signature: Signature = emptySignature
  reading: Reading
  /** The last acknowledged blocks, oldest first. */
  blocks: readonly Block[] = []
  /** Where it lies on the bus, see Bus.partitionOf; undefined until it is published, and on a bus without partitions. */
  partition: number | undefined
  /** Time part (ms) of the incarnation whose place it took under the same name; undefined when it took none. */
  followsMs: number | undefined
  /** Its first bytes when it was last judged; only while it has no generation. */
  beginning: Buffer | undefined
  /** True once it is known to be no copy of another file. */
  vetted = false
  /** Another file has all that it has: nothing of it is read. */
  isTwin = false
  /** Everything before it is acknowledged. */
  acknowledged: Position = start
  /** Where the next window starts. */
  head: Position = start
  /** Size at the last look, bytes. */
  size = 0
  /** So many bytes the incarnation had at least; `size` may be that of another that was written over it. */
  sureSize = 0
  lost = 0
  loss: Loss | undefined
  /** Minutes that its stamps are off the clock; 0 = they agree, as far as can be seen. */
  zoneOffMinutes = 0
  readonly zoneWatch = new ZoneWatch()
  /** The window that a process before this one had written ahead, to be read once more exactly so. */
  replay: GenerationRow['window']
  /** Published and not yet acknowledged; with `prepared` waiting behind it. */
  flying: Window | undefined
  prepared: Window | undefined
  isReading = false
  nextLookMs = 0
  activeAtMs = Number.NEGATIVE_INFINITY
  missedListings = 0
  /** Why it cannot be read now; undefined when it can. */
  trouble: string | undefined

  /** Descriptor of the open file. */
  #file: number | undefined
  /** Large reads that are under way: the file is closed behind them. */
  #largeReads: Promise<unknown> = Promise.resolve()
  #packedBytes: bigint | undefined
  #contentBytes: number | undefined
  /** Made when they are needed: thousands of quiet files have none. */
  #readers: LineReaders | undefined
  /** So much of the file's beginning was learnt from. */
  #learntBytes = 0
  #unstamped = 0
  /** Size at which the rest of the file was an event that may go on or a line that is not finished, and since when. */
  #waiting: { size: number; sinceMs: number; idleMs: number } | undefined
  readonly #limits: TailLimits
  #settings: Settings

  constructor(file: FoundFile, settings: Settings, limits: TailLimits) {
    this.identity = file.identity
    this.isArchive = file.isArchive
    this.path = file.path
    this.source = file.source
    this.#limits = limits
    this.#settings = settings
    this.reading = unlearnt(settings, file.referenceUs)
  }

  /** Goes on where the checkpoint says. */
  static resumed(row: GenerationRow, path: string, isArchive: boolean, settings: Settings, limits: TailLimits): Tail {
    const { identity, source } = row
    const tail = new Tail({ identity, path, source, isArchive, referenceUs: row.reading.referenceUs }, settings, limits)
    tail.generation = row.generation
    tail.signature = row.signature
    tail.blocks = row.blocks
    tail.vetted = true
    tail.acknowledged = row.position
    tail.head = row.position
    // What was given up for lost is there after all.
    tail.lost = row.lost - (row.window?.lost ?? 0)
    tail.loss = tail.lost === 0 ? undefined : row.loss
    tail.partition = row.reading.partition
    tail.replay = row.window && { to: row.window.to, readAt: row.window.readAt }
    tail.#readAs(row.reading)
    if (tail.replay === undefined) tail.#applySettings()
    return tail
  }

  /** The copy of a file of which more was read than it has: lines came between the copying and the emptying. */
  get isShortCopy(): boolean {
    return this.acknowledged.offset < (this.blocks.at(-1)?.to ?? 0)
  }

  get isOpen(): boolean {
    return this.#file !== undefined
  }

  get unreadBytes(): number {
    return Math.max(0, this.size - this.head.offset)
  }

  /** The row that the checkpoint keeps; with the window when one is about to be published. */
  row(window: Window | undefined, live = true): GenerationRow {
    return {
      generation: this.generation as string,
      source: this.source,
      path: this.path,
      identity: this.identity,
      signature: this.signature,
      blocks: this.blocks,
      position: window?.from ?? this.acknowledged,
      reading: this.#withPartition(window?.reading ?? this.reading),
      // One that waits to be read a second time must outlive this process as well.
      window: window ? { to: window.next.offset, readAt: window.readAt } : this.replay,
      lost: this.lost,
      loss: this.loss,
      live,
      updatedAt: Date.now(),
    }
  }

  #withPartition<T extends object>(what: T): T & { partition?: number } {
    return this.partition === undefined ? what : { ...what, partition: this.partition }
  }

  /** The batch as it is published. */
  placed(batch: EventBatch): EventBatch {
    return { ...batch, origin: this.#withPartition(batch.origin) }
  }

  /**
   * Looks at the size. `absolutePath` is used while the file is not open. `nowMs` is of a clock that never jumps
   * (performance.now), as everywhere here but for what goes into records.
   */
  look(absolutePath: Buffer, nowMs: number): Look {
    const size = this.#file !== undefined ? fstatSync(this.#file).size : this.#sizeAt(absolutePath)
    if (size === undefined) return 'gone'
    if (size !== this.size) this.activeAtMs = nowMs
    if (size < this.head.offset || (this.replay && size < this.replay.to)) return 'truncated'
    // Nothing of it was read, so no place in it tells, but it has fewer bytes than were seen.
    if (this.generation === undefined && !this.isArchive && size < this.size) return 'truncated'
    // What grows is no copy: behind the end of that one its offsets would mean other bytes.
    if (this.isShortCopy && size > this.head.offset) return 'truncated'
    if (this.isTwin && size > this.size) this.doubt()
    this.size = size
    if (this.replay || (this.isArchive && this.#contentBytes === undefined)) return 'unread'
    if (this.unreadBytes === 0) return 'quiet'
    return this.#waiting?.size === size && nowMs < this.releaseMs ? 'waiting' : 'unread'
  }

  /** Undefined when the name is gone or leads to another file: rotation may have given it away since the last listing. */
  #sizeAt(absolutePath: Buffer): number | undefined {
    const stat = statSync(absolutePath, { throwIfNoEntry: false, bigint: true })
    if (stat === undefined || identityOf(stat) !== this.identity) return undefined
    if (!this.isArchive) return Number(stat.size)
    // While it is being written nothing is known of its content, and what was judged of a part of it counts no more.
    if (this.#packedBytes !== stat.size) {
      this.activeAtMs = performance.now()
      this.#contentBytes = undefined
      if (this.generation === undefined) this.vetted = false
    }
    this.#packedBytes = stat.size
    return this.#contentBytes ?? Math.max(this.size, this.head.offset, this.replay?.to ?? 0)
  }

  /** When the rest of the file is taken as it is unless it grows; never, when nothing waits. */
  get releaseMs(): number {
    return this.#waiting === undefined ? Number.POSITIVE_INFINITY : this.#waiting.sinceMs + this.#waiting.idleMs
  }

  /**
   * Reads the next window, or undefined when the rest of the file is an event or a line that may still grow.
   * `nextGeneration` makes the id of a new incarnation from the time of its first event (ms). `portionBytes`: it shall not
   * be larger, unless an event is. Throws ReplacedError, MovedError, or the system's error.
   */
  async read(
    absolutePath: Buffer,
    nowMs: number,
    nextGeneration: (firstMs: number) => string,
    portionBytes = Number.POSITIVE_INFINITY,
  ): Promise<Window | undefined> {
    const file = await this.#open(absolutePath)
    const from = this.head
    const most = Math.max(this.#limits.readBytesMax, this.reading.eventBytesMax + 4096)
    const all = this.replay ? this.replay.to - from.offset : Math.min(most, this.size - from.offset)
    const wanted = this.replay ? all : Math.min(all, portionBytes)
    const chunk = await this.#readBytes(file, from.offset, wanted)
    // In this order: a file that is written over between the two reads must not pass for the one that was signed.
    // The first time there is nothing that was signed: what was read itself is signed, not what may stand there since.
    const isFirst = from.offset === 0 && this.signature.bytes === 0
    const head = isFirst
      ? chunk.subarray(0, signatureBytesMax)
      : await this.#readBytes(file, 0, Math.max(this.signature.bytes, Math.min(signatureBytesMax, this.size)))
    if (!fits(this.signature, head) || (this.replay && chunk.length < wanted)) throw new ReplacedError()
    if (head.length !== this.signature.bytes) this.signature = signatureOf(head)
    this.sureSize = Math.max(from.offset + chunk.length, Math.min(this.size, this.sureSize))
    const hole = this.generation === undefined ? holeBytes(chunk, from.offset) : 0
    if (hole > 0) this.head = { ...from, offset: from.offset + hole }
    const content = chunk.subarray(hole)
    if (content.length > 0 && this.replay === undefined) await this.#learn(file, content)
    const window = this.#cut(content, this.head, nowMs, nextGeneration)
    return window === undefined && wanted < all ? this.read(absolutePath, nowMs, nextGeneration) : window
  }

  /** It waits for its turn: should its name go, it is read through its handle. Its content is not unpacked for that. */
  async hold(absolutePath: Buffer): Promise<void> {
    if (!this.isArchive) await this.#open(absolutePath)
  }

  async #learn(file: number, chunk: Buffer): Promise<void> {
    const { offset } = this.head
    // As long as every line is as it was learnt, the file is learnt again only when there is twice as much of it.
    const isKnown = this.reading.stamp !== undefined && this.#unstamped === 0
    const hasGrown = offset + chunk.length >= 2 * this.#learntBytes
    if (wantsLearningFromStart(this.reading, offset) && (hasGrown || !isKnown)) {
      this.#learntBytes = offset + chunk.length
      const isFirst = this.generation === undefined
      const beginning = isFirst ? chunk : await this.#readBytes(file, 0, Math.min(learnBytesMax, this.size))
      this.#readAs(learn(this.reading, beginning, isFirst ? offset : 0))
    }
    if (wantsLearning(this.reading, this.#unstamped, isAscii(chunk))) this.#readAs(learn(this.reading, chunk, offset))
  }

  /** `isWhole`: what follows the chunk belongs to no event of it. */
  #cut(
    chunk: Buffer,
    from: Position,
    nowMs: number,
    nextGeneration: (firstMs: number) => string,
    isWhole = false,
  ): Window | undefined {
    const { replay } = this
    const readAt = replay?.readAt ?? Date.now() * 1000
    const atEnd = from.offset + chunk.length >= this.size
    const quietSinceMs = atEnd && this.#waiting?.size === this.size ? this.#waiting.sinceMs : nowMs
    const isQuiet = quietSinceMs < nowMs
    const takeRest = replay !== undefined || (isQuiet && nowMs >= quietSinceMs + this.#limits.lineIdleMs)
    const takeLines = isWhole || (isQuiet && nowMs >= quietSinceMs + this.#limits.eventIdleMs)
    this.#readers ??= readersOf(this.reading)
    const readers = this.#readers
    const cut = (generation: string): Events =>
      eventsIn(chunk, from, this.reading, readers, { generation, readAt, takeRest, takeLines })
    // The id of a new incarnation holds the time of its first event, so that has to be known before any id is made.
    if (this.generation === undefined) {
      const first = cut('')
      if (first.columns.count > 0) {
        this.generation = nextGeneration(Math.floor(firstTime(first) / 1000))
        this.beginning = undefined
      }
    }
    const events = cut(this.generation ?? '')
    const change =
      replay === undefined ? changeOf(this.reading, chunk, from.offset, events, this.#unstamped) : undefined
    if (change !== undefined) {
      const before =
        change.at === 0 ? undefined : this.#cut(chunk.subarray(0, change.at), from, nowMs, nextGeneration, true)
      this.#readAs(change.reading)
      this.#unstamped = 0
      return change.at === 0 ? this.#cut(chunk, from, nowMs, nextGeneration) : before
    }
    const { eventIdleMs, lineIdleMs } = this.#limits
    const mayGoOn = atEnd && events.next.offset < this.size
    this.#waiting = mayGoOn
      ? { size: this.size, sinceMs: quietSinceMs, idleMs: events.holdsLines ? eventIdleMs : lineIdleMs }
      : undefined
    if (events.columns.count === 0) return undefined
    this.#unstamped = events.stamped ? events.unstamped : this.#unstamped + events.unstamped
    this.head = events.next
    const { source, reading } = this
    if (replay !== undefined) {
      this.replay = undefined
      this.#applySettings()
    }
    const origin = { source, generation: this.generation as string, encoding: reading.encoding, readAt }
    const batch = { ...events.columns, origin }
    return {
      tail: this,
      batch,
      from,
      next: events.next,
      readAt,
      reading,
      block: blockOf(chunk, from.offset, events.next.offset),
      heldBytes: batchBytes(batch) + (batch.text === chunk ? 0 : chunk.length),
      isAgain: replay !== undefined,
    }
  }

  #readAs(reading: Reading): void {
    this.reading = reading
    this.#readers = undefined
  }

  /** Settings that changed since the row was written hold from here on, never for a window that is read again. */
  #applySettings(): void {
    this.#readAs(withSettings(this.reading, this.#settings))
  }

  /** Other settings hold from what is read next on. */
  use(settings: Settings): void {
    this.#settings = settings
    if (this.replay === undefined) this.#applySettings()
  }

  noteBlock(block: Block): void {
    this.blocks = [...this.blocks, block].slice(-blocksMax)
  }

  /** Learns how long the content of an archive is. False while it may still be being written. */
  async isWhole(absolutePath: Buffer): Promise<boolean> {
    if (!this.isArchive || this.#contentBytes !== undefined) return true
    if (performance.now() - this.activeAtMs < archiveQuietMs) return false
    let bytes = await this.#inside(absolutePath, contentBytesOf)
    while (bytes < this.head.offset) bytes += 2 ** 32
    this.size = this.#contentBytes = bytes
    return true
  }

  /** Nothing of it is read as long as another file has it all. */
  skip(): void {
    this.vetted = true
    this.isTwin = true
    this.head = { ...start, offset: this.size }
  }

  /** The other file may not have it any more: to be judged again. */
  doubt(): void {
    if (!this.isTwin) return
    this.vetted = false
    this.isTwin = false
    this.head = start
  }

  /** The size of the file now, 0 when it is not any more what was read of it; undefined for an archive. */
  async presentBytes(absolutePath: Buffer): Promise<number | undefined> {
    if (this.isArchive) return undefined
    const file = await this.#open(absolutePath)
    const { size } = fstatSync(file)
    const isSame =
      size >= this.head.offset && fits(this.signature, await this.#readBytes(file, 0, this.signature.bytes))
    return isSame ? size : 0
  }

  /** The file's first bytes, as many as a signature has at the most. */
  async readHead(absolutePath: Buffer): Promise<Buffer> {
    this.beginning = this.isArchive
      ? await this.#inside(absolutePath, (file) => contentHead(file, signatureBytesMax))
      : await this.#readBytes(await this.#open(absolutePath), 0, signatureBytesMax)
    return this.beginning
  }

  /** True when this file holds `block` where it stood in another. */
  async holds(absolutePath: Buffer, block: Block): Promise<boolean> {
    const bytes = await this.#readBytes(await this.#open(absolutePath), block.from, block.to - block.from)
    return bytes.length === block.to - block.from && blockOf(bytes, block.from, block.to).crc === block.crc
  }

  /**
   * Looks into the packed file; `look` closes it. Throws MovedError when its name leads to another one, and when it grew since it was
   * judged: rotation gives every archive the name of another, and what was found would be taken for what this one has.
   */
  async #inside<T>(absolutePath: Buffer, look: (file: number) => Promise<T> | T): Promise<T> {
    const file = openSync(absolutePath, 'r')
    if (!this.#isAsJudged(fstatSync(file, { bigint: true }))) {
      closeSync(file)
      throw new MovedError()
    }
    const found = await look(file)
    const stat = statSync(absolutePath, { bigint: true, throwIfNoEntry: false })
    if (stat && identityOf(stat) === this.identity && !this.#isAsJudged(stat)) throw new MovedError()
    return found
  }

  #isAsJudged(stat: BigIntStats): boolean {
    return identityOf(stat) === this.identity && stat.size === this.#packedBytes
  }

  /** Not waited for: a turn of the thread pool takes longer than opening does, and thousands of files are opened. */
  async #open(absolutePath: Buffer): Promise<number> {
    if (this.#file !== undefined) return this.#file
    if (this.isArchive) {
      await this.#inside(absolutePath, (file) => unpack(file, this.#unpackedPath))
      this.#file = openSync(this.#unpackedPath, 'r')
      return this.#file
    }
    const file = openSync(absolutePath, constants.O_RDONLY | constants.O_NONBLOCK)
    // Between the listing and now the name may have been given to another file.
    if (identityOf(fstatSync(file, { bigint: true })) !== this.identity) {
      closeSync(file)
      throw new MovedError()
    }
    this.#file = file
    return file
  }

  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  async #readBytes(file: number, offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length)
    // What is followed has just been written, so it is in memory: a promise for so little costs ten times the reading.
    if (length <= syncBytesMax) return buffer.subarray(0, readSync(file, buffer, 0, length, offset))
    const reading = readAll(file, buffer, offset)
    this.#largeReads = reading.catch(() => {})
    return buffer.subarray(0, await reading)
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) {
      // Its number may be given to another file at once: nothing may read by it any more.
      await this.#largeReads
      closeSync(file)
    }
    if (this.isArchive) await rm(this.#unpackedPath, { force: true })
  }

  get #unpackedPath(): string {
    return `${this.#limits.unpackFolder}/${this.identity.replace(':', '-')}`
  }
}

/** A file may begin with the end of a line whose stamp went to the file before: its other lines say when it is from. */
function firstTime({ columns: { count, time, timeFrom } }: Events): number {
  const stamped = timeFrom.subarray(0, count).indexOf(timeFromLine)
  return time[Math.max(0, stamped)] as number
}

/**
 * A writer that keeps its place in a file that was emptied leaves a hole before it, as long as the file was: NUL bytes
 * that nobody wrote. Such a run at the head of a file is passed over; a short one may be content and is kept.
 */
function holeBytes(chunk: Buffer, offset: number): number {
  let zeros = 0
  while (zeros < chunk.length && chunk[zeros] === 0) zeros++
  return offset > 0 || zeros >= holeBytesMin ? zeros : 0
}

const readPart = promisify(read)

/** Fills the buffer from `offset`; returns how much there was. */
async function readAll(file: number, buffer: Buffer, offset: number): Promise<number> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await readPart(file, buffer, filled, buffer.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
