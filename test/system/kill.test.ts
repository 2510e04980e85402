/**
 * Promise 1 and 2: whatever the moment at which the process dies, every line is found, each once, none altered, in
 * order. A real process is killed 20 times while lines come in; the seed of the moments is printed.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { createRandom, type Random } from '../../demo/random.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { count, exportAll, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const folder = temporaryFolder('kill')
let running: ShiplogProcess | undefined
afterAll(async () => {
  await running?.kill()
  folder.cleanUp()
})

const kills = Number(process.env.KILLS ?? 6)
const everyWay = process.env.ROTATIONS === 'all'
const linesEachTick = 80
const rotated = 'shop/shop-0/logs/a.log'
const paths = [rotated, 'shop/shop-1/logs/b.log', 'billing/b-0/c.log', '2048/2048-0/nginx/error.log']

test(`kill -9 ${kills} times under load: every line once, unaltered, in order`, {
  timeout: 60_000 + kills * 4000,
}, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  console.log(`seed ${seed} (SEED=${seed} repeats the moments of the kills)`)
  const random = createRandom(seed)
  const root = join(folder.path, 'logs')
  const written = new Map<string, string[]>(paths.map((path) => [path, []]))
  for (const path of paths) mkdirSync(join(root, path, '..'), { recursive: true })

  // Half of the writes end inside a line, so that kills also meet lines that are not finished.
  const rest = new Map<string, string>()
  let writing = true
  const writer = (async () => {
    while (writing) {
      for (const [path, lines] of written) {
        let text = rest.get(path) ?? ''
        for (let i = 0; i < linesEachTick; i++) {
          const line = `${new Date().toISOString()} INFO line ${lines.length} of ${path} 连接 ${random.below(1e9)}`
          lines.push(line)
          text += `${line}\n`
        }
        const cut = random.percent(50) ? text.length - random.below(40) : text.length
        appendFileSync(join(root, path), text.slice(0, cut))
        rest.set(path, text.slice(cut))
      }
      // A program ends its line before it opens the next file.
      if (random.percent(4) && rest.get(rotated) === '') rotate(join(root, rotated), random)
      await sleep(20)
    }
    for (const path of paths) appendFileSync(join(root, path), rest.get(path) ?? '')
  })()

  const args = ['--root', root, '--data', join(folder.path, 'data'), '--log-level', 'warn']
  for (let i = 0; i < kills; i++) {
    running = await startShiplog(args)
    await sleep(50 + random.below(900))
    await running.kill()
  }
  writing = false
  await writer
  running = await startShiplog(args)
  const total = [...written.values()].reduce((sum, lines) => sum + lines.length, 0)
  const { url } = running
  await waitFor(async () => (await count(url)) >= total, 60_000, `${total} events in the store`)

  const records = await exportAll(url)
  expect(oddOnes(records, new Set([...written.values()].flat()))).toEqual([])
  expect(records.length).toBe(total)
  expect(new Set(records.map((record) => record.id)).size).toBe(total)
  for (const [path, lines] of written) {
    const file = path.slice(path.lastIndexOf('/') + 1)
    const found = records
      // A file that was rotated before anyone saw it has the name that it was first seen with.
      .filter((record) => record.file.startsWith(file))
      .sort((a, b) => (a.generation === b.generation ? a.offset - b.offset : a.generation < b.generation ? -1 : 1))
    const at = found.findIndex((record, i) => record.message !== lines[i])
    expect(at < 0 ? 'all as written' : [at, lines[at], found.slice(at - 1, at + 2).map((r) => r.message)]).toEqual(
      'all as written',
    )
    expect(found.length).toBe(lines.length)
  }
  // The order of search is the order of the lines' own times, and never two ways at once.
  expect(records.map((record) => record.time)).toEqual(records.map((record) => record.time).sort())
  expect(await running.stop()).toBe(0)
})

/** The first records that nobody wrote so, or that are there already. */
function oddOnes(records: readonly LogRecord[], written: ReadonlySet<string>): LogRecord[] {
  const seen = new Set<string>()
  const odd = records.filter(({ message }) => !written.has(message) || seen.size === seen.add(message).size)
  return odd.slice(0, 3)
}

/**
 * Rotates as logrotate does: older copies move on, the newest is renamed. With ROTATIONS=all (`npm run test:soak`) it is
 * copied and emptied half of the time, and now and then one is packed.
 */
function rotate(path: string, random: Random): void {
  const copies = readdirSync(dirname(path))
    .map((name) => /\.(\d+)(\.gz)?$/.exec(name))
    .filter((match) => match !== null)
    .sort((a, b) => Number(b[1]) - Number(a[1]))
  for (const [, number, suffix = ''] of copies)
    renameSync(`${path}.${number}${suffix}`, `${path}.${Number(number) + 1}${suffix}`)
  if (!everyWay || random.percent(50)) renameSync(path, `${path}.1`)
  else {
    copyFileSync(path, `${path}.1`)
    truncateSync(path)
  }
  const packed = `${path}.${random.percent(50) ? 1 : 2}`
  if (!everyWay || !random.percent(50) || !existsSync(packed)) return
  writeFileSync(`${packed}.gz`, gzipSync(readFileSync(packed)))
  unlinkSync(packed)
}
