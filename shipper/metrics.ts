/** What the shipper counts, on the process's registry. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { QuotaUnit } from '../pipeline/quota-settings.ts'
import type { Quotas } from './quotas.ts'
import type { Window } from './tail.ts'

export function shipperMetrics(registry: Registry) {
  const registers = [registry]
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers })
  const events = counter('shiplog_events_read_total', 'events read from files')
  const bytes = counter('shiplog_bytes_read_total', 'bytes of events read from files')
  const quotaLabels = ['scope', 'cluster', 'app'] as const
  const quotaGauge = <L extends string>(name: string, help: string, ...more: L[]) =>
    new Gauge({ name, help, registers, labelNames: [...quotaLabels, ...more] })
  const quotaLimit = quotaGauge('shiplog_quota_limit', 'lines a second, or bytes a UTC day', 'unit', 'level')
  const quotaUsed = quotaGauge('shiplog_quota_used', 'the same, as it was last measured', 'unit')
  const quotaSlowed = quotaGauge('shiplog_quota_slowed', '1 = files wait because of it')
  const slowedSeconds = new Counter({
    name: 'shiplog_quota_slowed_seconds_total',
    help: 'time during which files waited because of a quota',
    labelNames: quotaLabels,
    registers,
  })
  return {
    quotas(quotas: Quotas): void {
      // What has no quota any more is not told any more; the seconds of a counter stay.
      for (const gauge of [quotaLimit, quotaUsed, quotaSlowed]) gauge.reset()
      for (const { app, meter, isWhole } of quotas) {
        const labels = { scope: isWhole ? 'shipper' : 'app', ...app }
        for (const [unit, limit] of Object.entries(meter.quota) as [QuotaUnit, { warn: number; hard: number }][]) {
          for (const level of ['warn', 'hard'] as const)
            if (Number.isFinite(limit[level])) quotaLimit.set({ ...labels, unit: unitNames[unit], level }, limit[level])
          const used = unit === 'bytesPerDay' ? meter.bytesToday : meter.linesPerSecond
          quotaUsed.set({ ...labels, unit: unitNames[unit] }, used)
        }
        quotaSlowed.set(labels, meter.state === 'slowed' ? 1 : 0)
        slowedSeconds.inc(labels, meter.takeSlowedMs() / 1000)
      }
    },
    read(window: Window): void {
      events.inc(window.batch.count)
      bytes.inc(window.next.offset - window.from.offset)
    },
    acknowledged: counter('shiplog_events_acknowledged_total', 'events that the bus holds durably'),
    lostBytes: counter('shiplog_bytes_lost_total', 'bytes known lost, a lower bound'),
    truncatedUnread: counter(
      'shiplog_truncated_unread_total',
      'files that were truncated, replaced or deleted before they were read',
    ),
    zoneOff: gauge('shiplog_files_zone_off', 'files whose stamps look as if written in another zone'),
    retries: counter('shiplog_shipper_retries_total', 'writes of the checkpoint and publishes that were tried again'),
    files: gauge('shiplog_files', 'files under the root that are followed'),
    misplaced: gauge('shiplog_files_misplaced', 'files outside the layout, shipped as app unknown'),
    unreadable: gauge('shiplog_files_unreadable', 'files and folders under the root that are there and not read'),
    behindBytes: gauge('shiplog_bytes_behind', 'bytes in files that were not read yet'),
  }
}

const unitNames: Readonly<Record<QuotaUnit, string>> = {
  linesPerSecond: 'lines_per_second',
  bytesPerDay: 'bytes_per_day',
}
