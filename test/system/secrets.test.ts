/** No secret that was given to a process, in whatever option or request, is in what it writes. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runCli, type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
beforeEach(() => {
  folder = temporaryFolder('secrets')
  mkdirSync(join(folder.path, 'logs'))
})
afterEach(async () => {
  await running?.kill()
  folder.cleanUp()
})

const secret = (name: string): string => `hunter2-${name}`

test('of a process that serves, at its most talkative', { timeout: 90_000 }, async () => {
  const tokens = join(folder.path, 'tokens')
  const added = await runCli(['token', 'add', '--tokens', tokens, '--name', 'a', '--role', 'operator', '--app', '*'])
  const token = added.stdout.trim()
  const data = join(folder.path, 'data')
  running = await startShiplog([
    ...['--root', join(folder.path, 'logs'), '--data', data, '--tokens', tokens, '--log-level', 'debug'],
    ...['--smtp-url', `smtp://user:${secret('smtp')}@127.0.0.1:1`, '--kafka-user', 'u'],
    ...['--kafka-password', secret('kafka'), '--store-api-key', secret('key'), '--token', secret('token')],
  ])
  const { url } = running
  const ask = (path: string, more: RequestInit = {}): Promise<Response> => {
    const { headers, ...rest } = more
    return fetch(`${url}${path}`, { ...rest, headers: { authorization: `Bearer ${token}`, ...(headers as object) } })
  }
  const asJson = { 'content-type': 'application/json', 'x-shiplog-request': '1' }
  const policy = {
    ...{ name: 'quiet', cluster: 'default', query: '', windowMs: 60_000, condition: { kind: 'no-lines' } },
    actions: [{ kind: 'webhook', url: `http://127.0.0.1:1/${secret('hook')}`, body: 'json', secret: secret('sign') }],
  }
  const made = await ask('/api/v1/alerts', { method: 'POST', headers: asJson, body: JSON.stringify(policy) })
  expect([made.status, made.ok ? '' : await made.text()]).toEqual([200, ''])
  const { id } = (await made.json()) as { id: string }
  await ask(`/api/v1/alerts/${id}/test`, { method: 'POST', headers: { 'x-shiplog-request': '1' } })
  expect((await ask(`/api/v1/search?cluster=default&q=${secret('query')}`)).status).toBe(200)
  await ask(`/api/v1/search?cluster=default&token=${token}`)
  await ask('/metrics', { headers: { authorization: `Bearer shiplog_${secret('bearer')}` } })
  const body = JSON.stringify({ token })
  await fetch(`${url}/api/v1/session`, { method: 'POST', headers: asJson, body })
  await waitFor(() => readFileSync(join(data, 'audit.ndjson'), 'utf8').includes('session'), 10_000)
  expect(await running.stop()).toBe(0)
  const log = running.log()
  expect(log).toContain('request')
  expect(log).not.toContain('hunter2')
  expect(log).not.toContain(token.slice(21))
  for (const line of log.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ time: expect.any(String) })
  // What was searched is what the audit log is for; a token never is.
  const audit = readFileSync(join(data, 'audit.ndjson'), 'utf8')
  expect(audit).not.toContain(token.slice(21))
  expect(readdirSync(data).filter((name) => name.endsWith('.ndjson'))).toEqual(['audit.ndjson'])
})

test.each([
  ['an option that is refused', ['--smtp-url', `http://u:${secret('a')}@x`], 2],
  ['a bus that is not known', ['--bus', `amqp://u:${secret('b')}@x:1`], 2],
  ['a store that is not known', ['--store', `mysql://u:${secret('c')}@x:1`], 2],
  ['an address that is none', ['--bus', `kafka://u:${secret('d')}@x:y`], 2],
  ['a switch with a secret behind it', ['--kafka-passwort', secret('e')], 2],
] as const)('%s: what it says has no secret in it', { timeout: 60_000 }, async (_, args, code) => {
  const data = join(folder.path, 'data')
  const done = await runCli([
    'up',
    '--listen',
    '127.0.0.1:0',
    '--root',
    join(folder.path, 'logs'),
    '--data',
    data,
    ...args,
  ])
  expect(done.code, done.stderr).toBe(code)
  expect(done.stdout + done.stderr).not.toContain('hunter2')
})

test('a store that does not answer is named without its password', { timeout: 60_000 }, async () => {
  const args = ['--store', `http://u:${secret('store')}@127.0.0.1:1`, '--store-api-key', secret('key')]
  const config = join(folder.path, 'c.yml')
  writeFileSync(config, `kafka-password: ${secret('file')}\n`)
  const done = await runCli([
    'doctor',
    '--root',
    join(folder.path, 'logs'),
    '--data',
    folder.path,
    '--config',
    config,
    ...args,
  ])
  expect(done.code).not.toBe(0)
  expect(done.stdout + done.stderr).toMatch(/store/)
  expect(done.stdout + done.stderr).not.toContain('hunter2')
})
