/** Nothing listens beyond this machine without a login, unless somebody says that it shall. */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isLoopback } from '../../pipeline/listen.ts'
import { runCli, temporaryFolder } from './process.ts'

const folder = temporaryFolder('listen')
afterAll(() => folder.cleanUp())

/** Of no machine (RFC 5737): who may listen there is told that it cannot. */
const outside = '192.0.2.1:8080'
const stages = ['up', 'query-api', 'shipper', 'indexer'] as const

async function start(stage: string, ...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const data = ['--root', folder.path, '--data', join(folder.path, stage), '--log-level', 'silent']
  const bus = stage === 'up' ? [] : ['--bus', 'kafka://127.0.0.1:1']
  return runCli([stage, ...data, ...bus, ...args])
}

test.each(stages)('shiplog %s refuses it, and says what to do', { timeout: 30_000 }, async (stage) => {
  const { code, stderr } = await start(stage, '--listen', outside)
  expect([code, stderr]).toEqual([2, expect.stringContaining(`--listen ${outside} would let everyone on the network`)])
  expect(stderr).toContain('--insecure')
})

test.each(stages)('shiplog %s does it when it is meant: --insecure', { timeout: 30_000 }, async (stage) => {
  const { code, stderr } = await start(stage, '--listen', outside, '--insecure')
  expect([code, stderr]).toEqual([2, expect.stringContaining(`--listen ${outside} is no address of this machine`)])
})

test.each(['up', 'query-api'])('shiplog %s does it with --tokens', { timeout: 30_000 }, async (stage) => {
  const tokens = join(folder.path, `${stage}.tokens`)
  const added = await runCli(['token', 'add', '--tokens', tokens, '--name', 'ops', '--role', 'reader', '--app', '*'])
  expect(added.code).toBe(0)
  const { code, stderr } = await start(stage, '--listen', outside, '--tokens', tokens)
  expect([code, stderr]).toEqual([2, expect.stringContaining('is no address of this machine')])
})

test('what is loopback', () => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost']) expect(isLoopback(host), host).toBe(true)
  for (const host of ['0.0.0.0', '::', '10.3.11.18', '127.0.0.1.example', 'localhost.example', '::ffff:10.0.0.1', ''])
    expect(isLoopback(host), host).toBe(false)
})
