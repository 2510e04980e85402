/**
 * The shipper's loop: find files, read them in fair turns, write ahead, publish, acknowledge.
 *
 * Reading stops while `inFlightBytesMax` bytes wait for their acknowledgement: a slow bus or store makes the files
 * wait, never memory grow. A tail has one window in flight and one prepared behind it, so a file stays in order.
 */
import { mkdirSync, rmSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Bus, Loss } from '../pipeline/bus.ts'
import type { Config } from '../pipeline/config.ts'
import { messageOf, ShiplogError, systemCodeOf } from '../pipeline/errors.ts'
import type { Source } from '../pipeline/record.ts'
import { retryForever } from '../pipeline/retry.ts'
import { type Checkpoint, type DayBytes, type GenerationRow, openCheckpoint } from './checkpoint.ts'
import { Copies, type Known, type Orphan, type Verdict } from './copies.ts'
import { createDiscovery, isBelow, pathBytes, shownPath } from './discover.ts'
import { readersOf } from './events.ts'
import { Files } from './files.ts'
import type { Block } from './identity.ts'
import { Ledger } from './ledger.ts'
import { shipperMetrics } from './metrics.ts'
import { createPathRules, type PathConfig } from './path-rules.ts'
import { type QuotaChange, Quotas } from './quotas.ts'
import { MovedError, ReplacedError, type Tail, type Window } from './tail.ts'
import { Turns } from './turns.ts'
import { watchFolders } from './watch.ts'
import { zoneText } from './zone-watch.ts'

/** Files read at once, and publishes under way at once: enough to keep reading and writing both busy. */
const readersMax = 4
const publishesMax = 2
/** An acknowledgement is remembered so soon at the latest; until then a crash only means reading again. */
const acknowledgeIntervalMs = 500
const reportIntervalMs = 1000
const forgetIntervalMs = 3_600_000
/** A file that is read up to here is read as it is written: its last event still waits for more lines. */
const atEndBytes = 64 * 1024
/** A file stays under the eye of the fast poll for so long after its last change. */
const activeMs = 10_000
/** Looking at all the quiet files may take this share of one core. */
const idleShareMax = 0.01
const lookCostMs = 0.006
/** What it takes to read and send an event of its own for each of many files: they take several at once. */
const turnCostMs = 0.1
const turnShareMax = 0.3
/** The system tells of every write in a watched folder; with more folders than this that costs more than it serves. */
const watchedFoldersMax = 200

export interface Shipper {
  /** Why shipping is held up now, or undefined. */
  trouble(): string | undefined
  /**
   * Other settings of paths hold from what is read next on. A file that shall not be shipped any more is left where it
   * is acknowledged; should it be included again, it goes on there. Throws CONFIG_INVALID and changes nothing.
   */
  reload(config: PathConfig & Pick<Config, 'quotas'>): void
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
    | 'include'
    | 'exclude'
    | 'paths'
    | 'quotas'
    | 'followSymlinks'
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
    | 'deletedOpenBytesMax'
    | 'readBytesMax'
    | 'inFlightBytesMax'
  >
  readonly bus: Pick<Bus, 'publish' | 'report' | 'partitionOf'>
  readonly log: Logger
  readonly registry: Registry
}

