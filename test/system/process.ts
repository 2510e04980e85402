/** A real Shiplog process with folders of its own, for tests that stop and start it, and the API as a client sees it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LogRecord } from '../../pipeline/record.ts'

/** On a machine that has much else to do. */
const startMsMax = 45_000
const cli = fileURLToPath(new URL('../../pipeline/cli.ts', import.meta.url))

export interface ShiplogProcess {
  readonly url: string
  readonly pid: number
  /** What it wrote to stderr so far: its own log. */
  log(): string
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** A folder that is removed when `cleanUp` is called. */
export function temporaryFolder(name: string): { path: string; cleanUp: () => void } {
  const path = mkdtempSync(join(tmpdir(), `shiplog-${name}-`))
  return { path, cleanUp: () => rmSync(path, { recursive: true, force: true }) }
}

/** Runs `shiplog <args>` to its end; `uid` as in startShiplog. */
export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  uid?: number,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, ...environment }
  const user = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env, ...user })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  await once(child, 'close')
  return { code: child.exitCode, stdout: stdout(), stderr: stderr() }
}

/**
 * Starts `shiplog up`, or one stage of it, on a free port and waits until it serves. Rejects with what it printed when it ends
 * instead. `uid`: as which user, for who is root and may read everything.
 */
export async function startShiplog(args: readonly string[], command = 'up', uid?: number): Promise<ShiplogProcess> {
  const child = spawn(process.execPath, [cli, command, '--listen', '127.0.0.1:0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  try {
    await waitFor(() => stdout().includes('\n') || child.exitCode !== null || child.signalCode !== null, startMsMax)
  } catch (error) {
    // Nobody has a handle on it: it would outlive the test.
    await end(child, 'SIGKILL')
    throw error
  }
  if (!stdout().includes('\n')) throw new Error(`shiplog ended with ${child.exitCode}: ${stderr()}`)
  return {
    url: stdout().trim(),
    pid: child.pid as number,
    log: stderr,
    async kill() {
      await end(child, 'SIGKILL')
    },
    stop: () => end(child, 'SIGTERM'),
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  return child.exitCode
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

/** Polls until the condition holds; fails after `timeoutMs` with its last answer or error. */
export async function waitFor(condition: () => unknown, timeoutMs = 10_000, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      last = await condition()
      if (last) return
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error(`${what} did not hold within ${timeoutMs} ms: ${String(last)}`)
    await sleep(20)
  }
}

const wide = { cluster: 'default', from: '1990-01-01T00:00:00Z' }

export async function search(url: string, query: Record<string, string>): Promise<LogRecord[]> {
  const answer = await fetch(`${url}/api/v1/search?${new URLSearchParams({ ...wide, limit: '1000', ...query })}`)
  if (!answer.ok) throw new Error(`search: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { records: LogRecord[] }).records
}

/** Every record that matches, in total order. */
export async function exportAll(url: string, query: Record<string, string> = {}): Promise<LogRecord[]> {
  const text = await exportText(url, { format: 'ndjson', ...query })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogRecord)
}

export async function exportText(url: string, query: Record<string, string>): Promise<string> {
  return Buffer.from(await exportBytes(url, query)).toString()
}

export async function exportBytes(url: string, query: Record<string, string>): Promise<ArrayBuffer> {
  const answer = await fetch(`${url}/api/v1/export?${new URLSearchParams({ ...wide, ...query })}`)
  if (!answer.ok) throw new Error(`export: ${answer.status} ${await answer.text()}`)
  return answer.arrayBuffer()
}

/** How many events match. */
export async function count(url: string, query: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(
    `${url}/api/v1/histogram?${new URLSearchParams({ ...wide, to: '2100-01-01T00:00:00Z', buckets: '1', ...query })}`,
  )
  if (!answer.ok) throw new Error(`histogram: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { total: number }).total
}
