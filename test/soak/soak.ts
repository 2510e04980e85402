/**
 * `npm run soak`: half a day in some minutes. A real `shiplog up`, programs that write and rotate in every way, an app that
 * floods over its quota, days that are too old to be kept, an alert policy; the process is stopped and killed again and
 * again in the first quarter, then one lives to the end and has to stay as it is: memory and open files of the second
 * quarter against those of the last. In the end it is killed once more, and everything that was written is found once.
 * SECONDS=n (300), SEED=n repeats the moments. Exit code 1 when something was wrong.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOf, metricOf, spreadOf } from '../../bench/measure.ts'
import { createRandom } from '../../demo/random.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { count, startShiplog, temporaryFolder, waitFor } from '../system/process.ts'
import { agoMs, Program, rotations } from './program.ts'

const seconds = Number(process.env.SECONDS ?? 300)
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const growthMax = 0.1
const tickMs = 50
const meanPerTick = 6
/** Often enough that many files come and go, seldom enough that none is deleted before it is read. */
const rotateMs = 6000
/** What trips the alert, and how long until it is over: one must be over before the next. */
const [tripMs, windowMs, clearMs] = [30_000, 5000, 5000]
const oldLines = 5000

console.log(`soak: ${seconds} s, seed ${seed} (SEED=${seed} repeats the moments)`)
const random = createRandom(seed)
const folder = temporaryFolder('soak')
const root = join(folder.path, 'logs')
mkdirSync(root)
const kept = rotations.map((rotation) => new Program(root, `app-${rotation}`, rotation, random))
const flood = new Program(root, 'flood', 'rename', random)
const old = new Program(root, 'old', 'rename', random, -agoMs)
const trips = new Program(root, 'trips', 'rename', random)
const wrongs: string[] = []

const notices: string[] = []
const hook = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  notices.push((JSON.parse(Buffer.concat(chunks).toString()) as { event: string }).event)
  response.end('{}')
})
await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))

const args = ['--root', root, '--data', join(folder.path, 'data'), '--log-level', 'warn', '--retention-days', '2']
args.push('--quotas', '{ apps: { flood: { lines-per-second: { warn: 100, hard: 400 } } } }')
await liveTenDaysAgo()
let running = await startShiplog(args)
await until('what is too old is dropped', 30_000, async () => (await count(running.url, { app: old.app })) === 0)
await makePolicy(running.url)

const beganMs = performance.now()
const passed = (): number => (performance.now() - beganMs) / 1000 / seconds
let isWriting = true
const writing = write()
const restarts = await restartUntil(0.25)
const samples = await sampleUntil(1)
isWriting = false
await writing
const firing = notices.filter((event) => event === 'firing').length - restarts.firing
if (firing !== samples.trips) wrongs.push(`the alert was tripped ${samples.trips} times and told ${firing} times`)
const lost = await metricOf(running.url, 'shiplog_bytes_lost_total')
if (lost > 0) wrongs.push(`${lost} bytes were counted as lost`)
await running.kill()
running = await startShiplog(args)
await check()
hook.close()
await running.stop()
folder.cleanUp()
for (const wrong of wrongs) console.error(`WRONG: ${wrong}`)
console.log(wrongs.length === 0 ? 'soak: all well' : `soak: ${wrongs.length} wrong (SEED=${seed} SECONDS=${seconds})`)
process.exitCode = wrongs.length === 0 ? 0 : 1

async function until(what: string, timeoutMs: number, condition: () => Promise<boolean>): Promise<void> {
  await waitFor(condition, timeoutMs, what).catch((error: Error) => wrongs.push(error.message))
}

/** Retention keeps for days what was read, whenever it was written: it has to have been read long ago. */
async function liveTenDaysAgo(): Promise<void> {
  old.write(oldLines)
  process.env.NODE_OPTIONS = `--import ${new URL('ten-days-ago.ts', import.meta.url).href}`
  const then = await startShiplog(args)
  delete process.env.NODE_OPTIONS
  await until('what is old is in the store', 30_000, async () => (await count(then.url, { app: old.app })) === oldLines)
  if ((await then.stop()) !== 0) wrongs.push('the process of ten days ago did not end well')
}

async function write(): Promise<void> {
  let rotateAtMs = rotateMs
  for (let tick = 0; isWriting; tick++) {
    for (const program of kept) program.burst(meanPerTick)
    // Ten times its quota for a second out of twenty; what is left over is caught up with in the others.
    flood.write(tick % 400 < 20 ? 200 : 2)
    if (performance.now() - beganMs > rotateAtMs) {
      random.pick([...kept, ...kept, flood]).rotate()
      rotateAtMs += (rotateMs / 6) * (0.5 + random.fraction())
    }
    await sleep(tickMs)
  }
}

