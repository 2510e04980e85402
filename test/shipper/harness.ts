/** A shipper on real files with a bus that only remembers: what was published, in which order, and what failed. */
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { Registry } from 'prom-client'
import { type FileState, fileStateKey } from '../../pipeline/bus.ts'
import { type Config, parseCommandLine, readConfig } from '../../pipeline/config.ts'
import { type EventBatch, recordOf } from '../../pipeline/event-batch.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { type Shipper, startShipper } from '../../shipper/shipper.ts'

export interface RememberingBus {
  readonly records: LogRecord[]
  readonly states: Map<string, FileState>
  /** Called before a publish resolves; may throw, wait or look at the disk. */
  gate: (batches: readonly EventBatch[]) => Promise<void> | void
  publish(batches: readonly EventBatch[], signal?: AbortSignal): Promise<void>
  report(states: readonly FileState[]): Promise<void>
  /** Messages of one file name in the order of publishing. */
  messages(file: string): string[]
}

export function rememberingBus(): RememberingBus {
  const bus: RememberingBus = {
    records: [],
    states: new Map(),
    gate: () => {},
    async publish(batches) {
      await bus.gate(batches)
      for (const batch of batches)
        for (let i = 0; i < batch.count; i++) bus.records.push(recordOf(batch, i, batch.origin))
    },
    async report(states) {
      for (const state of states) bus.states.set(fileStateKey(state), state)
    },
    messages: (file) => bus.records.filter((record) => record.file === file).map((record) => record.message),
  }
  return bus
}

/** Quick intervals, so that a test waits for milliseconds where a user's machine takes its time. */
const quick = [
  '--poll-interval-ms',
  '10',
  '--poll-idle-interval-ms',
  '50',
  '--rescan-interval-ms',
  '100',
  '--line-idle-ms',
  '60',
  '--event-idle-ms',
  '20',
  '--timezone',
  'UTC',
]

export function testConfig(folder: string, args: readonly string[] = []): Config {
  const places = ['--root', join(folder, 'logs'), '--data', join(folder, 'data')]
  return readConfig(parseCommandLine([...places, '--cluster', 'prod', ...quick, ...args]), {})
}

export async function startTestShipper(
  folder: string,
  bus: RememberingBus,
  args: readonly string[] = [],
  log: Logger = pino({ level: 'silent' }),
): Promise<{ shipper: Shipper; registry: Registry }> {
  mkdirSync(join(folder, 'logs'), { recursive: true })
  const config = testConfig(folder, args)
  const registry = new Registry()
  const shipper = await startShipper({ config, bus, registry, log })
  return { shipper, registry }
}

/** Files below a folder that this process holds open. */
export function openBelow(folder: string): string[] {
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // Closed meanwhile.
      return ''
    }
  })
  return open.filter((path) => path.startsWith(folder))
}
