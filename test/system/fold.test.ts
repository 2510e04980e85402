/** A stack trace that is written in bursts, or over a rotation, is one result: files → process → search, context, export. */
import { appendFileSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exportText, type ShiplogProcess, search, startShiplog, temporaryFolder, waitFor } from './process.ts'

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
const path = () => join(folder.path, 'logs/shop/shop-0/logs/app.log')
const url = () => running?.url ?? ''

beforeEach(async () => {
  folder = temporaryFolder('fold')
  mkdirSync(dirname(path()), { recursive: true })
  running = await startShiplog(['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data')])
})
afterEach(async () => {
  await running?.kill()
  folder.cleanUp()
})

const before = '2026-11-22 10:00:00.000 INFO before\n'
const bursts = [
  '2026-11-22 10:00:01.000 ERROR it broke\njava.lang.IllegalStateException: broken\n',
  '\tat com.foo.Order.place(Order.java:17)\n\tat com.foo.Shop.sell(Shop.java:4)\n',
  'Caused by: java.net.SocketTimeoutException: connect\n\t... 12 more\n',
]
const after = '2026-11-22 10:00:02.000 INFO after\n'
const whole = bursts.join('').trimEnd()
const all = [before.trimEnd(), whole, after.trimEnd()]

/** Each burst is published before the next one comes, as one that is 300 ms later is. */
async function writeInBursts(between: (n: number) => void = () => {}): Promise<void> {
  appendFileSync(path(), before)
  for (const [n, burst] of bursts.entries()) {
    between(n)
    appendFileSync(n < 2 ? path() : target(), burst)
    await sleep(300)
    await waitFor(async () => (await search(url(), { fold: 'false' })).length === n + 2, 10_000, `burst ${n}`)
  }
  appendFileSync(path(), after)
  await waitFor(async () => (await search(url(), { fold: 'false' })).length === 5, 10_000, 'all of it')
}
let target = path

async function isOneResult(): Promise<void> {
  const messages = async (query: Record<string, string>) => (await search(url(), query)).map(({ message }) => message)
  expect(await messages({ order: 'asc' })).toEqual(all)
  expect(await messages({ order: 'desc' })).toEqual(all.toReversed())
  // Each word stands in another burst.
  for (const q of ['broke', 'Order', 'SocketTimeoutException']) expect(await messages({ q })).toEqual([whole])
  for (const limit of ['1', '2']) expect(await messages({ limit, order: 'asc' })).toEqual(all.slice(0, Number(limit)))
  expect(await exportText(url(), {})).toBe(all.map((message) => `${hostOf} : ${message}\n`).join(''))
  const [event] = await search(url(), { q: 'Order' })
  const query = new URLSearchParams({ cluster: 'default', id: event?.id ?? '', time: event?.time ?? '' })
  const context = (await (await fetch(`${url()}/api/v1/context?${query}`)).json()) as Record<
    string,
    { message: string }
  >
  expect(context).toMatchObject({
    before: [{ message: all[0] }],
    record: { message: whole },
    after: [{ message: all[2] }],
  })
}
let hostOf = ''

test('in three bursts, 300 ms apart', { timeout: 60_000 }, async () => {
  target = path
  await writeInBursts()
  hostOf = (await search(url(), {}))[0]?.host ?? ''
  await isOneResult()
  const file = { app: 'shop', instance: 'shop-0', dir: '/logs', file: 'app.log' }
  expect(await exportText(url(), { format: 'raw', ...file })).toBe(before + bursts.join('') + after)
})

test('cut by a rename in the middle: the program writes the rest into the renamed file', {
  timeout: 60_000,
}, async () => {
  target = () => `${path()}.1`
  await writeInBursts((n) => n === 2 && renameSync(path(), `${path()}.1`))
  hostOf = (await search(url(), {}))[0]?.host ?? ''
  await isOneResult()
})
