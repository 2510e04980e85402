/**
 * The alerts' loop: count, judge, remember, tell. One process of a deployment holds the lease and evaluates for all;
 * when it dies another takes over where the stored alerts stand.
 *
 * The crash story. A change of state and its notices are stored in one put before anything is sent. Who dies before it
 * evaluates again; who dies behind it finds the notices in the outbox. Only between a target's answer and the next put
 * may a notice be sent a second time, with the same key.
 */
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { type Alert, alertOf, alertPrefix, newAlert } from '../pipeline/alert.ts'
import { isSilenced, policyPrefix, type StoredPolicy, storedPolicyOf } from '../pipeline/alert-policy.ts'
import { messageOf, ShiplogError } from '../pipeline/errors.ts'
import type { State, StateEntry } from '../pipeline/state.ts'
import type { Store } from '../pipeline/store.ts'
import { isOfAbsence } from './judge.ts'
import { limitOf } from './limit.ts'
import { createMeasure, type Measured } from './measure.ts'
import { alertMetrics } from './metrics.ts'
import { afterAttempt, attempt, attemptMsMax, dueNotices, type Outcome, type Send, withoutGone } from './outbox.ts'
import { evaluate } from './transition.ts'
import { patternsPrefix } from './watch.ts'

const evaluateIntervalMs = 2000
const leaseKey = 'lease/alerts'
/** Another process takes over so long after this one was heard last. Longer than an attempt: no two send the same at once. */
const leaseMs = attemptMsMax + 5000
/** Policies that are counted at the same time: one that takes long must not hold up all others. */
const evaluationsMax = 4
/** Notices under way at the same time. */
const sendsMax = 64
/** A count that takes longer than this is done again only when it took a tenth of the time since. */
const quickMs = 100

export interface AlertsOptions {
  readonly store: Pick<Store, 'histogram' | 'search'>
  readonly state: State
  readonly send: Send
  /** Names this process to the lease. One that is the same after a restart goes on at once. */
  readonly holder: string
  readonly log: Logger
  readonly registry: Registry
  readonly intervalMs?: number
  /** For so long after the start nothing is missed: what is shipped here has not caught up. */
  readonly settleMs?: number
}

export interface Alerts {
  /** Why nothing is evaluated now, or undefined. */
  trouble(): string | undefined
  /** Breaks off what is being sent; it stays in its outbox. */
  close(): Promise<void>
}

export function startAlerts(options: AlertsOptions): Alerts {
  const loop = new AlertsLoop(options)
  const timer = setInterval(() => loop.tick(), options.intervalMs ?? evaluateIntervalMs)
  loop.tick()
  return {
    trouble: () => loop.trouble(),
    async close() {
      clearInterval(timer)
      await loop.close()
    },
  }
}

