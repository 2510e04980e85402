/** `shiplog doctor` on set-ups that are right and wrong, with and beside a running process. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runDoctor } from '../../pipeline/cli-doctor.ts'
import { checkCheckpoint, explainFile } from '../../shipper/explain.ts'
import { recordTerminal } from '../pipeline/cli-terminal.ts'
import { count, runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

interface Finding {
  readonly check: string
  readonly state: string
  readonly detail: string
  readonly hint?: string
}

/** Real processes start and stop in it. */
const slow = { timeout: 60_000 }

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
let root = ''
let data = ''

beforeEach(() => {
  folder = temporaryFolder('doctor')
  root = join(folder.path, 'logs')
  data = join(folder.path, 'data')
  write('shop/shop-0/logs/a.log', 3)
})
afterEach(async () => {
  await running?.kill()
  running = undefined
  folder.cleanUp()
})

function write(path: string, lines: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), '2026-11-22 10:00:00 INFO line\n'.repeat(lines))
}

async function doctor(...args: string[]): Promise<{ code: number | null; findings: Finding[] }> {
  const terminal = recordTerminal()
  const parts = { checks: [['checkpoint', checkCheckpoint]] as const, explain: explainFile }
  const code = await runDoctor(['--json', '--root', root, '--data', data, ...args], parts, terminal)
  expect(terminal.errors()).toBe('')
  return { code, ...(JSON.parse(terminal.out()) as { findings: Finding[] }) }
}
const of = ({ findings }: { findings: Finding[] }, check: string) => findings.filter((one) => one.check === check)

async function start(): Promise<string> {
  running = await startShiplog(['--root', root, '--data', data])
  const { url } = running
  await waitFor(async () => (await count(url)) === 3)
  return url
}

test('a set-up that is right: each check is ok, as text too', async () => {
  const { code, findings } = await doctor('--listen', '127.0.0.1:0')
  expect(findings.filter(({ state }) => state === 'fail')).toEqual([])
  expect(code).toBe(0)
  expect(new Set(findings.map(({ check }) => check))).toEqual(
    new Set(['config', 'node', 'root', 'data', 'clock', 'store', 'listen', 'checkpoint']),
  )
  const { stdout } = await runCli(['doctor', '--root', root, '--data', data, '--listen', '127.0.0.1:0'])
  expect(stdout).toContain(`✓ ok     root       ${root} has 1 entries\n`)
})

test(
  'beside a running process: who holds the data, that it answers, that the checkpoint can be read',
  slow,
  async () => {
    const url = await start()
    const found = await doctor('--listen', url.slice('http://'.length))
    expect(found.code).toBe(0)
    expect(of(found, 'data')[0]?.detail).toContain(`is in use by process ${running?.pid}`)
    expect(of(found, 'listen')[0]).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining('answered by Shiplog'),
    })
    expect(of(found, 'checkpoint')).toMatchObject([{ state: 'ok', detail: '1 incarnations of files' }])
  },
)

test('what is wrong fails, each with what to do', async () => {
  const taken = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  mkdirSync(join(data, 'shipper'), { recursive: true })
  writeFileSync(join(data, 'shipper/checkpoint.db'), 'this is no database, whatever it is called'.repeat(100))
  const found = await doctor('--listen', `127.0.0.1:${port}`, '--root', join(root, 'nosuch'))
  await new Promise((resolve) => taken.close(resolve))
  expect(found.code).toBe(1)
  const failed = found.findings.filter(({ state }) => state === 'fail')
  expect(failed.map(({ check }) => check)).toEqual(['root', 'listen', 'checkpoint'])
  for (const { hint } of failed) expect(hint).toMatch(/^[A-Z].*\.$/s)

  const config = await doctor('--listen', 'nowhere')
  expect(config).toMatchObject({ code: 1, findings: [{ check: 'config', state: 'fail' }] })
  expect((await runCli(['doctor', 'a.log'])).code).toBe(2)
})