async function restartUntil(share: number): Promise<{ firing: number }> {
  let [kills, stops] = [0, 0]
  while (passed() < share) {
    await sleep(1000 + random.below(6000))
    if (random.percent(50)) {
      await running.kill()
      kills++
    } else {
      const code = await running.stop()
      if (code !== 0) wrongs.push(`SIGTERM ended with ${code}`)
      stops++
    }
    if (random.percent(30)) await sleep(random.below(1500))
    running = await startShiplog(args)
  }
  console.log(`restarts: ${kills} by kill -9, ${stops} by SIGTERM`)
  return { firing: notices.filter((event) => event === 'firing').length }
}

/** The process lives from here to the end. */
async function sampleUntil(share: number): Promise<{ trips: number }> {
  const memory: number[][] = [[], [], [], []]
  const handles: number[][] = [[], [], [], []]
  let tripped = 0
  let tripAtMs = performance.now() + 5000
  for (; passed() < share; await sleep(500)) {
    const quarter = Math.min(3, Math.floor(passed() * 4))
    memory[quarter]?.push(memoryOf(running.pid).now)
    handles[quarter]?.push(readdirSync(`/proc/${running.pid}/fd`).length)
    // The last one is to be told before the end.
    if (performance.now() < tripAtMs || (1 - passed()) * seconds * 1000 < tripMs) continue
    trips.write(1)
    tripped++
    tripAtMs += tripMs
  }
  judge('memory', 'MB', memory)
  judge('open handles', '', handles)
  const slowed = `shiplog_quota_slowed_seconds_total{scope="app",cluster="default",app="flood"}`
  const slowedSeconds = await metricOf(running.url, slowed)
  console.log(`flood: slowed for ${slowedSeconds.toFixed(0)} s; ${notices.length} notices of the alert`)
  if (slowedSeconds === 0) wrongs.push('the flood was never slowed')
  return { trips: tripped }
}

function judge(what: string, unit: string, quarters: readonly number[][]): void {
  const [, before = Number.NaN, between = Number.NaN, end = Number.NaN] = quarters.map((values) => spreadOf(values).p50)
  const most = Math.max(...quarters.flat())
  const growth = end / before - 1
  const figures = [before, between, end].map((value) => value.toFixed(0)).join(', ')
  console.log(
    `${what}: medians of the quarters 2 to 4: ${figures} ${unit} (${(growth * 100).toFixed(1)} %), most ${most.toFixed(0)} ${unit}`,
  )
  // What it gives back is no leak.
  if (!(growth <= growthMax)) wrongs.push(`${what} grew by ${(growth * 100).toFixed(1)} %`)
}

async function check(): Promise<void> {
  const programs = new Map([...kept, flood, trips].map((program) => [program.app, program]))
  const total = [...programs.values()].reduce((sum, { lines }) => sum + lines, 0)
  await until(`${total} lines in the store`, 120_000, async () => (await count(running.url)) >= total)
  const read = async (): Promise<boolean> => (await metricOf(running.url, 'shiplog_bytes_behind')) === 0
  await until('everything is read', 30_000, read)
  const query = new URLSearchParams({ cluster: 'default', from: '1990-01-01T00:00:00Z', format: 'ndjson' })
  const answer = await fetch(`${running.url}/api/v1/export?${query}`)
  if (!answer.ok || answer.body === null) throw new Error(`export: ${answer.status} ${await answer.text()}`)
  for await (const line of createInterface({ input: Readable.fromWeb(answer.body as never) })) {
    const record = JSON.parse(line) as LogRecord
    const program = programs.get(record.app)
    if (program === undefined) wrongs.push(`a line of ${record.app} is there`)
    else program.find(record)
  }
  for (const program of programs.values()) wrongs.push(...program.wrongs())
  const rotated = [...programs.values()].reduce((sum, program) => sum + program.rotated, 0)
  console.log(`${total} lines, ${rotated} rotations; ${old.lines} lines were too old to be kept`)
}

async function makePolicy(url: string): Promise<void> {
  const target = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
  const policy = {
    ...{ name: 'trips', cluster: 'default', app: trips.app, query: 'line', windowMs, clearMs },
    condition: { kind: 'count', comparison: 'over', events: 0 },
    actions: [{ kind: 'webhook', body: 'json', url: target }],
  }
  const answer = await fetch(`${url}/api/v1/alerts`, {
    method: 'POST',
    headers: { 'x-shiplog-request': '1', 'content-type': 'application/json' },
    body: JSON.stringify(policy),
  })
  if (!answer.ok) throw new Error(`policy: ${answer.status} ${await answer.text()}`)
}
