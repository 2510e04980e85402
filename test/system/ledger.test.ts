/** What was lost and what cannot be read is shown by a real process, in /files, in /metrics and in its log. */
import { chmodSync, chownSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { count, type ShiplogProcess, search, startShiplog, temporaryFolder, waitFor } from './process.ts'

interface Files {
  readonly total: number
  readonly totals: { readonly lost: number; readonly states: { readonly [state: string]: number } }
  readonly files: readonly {
    readonly file: string
    readonly state: string
    readonly lost: number
    readonly reached?: string
    readonly reason?: string
    readonly loss?: { readonly cause: string }
  }[]
}

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined

beforeEach(() => {
  folder = temporaryFolder('ledger')
})
afterEach(async () => {
  await running?.kill()
  running = undefined
  folder.cleanUp()
})

const log = (name: string) => join(folder.path, 'logs/shop/shop-0/logs', name)
const written = 60_000
const line = '2026-11-22 10:00:00.000 INFO a line of the log\n'
function write(name: string, lines: number): void {
  mkdirSync(dirname(log(name)), { recursive: true })
  writeFileSync(log(name), line.repeat(lines), { flag: 'a' })
}

async function start(more: readonly string[] = [], as?: number): Promise<ShiplogProcess> {
  const paths = ['--root', join(folder.path, 'logs'), '--data', join(folder.path, 'data')]
  running = await startShiplog([...paths, '--copy-wait-ms', '100', ...more], 'up', as)
  return running
}
async function files(query = ''): Promise<Files> {
  const answer = await fetch(`${running?.url}/api/v1/files?cluster=default${query}`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Files
}
async function lostMetric(): Promise<number> {
  const text = await (await fetch(`${running?.url}/metrics`)).text()
  return Number(/^shiplog_bytes_lost_total (\d+)/m.exec(text)?.[1])
}

test('bytes that were truncated before they were read are shown, and still are behind a restart and a kill', {
  timeout: 60_000,
}, async () => {
  write('a.log', written)
  // So little is read at once that the rest waits in the file.
  const slow = ['--read-bytes-max', '4096', '--event-bytes-max', '1024', '--in-flight-bytes-max', '1024']
  await start(slow)
  await waitFor(async () => (await files('&state=behind')).total === 1, 10_000, 'it is behind')
  truncateSync(log('a.log'))
  await waitFor(async () => (await files('&lost=true')).total === 1, 10_000, 'the loss is shown')
  const [lost] = (await files('&lost=true')).files
  expect(lost).toMatchObject({ file: 'a.log', state: 'gone', loss: { cause: 'truncated' } })
  const bytes = lost?.lost ?? 0
  // The page draws the loss behind this line.
  const [newest] = await search(running?.url ?? '', { order: 'desc', limit: '1' })
  expect(lost?.reached).toBe(newest?.time)
  expect(await lostMetric()).toBe(bytes)
  expect(running?.log()).toMatch(/"level":50.*truncated before it was read: at least \d+ bytes/)
  // What is found and what is lost is all that was written.
  const found = async () => (await count(running?.url ?? '')) * line.length
  await waitFor(async () => (await found()) + bytes === written * line.length, 10_000, 'the sum is what was written')

  await running?.stop()
  await start()
  expect(await lostMetric()).toBe(bytes)
  expect((await files()).totals.lost).toBe(bytes)
  await running?.kill()
  await start()
  expect(await lostMetric()).toBe(bytes)
  expect((await found()) + bytes).toBe(written * line.length)
})

const nobody = 65_534
/** Only root can become somebody who may not read everything; somebody else is one already. */
const asSomebody = process.getuid?.() === 0 ? nobody : undefined

test('a file that may not be read is shown with why, and shipped when it may', { timeout: 60_000 }, async () => {
  write('a.log', 2)
  write('secret.log', 3)
  chmodSync(log('secret.log'), 0)
  mkdirSync(join(folder.path, 'data'))
  if (asSomebody !== undefined)
    for (const path of [folder.path, join(folder.path, 'data')]) chownSync(path, nobody, nobody)
  mkdirSync(log('closed'))
  chmodSync(log('closed'), 0)
  await start([], asSomebody)
  await waitFor(async () => (await files('&state=unreadable')).total === 2, 10_000, 'both are shown')
  expect((await files('&state=unreadable')).files).toMatchObject([
    { file: 'closed', reason: 'EACCES', lost: 0 },
    { file: 'secret.log', reason: 'EACCES', lost: 0 },
  ])
  expect(running?.log()).toContain('cannot read shop/shop-0/logs/secret.log: EACCES')
  chmodSync(log('secret.log'), 0o644)
  chmodSync(log('closed'), 0o755)
  await waitFor(async () => (await count(running?.url ?? '')) === 5, 10_000, 'it is shipped')
  await waitFor(async () => (await files('&state=unreadable')).total === 0, 10_000, 'nothing is unreadable')
  expect((await files()).total).toBe(2)
  expect(readFileSync(log('secret.log'), 'utf8')).toBe(line.repeat(3))
})
