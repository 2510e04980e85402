/**
 * The real logrotate in each of its modes against a program that writes 20,000 lines a second and a real `shiplog up`
 * that is killed (kill -9) again and again: in the end the store gives back exactly the bytes that were written.
 * MODES=all or their names, SECONDS=n (`npm run test:torture`); the seed of the moments is printed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { createRandom, type Random } from '../../demo/random.ts'
import {
  count,
  exportAll,
  exportBytes,
  type ShiplogProcess,
  startShiplog,
  temporaryFolder,
  waitFor,
} from '../system/process.ts'
import { lineOf, numberOf, tryNumberOf } from './lines.ts'

/** What stands in logrotate's configuration for each mode, beside what all have. */
const modes = {
  create: 'create',
  copytruncate: 'copytruncate',
  compress: 'create\n  compress',
  'copytruncate+compress': 'copytruncate\n  compress',
  delaycompress: 'create\n  compress\n  delaycompress',
  dateext: 'create\n  dateext\n  dateformat -%Y%m%d-%s',
  nocreate: 'nocreate',
  copy: 'copy',
} as const
type Mode = keyof typeof modes

const asked = process.env.MODES?.split(',') ?? ['delaycompress', 'copytruncate']
const chosen = (Object.keys(modes) as Mode[]).filter((mode) => asked.includes(mode) || asked[0] === 'all')
const seconds = Number(process.env.SECONDS ?? 3)
const linesPerSecond = 20_000
const program = fileURLToPath(new URL('writer.ts', import.meta.url))
const logrotate = ['/usr/sbin/logrotate', '/usr/bin/logrotate'].find(existsSync)
if (logrotate === undefined)
  console.warn(
    'SKIPPED: logrotate is not installed (Debian: apt-get install logrotate), so rotation by it is NOT tested here',
  )

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
let writer: ChildProcess | undefined
/** The killing ends, also when the test failed. */
let isOver = false
let killer: Promise<number> | undefined

afterEach(async () => {
  isOver = true
  await killer?.catch(() => {})
  writer?.kill('SIGKILL')
  await running?.kill()
  folder.cleanUp()
})

test.skipIf(logrotate === undefined).each(chosen)(
  'logrotate %s: what was written is what raw gives back',
  { timeout: 60_000 + seconds * 8000 },
  async (mode) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
    console.log(`${mode}: seed ${seed} (SEED=${seed} repeats the moments of kills and rotations)`)
    const random = createRandom(seed)
    folder = temporaryFolder('torture')
    const logs = join(folder.path, 'logs/shop/shop-0')
    mkdirSync(logs, { recursive: true })
    const path = join(logs, 'a.log')
    writer = spawn(process.execPath, [program, path, String(linesPerSecond)], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(writer.stdout as NodeJS.ReadableStream, 'data')
    writeFileSync(join(folder.path, 'logrotate.conf'), configuration(mode, path, writer.pid as number))

    const args = [
      '--root',
      join(folder.path, 'logs'),
      '--data',
      join(folder.path, 'data'),
      '--log-level',
      'warn',
      '--timezone',
      'UTC',
    ]
    isOver = false
    killer = killAndStart(args, random)
    const untilMs = performance.now() + seconds * 1000
    while (performance.now() < untilMs) {
      // Two dated files of one second would have one name.
      await sleep((mode === 'dateext' ? 1100 : 200) + random.below(1000))
      rotate()
    }
    const written = await lastCount(writer)
    isOver = true
    const kills = await killer
    running = await startShiplog(args)

    const { onDisk, bytesOnDisk, destroyed } = linesOnDisk(logs, mode, written)
    // What keeps it from being so is told below, line by line.
    const isThere = async (): Promise<boolean> =>
      (await count((running as ShiplogProcess).url)) >= onDisk.size && (await stored(mode)).bytes.length >= bytesOnDisk
    await waitFor(isThere, 60_000, `${bytesOnDisk} bytes in the store`).catch(console.warn)
    const { bytes, numbers } = await stored(mode)
    const found = new Set(numbers)
    expect(numbers.length - found.size, 'lines that are there twice').toBe(0)
    const missing = Array.from({ length: written }, (_, i) => i).filter((i) => !found.has(i))
    const mayBeMissing = new Set(destroyed)
    expect(missing.filter((i) => !mayBeMissing.has(i)).slice(0, 5), 'missing although it was on the disk').toEqual([])
    expect(
      numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number)),
      'in order',
    ).toBe(true)
    // With nothing destroyed this is the whole promise: byte for byte what was written.
    if (destroyed.length === 0) expect(bytes.equals(Buffer.from(Array.from(found, lineOf).join('')))).toBe(true)
    const missingBytes = missing.reduce((sum, i) => sum + lineOf(i).length, 0)
    expect(Number(await metric('shiplog_bytes_lost_total'))).toBeLessThanOrEqual(missingBytes)
    console.log(
      `${mode}: ${written} lines, ${kills} kills, ${readdirSync(logs).length} files, logrotate destroyed ${destroyed.length} lines, ${missing.length} of them missing`,
    )
    expect(kills).toBeGreaterThan(0)
    expect(readdirSync(logs).length).toBeGreaterThan(2)
  },
)