test('--file says how far a file is, from the checkpoint and from the process', slow, async () => {
  const url = await start()
  const path = join(root, 'shop/shop-0/logs/a.log')
  let found = await doctor('--file', path, '--server', url)
  await waitFor(async () => {
    found = await doctor('--file', path, '--server', url)
    return of(found, 'process')[0]?.state === 'ok' && of(found, 'checkpoint')[0]?.detail.includes('up to 90 of 90')
  })
  expect(found.code).toBe(0)
  expect(of(found, 'layout')).toMatchObject([
    { state: 'ok', detail: 'app shop, instance shop-0, dir /logs, file a.log' },
  ])
  expect(of(found, 'process')[0]?.detail).toMatch(/^[0-9a-z]{26}, (following|at-end)$/)
  await running?.stop()
  write('shop/shop-0/logs/a.log', 5)
  found = await doctor('--file', 'shop/shop-0/logs/a.log', '--server', url)
  expect(of(found, 'checkpoint')[0]?.detail).toContain('acknowledged up to 90 of 150, behind by 60 bytes')
  expect(of(found, 'process')[0]?.state).toBe('warn')
})

test('--file says why a file is not shipped', async () => {
  const stray = join(folder.path, 'stray.log')
  writeFileSync(stray, 'x\n')
  symlinkSync(stray, join(root, 'shop/link.log'))
  symlinkSync('loop.log', join(root, 'shop/loop.log'))
  write('misplaced.log', 1)
  const why = async (path: string) => {
    const { code, findings } = await doctor('--file', path, '--server', 'http://127.0.0.1:9')
    return [code, findings.map(({ check, state, detail }) => `${state} ${check}: ${detail}`).join('\n')]
  }
  expect(await why(join(root, 'nosuch.log'))).toEqual([1, expect.stringContaining('fail file: ')])
  expect(await why(stray)).toEqual([1, expect.stringContaining('it does not lie under')])
  expect(await why(join(root, 'shop/link.log'))).toEqual([0, expect.stringContaining(`link to ${stray}`)])
  expect(await why(join(root, 'shop/loop.log'))).toEqual([0, expect.stringContaining('link to nowhere')])
  expect(await why(join(root, 'shop'))).toEqual([1, expect.stringContaining('no regular file')])
  expect(await why('misplaced.log')).toEqual([0, expect.stringContaining('warn layout: it does not fit')])
  expect(await why('shop/shop-0/logs/a.log')).toEqual([0, expect.stringContaining('no shipper has worked on this')])
})

/** Only root can become somebody who may not read everything; somebody else is one already. */
const somebody = process.getuid?.() === 0 ? 65_534 : undefined

test('--file of a file that may not be read', async () => {
  chmodSync(folder.path, 0o755)
  chmodSync(join(root, 'shop/shop-0/logs/a.log'), 0)
  const { code, stdout } = await runCli(['doctor', '--root', root, '--file', 'shop/shop-0/logs/a.log'], {}, somebody)
  expect(code).toBe(1)
  expect(stdout).toContain('it cannot be read: EACCES')
  expect(stdout).toContain('Give the user that runs Shiplog the right to read it')
})

test('a file whose app is slowed by its quota: what it is, what was taken, and that the file waits', slow, async () => {
  write('shop/shop-0/logs/a.log', 20_000)
  const bytes = 100_000
  const quotas = ['--quotas', `{ apps: { shop: { bytes-per-day: { hard: ${bytes} } } } }`]
  running = await startShiplog(['--root', root, '--data', data, ...quotas])
  const { url } = running
  const path = join(root, 'shop/shop-0/logs/a.log')
  const ask = () => doctor('--file', path, '--server', url, ...quotas)
  await waitFor(async () => of(await ask(), 'process')[0]?.detail.includes('slowed by its quota'))
  const found = await ask()
  expect(of(found, 'process')[0]).toMatchObject({
    state: 'warn',
    detail: expect.stringMatching(/behind by \d+ bytes, slowed by its quota: 100000 bytes\/day \(UTC\)$/),
  })
  const taken = Number(/at most 100000 bytes\/day, (\d+) taken/.exec(of(found, 'quota')[0]?.detail ?? '')?.[1])
  expect(taken).toBe((await count(url)) * '2026-11-22 10:00:00 INFO line\n'.length)
  expect(taken).toBeGreaterThanOrEqual(bytes)
  const { files } = (await (await fetch(`${url}/api/v1/files?cluster=default`)).json()) as { files: object[] }
  expect(files).toMatchObject([{ state: 'behind', warning: 'slowed by its quota: 100000 bytes/day (UTC)' }])
})