/** Opens the checkpoint, lists the root once and begins. Throws CONFIG_INVALID, STATE_UNREADABLE, DATA_UNWRITABLE. */
export async function startShipper({ config, bus, log, registry }: ShipperOptions): Promise<Shipper> {
  const rules = createPathRules(config)
  const checkpoint = await openCheckpoint(`${config.data}/shipper`)
  try {
    // What an older or newer version cannot read stops the start: a file must never silently begin again.
    for (const row of checkpoint.rows) if (row.live) readersOf(row.reading)
  } catch (error) {
    await checkpoint.close()
    throw error
  }
  const { readBytesMax, lineIdleMs, eventIdleMs } = config
  // What a process before this one was unpacking is unpacked again.
  const unpackFolder = `${config.data}/shipper/unpacked`
  rmSync(unpackFolder, { recursive: true, force: true })
  mkdirSync(unpackFolder, { recursive: true })
  const files = new Files(checkpoint.rows, {
    rules,
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
  /** Files with unread bytes. */
  readonly #queue: Turns
  /** Windows that wait for the next publish. */
  #outbox: Window[] = []
  /** Tails whose acknowledgement is not yet in the checkpoint. */
  readonly #acknowledged = new Set<Tail>()
  /** Tails of incarnations that ended while a window of theirs was on its way. */
  readonly #ending = new Set<Tail>()
  readonly #changed = new Set<Tail>()
  /** Tails that are not read any more, as soon as nothing of theirs is on its way. */
  readonly #leaving = new Set<Tail>()
  readonly #copies: Copies
  readonly #ledger: Ledger
  readonly #quotas: Quotas
  /** By generation: incarnations that cannot be found and of which something was not read. */
  readonly #owing = new Map<string, { readonly bytes: number; readonly sinceMs: number }>()
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
  #idleIntervalMs = 0
  /** What is looked at often: files that changed not long ago, and what waits to be let go. */
  readonly #soon = new Set<Tail>()
  /** How far the round through the quiet files is, and when it was there. */
  #round: Iterator<Tail> = [].values()
  #sweptMs = 0

  constructor(options: ShipperOptions, checkpoint: Checkpoint, files: Files) {
    this.#options = options
    this.#checkpoint = checkpoint
    this.#files = files
    this.#copies = new Copies(options.config.copyWaitMs)
    this.#ledger = new Ledger(files.place, options.config.host)
    this.#quotas = new Quotas(options.config.quotas, checkpoint.days, {
      steadyMs: () => performance.now(),
      worldMs: Date.now,
    })
    this.#queue = new Turns(
      options.config,
      (tail) => !this.#wantsPreparing(tail) && this.#quotas.holdsBack(tail.source),
    )
    this.#discovery = createDiscovery(options.config.root, options.config.followSymlinks)
    this.#metrics = shipperMetrics(options.registry)
  }

  trouble(): string | undefined {
    return this.#stopped ?? this.#trouble
  }

  async begin(): Promise<void> {
    const { config } = this.#options
    // What was lost before this process stays lost: the total does not begin anew.
    for (const { lost } of this.#checkpoint.rows) this.#metrics.lostBytes.inc(lost)
    for (const tail of this.#files.emptied) {
      this.#hopeForCopy(tail, Math.max(0, (tail.replay?.to ?? 0) - tail.head.offset), 'truncated')
    }
    await this.#list()
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

  reload(config: PathConfig & Pick<Config, 'quotas'>): void {
    const leaving = this.#files.judgeBy(createPathRules(config))
    this.#leaving.clear()
    for (const tail of leaving) {
      this.#leaving.add(tail)
      this.#queue.delete(tail)
    }
    this.#leave()
    this.#quotas.use(config.quotas)
    void this.#list()
  }

  #leave(): void {
    for (const tail of this.#leaving) {
      if (tail.isReading || tail.prepared !== undefined || tail.flying !== undefined) continue
      this.#leaving.delete(tail)
      if (!this.#files.follows(tail)) continue
      tail.trouble = 'excluded'
      if (tail.generation === undefined) this.#files.remove(tail)
      else this.#files.setAside(tail)
      this.#queue.delete(tail)
      this.#changed.add(tail)
      this.#close(tail)
    }
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
      await this.#watch(listing.folders)
      const gone = this.#files.take(listing)
      for (const tail of gone) this.#lookAtMissing(tail)
      this.#boundDeleted(gone)
      await this.#giveUpAbsent()
      this.#leave()
      this.#metrics.files.set(this.#files.tails.size)
      this.#metrics.misplaced.set(this.#files.misplaced)
      if (this.#files.tails.size !== before) {
        for (const tail of this.#files.tails.values()) if (tail.nextLookMs === 0) this.#soon.add(tail)
        this.#look()
      }
    } catch (error) {
      this.#options.log.error(`cannot list ${this.#options.config.root}: ${messageOf(error)}`)
    }
  }

  /** The timer finds everything; being woken earlier is worth its price only where that is small. */
  async #watch(folders: number): Promise<void> {
    if (folders > watchedFoldersMax) {
      await this.#unwatch?.()
      this.#unwatch = undefined
    } else if (!this.#closing && !this.#draining)
      this.#unwatch ??= watchFolders(this.#options.config.root, () => void this.#list())
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
      else if (tail.generation === undefined) {
        this.#files.remove(tail)
        this.#queue.delete(tail)
        this.#hopeForCopy(tail, tail.unreadBytes, 'deleted')
      } else {
        const { generation } = this.#files.setAside(tail)
        // What was owed when it was missing before has been read since.
        this.#owing.delete(generation)
        if (!tail.isOpen && tail.unreadBytes > 0) {
          this.#owing.set(generation, { bytes: tail.unreadBytes, sinceMs: performance.now() })
          this.#doubtTwins(tail)
        }
        this.#queue.delete(tail)
        this.#changed.add(tail)
        this.#close(tail)
      }
    } catch (error) {
      this.#cannotRead(tail, error)
    }
  }

  /** Deleted files keep their disk for as long as they are open: over the bound the oldest are given up. */
  #boundDeleted(gone: readonly Tail[]): void {
    const { deletedOpenBytesMax } = this.#options.config
    const open = gone.filter((tail) => tail.isOpen && this.#files.follows(tail))
    open.sort((a, b) => b.missedListings - a.missedListings)
    let pinned = open.reduce((sum, tail) => sum + tail.size, 0)
    for (const tail of open) {
      if (pinned <= deletedOpenBytesMax) return
      if (tail.isReading) continue
      pinned -= tail.size
      this.#end(tail, tail.unreadBytes, `deleted, and closed as deleted files held more than deletedOpenBytesMax,`)
      this.#close(tail)
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
    this.#changed.add(tail)
    this.#ending.add(tail)
    if (tail.flying === undefined && tail.prepared === undefined) this.#acknowledged.add(tail)
  }

  #countLost(tail: Tail, lostBytes: number, why: string): void {
    if (lostBytes === 0) return
    const now = Date.now()
    // What was never read has no id yet, and without one nothing of it is remembered.
    tail.generation ??= this.#files.nextGeneration(tail, now)
    tail.lost += lostBytes
    tail.loss = lossAfter(tail.loss, why, now)
    this.#tellLost(tail.path, lostBytes, why)
  }

  #tellLost(latin1Path: string, lostBytes: number, why: string): void {
    this.#metrics.lostBytes.inc(lostBytes)
    this.#metrics.truncatedUnread.inc()
    const path = shownPath(latin1Path)
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
    const size = Math.max(why === 'truncated' ? tail.size : tail.sureSize, tail.replay?.to ?? 0)
    this.#options.log.debug(`${shownPath(tail.path)}: ${why}`)
    this.#queue.delete(tail)
    this.#hopeForCopy(tail, Math.max(0, size - tail.head.offset), why)
    if (tail.generation !== undefined) this.#changed.add(tail)
    const renewed = this.#files.renew(tail)
    if (this.#leaving.delete(tail)) this.#leaving.add(renewed)
    this.#lookAgain(renewed, 0)
  }

  #hopeForCopy(tail: Tail, unreadBytes: number, why: string): void {
    this.#copies.add({ tail, unreadBytes, why, sinceMs: performance.now() })
    if (unreadBytes > 0) this.#doubtTwins(tail)
    this.#close(tail)
  }

  /** An archive beside its plain file was passed over; now that this one ended it may be all that is left. */
  #doubtTwins({ source }: Tail): void {
    for (const tail of this.#files.beside(source)) tail.doubt()
  }

  #giveUpCopies(): void {
    for (const orphan of this.#copies.expired(performance.now())) {
      const { tail } = orphan
      if (tail.flying !== undefined || tail.prepared !== undefined || this.#hasUnjudged(tail)) continue
      this.#copies.remove(orphan)
      const isCopy = tail.generation === undefined && this.#copies.hasOriginal(tail, this.#knownBeside(tail))
      this.#end(tail, isCopy ? 0 : orphan.unreadBytes, orphan.why)
    }
  }

  /** A file that could not be judged yet, as the bus was slow, may be the copy that is waited for. */
  #hasUnjudged({ source }: Tail): boolean {
    for (const tail of this.#files.beside(source)) {
      if (!tail.vetted && (tail.size > 0 || tail.isArchive) && tail.trouble === undefined && tail.missedListings === 0)
        return true
    }
    return false
  }

  #knownBeside({ source }: Tail): Known {
    return { followed: this.#files.beside(source), absent: this.#files.absent }
  }

  /**
   * What cannot be found and had unread bytes when it was last seen, or a window that a crash left behind, may come
   * back or have a copy: as long as an emptied file waits, so does its loss.
   */
  async #giveUpAbsent(): Promise<void> {
    const nowMs = performance.now()
    for (const row of this.#files.absent) {
      const { generation, window, position, lost } = row
      const owed = this.#owing.get(generation) ?? {
        bytes: window === undefined || window.lost ? 0 : window.to - position.offset,
        sinceMs: nowMs,
      }
      // What lies in a folder that cannot be listed now, or is excluded, is not gone.
      if (owed.bytes === 0 || isBelow(row.path, this.#unreadable) || this.#files.isExcluded(row)) continue
      this.#owing.set(generation, owed)
      if (nowMs - owed.sinceMs < 3 * this.#options.config.copyWaitMs) continue
      const counted = {
        ...row,
        lost: lost + owed.bytes,
        loss: lossAfter(row.loss, 'gone', Date.now()),
        window: window && { ...window, lost: owed.bytes },
        updatedAt: Date.now(),
      }
      try {
        await this.#checkpoint.commit([counted])
      } catch (error) {
        this.#options.log.debug(`cannot write the checkpoint yet: ${messageOf(error)}`)
        return
      }
      if (!this.#files.replaceAbsent(row, counted)) continue
      this.#owing.set(generation, { ...owed, bytes: 0 })
      this.#changed.add(this.#files.absentTail(counted))
      this.#tellLost(row.path, owed.bytes, 'gone')
    }
  }

  /** Looks whether a file that was never read is the copy of one that was. True when it may be read. */
  async #vet(file: Tail): Promise<boolean> {
    const path = this.#pathOf(file)
    const head = await file.readHead(path)
    const blockFits = async (blocks: readonly Block[]): Promise<boolean | undefined> => {
      // The copy may be shorter than what was read: lines that came between the copying and the emptying.
      const block = blocks.findLast(({ to }) => to <= file.size)
      return block && file.holds(path, block)
    }
    const known = this.#knownBeside(file)
    const probe = {
      blockFits,
      presentBytes: (tail: Tail) => this.#probed(tail, () => tail.presentBytes(this.#pathOf(tail))),
      beginningOf: async (tail: Tail) => tail.beginning ?? (await this.#probed(tail, () => this.#beginningOf(tail))),
    }
    const verdict = await this.#copies.judge(file, head, known, performance.now() - file.activeAtMs, probe)
    if (verdict.kind !== 'wait')
      this.#options.log.debug(`${shownPath(file.path)}: ${verdict.kind} ${file.identity} ${file.size}`)
    // Another file that holds the same may have been judged meanwhile, and be that copy: this one is judged anew.
    if (verdict.kind === 'copy' && !this.#isStillWanted(verdict)) return false
    if (verdict.kind === 'copy') this.#adopt(file, verdict.original, verdict.orphan)
    else if (verdict.kind === 'twin') file.skip()
    else if (verdict.kind === 'new') {
      file.vetted = true
      for (const orphan of this.#copies.unread(file, head)) {
        this.#copies.remove(orphan)
        this.#end(orphan.tail, Math.max(0, orphan.unreadBytes - file.size), orphan.why)
      }
    }
    return verdict.kind === 'new'
  }

  #isStillWanted({ original, orphan }: Extract<Verdict, { kind: 'copy' }>): boolean {
    return orphan === undefined ? this.#files.isAbsent(original) : this.#copies.has(orphan)
  }

  async #beginningOf(tail: Tail): Promise<Buffer | undefined> {
    const path = this.#pathOf(tail)
    return (await tail.isWhole(path)) ? tail.readHead(path) : undefined
  }

  /** Undefined while a turn of that file is under way, and when it cannot be read. */
  async #probed<T>(tail: Tail, work: () => Promise<T | undefined>): Promise<T | undefined> {
    if (tail.isReading) return undefined
    tail.isReading = true
    try {
      return await work()
    } catch {
      // Its own turn tells why.
      return undefined
    } finally {
      tail.isReading = false
      if (tail.isOpen) this.#open.add(tail)
    }
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
    const { pollIntervalMs, pollIdleIntervalMs } = this.#options.config
    for (const tail of this.#soon) this.#lookWhenDue(tail, nowMs)
    // All the others in rounds, some at a time: with many thousands of files even going through them has its price.
    const sinceMs = Math.min(nowMs - this.#sweptMs, this.#idleIntervalMs)
    const due = Math.ceil((this.#files.tails.size * sinceMs) / this.#idleIntervalMs)
    for (let i = 0; i < due; i++) this.#lookAtNext(nowMs)
    this.#sweptMs = nowMs
    this.#giveUpCopies()
    // Thousands of files are looked at less often, so that looking stays cheap.
    const active = this.#soon.size
    const quiet = Math.max(0, this.#files.tails.size - active)
    this.#idleIntervalMs = Math.max(pollIdleIntervalMs, (quiet * lookCostMs) / idleShareMax)
    this.#activeIntervalMs = Math.min(
      pollIdleIntervalMs,
      Math.max(pollIntervalMs, (active * turnCostMs) / turnShareMax),
    )
    this.#pump()
    this.#tellQuotas(this.#quotas.tick(this.#queue.heldBack().map(({ source }) => source)))
  }

  #tellQuotas(changes: readonly QuotaChange[]): void {
    const { log } = this.#options
    for (const { app, meter, before } of changes) {
      const who = app.app === '' ? 'the whole shipper' : `${app.cluster}/${app.app}`
      const { state, limitText } = meter
      const where = { ...app, limit: limitText }
      if (state === 'slowed')
        log.warn(where, `${who} is over its quota of ${limitText}: what is more waits in its files, nothing is dropped`)
      else if (state === 'ok') log.info(app, `${who} is within its quota again`)
      else if (before === 'ok') log.warn(where, `${who} has reached ${limitText}, which its quota warns of`)
      else log.info(where, `${who} is not slowed by its quota any more`)
    }
  }

  #lookAtNext(nowMs: number): void {
    let next = this.#round.next()
    if (next.done) {
      this.#round = this.#files.tails.values()
      next = this.#round.next()
    }
    const tail = next.value
    if (tail === undefined || this.#soon.has(tail) || tail.isReading || tail.prepared !== undefined) return
    if (!this.#queue.has(tail)) this.#lookAt(tail, nowMs)
  }

  #lookWhenDue(tail: Tail, nowMs: number): void {
    if (!this.#files.follows(tail)) this.#soon.delete(tail)
    // One that has its turn before it is looked at then.
    else if (tail.nextLookMs <= nowMs && !tail.isReading && tail.prepared === undefined && !this.#queue.has(tail))
      this.#lookAt(tail, nowMs)
  }

  #lookAt(tail: Tail, nowMs: number): void {
    if (this.#leaving.has(tail)) return
    try {
      const look = tail.look(this.#pathOf(tail), nowMs)
      if (look === 'unread') this.#queue.add(tail)
      else if (look === 'truncated') this.#renew(tail, 'truncated')
    } catch (error) {
      this.#cannotRead(tail, error)
    }
    const isActive = tail.trouble === undefined && nowMs - tail.activeAtMs < activeMs
    const intervalMs = isActive ? this.#activeIntervalMs : this.#idleIntervalMs
    this.#lookAgain(tail, Math.min(nowMs + intervalMs, Math.max(nowMs, tail.releaseMs)))
    if (!isActive && tail.releaseMs === Number.POSITIVE_INFINITY) this.#soon.delete(tail)
  }

  #lookAgain(tail: Tail, atMs: number): void {
    tail.nextLookMs = atMs
    this.#soon.add(tail)
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
    while (this.#reading < readersMax && !this.#draining) {
      const tail = this.#queue.next(this.#heldBytes)
      if (tail === undefined) return
      if (!tail.isReading && tail.prepared === undefined) void this.#turn(tail)
    }
  }

  /**
   * Also of who is over its quota every file is judged and held open: it must not be lost by rotation while it waits, nor
   * keep others from being judged.
   */
  #wantsPreparing(tail: Tail): boolean {
    // Below what #closeSomeFiles leaves open, those that open now counted: it would close what is held open here, and
    // the two would go round for ever.
    const openNow = this.#open.size + this.#reading
    const mayOpen = !tail.isOpen && !tail.isArchive && openNow < Math.floor(this.#options.config.openFilesMax * 0.9)
    return !tail.vetted || mayOpen
  }

  async #turn(tail: Tail): Promise<void> {
    this.#reading++
    tail.isReading = true
    try {
      // It may have waited long for its turn.
      if (tail.look(this.#pathOf(tail), performance.now()) === 'truncated') return this.#renew(tail, 'truncated')
      const next = (firstMs: number): string => this.#files.nextGeneration(tail, firstMs)
      if (!(await tail.isWhole(this.#pathOf(tail)))) return
      if (!tail.vetted && !(await this.#vet(tail))) return
      if (tail.isArchive && tail.unreadBytes === 0) return
      if (this.#quotas.holdsBack(tail.source)) {
        await tail.hold(this.#pathOf(tail))
        this.#queue.add(tail)
        return
      }
      const portionBytes = this.#quotas.portionBytes(tail.source)
      const window = await tail.read(this.#pathOf(tail), performance.now(), next, portionBytes)
      if (tail.trouble !== undefined) this.#readable(tail)
      this.#lookAgain(tail, Math.min(tail.nextLookMs, tail.releaseMs))
      if (window !== undefined) this.#take(window)
    } catch (error) {
      if (error instanceof ReplacedError) this.#renew(tail, 'written over')
      else if (error instanceof MovedError) void this.#list()
      else this.#cannotRead(tail, error)
    } finally {
      tail.isReading = false
      // Also when its turn ended early: a file that waits for its judgement is open as well.
      if (tail.isOpen) this.#open.add(tail)
      this.#closeSomeFiles(tail)
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
    this.#quotas.charge(window)
    if (tail.flying === undefined) {
      this.#send(window)
      // The next window is prepared while this one is on its way.
      if (tail.unreadBytes > 0) this.#lookAt(tail, performance.now())
    } else tail.prepared = window
  }

  /** Closes what was quiet for longest, and what has unread bytes last. Some more than needed, so that this is seldom done. */
  #closeSomeFiles(justRead: Tail): void {
    const { openFilesMax } = this.#options.config
    if (this.#open.size <= openFilesMax) return
    const closable = [...this.#open].filter((tail) => !tail.isReading && tail !== justRead && tail.missedListings === 0)
    const hasUnread = (tail: Tail): number => (tail.unreadBytes > 0 ? 1 : 0)
    closable.sort((a, b) => hasUnread(a) - hasUnread(b) || a.activeAtMs - b.activeAtMs)
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
        const days = this.#quotas.writtenWith(windows)
        await this.#untilDone('cannot write the checkpoint', () => this.#writeAhead(windows, days))
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

  async #writeAhead(windows: readonly Window[], days: readonly DayBytes[]): Promise<void> {
    const rows = windows.map((window) => window.tail.row(window))
    const others = [...this.#acknowledged].filter((tail) => tail.generation !== undefined && tail.flying === undefined)
    const ended = others.map((tail) => tail.row(undefined, !this.#ending.has(tail)))
    await this.#checkpoint.commit([...rows, ...ended], [], days)
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
    this.#watchZone(window)
    const { prepared } = tail
    tail.prepared = undefined
    // An archive never grows: its unpacked content has served.
    if (tail.isArchive && tail.unreadBytes === 0 && prepared === undefined && !tail.isReading) this.#close(tail)
    if (prepared !== undefined) this.#send(prepared)
    // A window that filled its turn has more behind it: no need to wait for the next look.
    if (tail.unreadBytes > 0 && !tail.isReading && this.#files.follows(tail)) this.#lookAt(tail, performance.now())
  }

  /** Only where the file is read as it is written do stamps and clock have to agree. */
  #watchZone(window: Window): void {
    const { tail } = window
    if (window.next.offset < tail.size - atEndBytes || tail.isArchive) return
    const off = tail.zoneWatch.note(window)
    if (off === tail.zoneOffMinutes) return
    tail.zoneOffMinutes = off
    if (off === 0) return
    const path = shownPath(tail.path)
    this.#options.log.warn(
      { path, minutes: off },
      `${path}: ${zoneText(off)}: its stamps are ${off > 0 ? 'behind' : 'ahead of'} the clock. They are read in ${tail.reading.timezone}; --timezone says another.`,
    )
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
    const tails = [...this.#changed]
    const files = this.#files
    const view = {
      tails: files.tails.values(),
      follows: (tail: Tail) => files.follows(tail),
      notRead: files.notRead,
      slowedBy: (source: Source) => this.#quotas.noteOf(source),
    }
    const states = this.#ledger.take(view, this.#changed, performance.now())
    let behind = 0
    let zoneOff = 0
    for (const tail of this.#files.tails.values()) {
      behind += tail.unreadBytes
      if (tail.zoneOffMinutes !== 0) zoneOff++
    }
    this.#metrics.zoneOff.set(zoneOff)
    this.#metrics.behindBytes.set(behind)
    this.#metrics.quotas(this.#quotas)
    try {
      if (states.length > 0) await this.#options.bus.report(states)
    } catch (error) {
      for (const tail of tails) this.#changed.add(tail)
      this.#ledger.giveBack(states, files.tails.values())
      this.#options.log.debug(`cannot report file states yet: ${messageOf(error)}`)
    } finally {
      this.#reporting = false
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

/** Nobody who polls sees what came between the last look and the end: every loss is a lower bound. */
function lossAfter(before: Loss | undefined, cause: string, nowMs: number): Loss {
  return { first: before?.first ?? nowMs * 1000, last: nowMs * 1000, cause, atLeast: true }
}
