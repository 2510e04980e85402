/** Numbers that can be trusted: many runs, the median and the 95th percentile; memory and CPU as the kernel counts. */
import { readFileSync } from 'node:fs'

export interface Spread {
  readonly p50: number
  readonly p95: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), max: at(1) }
}

/** How long each of `runs` calls takes, ms; `warmUps` calls before are not counted. */
export async function timeRuns(
  runs: number,
  warmUps: number,
  work: (run: number) => Promise<unknown>,
): Promise<Spread> {
  const times: number[] = []
  for (let run = -warmUps; run < runs; run++) {
    const started = performance.now()
    await work(run)
    if (run >= 0) times.push(performance.now() - started)
  }
  return spreadOf(times)
}

/** Resident memory of a process, now and at its peak, MB (Linux). */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** CPU that a process has used so far, seconds, all threads (Linux; 100 ticks a second). */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The value of one line of /metrics, 0 when it is not there (yet). */
export async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length + 1))
}

/** A row of the report: what was measured, the figure, the aim beside it. */
export function report(what: string, figure: string, aim = ''): void {
  console.log(`${what.padEnd(52)} ${figure.padStart(26)}   ${aim}`)
}

export function spread({ p50, p95 }: Spread): string {
  return `p50 ${p50.toFixed(1)}  p95 ${p95.toFixed(1)} ms`
}
