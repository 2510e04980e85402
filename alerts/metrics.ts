/** What /metrics says of alerts. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Alert } from '../pipeline/alert.ts'
import type { StateEntry } from '../pipeline/state.ts'

export interface AlertMetrics {
  /** Sets the numbers of alerts by state, and of the notices that wait. */
  count(alerts: readonly StateEntry[]): void
  readonly notices: Counter<'target' | 'result'>
  readonly seconds: Histogram
}

export function alertMetrics(registry: Registry): AlertMetrics {
  const registers = [registry]
  const states = new Gauge({
    name: 'shiplog_alerts',
    help: 'Alert policies by state, as the process that evaluates them knows it.',
    labelNames: ['state'],
    registers,
  })
  const waiting = new Gauge({
    name: 'shiplog_alert_notices_waiting',
    help: 'Notifications that no target has taken yet.',
    registers,
  })
  return {
    count(alerts) {
      const counts = { ok: 0, firing: 0, 'no-data': 0 }
      let notices = 0
      for (const { value } of alerts) {
        const { state, outbox } = value as Alert
        if (state in counts) counts[state]++
        notices += outbox?.length ?? 0
      }
      for (const [state, count] of Object.entries(counts)) states.set({ state }, count)
      waiting.set(notices)
    },
    notices: new Counter({
      name: 'shiplog_alert_notices_total',
      help: 'Attempts to notify by kind of target, and whether it took the notification.',
      labelNames: ['target', 'result'],
      registers,
    }),
    seconds: new Histogram({
      name: 'shiplog_alert_evaluation_seconds',
      help: 'Time to judge one policy.',
      buckets: [0.002, 0.01, 0.05, 0.25, 1, 5],
      registers,
    }),
  }
}
