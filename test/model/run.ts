/** One run: everything that happens in it comes from its seed. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { vi } from 'vitest'
import { createRandom, type Random } from '../../demo/random.ts'
import { parseCommandLine, readConfig } from '../../pipeline/config.ts'
import { type Shipper, startShipper } from '../../shipper/shipper.ts'
import { wrongsOf } from './check.ts'
import { pass, until } from './clock.ts'
import { faults, Remains } from './faults.ts'
import { ModelLog, rotations, type World } from './log.ts'
import { kinds, Program } from './text.ts'

export interface Outcome {
  readonly wrongs: readonly string[]
  readonly steps: readonly string[]
  readonly events: number
  readonly lostBytes: number
}

/** What the mock of the checkpoint opens: the process's of the run that is under way. */
export const opened: { remains: Remains | undefined } = { remains: undefined }

export async function runModel(seed: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-model-'))
  const random = createRandom(seed)
  // Back-offs are random, too.
  const spy = vi.spyOn(Math, 'random').mockImplementation(random.fraction)
  const run = new Run(random, folder, seed % 5 === 0)
  try {
    return await run.run()
  } finally {
    spy.mockRestore()
    rmSync(folder, { recursive: true, force: true })
  }
}

class Run implements World {
  readonly #random: Random
  readonly #folder: string
  readonly #remains = new Remains()
  readonly #logs: ModelLog[] = []
  readonly #steps: string[] = []
  readonly fewHandles: boolean
  /** Its app is slowed most of the time; what was written last is taken when it is not any more. */
  #hasQuota: boolean
  /** What the shipper tells stands among the steps. */
  readonly #log = pino({ level: 'debug' }, { write: (line) => this.#note(`    ${JSON.parse(line).msg}`) })
  #shipper: Shipper | undefined
  #registry = new Registry()
  #lostBytes = 0
  #lostBefore = 0
  #hadCrash = false
  #calmSinceMs = Number.POSITIVE_INFINITY

  readonly #beganMs = performance.now()

  constructor(random: Random, folder: string, hasQuota: boolean) {
    this.#random = random
    this.#folder = folder
    this.fewHandles = random.percent(15)
    this.#hasQuota = hasQuota
  }

  get nowMs(): number {
    return performance.now()
  }

  get calmSinceMs(): number {
    return this.#remains.isDead || this.#remains.isPaused || this.#hasQuota
      ? Number.POSITIVE_INFINITY
      : this.#calmSinceMs
  }

  async between(): Promise<void> {
    await this.#pass(this.#random.pick([10, 30, 100, 300]))
  }

