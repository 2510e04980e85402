/** How far an export is, for who waits at a terminal. */
import type { Terminal } from './cli-query.ts'

const progressIntervalMs = 200

export type ExportProgress = ReturnType<typeof showProgress>

/** Records, bytes and rate on one line of a terminal; nothing anywhere else. */
export function showProgress({ stderr }: Terminal, before: number) {
  const shown = { records: before, bytes: 0 }
  let waiting = false
  const started = performance.now()
  let last = 0
  const line = (): string => {
    const seconds = Math.max(0.001, (performance.now() - started) / 1000)
    const megabytes = shown.bytes / 1e6
    const records = shown.records.toLocaleString('en')
    return `${records} records  ${megabytes.toFixed(1)} MB  ${(megabytes / seconds).toFixed(1)} MB/s`
  }
  const draw = (): void => {
    if (stderr.isTTY !== true || performance.now() - last < progressIntervalMs) return
    last = performance.now()
    stderr.write(`\r\x1b[2K${line()}`)
  }
  return {
    /** Bytes that have arrived in this run, those that were given up again with them. */
    seen: (): number => shown.bytes,
    bytes(count: number): void {
      shown.bytes += count
      waiting = false
      draw()
    },
    /** Said once for each time that the connection drops, also where nobody looks at the progress. */
    waits(reason: string): void {
      if (!waiting) stderr.write(`${stderr.isTTY === true ? '\r\x1b[2K' : ''}shiplog: ${reason}; asking again\n`)
      waiting = true
    },
    records(count: number): void {
      shown.records += count
      draw()
    },
    done(label: string): void {
      if (stderr.isTTY === true) stderr.write(`\r\x1b[2K${label}${line()}\n`)
    },
  }
}
