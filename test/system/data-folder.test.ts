/** What stands under `--data` when things go wrong there: two processes, a full disk, a folder that is read-only. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { count, exportAll, runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const folder = temporaryFolder('data')
const root = join(folder.path, 'logs')
const running: ShiplogProcess[] = []
const mounts: string[] = []

beforeAll(() => mkdirSync(join(root, 'app/instance/logs'), { recursive: true }))
afterEach(async () => {
  for (const shiplog of running.splice(0)) await shiplog.kill()
})
afterAll(() => {
  for (const mount of mounts) execFileSync('umount', ['-l', mount])
  folder.cleanUp()
})

async function start(args: string[]): Promise<ShiplogProcess> {
  const shiplog = await startShiplog(['--root', root, ...args])
  running.push(shiplog)
  return shiplog
}

test('a second process on the same data folder is refused and told who holds it; the lock dies with its process', async () => {
  const data = join(folder.path, 'twice')
  const first = await start(['--data', data])
  const second = await runCli(['up', '--root', root, '--data', data, '--listen', '127.0.0.1:0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toContain(`process ${first.pid}`)
  expect(second.stderr).toContain('--data')
  await first.kill()
  const third = await start(['--data', data])
  expect(await third.stop()).toBe(0)
})

const canMount = mountable()
test.skipIf(!canMount)('a read-only data folder is refused with what to do', async () => {
  const data = mountTmpfs('readonly', '4m')
  execFileSync('mount', ['-o', 'remount,ro', data])
  const refused = await runCli(['up', '--root', root, '--data', data, '--listen', '127.0.0.1:0'])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/cannot write in the data folder/)
  expect(refused.stderr).toMatch(/Make it writable/)
})

test.skipIf(!canMount)(
  'a disk that fills up loses nothing, says so, and goes on when space is back',
  { timeout: 60_000 },
  async () => {
    const data = mountTmpfs('full', '12m')
    const path = join(root, 'app/instance/logs/full.log')
    const shiplog = await start(['--data', data, '--retention-days', '0'])
    writeFileSync(path, '2026-11-22 10:00:00.000 INFO the first line\n')
    await waitFor(async () => (await count(shiplog.url)) === 1)

    const ballast = join(data, 'ballast')
    fill(ballast)
    const lines = Array.from({ length: 20_000 }, (_, i) => `2026-11-22 10:00:01.000 INFO line ${i} ${'x'.repeat(60)}`)
    appendFileSync(path, `${lines.join('\n')}\n`)
    await waitFor(async () => (await health(shiplog.url)).includes('cannot'), 20_000, 'health tells of the full disk')
    expect(shiplog.log()).toMatch(/nothing is lost/)
    // The others still serve: what was stored before is found while the disk is full.
    expect(await count(shiplog.url, { q: 'first' })).toBe(1)

    rmSync(ballast)
    await waitFor(async () => (await count(shiplog.url)) === lines.length + 1, 40_000, 'everything arrives after all')
    const messages = (await exportAll(shiplog.url)).slice(1).map((record) => record.message)
    expect(messages).toEqual(lines)
  },
)

async function health(url: string): Promise<string> {
  return (await fetch(`${url}/health`)).text()
}

/** Writes until the disk takes no more. */
function fill(path: string): void {
  for (const size of [65_536, 4096, 512]) {
    for (;;) {
      try {
        appendFileSync(path, Buffer.alloc(size))
      } catch {
        break
      }
    }
  }
}

function mountTmpfs(name: string, size: string): string {
  const path = join(folder.path, name)
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
  mounts.push(path)
  return path
}

/** Mounting a small disk needs root. Elsewhere these tests are skipped, and say why. */
function mountable(): boolean {
  const path = join(folder.path, 'probe')
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' })
    execFileSync('umount', [path])
    return true
  } catch {
    console.warn(
      'SKIPPED: the tests of a full and of a read-only disk, for they mount a small disk and that needs root',
    )
    return false
  }
}
