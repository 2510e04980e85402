/**
 * The shipper's loop: find files, read them in fair turns, write ahead, publish, acknowledge.
 *
 * Reading stops while `inFlightBytesMax` bytes wait for their acknowledgement: a slow bus or store makes the files
 * wait, never memory grow. A tail has one window in flight and one prepared behind it, so a file stays in order.
 */
import { mkdirSync, rmSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Bus, FileState } from '../pipeline/bus.ts'
import type { Config } from '../pipeline/config.ts'
import { messageOf, ShiplogError, systemCodeOf } from '../pipeline/errors.ts'
import { retryForever } from '../pipeline/retry.ts'
import { type Checkpoint, type GenerationRow, openCheckpoint } from './checkpoint.ts'
import { Copies, type Orphan } from './copies.ts'
import { createDiscovery, pathBytes, shownPath } from './discover.ts'
import { readersOf } from './events.ts'
import { Files } from './files.ts'
import type { Block } from './identity.ts'
import { shipperMetrics } from './metrics.ts'
import { compileLayout } from './source.ts'
import { MovedError, ReplacedError, type Tail, type Window } from './tail.ts'
import { watchFolders } from './watch.ts'

/** Files read at once, and publishes under way at once: enough to keep reading and writing both busy. */
const readersMax = 4
const publishesMax = 2
/** An acknowledgement is remembered so soon at the latest; until then a crash only means reading again. */
const acknowledgeIntervalMs = 500
const reportIntervalMs = 1000
const forgetIntervalMs = 3_600_000
/** A file stays under the eye of the fast poll for so long after its last change. */
const activeMs = 10_000
/** Looking at all the active files may take this share of one core. */
const pollShareMax = 0.03
const lookCostMs = 0.004

export interface Shipper {
  /** Why shipping is held up now, or undefined. */
  trouble(): string | undefined
  /** Stops reading, waits for what is in flight (at most `graceMs`), remembers it. */
  close(graceMs?: number): Promise<void>
}

export interface ShipperOptions {
  readonly config: Pick<
    Config,
    | 'root'
    | 'layout'
    | 'cluster'
    | 'host'
    | 'timezone'
    | 'data'
    | 'rescanIntervalMs'
    | 'pollIntervalMs'
    | 'pollIdleIntervalMs'
    | 'lineIdleMs'
    | 'eventIdleMs'
    | 'eventBytesMax'
    | 'eventLinesMax'
    | 'copyWaitMs'
    | 'openFilesMax'
    | 'readBytesMax'
    | 'inFlightBytesMax'
  >
  readonly bus: Pick<Bus, 'publish' | 'report' | 'partitionOf'>
  readonly log: Logger
  readonly registry: Registry
}

/** Opens the checkpoint, lists the root once and begins. Throws CONFIG_INVALID, STATE_UNREADABLE, DATA_UNWRITABLE. */
export async function startShipper({ config, bus, log, registry }: ShipperOptions): Promise<Shipper> {
  const place = compileLayout(config.layout, config)
  const checkpoint = await openCheckpoint(`${config.data}/shipper`)
  try {
    // What an older or newer version cannot read stops the start: a file must never silently begin again.
    for (const row of checkpoint.rows) if (row.live) readersOf(row.reading)
  } catch (error) {
    await checkpoint.close()
    throw error
  }
  const { timezone, eventBytesMax, eventLinesMax, readBytesMax, lineIdleMs, eventIdleMs } = config
  // What a process before this one was unpacking is unpacked again.
  const unpackFolder = `${config.data}/shipper/unpacked`
  rmSync(unpackFolder, { recursive: true, force: true })
  mkdirSync(unpackFolder, { recursive: true })
  const files = new Files(checkpoint.rows, {
    place,
    settings: { timezone, eventBytesMax, eventLinesMax, multiline: 'auto' },
    limits: { readBytesMax, lineIdleMs, eventIdleMs, unpackFolder },
    log,
  })
  const shipper = new ShipperLoop({ config, bus, log, registry }, checkpoint, files)
  await shipper.begin()
  return shipper
}

