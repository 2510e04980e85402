/** A real process that asks for tokens: who gets in, and that no secret is written anywhere. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const folder = temporaryFolder('rights')
const tokensPath = join(folder.path, 'tokens.json')
const data = join(folder.path, 'data')
const args = ['--root', join(folder.path, 'logs'), '--data', data, '--tokens', tokensPath, '--log-level', 'debug']
let shiplog: ShiplogProcess
let alice: string
let root: string

async function add(...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(['token', 'add', '--tokens', tokensPath, ...more])
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

beforeAll(async () => {
  for (const app of ['2048', 'secret-app']) {
    mkdirSync(join(folder.path, 'logs', app, 'host-1', 'logs'), { recursive: true })
    writeFileSync(
      join(folder.path, 'logs', app, 'host-1', 'logs', 'a.log'),
      `${new Date().toISOString()} line of ${app}\n`,
    )
  }
  alice = await add('--name', 'alice', '--role', 'reader', '--app', '2048')
  root = await add('--name', 'root', '--role', 'operator', '--app', '*')
  shiplog = await startShiplog(args)
  await waitFor(async () => (await messages(root)).length === 2)
}, 60_000)

afterAll(async () => {
  await shiplog?.kill()
  folder.cleanUp()
})

async function ask(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as object), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  return fetch(`${shiplog.url}${path}`, { ...init, headers })
}

async function messages(token: string): Promise<string[]> {
  const answer = await ask('/api/v1/search?cluster=default', token)
  if (!answer.ok) throw new Error(await answer.text())
  const { records } = (await answer.json()) as { records: { message: string }[] }
  return records.map(({ message }) => message)
}

const cliWith = (token: string | undefined, ...more: string[]) =>
  runCli(['search', '--server', shiplog.url, ...more], token === undefined ? {} : { SHIPLOG_TOKEN: token })

test('a reader sees its app, on the API and on the command line; nobody sees anything', async () => {
  expect(await messages(alice)).toEqual([expect.stringContaining('line of 2048')])
  expect((await ask('/api/v1/search?cluster=default', undefined)).status).toBe(401)
  expect((await ask('/', undefined, { headers: { accept: 'text/html' } })).status).toBe(200)
  const mine = await cliWith(alice)
  expect([mine.code, mine.stdout]).toEqual([0, expect.stringContaining('line of 2048')])
  expect(mine.stdout).not.toContain('secret-app')
  const nobody = await cliWith(undefined)
  expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('--token-file')])
  const path = join(folder.path, 'token')
  writeFileSync(path, `${root}\n`, { mode: 0o600 })
  expect((await cliWith(undefined, '--token-file', path)).stdout).toContain('secret-app')
  expect((await cliWith(undefined, '--app', 'secret-app', '--token', alice)).code).toBe(1)
}, 30_000)

test('what is no token is refused before it goes anywhere, without being shown', async () => {
  const { code, stderr } = await cliWith(`${alice}\nx`)
  expect([code, stderr]).toEqual([2, expect.stringContaining('is no token')])
  expect(stderr).not.toContain(alice.slice(21))
})

test.skipIf(process.platform !== 'linux')(
  'a token on the command line is not shown by ps (read from /proc)',
  async () => {
    const cli = fileURLToPath(new URL('../../pipeline/cli.ts', import.meta.url))
    const child = spawn(process.execPath, [cli, 'up', ...upElsewhere(), '--token', root], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const started = new Promise((resolve) => child.stdout.once('data', resolve))
      await started
      const listed = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
      expect(listed).toContain('shiplog')
      expect(listed).not.toContain(root.slice(21))
    } finally {
      child.kill('SIGKILL')
    }
  },
)

function upElsewhere(): string[] {
  return [
    '--listen',
    '127.0.0.1:0',
    '--root',
    folder.path,
    '--data',
    join(folder.path, 'other'),
    '--log-level',
    'silent',
  ]
}

test('a token that is added holds soon, one that is removed ends soon', async () => {
  const bob = await add('--name', 'bob', '--role', 'reader', '--app', 'secret-app')
  await waitFor(async () => (await ask('/api/v1/session', bob)).status === 200)
  expect(await messages(bob)).toEqual([expect.stringContaining('secret-app')])
  expect((await runCli(['token', 'remove', 'bob', '--tokens', tokensPath])).code).toBe(0)
  await waitFor(async () => (await ask('/api/v1/session', bob)).status === 401)
}, 30_000)

test('a session outlives a restart, also a crash', async () => {
  const headers = { 'x-shiplog-request': '1', 'content-type': 'application/json' }
  const login = await ask('/api/v1/session', undefined, {
    method: 'POST',
    headers,
    body: JSON.stringify({ token: alice }),
  })
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] as string
  const status = async () => (await ask('/api/v1/session', undefined, { headers: { cookie } })).status
  expect(await status()).toBe(200)
  const before = shiplog.log()
  await shiplog.kill()
  shiplog = await startShiplog(args)
  expect(await status()).toBe(200)
  // No secret of any of this is in a log line or in any file, but in the one where it was put.
  await ask(`/api/v1/search?cluster=default&q=${encodeURIComponent(`"${alice}" OR x`)}`, root)
  await ask(`/api/v1/search?cluster=default&q=(${alice}`, root)
  await ask('/api/v1/search?cluster=default', `${alice}x`)
  await waitFor(() => readFileSync(join(data, 'audit.ndjson'), 'utf8').includes('"who":"root"'))
  await shiplog.stop()
  const log = before + shiplog.log()
  expect(log).toContain('"route":"/api/v1/session"')
  const secrets = [alice, root, cookie].map((text) => text.slice(-40))
  for (const secret of secrets) expect(log).not.toContain(secret)
  for (const entry of readdirSync(folder.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'token') continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const secret of secrets) expect(bytes.includes(secret), entry.name).toBe(false)
  }
  const entries = readFileSync(join(data, 'audit.ndjson'), 'utf8').trim().split('\n')
  expect(entries.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ who: 'alice', route: '/api/v1/search', status: 200, records: 1, from: '127.0.0.1' }),
  )
}, 30_000)

test('beyond loopback it listens only where someone asks who is there', async () => {
  const open = ['up', '--listen', '0.0.0.0:0', '--root', folder.path, '--data', join(folder.path, 'third')]
  const refused = await runCli(open)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('shiplog token add')])
  const missing = await runCli([...open, '--tokens', join(folder.path, 'nothing.json')])
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('nothing.json')])
}, 30_000)