class AlertsLoop {
  /** By what is troubled: a policy that cannot be read must not hide that the state is away. */
  readonly #troubles = new Map<string, string>()
  readonly #options: AlertsOptions
  readonly #stop = new AbortController()
  readonly #metrics: ReturnType<typeof alertMetrics>
  readonly #measure: ReturnType<typeof createMeasure>
  readonly #evaluations = limitOf(evaluationsMax)
  readonly #sends = limitOf(sendsMax)
  /** What is under way: `evaluate <policy>`, `send <policy> <action>`. */
  readonly #busy = new Map<string, Promise<void>>()
  /** By key of its notice, until it is stored: a state that cannot be written must not make a notice go out every tick. */
  readonly #outcomes = new Map<string, Outcome>()
  readonly #restUntil = new Map<string, number>()
  readonly #startedAt = performance.now()
  /** Of performance.now(): clocks may be set. */
  #leaseUntil = 0
  /** The stored alerts by policy. Who has the lease alone writes them, so they need not be read for each evaluation. */
  readonly #entries = new Map<string, StateEntry>()

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#metrics = alertMetrics(options.registry)
    this.#measure = createMeasure({ ...options, signal: this.#stop.signal })
  }

  trouble(): string | undefined {
    const [first] = this.#troubles.values()
    return first === undefined ? undefined : `alerts cannot be evaluated and are tried again: ${first}`
  }

  /** One at a time: a slow state makes evaluations rarer, never more. */
  tick(): void {
    this.#run('tick', () => this.#begin())
  }

  async close(): Promise<void> {
    this.#stop.abort()
    // What is under way begins nothing new now.
    await Promise.allSettled(this.#busy.values())
    // The next one need not wait. Where the state is away the lease ends by itself.
    if (this.#leaseUntil > 0) await this.#lease(1).catch(() => undefined)
  }

  async #lease(ttlMs: number): Promise<boolean> {
    const asked = performance.now()
    const held = await this.#options.state.lease(leaseKey, this.#options.holder, ttlMs)
    this.#leaseUntil = held ? asked + ttlMs : 0
    return held
  }

  /** Begins what is due; a slow policy is still under way when the next tick comes. */
  async #begin(): Promise<void> {
    const { state } = this.#options
    const policies = await state.list(policyPrefix)
    // Where nobody has made a policy nothing is written either.
    if (policies.length === 0 && this.#entries.size === 0) return
    const without = performance.now() >= this.#leaseUntil
    if (!(await this.#lease(leaseMs))) {
      this.#forget()
      return
    }
    // Somebody else may have had it since.
    if (without) await this.#load()
    this.#metrics.count([...this.#entries.values()])
    const ids = new Set<string>()
    for (const entry of policies) {
      const id = entry.key.slice(policyPrefix.length)
      ids.add(id)
      this.#run(`policy ${id}`, async () => this.#beginOne(id, storedPolicyOf(entry), alertOf(this.#entries.get(id))))
    }
    await this.#sweep(ids)
  }

  #forget(): void {
    this.#entries.clear()
    this.#measure.forget()
    this.#metrics.count([])
  }

  async #load(): Promise<void> {
    this.#forget()
    try {
      for (const entry of await this.#options.state.list(alertPrefix)) {
        this.#entries.set(entry.key.slice(alertPrefix.length), entry)
      }
    } catch (error) {
      this.#leaseUntil = 0
      throw error
    }
  }

  #beginOne(id: string, stored: StoredPolicy, alert: Alert | undefined): void {
    if (alert !== undefined) this.#deliver(id, stored, alert)
    const { enabled, condition } = stored.policy
    if (!enabled || (this.#restUntil.get(id) ?? 0) > performance.now()) return
    const settled = performance.now() - this.#startedAt >= (this.#options.settleMs ?? 15_000)
    if (isOfAbsence(condition) && !settled) return
    this.#run(`evaluate ${id}`, () => this.#evaluations(() => this.#evaluate(id, stored)))
  }

  async #evaluate(id: string, stored: StoredPolicy): Promise<void> {
    const began = performance.now()
    const measured: Measured = await this.#measure.of(id, stored.policy)
    if (this.#stop.signal.aborted) return
    const tookMs = performance.now() - began
    this.#metrics.seconds.observe(tookMs / 1000)
    if (tookMs > quickMs) this.#restUntil.set(id, performance.now() + 9 * tookMs)
    else this.#restUntil.delete(id)
    const step = (by: StoredPolicy, before: Alert): Alert =>
      withoutGone(evaluate(id, by, before, measured.found, Date.now()), by.policy, Date.now())
    const known = alertOf(this.#entries.get(id))
    if (known !== undefined && step(stored, known) === known) return measured.keep()
    // What changes an alert goes by the policy as it is now: it may have been silenced or removed while we counted.
    const latest = await this.#policy(id)
    if (latest === undefined) return
    const alert = await this.#update(id, (before) => step(latest, before))
    await measured.keep()
    this.#deliver(id, latest, alert)
  }

  async #policy(id: string): Promise<StoredPolicy | undefined> {
    const entry = await this.#options.state.get(`${policyPrefix}${id}`)
    return entry && storedPolicyOf(entry)
  }

  /** Stores what `change` makes of the alert, unless it gives back the same; begins again when somebody else was faster. */
  async #update(id: string, change: (alert: Alert) => Alert): Promise<Alert> {
    const { state, log } = this.#options
    const key = `${alertPrefix}${id}`
    for (let entry = this.#entries.get(id); ; entry = await this.#read(id)) {
      const before = alertOf(entry) ?? newAlert(Date.now())
      const after = change(before)
      if (after === before && entry !== undefined) return before
      try {
        const version = await state.put(key, after, entry?.version ?? 0)
        this.#entries.set(id, { key, value: after, version })
        if (after.state !== before.state) {
          log.info({ alert: id, state: after.state, value: after.value }, `alert ${id}: ${after.state}`)
        }
        return after
      } catch (error) {
        if (!(error instanceof ShiplogError && error.code === 'CONFLICT')) throw error
      }
    }
  }

  async #read(id: string): Promise<StateEntry | undefined> {
    const entry = await this.#options.state.get(`${alertPrefix}${id}`)
    if (entry === undefined) this.#entries.delete(id)
    else this.#entries.set(id, entry)
    return entry
  }

  // ── telling ──

  /** Beside the evaluation: a target that hangs must keep neither others nor other alerts from being told. */
  #deliver(id: string, stored: StoredPolicy, alert: Alert): void {
    if (isSilenced(stored, Date.now())) return
    for (const notice of dueNotices(alert.outbox, Date.now())) {
      this.#run(`send ${id} ${notice.action}`, () => this.#sends(() => this.#tell(id, notice.key)))
    }
  }

  async #tell(id: string, key: string): Promise<void> {
    const { send, log } = this.#options
    // What it was due by may be old by now: another attempt, or another process, may have ended in between.
    const notice = alertOf(await this.#read(id))?.outbox.find((one) => one.key === key)
    if (notice === undefined || notice.nextAt > Date.now()) return
    const stored = await this.#policy(id)
    const action = stored?.policy.actions.find((one) => one.id === notice.action)
    if (stored === undefined || action === undefined || isSilenced(stored, Date.now())) return
    if (this.#leaseUntil - performance.now() < attemptMsMax) return
    const outcome = this.#outcomes.get(key) ?? (await attempt(send, action, stored.policy, notice, this.#stop.signal))
    // Broken off by our own end: whoever comes next sends it.
    if (!outcome.taken && this.#stop.signal.aborted) return
    if (!this.#outcomes.has(key)) {
      this.#outcomes.set(key, outcome)
      this.#metrics.notices.inc({ target: action.kind, result: outcome.taken ? 'taken' : 'refused' })
      if (!outcome.taken) log.warn({ alert: id, error: outcome.answer }, `alert ${id}: not told, tried again`)
    }
    const after = await this.#update(id, (alert) => afterAttempt(alert, notice, action, outcome, Date.now()))
    this.#outcomes.delete(key)
    // The next one for this target need not wait for a tick.
    if (outcome.taken) setImmediate(() => this.#deliver(id, stored, after))
  }

  // ── around it ──

  #run(name: string, work: () => Promise<void>): void {
    if (this.#busy.has(name) || this.#stop.signal.aborted) return
    const running = work()
      .then(
        () => void this.#troubles.delete(name),
        (error) => this.#tellTrouble(name, messageOf(error)),
      )
      .finally(() => this.#busy.delete(name))
    this.#busy.set(name, running)
  }

  /** Of a policy that is gone nothing stays. */
  async #sweep(ids: ReadonlySet<string>): Promise<void> {
    const { state } = this.#options
    for (const [id, { key }] of this.#entries) {
      // A list may lag behind what was put a moment ago.
      if (ids.has(id) || (await state.get(`${policyPrefix}${id}`)) !== undefined) continue
      for (const name of this.#troubles.keys()) if (name.split(' ')[1] === id) this.#troubles.delete(name)
      await state.delete(key)
      this.#entries.delete(id)
      await state.delete(`${patternsPrefix}${id}`)
      this.#restUntil.delete(id)
      this.#measure.forget(id)
    }
  }

  #tellTrouble(name: string, trouble: string): void {
    if (this.#stop.signal.aborted) return
    if (this.#troubles.get(name) !== trouble) this.#options.log.error(`alerts: ${name}: ${trouble}; tried again`)
    this.#troubles.set(name, trouble)
  }
}
