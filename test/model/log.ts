/**
 * One log of a program, on the disk and as a model of it: every incarnation with all that was ever written to it, and
 * which of it may be missing in the end because nobody could have read it.
 */
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Random } from '../../demo/random.ts'
import type { Program } from './text.ts'

/** What the log wants to know of the run that it is part of. */
export interface World {
  readonly nowMs: number
  /** Since when a shipper runs whose bus takes everything; Infinity while there is none. */
  readonly calmSinceMs: number
  /** Handles may be closed although the file is read: more files than may be open. */
  readonly fewHandles: boolean
  /** Lets a random time pass, as it does between two steps of a rotation. */
  between(): Promise<void>
}

/** A running shipper has read a plain file so long after its last change, and an archive or a copy so long. */
const readAfterMs = 500
const copyReadAfterMs = 4500
/** So many rotated files are kept. */
const keepMax = 3

export class Incarnation {
  bytes: Buffer = Buffer.alloc(0)
  /** Where events begin. */
  readonly starts = new Set<number>()
  /** Starts of events whose first line stood unfinished for a while: it may pass for a part of the event before. */
  readonly blurred = new Set<number>()
  firstMs = 0
  lastMs = 0
  /** Some of it is no longer where it was written. */
  isMoved = false
  /** Of its first bytes so many have surely been read. */
  sureBytes = 0
  /** What is behind `sureBytes` may be missing. */
  mayLose = false
  /** Deleted, and being read through the open handle. */
  isOwed = false
  readonly order: number

  constructor(order: number) {
    this.order = order
  }
}

interface Copy {
  path: string
  readonly incarnation: Incarnation
  isPacked: boolean
  /** Its archive lies beside it. */
  isBeside: boolean
}

export const rotations = ['rename', 'late', 'date', 'copy', 'gzip', 'delay', 'copy-gzip', 'recreate', 'beside'] as const
export type Rotation = (typeof rotations)[number]

export class ModelLog {
  readonly incarnations: Incarnation[] = []
  readonly program: Program
  readonly #path: string
  readonly #random: Random
  readonly #world: World
  /** The program opens a link; rotation creates another file and points the link at it. */
  readonly isLinked: boolean
  #file: number
  #current: Incarnation
  /** The program still writes to a file that was rotated away. */
  #isLate = false
  /** Of an event of which a part was written. */
  #rest: Buffer = Buffer.alloc(0)
  #restStart = -1
  #restIn: Incarnation | undefined
  readonly #copies: Copy[] = []
  readonly #dated: Copy[] = []
  #swaps = 0

  constructor(path: string, program: Program, random: Random, world: World) {
    this.#path = path
    this.program = program
    this.#random = random
    this.#world = world
    this.isLinked = random.percent(10)
    mkdirSync(dirname(path), { recursive: true })
    this.#current = new Incarnation(-1)
    this.#file = -1
    this.#create()
  }