function configuration(mode: Mode, path: string, pid: number): string {
  const acknowledged = join(folder.path, 'logs/reopened')
  // As a program's own package does it: it is told, and logrotate goes on when it has opened its file anew.
  const script = mode.startsWith('copy')
    ? ''
    : `postrotate\n    rm -f ${acknowledged}; kill -HUP ${pid}; while [ ! -e ${acknowledged} ]; do sleep 0.01; done; rm -f ${acknowledged}\n  endscript`
  return `${path} {\n  rotate 1000\n  missingok\n  ${modes[mode]}\n  ${script}\n}\n`
}

function rotate(): void {
  const { status, stderr } = spawnSync(logrotate as string, [
    '-f',
    '-s',
    join(folder.path, 'state'),
    join(folder.path, 'logrotate.conf'),
  ])
  if (status !== 0) throw new Error(`logrotate ended with ${status}: ${stderr}`)
}

async function killAndStart(args: readonly string[], random: Random): Promise<number> {
  let kills = 0
  while (!isOver) {
    running = await startShiplog(args)
    await sleep(300 + random.below(1500))
    await running.kill()
    kills++
  }
  return kills
}

async function lastCount(child: ChildProcess): Promise<number> {
  const answer = once(child.stdout as NodeJS.ReadableStream, 'data')
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const [text] = await answer
  await ended
  return Number(String(text))
}

/** What logrotate left of the lines, and what it did not: lines between its copying and its emptying. */
function linesOnDisk(
  logs: string,
  mode: Mode,
  written: number,
): { onDisk: Set<number>; bytesOnDisk: number; destroyed: number[] } {
  const onDisk = new Set<number>()
  let bytesOnDisk = 0
  for (const name of readdirSync(logs)) {
    if (mode === 'copy' && name !== 'a.log') continue
    const file = readFileSync(join(logs, name))
    const bytes = name.endsWith('.gz') ? gunzipSync(file) : file
    bytesOnDisk += bytes.length
    // Copied but for its line feed it is no line: what the rest of it was is not known.
    for (const line of bytes.toString().split('\n').slice(0, -1)) {
      const number = tryNumberOf(line)
      if (number !== undefined) onDisk.add(number)
    }
  }
  const destroyed = Array.from({ length: written }, (_, i) => i).filter((i) => !onDisk.has(i))
  if (!mode.startsWith('copytruncate')) expect(destroyed, 'the torture itself loses nothing').toEqual([])
  return { onDisk, bytesOnDisk, destroyed }
}

/** What `raw` gives back of every file, the incarnations in their order, and the numbers of its lines. */
async function stored(mode: Mode): Promise<{ bytes: Buffer; numbers: number[] }> {
  const { url } = running as ShiplogProcess
  const records = await exportAll(url)
  const lengths = new Map<string, { file: string; length: number }>()
  for (const { generation, file, bytes } of records) {
    const known = lengths.get(generation)
    lengths.set(generation, { file, length: bytes + (known?.length ?? 0) })
  }
  const generations = [...lengths].sort(([a], [b]) => (a < b ? -1 : 1))
  const parts = new Map<string, Buffer>()
  for (const file of new Set(generations.map(([, { file }]) => file))) {
    // A copy that is left beside its original is a file of its own.
    if (mode === 'copy' && file !== 'a.log') continue
    const raw = Buffer.from(await exportBytes(url, { format: 'raw', app: 'shop', instance: 'shop-0', dir: '/', file }))
    let at = 0
    for (const [generation, { length }] of generations.filter(([, of]) => of.file === file)) {
      parts.set(generation, raw.subarray(at, (at += length)))
    }
    expect(at).toBe(raw.length)
  }
  const bytes = Buffer.concat(generations.map(([generation]) => parts.get(generation) ?? Buffer.alloc(0)))
  return { bytes, numbers: generations.flatMap(([generation]) => numbersIn(parts.get(generation), mode)) }
}

/** The lines of one incarnation. Where logrotate cut the file it may begin and end inside a line. */
function numbersIn(bytes: Buffer | undefined, mode: Mode): number[] {
  const lines = (bytes ?? '').toString().split('\n')
  const last = lines.pop() as string
  const isCut = mode.startsWith('copytruncate')
  const isWhole = lines.length === 0 || tryNumberOf(lines[0] as string) !== undefined
  const first = isCut && !isWhole ? (lines.shift() as string) : undefined
  const numbers = lines.map(numberOf)
  if (numbers.length === 0) return []
  if (first !== undefined) expect(lineOf((numbers[0] as number) - 1).endsWith(`${first}\n`), first).toBe(true)
  expect(lineOf((numbers.at(-1) as number) + 1).startsWith(last), last).toBe(true)
  if (!isCut) expect(last).toBe('')
  return numbers
}

async function metric(name: string): Promise<string | undefined> {
  const text = await (await fetch(`${(running as ShiplogProcess).url}/metrics`)).text()
  return new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]
}
