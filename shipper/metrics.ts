/** What the shipper counts, on the process's registry. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Window } from './tail.ts'

export function shipperMetrics(registry: Registry) {
  const registers = [registry]
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers })
  const events = counter('shiplog_events_read_total', 'events read from files')
  const bytes = counter('shiplog_bytes_read_total', 'bytes of events read from files')
  return {
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
