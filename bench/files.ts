/**
 * Very many files: 10,000 of which 2,000 are written to, 10,000 lines a second in total, into a bus that does nothing. The
 * shipper is a process of its own, so that memory and CPU are its alone; what writes is this one.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { leanEnvironment, leanFlags } from '../pipeline/lean-process.ts'
import { cpuSecondsOf, memoryOf, report, spreadOf } from './measure.ts'

const files = 10_000
const active = 2000
const filesInFolder = 20
const linesPerSecond = 10_000
const wakingSeconds = 6
const seconds = Number(process.env.BENCH_SECONDS ?? 20)

export async function benchFiles(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  const root = join(folder, 'logs')
  const paths = Array.from({ length: files }, (_, i) => {
    const app = Math.floor(i / filesInFolder)
    return join(root, `app-${app % 50}/app-${app}/logs/file-${i % filesInFolder}.log`)
  })
  for (const [i, path] of paths.entries()) {
    if (i % filesInFolder === 0) mkdirSync(join(path, '..'), { recursive: true })
    // An hour old: stamps that are none would teach the shipper that these files have none.
    writeFileSync(path, lineOf(i, Date.now() - 3_600_000).repeat(10))
  }
  console.log(`\nmany files: ${files}, ${active} of them active, node ${process.version}\n`)
  let shipper = await startProcess(root, join(folder, 'data'))
  try {
    report('first start: all files found', `${shipper.startMs} ms`, 'aim ≤ 5000')
    await said(shipper.process, 'events', (events) => events >= files * 10)
    await end(shipper.process)
    shipper = await startProcess(root, join(folder, 'data'))
    report('start with a checkpoint', `${shipper.startMs} ms`, 'aim ≤ 5000')
    // Files that were quiet for ten seconds are looked at more slowly.
    await sleep(12_000)
    report('idle', `${await coreShare(shipper.process, 10)} % of a core`, 'aim ≤ 2')
    const written = paths.slice(0, active)
    // A file that was quiet for long is looked at seldom; from then on it is followed closely.
    const waking = spreadOf(await writeAndMeasure(shipper.process, written, wakingSeconds))
    report('quiet files that wake, write to publish', `p50 ${waking.p50} max ${waking.max} ms`)
    const { p50, p95, max } = spreadOf(await writeAndMeasure(shipper.process, written, seconds))
    report(`${linesPerSecond} lines/s, write to publish`, `p50 ${p50} p95 ${p95} max ${max} ms`, 'aim max ≤ 1000')
    report('memory at the peak', `${Math.round(memoryOf(shipper.process.pid as number).peak)} MB`, 'aim ≤ 300')
  } finally {
    await end(shipper.process)
    rmSync(folder, { recursive: true, force: true })
  }
}

function lineOf(file: number, atMs: number): string {
  return `${new Date(atMs).toISOString()} INFO a line of file ${file} that says nothing much, but at some length\n`
}

/** Each line has the moment of its writing as its stamp; the shipper's process tells how long ago that was. */
async function writeAndMeasure(child: ChildProcess, paths: readonly string[], seconds: number): Promise<number[]> {
  const lags: number[] = []
  const listen = (message: { lagMs?: number }): void => {
    if (message.lagMs !== undefined) lags.push(message.lagMs)
  }
  child.on('message', listen)
  const beganMs = performance.now()
  const cpu = cpuSecondsOf(child.pid as number)
  let written = 0
  while (performance.now() - beganMs < seconds * 1000) {
    const due = ((performance.now() - beganMs) / 1000) * linesPerSecond
    for (; written < due; written++) {
      const i = written % paths.length
      appendFileSync(paths[i] as string, lineOf(i, Date.now()))
    }
    await sleep(10)
  }
  await sleep(1500)
  const share = ((cpuSecondsOf(child.pid as number) - cpu) / seconds) * 100
  report(`${linesPerSecond} lines/s to ${paths.length} files`, `${share.toFixed(0)} % of a core`)
  child.off('message', listen)
  return lags
}

async function coreShare(child: ChildProcess, forSeconds: number): Promise<string> {
  const before = cpuSecondsOf(child.pid as number)
  await sleep(forSeconds * 1000)
  return (((cpuSecondsOf(child.pid as number) - before) / forSeconds) * 100).toFixed(1)
}

async function startProcess(root: string, data: string): Promise<{ process: ChildProcess; startMs: number }> {
  const child = fork(new URL('files-process.ts', import.meta.url), [root, data], {
    // As the product runs.
    execArgv: [...leanFlags],
    env: { ...process.env, ...leanEnvironment },
  })
  const startMs = await said(child, 'startMs', () => true)
  return { process: child, startMs: Math.round(startMs) }
}

/** Waits until the process tells such a number. */
function said(child: ChildProcess, name: string, isIt: (value: number) => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const listen = (message: Record<string, number>): void => {
      const value = message[name]
      if (value === undefined || !isIt(value)) return
      child.off('message', listen)
      resolve(value)
    }
    child.on('message', listen)
    child.once('exit', (code) => reject(new Error(`the shipper ended with ${code}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.send('end')
  await exited
}
