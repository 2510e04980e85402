/** `shiplog backup` and `restore` between two folders, and between the two kinds of store. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openElasticsearchState } from '../../store/elasticsearch/state.ts'
import { openSqliteState } from '../../store/sqlite/state.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { newPrefix, removeAll } from '../store/elasticsearch-place.ts'
import { runCli, type ShiplogProcess, startShiplog, temporaryFolder } from './process.ts'

let folder: ReturnType<typeof temporaryFolder>
let running: ShiplogProcess | undefined
beforeEach(() => {
  folder = temporaryFolder('backup')
})
afterEach(async () => {
  await running?.kill()
  running = undefined
  folder.cleanUp()
})

const at = (...path: string[]): string => join(folder.path, ...path)
const search = { name: 'mine', cluster: 'prod', q: '支付失败' }
const headers = { 'x-shiplog-request': '1', 'content-type': 'application/json' }

test('what people made comes back in another folder, and nothing is overwritten unasked', {
  timeout: 120_000,
}, async () => {
  mkdirSync(at('logs'))
  const args = ['--root', at('logs'), '--data', at('one')]
  running = await startShiplog(args)
  const { url } = running
  const body = JSON.stringify(search)
  const saved = (await (await fetch(`${url}/api/v1/searches`, { method: 'POST', headers, body })).json()) as {
    id: string
  }
  expect((await runCli(['token', 'add', '--tokens', at('tokens'), '--name', 'a', '--role', 'operator'])).code).toBe(0)

  // While it runs.
  const backup = ['backup', '--out', at('b.ndjson'), '--data', at('one'), '--tokens', at('tokens')]
  expect(await runCli(backup)).toEqual({
    code: 0,
    stdout: `1 entries and 1 tokens are in ${at('b.ndjson')}\n`,
    stderr: '',
  })
  expect(statSync(at('b.ndjson')).mode & 0o777).toBe(0o600)
  expect(await runCli(backup)).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') })
  expect((await runCli([...backup, '--force'])).code).toBe(0)
  const beside = await runCli(['restore', '--in', at('b.ndjson'), '--data', at('one'), '--tokens', at('tokens')])
  expect(beside).toMatchObject({ code: 1, stderr: expect.stringContaining('Stop that process') })
  expect(await running.stop()).toBe(0)

  const restore = ['restore', '--in', at('b.ndjson'), '--data', at('two'), '--tokens', at('new-tokens')]
  expect(await runCli(restore.slice(0, -2))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--tokens FILE'),
  })
  expect(await runCli(restore)).toMatchObject({
    code: 0,
    stdout: '1 entries were restored, 0 were there already; tokens: 1\n',
  })
  expect(readFileSync(at('new-tokens'), 'utf8')).toBe(readFileSync(at('tokens'), 'utf8'))
  expect((await runCli(restore)).stdout).toBe('0 entries were restored, 1 were there already; tokens: none to change\n')

  const change = async (value: object): Promise<void> => {
    const state = await openSqliteState({ folder: at('two/store') })
    await state.put(`search/${saved.id}`, value)
    await state.put('search/of-others', { name: 'stays' })
    await state.close()
  }
  await change({ name: 'changed' })
  const refused = await runCli(restore)
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
  expect((await runCli([...restore, '--force'])).stdout).toContain('1 entries were restored')
  running = await startShiplog(['--root', at('logs'), '--data', at('two')])
  const found = (await (await fetch(`${running.url}/api/v1/searches/${saved.id}`)).json()) as object
  expect(found).toMatchObject({ ...search, owner: 'everybody' })
})

test('a damaged backup changes nothing', { timeout: 60_000 }, async () => {
  writeFileSync(
    at('b.ndjson'),
    readFileSync(join(import.meta.dirname, '../fixtures/backup/version-1.ndjson'), 'utf8').slice(0, -9),
  )
  const restored = await runCli(['restore', '--in', at('b.ndjson'), '--data', at('one'), '--tokens', at('tokens')])
  expect(restored).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('cut off or changed') })
  expect(await runCli(['backup'])).toMatchObject({ code: 2, stderr: expect.stringContaining('backup --out FILE') })
  expect(await runCli(['restore', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--force') })
})

const why = whySkipped('elasticsearch')

describe.skipIf(why !== undefined)('Elasticsearch', () => {
  test('takes the backup of an embedded store, and gives the same back', { timeout: 120_000 }, async () => {
    const url = await serviceUrl('elasticsearch')
    const prefix = newPrefix().replaceAll('-', '')
    try {
      const embedded = await openSqliteState({ folder: at('one/store') })
      for (const [key, value] of [
        ['search/a', search],
        ['session/x', { hash: 'h' }],
      ] as const)
        await embedded.put(key, value)
      await embedded.close()
      const store = ['--store', url, '--store-index-prefix', prefix, '--store-replicas', '0', '--data', at('two')]
      expect((await runCli(['backup', '--out', at('a'), '--data', at('one')])).code).toBe(0)
      expect(await runCli(['restore', '--in', at('a'), ...store])).toMatchObject({ code: 0, stderr: '' })
      expect((await runCli(['backup', '--out', at('b'), ...store])).code).toBe(0)
      const entries = (path: string): string[] => readFileSync(at(path), 'utf8').split('\n').slice(1, -2)
      expect(entries('b')).toEqual(entries('a'))
      expect(entries('a')).toHaveLength(1)
      const state = await openElasticsearchState({ url, prefix })
      expect((await state.list('')).map(({ key }) => key)).toEqual(['search/a'])
      await state.close()
    } finally {
      await removeAll(url, prefix)
    }
  })
})