  close(): void {
    closeSync(this.#file)
  }

  // ── writing ──

  write(): void {
    if (this.#rest.length > 0 && this.#restIn !== this.#current) this.#restIn?.blurred.add(this.#restStart)
    const events = 1 + this.#random.below(this.#random.percent(10) ? 60 : 6)
    if (this.#rest.length > 0) this.#append(this.#rest, -1)
    this.#rest = Buffer.alloc(0)
    for (let i = 0; i < events; i++) {
      const event = this.program.next()
      const isFirst = this.#current.bytes.length === 0 || this.#current.starts.size === 0
      // What begins a file is written whole: two files that begin with the same few bytes cannot be told apart.
      const isCut = i === events - 1 && !isFirst && this.#random.percent(30)
      const cut = isCut ? 1 + this.#random.below(event.length - 1) : event.length
      this.#restStart = this.#current.bytes.length
      this.#restIn = this.#current
      this.#append(event.subarray(0, cut), this.#current.bytes.length)
      this.#rest = event.subarray(cut)
    }
  }

  #append(bytes: Buffer, start: number): void {
    writeSync(this.#file, bytes)
    const incarnation = this.#current
    if (incarnation.bytes.length === 0) incarnation.firstMs = this.#world.nowMs
    if (start >= 0) incarnation.starts.add(start)
    incarnation.bytes = Buffer.concat([incarnation.bytes, bytes])
    incarnation.lastMs = this.#world.nowMs
  }

  /** Notes what has surely been read by now, and what an unfinished line leaves open. */
  settle(): void {
    if (this.#rest.length > 0) this.#restIn?.blurred.add(this.#restStart)
    for (const incarnation of this.incarnations) {
      if (!this.#isRead(incarnation)) continue
      incarnation.sureBytes = incarnation.mayLose ? incarnation.sureBytes : incarnation.bytes.length
      incarnation.isOwed = false
    }
  }

  /** The shipper ended: what only its open handles still had is gone. */
  shipperEnded(): void {
    for (const incarnation of this.incarnations) {
      if (!incarnation.isOwed) continue
      incarnation.isOwed = false
      incarnation.mayLose = true
    }
  }

  #isRead(incarnation: Incarnation): boolean {
    const sinceMs = Math.max(incarnation.lastMs, this.#world.calmSinceMs)
    return this.#world.nowMs - sinceMs >= (incarnation.isMoved ? copyReadAfterMs : readAfterMs)
  }

  // ── rotating ──

  async rotate(way: Rotation): Promise<void> {
    if (this.isLinked) return this.#swapLink()
    if (this.#isLate) this.#reopen()
    // Nothing is known of a file of a few bytes: a copy of it is another file.
    if (this.#current.bytes.length < 32) return
    if (way === 'recreate') {
      unlinkSync(this.#path)
      this.#destroyed(this.#current, true)
      return this.#create()
    }
    if (way !== 'date') this.#shift()
    if (way === 'copy' || way === 'copy-gzip') await this.#copyTruncate()
    else {
      const to = way === 'date' ? `${this.#path}-2026112${this.#dated.length}` : `${this.#path}.1`
      renameSync(this.#path, to)
      const copy = { path: to, incarnation: this.#current, isPacked: false, isBeside: false }
      if (way === 'date') this.#dated.push(copy)
      else this.#copies.unshift(copy)
      this.#isLate = true
      if (way !== 'late') this.#reopen()
    }
    if (this.#random.percent(20)) await this.#world.between()
    if (way === 'gzip' || way === 'copy-gzip') await this.#pack(this.#copies[0], true)
    if (way === 'beside') await this.#pack(this.#copies[0], false)
    if (way === 'delay') await this.#pack(this.#copies[1], true)
  }

  /** Empties the file; nothing keeps what was in it. */
  truncate(): void {
    if (this.#isLate || this.#current.bytes.length < 32) return
    ftruncateSync(this.#file)
    this.#destroyed(this.#current, false)
    this.#renew()
  }

  /** Takes away the oldest of the rotated files. */
  removeOldest(): void {
    const copies = this.#dated.length > 0 && this.#random.percent(50) ? this.#dated : this.#copies
    this.#remove(copies.pop())
  }

  #shift(): void {
    for (let i = this.#copies.length - 1; i >= 0; i--) {
      const copy = this.#copies[i] as Copy
      if (i + 2 > keepMax) {
        this.#remove(this.#copies.pop())
        continue
      }
      const to = `${this.#path}.${i + 2}${copy.isPacked ? '.gz' : ''}`
      renameSync(copy.path, to)
      if (copy.isBeside) renameSync(`${copy.path}.gz`, `${to}.gz`)
      copy.path = to
    }
  }

  #remove(copy: Copy | undefined): void {
    if (copy === undefined) return
    unlinkSync(copy.path)
    if (copy.isBeside) unlinkSync(`${copy.path}.gz`)
    if (this.#isLate && copy.incarnation === this.#current) this.#reopen()
    this.#destroyed(copy.incarnation, !copy.isPacked)
  }

  async #copyTruncate(): Promise<void> {
    const copied = this.#current.bytes.length
    const to = `${this.#path}.1`
    copyFileSync(this.#path, to)
    if (this.#random.percent(30)) await this.#world.between()
    // What logrotate itself destroys: lines that come between its copying and its emptying.
    if (this.#random.percent(20)) this.write()
    if (this.#random.percent(20)) await this.#world.between()
    const old = this.#current
    if (old.bytes.length > copied && !this.#isRead(old)) old.mayLose = true
    // The copy may end inside an event.
    if (old.bytes.length > copied) old.blurred.add(Math.max(...[...old.starts].filter((start) => start < copied)))
    old.isMoved = true
    old.lastMs = this.#world.nowMs
    ftruncateSync(this.#file)
    this.#copies.unshift({ path: to, incarnation: old, isPacked: false, isBeside: false })
    this.#renew()
  }

  async #pack(copy: Copy | undefined, takesAway: boolean): Promise<void> {
    if (copy === undefined || copy.isPacked || copy.isBeside || (this.#isLate && copy.incarnation === this.#current))
      return
    const packed = gzipSync(readFileSync(copy.path))
    const half = this.#random.percent(50) ? this.#random.below(packed.length) : 0
    writeFileSync(`${copy.path}.gz`, packed.subarray(0, half))
    if (half > 0) await this.#world.between()
    writeFileSync(`${copy.path}.gz`, packed.subarray(half), { flag: 'a' })
    copy.isBeside = !takesAway
    if (!takesAway) return
    copy.incarnation.isMoved = true
    copy.incarnation.lastMs = this.#world.nowMs
    if (this.#random.percent(30)) await this.#world.between()
    unlinkSync(copy.path)
    copy.path += '.gz'
    copy.isPacked = true
  }

  #swapLink(): void {
    this.#create()
  }

  #reopen(): void {
    this.#isLate = false
    this.#create()
  }

  /** The program opens its path anew: another file is there. */
  #create(): void {
    if (this.#file >= 0) closeSync(this.#file)
    let path = this.#path
    if (this.isLinked) {
      path = `${this.#path}.real-${++this.#swaps}`
      rmSync(this.#path, { force: true })
      symlinkSync(basename(path), this.#path)
    }
    this.#file = openSync(path, 'a')
    this.#renew()
  }

  #renew(): void {
    this.#current = new Incarnation(this.incarnations.length)
    this.incarnations.push(this.#current)
  }

  /** Its last name is gone, or its content is. */
  #destroyed(incarnation: Incarnation, hasHandle: boolean): void {
    if (incarnation.bytes.length === incarnation.sureBytes || this.#isRead(incarnation)) return
    const sinceMs = Math.max(incarnation.firstMs, this.#world.calmSinceMs)
    const isOpen =
      hasHandle && !incarnation.isMoved && !this.#world.fewHandles && this.#world.nowMs - sinceMs >= readAfterMs
    if (isOpen) incarnation.isOwed = true
    else incarnation.mayLose = true
  }
}
