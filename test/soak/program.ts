/** A program that logs numbered lines and rotates its file in one of the usual ways, and the check of what was found of it. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Random } from '../../demo/random.ts'
import type { LogRecord } from '../../pipeline/record.ts'

export const rotations = ['rename', 'copytruncate', 'compress', 'dated'] as const
export type Rotation = (typeof rotations)[number]

/** So long ago is too long ago to be kept. */
export const agoMs = 10 * 86_400_000
/** Rotated files that are kept: what is older is deleted, as logrotate does. */
const copiesKept = 6

export class Program {
  readonly app: string
  readonly rotation: Rotation
  lines = 0
  rotated = 0
  readonly #folder: string
  readonly #random: Random
  /** Added to its clock, ms: what it writes may be old. */
  readonly #shiftMs: number
  #name: string
  /** How often each line was found. */
  readonly #found: number[] = []
  #altered = 0

  constructor(root: string, app: string, rotation: Rotation, random: Random, shiftMs = 0) {
    this.app = app
    this.rotation = rotation
    this.#random = random
    this.#shiftMs = shiftMs
    this.#folder = join(root, app, `${app}-0/logs`)
    this.#name = this.#nextName()
    mkdirSync(this.#folder, { recursive: true })
  }

  #nextName(): string {
    return this.rotation === 'dated' ? `app-${String(this.rotated).padStart(6, '0')}.log` : 'app.log'
  }

  write(count: number): void {
    let text = ''
    for (let i = 0; i < count; i++)
      text += `${new Date(Date.now() + this.#shiftMs).toISOString()} ${this.#lineOf(this.lines++)}\n`
    appendFileSync(join(this.#folder, this.#name), text)
  }

  /** Beside its number a line has a checksum, and a length of its own. */
  #lineOf(i: number): string {
    const sum = (Math.imul(i + 1, 2_654_435_761) >>> 0).toString(36)
    return `INFO line ${i} of ${this.app} ${sum} ${'连接 the quick brown fox '.repeat(1 + (i % 4))}.`
  }

  rotate(): void {
    const path = join(this.#folder, this.#name)
    this.rotated++
    if (this.rotation === 'dated') this.#name = this.#nextName()
    else {
      for (const [number, suffix] of this.#copies().reverse())
        renameSync(`${path}.${number}${suffix}`, `${path}.${number + 1}${suffix}`)
      if (this.rotation === 'copytruncate') {
        copyFileSync(path, `${path}.1`)
        truncateSync(path)
      } else renameSync(path, `${path}.1`)
      if (this.rotation === 'compress') this.#compress(`${path}.2`)
    }
    this.#deleteOldest()
  }

  #compress(path: string): void {
    if (!this.#copies().some(([number, suffix]) => number === 2 && suffix === '')) return
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)))
    unlinkSync(path)
  }

  #copies(): (readonly [number: number, suffix: string])[] {
    return readdirSync(this.#folder)
      .map((name) => /^app\.log\.(\d+)(\.gz)?$/.exec(name))
      .filter((match) => match !== null)
      .map((match) => [Number(match[1]), match[2] ?? ''] as const)
      .sort((a, b) => a[0] - b[0])
  }

  #deleteOldest(): void {
    const names =
      this.rotation === 'dated'
        ? readdirSync(this.#folder).sort().reverse().slice(1)
        : this.#copies().map(([number, suffix]) => `app.log.${number}${suffix}`)
    for (const name of names.slice(copiesKept)) unlinkSync(join(this.#folder, name))
  }

  /** A record of this app came out of the store. */
  find({ message }: LogRecord): void {
    const i = Number(/ line (\d+) of /.exec(message)?.[1] ?? -1)
    if (i < 0 || i >= this.lines || !message.endsWith(this.#lineOf(i))) this.#altered++
    else this.#found[i] = (this.#found[i] ?? 0) + 1
  }

  /** What is wrong with what was found: each line has to be there once. */
  wrongs(): string[] {
    const counts = Array.from({ length: this.lines }, (_, i) => this.#found[i] ?? 0)
    const missing = counts.filter((count) => count === 0).length
    const twice = counts.filter((count) => count > 1).length
    const first = counts.findIndex((count) => count !== 1)
    const wrong = (what: string, count: number): string[] =>
      count === 0
        ? []
        : [`${this.app} (${this.rotation}): ${count} lines ${what}, the first odd one is ${first} of ${this.lines}`]
    return [...wrong('missing', missing), ...wrong('twice', twice), ...wrong('altered', this.#altered)]
  }

  /** Lines at random, as they come in life: bursts and pauses around so many. */
  burst(mean: number): void {
    this.write(this.#random.percent(2) ? mean * 10 : this.#random.poisson(mean))
  }
}