class ShipperLoop implements Shipper {
  readonly #options: ShipperOptions
  readonly #checkpoint: Checkpoint
  readonly #files: Files
  readonly #discovery: ReturnType<typeof createDiscovery>
  readonly #metrics: ReturnType<typeof shipperMetrics>
  readonly #stop = new AbortController()
  readonly #timers: NodeJS.Timeout[] = []
  /** Files with unread bytes, in the order of their turns. */
  readonly #queue = new Set<Tail>()
  /** Windows that wait for the next publish. */
  #outbox: Window[] = []
  /** Tails whose acknowledgement is not yet in the checkpoint. */
  readonly #acknowledged = new Set<Tail>()
  /** Tails of incarnations that ended while a window of theirs was on its way. */
  readonly #ending = new Set<Tail>()
  readonly #changed = new Set<Tail>()
  readonly #copies: Copies
  readonly #open = new Set<Tail>()
  #reading = 0
  #publishing = 0
  #heldBytes = 0
  #trouble: string | undefined
  /** Why shipping ended for good; only a restart helps. */
  #stopped: string | undefined
  #unreadable: ReadonlyMap<string, string> = new Map()
  #reporting = false
  #listing: Promise<void> | undefined
  #listAgain = false
  #unwatch: (() => Promise<void>) | undefined
  #idle: (() => void) | undefined
  /** Nothing new is read any more; what is in flight still goes out. */
  #draining = false
  #activeIntervalMs = 0

  constructor(options: ShipperOptions, checkpoint: Checkpoint, files: Files) {
    this.#options = options
    this.#checkpoint = checkpoint
    this.#files = files
    this.#copies = new Copies(options.config.copyWaitMs)
    this.#discovery = createDiscovery(options.config.root)
    this.#metrics = shipperMetrics(options.registry)
  }

  trouble(): string | undefined {
    return this.#stopped ?? this.#trouble
  }