  async run(): Promise<Outcome> {
    const random = this.#random
    opened.remains = this.#remains
    mkdirSync(join(this.#folder, 'logs'))
    for (let i = 0; i <= (random.percent(30) ? 1 : 0); i++) {
      const program = new Program(random.pick(kinds), 'ab'[i] as string, random)
      this.#logs.push(new ModelLog(join(this.#folder, `logs/shop/shop-${i}/logs/a.log`), program, random, this))
    }
    if (random.percent(80)) await this.#start()
    for (let i = 6 + random.below(24); i > 0; i--) await this.#step()
    this.#note('end')
    this.#remains.fault = undefined
    if (this.#remains.isDead) await this.#bury()
    this.#resume()
    if (this.#hasQuota && this.#shipper !== undefined) await this.#stop()
    this.#hasQuota = false
    if (this.#shipper === undefined) await this.#start()
    await this.#pass(9000)
    await this.#stop()
    for (const log of this.#logs) log.close()
    this.#noteArrivals()
    const wrongs = wrongsOf(this.#logs, this.#remains, this.#lostBytes, this.#hadCrash)
    return { wrongs, steps: this.#steps, events: this.#remains.records.size, lostBytes: this.#lostBytes }
  }

  async #step(): Promise<void> {
    const random = this.#random
    const log = random.pick(this.#logs)
    const lot = random.below(100)
    if (lot < 45) this.#do('write', () => log.write())
    else if (lot < 65) {
      const way = random.pick(rotations)
      this.#note(`rotate ${way}`)
      await log.rotate(way)
    } else if (lot < 68) this.#do('truncate', () => log.truncate())
    else if (lot < 72) this.#do('remove', () => log.removeOldest())
    else if (lot < 78) await this.#pauseOrResume()
    else if (lot < 85) await this.#stopOrStart()
    else if (lot < 95) {
      this.#remains.half = random.below(8)
      this.#remains.fault = random.pick(faults)
      this.#note(`fault ${this.#remains.fault}`)
    } else if (this.#shipper !== undefined) {
      this.#note('kill')
      this.#remains.isDead = true
    }
    if (random.percent(70)) await this.#pass(random.pick([10, 10, 20, 40, 100, 200, 600, 1500, 5000]))
    if (this.#remains.isDead) await this.#bury()
  }

  #do(what: string, work: () => void): void {
    this.#note(what)
    work()
  }

  async #pauseOrResume(): Promise<void> {
    if (this.#remains.isPaused) return this.#resume()
    this.#note('pause')
    this.#remains.pause()
  }

  #resume(): void {
    if (!this.#remains.isPaused) return
    this.#note('resume')
    this.#remains.resume()
    if (this.#shipper !== undefined) this.#calmSinceMs = this.nowMs
  }

  async #stopOrStart(): Promise<void> {
    if (this.#shipper === undefined) await this.#start()
    else await this.#stop()
  }

  async #start(): Promise<void> {
    this.#note('start')
    const args = [
      '--root',
      join(this.#folder, 'logs'),
      '--data',
      join(this.#folder, 'data'),
      '--timezone',
      'UTC',
      ...quick,
    ]
    if (this.fewHandles) args.push('--open-files-max', '4')
    if (this.#hasQuota) args.push('--quotas', '{ default: { lines-per-second: { hard: 4 } } }')
    const config = readConfig(parseCommandLine(args), {})
    this.#registry = new Registry()
    const { bus } = this.#remains
    // The total of a process begins with what the checkpoint has.
    this.#lostBefore = this.#remains.checkpoint().rows.reduce((sum, { lost }) => sum + lost, 0)
    this.#shipper = await until(startShipper({ config, bus, registry: this.#registry, log: this.#log }))
    this.#calmSinceMs = this.nowMs
  }

  async #lostTotal(): Promise<number> {
    return Number(/^shiplog_bytes_lost_total (\d+)/m.exec(await this.#registry.metrics())?.[1])
  }

  async #stop(): Promise<void> {
    this.#note('stop')
    const shipper = this.#shipper as Shipper
    this.#calmSinceMs = Number.POSITIVE_INFINITY
    await until(shipper.close())
    await this.#ended()
  }

  /** The process died: what is left of it in this one is taken away. */
  async #bury(): Promise<void> {
    this.#note('dead')
    this.#calmSinceMs = Number.POSITIVE_INFINITY
    this.#remains.resume()
    await until((this.#shipper as Shipper).close(0))
    await this.#ended()
  }

  async #ended(): Promise<void> {
    this.#lostBytes += (await this.#lostTotal()) - this.#lostBefore
    for (const log of this.#logs) log.shipperEnded()
    this.#shipper = undefined
    // It may also have died while it was closing.
    this.#hadCrash ||= this.#remains.isDead
    this.#remains.processEnded()
  }

  async #pass(ms: number): Promise<void> {
    this.#note(`${ms} ms`)
    await pass(ms, () => this.#remains.isDead)
    for (const log of this.#logs) log.settle()
  }

  /** What there was and what came of it, for whoever repeats a run. */
  #noteArrivals(): void {
    for (const { program, incarnations } of this.#logs) {
      for (const { order, bytes } of incarnations)
        this.#note(`${program.kind} ${order}: ${bytes.length} bytes: ${bytes.toString('latin1', 0, 80)}`)
    }
    for (const [generation, records] of Map.groupBy(this.#remains.records.values(), (record) => record.generation)) {
      const bytes = records.reduce((sum, record) => sum + record.bytes, 0)
      this.#note(`came ${generation}: ${bytes} bytes: ${records[0]?.message.slice(0, 80)}`)
    }
  }

  #note(step: string): void {
    this.#steps.push(`${Math.round(this.nowMs - this.#beganMs)} ${step}`)
  }
}

/** Small bounds, so that a few lines meet them. */
const quick = [
  ...['--poll-interval-ms', '10', '--poll-idle-interval-ms', '50', '--rescan-interval-ms', '100'],
  ...['--line-idle-ms', '60', '--event-idle-ms', '20', '--copy-wait-ms', '1000'],
  ...['--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '32768'],
]
