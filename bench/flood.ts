/**
 * One app writes ten times its quota: how soon are the lines of another one found, beside the same without the flood? Both
 * in one process that runs all along, in rounds that take turns, so that a busy machine is busy for both.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { count, type ShiplogProcess, search, startShiplog, waitFor } from '../test/system/process.ts'
import { report, type Spread, spread, spreadOf } from './measure.ts'

const quotaLines = 1000
const floodLines = 10 * quotaLines
const rounds = 5
const linesARound = 30

export async function benchFlood(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  let shiplog: ShiplogProcess | undefined
  let flood: Flood | undefined
  try {
    const root = join(folder, 'logs')
    const [calm, flooded] = ['calm', 'flood'].map((app) => join(root, app, `${app}-0`)) as [string, string]
    for (const path of [calm, flooded]) mkdirSync(path, { recursive: true })
    const quotas = `{ apps: { flood: { lines-per-second: { hard: ${quotaLines} } } } }`
    const args = ['--root', root, '--data', join(folder, 'data'), '--log-level', 'error', '--quotas', quotas]
    shiplog = await startShiplog([...args, '--requests-per-minute-max', '10000000'])
    const { url } = shiplog
    console.log(`\nan app floods with ${floodLines} lines/s, its quota is ${quotaLines}\n`)
    await freshness(url, join(calm, 'a.log'), 'warm')
    const times = { alone: [] as number[], beside: [] as number[] }
    let written = 0
    for (let round = 0; round < rounds; round++) {
      times.alone.push(...(await freshness(url, join(calm, 'a.log'), `alone${round}x`)))
      flood = startFlood(join(flooded, 'a.log'), written)
      await sleep(1000)
      times.beside.push(...(await freshness(url, join(calm, 'a.log'), `beside${round}x`)))
      written = flood.stop()
    }
    const [alone, beside] = [spreadOf(times.alone), spreadOf(times.beside)]
    report('another app’s line → found, without the flood', spread(alone))
    report('another app’s line → found, beside the flood', spread(beside))
    const slower = (of: keyof Spread): string => `${((beside[of] / alone[of] - 1) * 100).toFixed(0)} %`
    report('slower by', `p50 ${slower('p50')}  p95 ${slower('p95')}`, 'aim p50 ≤ 20 %')
    const found = await count(url, { app: 'flood' })
    report('the flood: written, found until now', `${written}, ${found}`)
    // Without its quota it is caught up with: nothing of it is lost, and nothing is there twice.
    await shiplog.stop()
    shiplog = await startShiplog(args.toSpliced(-2))
    const again = shiplog.url
    await waitFor(async () => (await count(again, { app: 'flood' })) >= written, 120_000, 'the flood in the store')
    await sleep(1000)
    report('the flood: written, found in the end', `${written}, ${await count(again, { app: 'flood' })}`, 'the same')
  } finally {
    flood?.stop()
    await shiplog?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** From the write of a line until a search finds it, ms. */
async function freshness(url: string, path: string, word: string): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < linesARound; i++) {
    await sleep(150)
    const started = performance.now()
    appendFileSync(path, `${new Date().toISOString()} INFO ${word}${i}\n`)
    while ((await search(url, { q: `${word}${i}` })).length === 0) await sleep(2)
    times.push(performance.now() - started)
  }
  return times
}

interface Flood {
  /** Returns how many lines there are. */
  stop(): number
}

function startFlood(path: string, from: number): Flood {
  const started = performance.now()
  let written = from
  const timer = setInterval(() => {
    const due = from + Math.floor(((performance.now() - started) / 1000) * floodLines)
    let text = ''
    const stamp = new Date().toISOString()
    for (; written < due; written++) text += `${stamp} INFO line ${written} of a flood that nobody asked for\n`
    if (text !== '') appendFileSync(path, text)
  }, 20)
  return {
    stop() {
      clearInterval(timer)
      return written
    },
  }
}
