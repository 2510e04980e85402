/** SIGHUP to a real process: what holds at once, what waits, what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ShiplogProcess, startShiplog, temporaryFolder, waitFor } from './process.ts'

const folder = temporaryFolder('reload')
let running: ShiplogProcess | undefined
afterEach(async () => {
  await running?.stop()
  folder.cleanUp()
})

test('the configuration file is read again on SIGHUP', async () => {
  const root = join(folder.path, 'logs')
  const config = join(folder.path, 'shiplog.yaml')
  const places = `root: ${JSON.stringify(root)}\ndata: ${JSON.stringify(join(folder.path, 'data'))}\n`
  mkdirSync(join(root, 'a/0/l'), { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(root, 'a/0/l', name), text, { flag: 'a' })
  const configure = (yaml: string): void => {
    writeFileSync(config, places + yaml)
    if (running !== undefined) process.kill(running.pid, 'SIGHUP')
  }
  configure('exclude: [secret.log]\n')
  write('a.log', 'one\n')
  write('secret.log', 'hidden\n')
  running = await startShiplog(['--config', config])
  const { url, log } = running
  const files = async (): Promise<string[]> => {
    const answer = await fetch(`${url}/api/v1/search?cluster=default&order=asc`)
    const { records } = (await answer.json()) as { records: { file: string }[] }
    return records.map((record) => record.file).sort()
  }
  const shipped = (...expected: string[]) => waitFor(async () => expect(await files()).toEqual(expected))
  await shipped('a.log')

  configure('exclude: [a.log]\nretention-days: 3\nlog-level: debug\n')
  await waitFor(() => log().includes('"msg":"the configuration was read again; changed: exclude, log-level"'))
  expect(log()).toContain('these hold from the next start on: retention-days')
  write('a.log', 'two\n')
  await shipped('a.log', 'secret.log')

  configure('exclude: []\npaths: [{match: "*.log", encodng: gbk}]\n')
  await waitFor(() => log().includes('did you mean encoding?'))
  const refusal = log()
    .split('\n')
    .find((line) => line.includes('did you mean encoding?')) as string
  expect(JSON.parse(refusal)).toMatchObject({ level: 50 })
  expect(await files()).toEqual(['a.log', 'secret.log'])

  configure('layout: "{nope}"\n')
  await waitFor(() => log().includes('{nope} is not known'))
  configure('exclude: []\n')
  await shipped('a.log', 'a.log', 'secret.log')
  expect(await running.stop()).toBe(0)
})
