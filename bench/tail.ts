/**
 * The shipper by itself: files are found, read, cut into events, written ahead and published into a bus that takes
 * everything and does nothing. CPU is that of the whole process, the checkpoint's thread and discovery included.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { parseCommandLine, readConfig } from '../pipeline/config.ts'
import { startShipper } from '../shipper/shipper.ts'
import { waitFor } from '../test/system/process.ts'
import { dayOfLines, writeCorpus } from './corpus.ts'
import { report } from './measure.ts'

const runs = 4

export async function benchTail(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const corpus = writeCorpus(root, dayOfLines(Date.now()))
    console.log(
      `\nshipper only: ${corpus.lines} lines, ${(corpus.bytes / 1e6).toFixed(0)} MB, node ${process.version}\n`,
    )
    // The first run also compiles what it runs; files that are larger than a benchmark do not notice it.
    for (let run = 1; run <= runs; run++) {
      const { seconds, cpuSeconds, events } = await shipAll(root, join(folder, `data-${run}`), corpus.bytes)
      const what = `run ${run}: ${events} events`
      report(`${what}, CPU`, `${((cpuSeconds * 1e6) / corpus.lines).toFixed(2)} µs a line`, 'aim ≤ 1.2')
      report(`${what}, speed`, `${Math.round(corpus.lines / seconds)} lines/s`, 'aim ≥ 800,000')
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function shipAll(root: string, data: string, bytesWanted: number) {
  // The last event of each file waits for more lines: that is no work, and is kept short here.
  const args = ['--root', root, '--data', data, '--timezone', 'UTC', '--event-idle-ms', '5']
  const config = readConfig(parseCommandLine(args), {})
  let bytes = 0
  let events = 0
  const bus = {
    async publish(batches: readonly { readonly count: number; readonly bytes: Uint32Array }[]): Promise<void> {
      for (const batch of batches) {
        events += batch.count
        for (let i = 0; i < batch.count; i++) bytes += batch.bytes[i] as number
      }
    },
    async report(): Promise<void> {},
  }
  const cpu = process.cpuUsage()
  const started = performance.now()
  const shipper = await startShipper({ config, bus, log: pino({ level: 'silent' }), registry: new Registry() })
  await waitFor(() => bytes >= bytesWanted, 120_000, 'everything shipped')
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await shipper.close()
  return { seconds, cpuSeconds: (user + system) / 1e6, events }
}