  async begin(): Promise<void> {
    const { config } = this.#options
    for (const tail of this.#files.emptied) this.#hopeForCopy(tail, 0, 'truncated')
    await this.#list()
    this.#unwatch = watchFolders(config.root, () => void this.#list())
    this.#every(config.rescanIntervalMs, () => void this.#list())
    this.#every(config.pollIntervalMs, () => this.#look())
    this.#every(acknowledgeIntervalMs, () => void this.#remember())
    this.#every(reportIntervalMs, () => void this.#report())
    // Not at the start: a root that is not mounted yet must not make its files forgotten.
    this.#every(forgetIntervalMs, () => void this.#forget())
    this.#look()
  }

  async close(graceMs = 8000): Promise<void> {
    this.#draining = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#unwatch?.()
    await this.#whenIdle(graceMs)
    this.#stop.abort()
    await this.#listing
    await this.#remember()
    await this.#report()
    await this.#checkpoint.close()
    await Promise.all([...this.#open].map((tail) => tail.close()))
  }

  #every(intervalMs: number, work: () => void): void {
    this.#timers.push(setInterval(work, intervalMs))
  }

  get #closing(): boolean {
    return this.#stop.signal.aborted
  }

  // ── finding ──

  /** One listing at a time; what wakes meanwhile asks for one more. */
  async #list(): Promise<void> {
    if (this.#listing !== undefined) {
      this.#listAgain = true
      return
    }
    do {
      this.#listAgain = false
      this.#listing = this.#listOnce()
      await this.#listing
      this.#listing = undefined
    } while (this.#listAgain && !this.#closing)
  }

  async #listOnce(): Promise<void> {
    try {
      const before = this.#files.tails.size
      const listing = await this.#discovery.list()
      this.#tellUnreadable(listing.unreadable)
      for (const tail of this.#files.take(listing)) this.#lookAtMissing(tail)
      this.#metrics.files.set(this.#files.tails.size)
      this.#metrics.misplaced.set(this.#files.misplaced)
      if (this.#files.tails.size !== before) this.#look()
    } catch (error) {
      this.#options.log.error(`cannot list ${this.#options.config.root}: ${messageOf(error)}`)
    }
  }

  /** Each thing that cannot be read is told once, until it can be read again. */
  #tellUnreadable(unreadable: ReadonlyMap<string, string>): void {
    const { log, config } = this.#options
    for (const [path, why] of unreadable) {
      if (this.#unreadable.get(path) === why) continue
      const shown = path === '' ? config.root : shownPath(path)
      log.warn({ path: shown }, `not read: ${shown}: ${why}`)
    }
    this.#unreadable = unreadable
    this.#metrics.unreadable.set(unreadable.size)
  }

  /**
   * No listing shows the file any more. While it has bytes to read it is read through the open handle; then, and at
   * once when it is not open, it is set aside: should it come back under another name, it goes on where it was.
   */
  #lookAtMissing(tail: Tail): void {
    if (tail.isReading || tail.prepared !== undefined || tail.flying !== undefined) return
    try {
      const look = tail.isOpen ? tail.look(this.#pathOf(tail), performance.now()) : 'gone'
      if (look === 'unread' || look === 'waiting') return
      if (look === 'truncated') this.#end(tail, tail.unreadBytes, 'truncated')
      else if (tail.generation === undefined) this.#end(tail, tail.unreadBytes, 'deleted')
      else {
        if (!tail.isOpen) this.#countLost(tail, tail.unreadBytes, 'gone')
        this.#files.setAside(tail)
        this.#queue.delete(tail)
        this.#changed.add(tail)
        this.#close(tail)
      }
    } catch (error) {
      this.#cannotRead(tail, error)
    }
  }

  #close(tail: Tail): void {
    this.#open.delete(tail)
    tail.close().catch((error) => this.#options.log.debug(`cannot close ${shownPath(tail.path)}: ${messageOf(error)}`))
  }

  /** Nothing more is read of this incarnation; `lostBytes` of it were not. */
  #end(tail: Tail, lostBytes: number, why: string): void {
    this.#files.remove(tail)
    this.#queue.delete(tail)
    this.#countLost(tail, lostBytes, why)
    if (tail.generation !== undefined) this.#changed.add(tail)
    this.#ending.add(tail)
    if (tail.flying === undefined && tail.prepared === undefined) this.#acknowledged.add(tail)
  }

  #countLost(tail: Tail, lostBytes: number, why: string): void {
    if (lostBytes === 0) return
    tail.lost += lostBytes
    this.#metrics.lostBytes.inc(lostBytes)
    this.#metrics.truncatedUnread.inc()
    const path = shownPath(tail.path)
    this.#options.log.error(
      { path, bytes: lostBytes },
      `${why} before it was read: at least ${lostBytes} bytes of ${path} are lost`,
    )
  }

  /**
   * Truncated or written over: what follows is a new incarnation, from its first byte. What was not read of the old
   * one may stand in a copy; until that is found or given up, its row stays live.
   */
  #renew(tail: Tail, why: string): void {
    const unread = Math.max(0, tail.size - tail.head.offset, (tail.replay?.to ?? 0) - tail.head.offset)
    this.#queue.delete(tail)
    if (tail.generation === undefined) this.#end(tail, unread, why)
    else {
      this.#hopeForCopy(tail, unread, why)
      this.#changed.add(tail)
    }
    this.#files.renew(tail).nextLookMs = 0
  }

  #hopeForCopy(tail: Tail, unreadBytes: number, why: string): void {
    this.#copies.add({ tail, unreadBytes, why, sinceMs: performance.now() })
    this.#close(tail)
  }

  #giveUpCopies(): void {
    for (const orphan of this.#copies.expired(performance.now())) {
      if (orphan.tail.flying !== undefined || orphan.tail.prepared !== undefined) continue
      this.#copies.remove(orphan)
      this.#end(orphan.tail, orphan.unreadBytes, orphan.why)
    }
  }

  /** Looks whether a file that was never read is the copy of one that was. True when it may be read. */
  async #vet(file: Tail): Promise<boolean> {
    const path = this.#pathOf(file)
    const head = await file.readHead(path)
    const blockFits = async (blocks: readonly Block[]): Promise<boolean> => {
      // The copy may be shorter than what was read: lines that came between the copying and the emptying.
      const block = blocks.findLast(({ to }) => to <= file.size)
      return block === undefined || file.holds(path, block)
    }
    const known = { followed: this.#files.tails.values(), absent: this.#files.absent }
    const verdict = await this.#copies.judge(file, head, known, performance.now() - file.activeAtMs, blockFits)
    if (verdict.kind === 'copy') this.#adopt(file, verdict.original, verdict.orphan)
    else if (verdict.kind === 'twin') file.skip()
    else if (verdict.kind === 'new') file.vetted = true
    return verdict.kind === 'new'
  }

  #adopt(file: Tail, original: GenerationRow, orphan: Orphan | undefined): void {
    if (orphan !== undefined) {
      this.#copies.remove(orphan)
      this.#acknowledged.delete(orphan.tail)
    }
    const tail = this.#files.adopt(file, original)
    tail.size = file.size
    // Its row names the copy from now on: a crash must not send the next process to the emptied file again.
    this.#acknowledged.add(tail)
    this.#changed.add(tail)
    this.#close(file)
    const paths = [file.path, original.path].map(shownPath)
    this.#options.log.info(`${paths[0]} is a copy of what was ${paths[1]}: read on at ${tail.head.offset}`)
  }

  // ── looking ──

  #look(): void {
    if (this.#draining) return
    const nowMs = performance.now()
    let active = 0
    for (const tail of this.#files.tails.values()) {
      const isActive = nowMs - tail.activeAtMs < activeMs
      if (isActive) active++
      if (tail.nextLookMs <= nowMs && !tail.isReading && tail.prepared === undefined) this.#lookAt(tail, nowMs)
    }
    this.#giveUpCopies()
    // Thousands of active files are looked at less often, so that looking stays cheap.
    const { pollIntervalMs, pollIdleIntervalMs } = this.#options.config
    this.#activeIntervalMs = Math.min(
      pollIdleIntervalMs,
      Math.max(pollIntervalMs, (active * lookCostMs) / pollShareMax),
    )
    this.#pump()
  }

  #lookAt(tail: Tail, nowMs: number): void {
    try {
      const look = tail.look(this.#pathOf(tail), nowMs)
      if (look === 'unread') this.#queue.add(tail)
      else if (look === 'truncated') this.#renew(tail, 'truncated')
    } catch (error) {
      this.#cannotRead(tail, error)
    }
    const isActive = tail.trouble === undefined && nowMs - tail.activeAtMs < activeMs
    const intervalMs = isActive ? this.#activeIntervalMs : this.#options.config.pollIdleIntervalMs
    tail.nextLookMs = Math.min(nowMs + intervalMs, Math.max(nowMs, tail.releaseMs))
  }

  #cannotRead(tail: Tail, error: unknown): void {
    const code = systemCodeOf(error) ?? messageOf(error)
    // Gone between the listing and now: the next listing tells what became of it.
    if (code === 'ENOENT') return
    if (tail.trouble !== code)
      this.#options.log.warn(`cannot read ${shownPath(tail.path)}: ${code}. Nothing is lost; it is tried again.`)
    tail.trouble = code
    this.#changed.add(tail)
  }

  #pathOf(tail: Tail): Buffer {
    return pathBytes(this.#options.config.root, tail.path)
  }

  // ── reading ──

  #pump(): void {
    for (const tail of this.#queue) {
      if (this.#reading >= readersMax || this.#heldBytes >= this.#options.config.inFlightBytesMax || this.#draining)
        return
      this.#queue.delete(tail)
      if (!tail.isReading && tail.prepared === undefined) void this.#turn(tail)
    }
  }

  async #turn(tail: Tail): Promise<void> {
    this.#reading++
    tail.isReading = true
    try {
      const next = (firstMs: number): string => this.#files.nextGeneration(tail, firstMs)
      if (!(await tail.isWhole(this.#pathOf(tail)))) return
      if (!tail.vetted && !(await this.#vet(tail))) return
      if (tail.isArchive && tail.unreadBytes === 0) return
      const window = await tail.read(this.#pathOf(tail), performance.now(), next)
      if (tail.trouble !== undefined) this.#readable(tail)
      tail.nextLookMs = Math.min(tail.nextLookMs, tail.releaseMs)
      if (window !== undefined) this.#take(window)
      if (tail.isOpen) this.#open.add(tail)
      this.#closeSomeFiles(tail)
    } catch (error) {
      if (error instanceof ReplacedError) this.#renew(tail, 'written over')
      else if (error instanceof MovedError) void this.#list()
      else this.#cannotRead(tail, error)
    } finally {
      tail.isReading = false
      this.#reading--
      this.#pump()
      this.#settle()
    }
  }

  #readable(tail: Tail): void {
    tail.trouble = undefined
    this.#changed.add(tail)
    this.#options.log.info(`${shownPath(tail.path)} can be read again`)
  }

  #take(window: Window): void {
    const { tail } = window
    this.#heldBytes += window.heldBytes
    this.#metrics.read(window)
    if (tail.flying === undefined) {
      this.#send(window)
      // The next window is prepared while this one is on its way.
      if (tail.unreadBytes > 0) this.#lookAt(tail, performance.now())
    } else tail.prepared = window
  }

  /** Closes what was quiet for longest. Some more than needed, so that this is seldom done. */
  #closeSomeFiles(justRead: Tail): void {
    const { openFilesMax } = this.#options.config
    if (this.#open.size <= openFilesMax) return
    const closable = [...this.#open].filter((tail) => !tail.isReading && tail !== justRead && tail.missedListings === 0)
    closable.sort((a, b) => a.activeAtMs - b.activeAtMs)
    for (const tail of closable.slice(0, this.#open.size - Math.floor(openFilesMax * 0.9))) this.#close(tail)
  }

  // ── publishing ──

  #send(window: Window): void {
    window.tail.flying = window
    this.#outbox.push(window)
    if (this.#publishing < publishesMax) void this.#publish()
  }

  async #publish(): Promise<void> {
    this.#publishing++
    while (this.#outbox.length > 0) {
      const windows = this.#outbox
      this.#outbox = []
      try {
        await this.#untilDone('cannot publish', () => this.#place(windows))
        await this.#untilDone('cannot write the checkpoint', () => this.#writeAhead(windows))
        const batches = windows.map(({ batch, tail }) => tail.placed(batch))
        await this.#untilDone('cannot publish', () => this.#options.bus.publish(batches, this.#stop.signal))
      } catch (error) {
        // Only when closing, or when an error says that trying again is useless: the window stays written ahead.
        if (!this.#closing) {
          this.#stopped = `shipping stopped: ${messageOf(error)}`
          this.#options.log.error(this.#stopped)
        }
        break
      }
      for (const window of windows) this.#acknowledge(window)
    }
    this.#publishing--
    this.#pump()
    this.#settle()
  }

  /** An incarnation stays in the partition where it began, whatever is added later: its row keeps it. */
  async #place(windows: readonly Window[]): Promise<void> {
    const { bus } = this.#options
    for (const { tail } of windows) tail.partition ??= await bus.partitionOf?.(tail.source)
  }

  async #writeAhead(windows: readonly Window[]): Promise<void> {
    const rows = windows.map((window) => window.tail.row(window))
    const others = [...this.#acknowledged].filter((tail) => tail.generation !== undefined && tail.flying === undefined)
    await this.#checkpoint.commit([...rows, ...others.map((tail) => tail.row(undefined, !this.#ending.has(tail)))])
    for (const tail of others) this.#remembered(tail)
    for (const window of windows) this.#acknowledged.delete(window.tail)
  }

  async #untilDone(what: string, work: () => Promise<void>): Promise<void> {
    await retryForever(work, {
      signal: this.#stop.signal,
      onRetry: (error, waitMs) => {
        const message = `${what}: ${messageOf(error)}`
        if (this.#trouble !== message) {
          const hint = error instanceof ShiplogError ? error.hint : undefined
          this.#options.log.error({ hint }, `${message}. Trying again; reading waits, nothing is lost.`)
        }
        this.#trouble = message
        this.#metrics.retries.inc()
        this.#options.log.debug({ waitMs }, what)
      },
    })
    if (this.#trouble?.startsWith(what)) {
      this.#options.log.info(`${what}: over, going on`)
      this.#trouble = undefined
    }
  }

  #acknowledge(window: Window): void {
    const { tail } = window
    this.#heldBytes -= window.heldBytes
    tail.acknowledged = window.next
    tail.noteBlock(window.block)
    tail.flying = undefined
    this.#acknowledged.add(tail)
    this.#changed.add(tail)
    this.#metrics.acknowledged.inc(window.batch.count)
    const { prepared } = tail
    tail.prepared = undefined
    // An archive never grows: its unpacked content has served.
    if (tail.isArchive && tail.unreadBytes === 0 && prepared === undefined && !tail.isReading) this.#close(tail)
    if (prepared !== undefined) this.#send(prepared)
    // A window that filled its turn has more behind it: no need to wait for the next look.
    if (tail.unreadBytes > 0 && !tail.isReading && this.#files.follows(tail)) this.#lookAt(tail, performance.now())
  }

  /** Puts acknowledgements that no new window carried along into the checkpoint. */
  async #remember(): Promise<void> {
    const tails = [...this.#acknowledged].filter((tail) => tail.flying === undefined)
    if (tails.length === 0) return
    const rows = tails.filter((tail) => tail.generation !== undefined)
    try {
      await this.#checkpoint.commit(rows.map((tail) => tail.row(undefined, !this.#ending.has(tail))))
      for (const tail of tails) this.#remembered(tail)
    } catch (error) {
      // Not lost: the row still holds the window, which is read and published again after a crash. The timer tries again.
      this.#options.log.debug(`cannot write the checkpoint yet: ${messageOf(error)}`)
    }
  }

  async #forget(): Promise<void> {
    if (this.#unreadable.size > 0) return
    try {
      await this.#checkpoint.commit([], this.#files.forgetOld(Date.now()))
    } catch (error) {
      this.#options.log.debug(`cannot clear the checkpoint yet: ${messageOf(error)}`)
    }
  }

  #remembered(tail: Tail): void {
    this.#acknowledged.delete(tail)
    if (this.#ending.delete(tail)) this.#close(tail)
  }

  // ── telling ──

  async #report(): Promise<void> {
    // One at a time, so that an older state never comes behind a newer one.
    if (this.#reporting) return
    this.#reporting = true
    const tails = [...this.#changed].filter((tail) => tail.generation !== undefined)
    for (const tail of tails) this.#changed.delete(tail)
    let behind = 0
    for (const tail of this.#files.tails.values()) behind += tail.unreadBytes
    this.#metrics.behindBytes.set(behind)
    try {
      if (tails.length > 0) await this.#options.bus.report(tails.map((tail) => this.#stateOf(tail)))
    } catch (error) {
      for (const tail of tails) this.#changed.add(tail)
      this.#options.log.debug(`cannot report file states yet: ${messageOf(error)}`)
    } finally {
      this.#reporting = false
    }
  }

  #stateOf(tail: Tail): FileState {
    const gone = !this.#files.follows(tail)
    const state = tail.trouble ? 'unreadable' : gone ? 'gone' : tail.unreadBytes > 0 ? 'behind' : 'following'
    return {
      source: tail.source,
      generation: tail.generation as string,
      path: shownPath(tail.path),
      state,
      size: tail.size,
      read: tail.head.offset,
      acknowledged: tail.acknowledged.offset,
      lost: tail.lost,
      ...(tail.trouble === undefined ? {} : { reason: tail.trouble }),
      updatedAt: Date.now() * 1000,
    }
  }

  // ── stopping ──

  #settle(): void {
    if (this.#reading === 0 && this.#publishing === 0 && this.#outbox.length === 0) this.#idle?.()
  }

  async #whenIdle(graceMs: number): Promise<void> {
    if (this.#reading === 0 && this.#publishing === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
