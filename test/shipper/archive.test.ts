/** Compressed files are looked into again and again: nothing of that may stay open. */
import { mkdtempSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { contentHead } from '../../shipper/archive.ts'
import { identityOf } from '../../shipper/identity.ts'
import { MovedError, Tail } from '../../shipper/tail.ts'
import { waitFor } from '../system/process.ts'
import { openBelow } from './harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'shiplog-archive-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a look at the beginning of an archive leaves no handle open (a soak had one more for each archive)', async () => {
  const path = join(folder, 'a.log.gz')
  const content = Buffer.from(
    Array.from({ length: 200_000 }, (_, i) => `line ${Math.imul(i, 2_654_435_761)}\n`).join(''),
  )
  writeFileSync(path, gzipSync(content))
  for (let i = 0; i < 5; i++) {
    expect(await contentHead(openSync(path, 'r'), 1024)).toEqual(content.subarray(0, 1024))
  }
  await waitFor(() => openBelow(folder).length === 0, 3000, 'all of them are closed')
})

test('what is no archive is an error of the call', async () => {
  writeFileSync(join(folder, 'b.gz'), 'no archive at all')
  await expect(contentHead(openSync(join(folder, 'b.gz'), 'r'), 10)).rejects.toThrow('incorrect header')
})

// Rotation moved the names on while one archive was looked into: it was judged by another's beginning, and came twice.
test('an archive whose name leads to another by now is not taken for that one', async () => {
  const [path, older] = [join(folder, 'a.log.1.gz'), join(folder, 'a.log.2.gz')]
  writeFileSync(path, gzipSync('older\n'))
  const identity = identityOf(statSync(path, { bigint: true }))
  const source = { cluster: 'prod', app: 'shop', instance: 'shop-0', host: 'h1', dir: '/', file: 'a.log' }
  const settings = {
    timezone: 'UTC',
    multiline: 'auto',
    eventBytesMax: 1024,
    eventLinesMax: 100,
  } as const
  const limits = { readBytesMax: 4096, lineIdleMs: 10, eventIdleMs: 10, unpackFolder: folder }
  const tail = new Tail({ identity, path: 'a.log.1.gz', source, isArchive: true, referenceUs: 0 }, settings, limits)
  tail.look(Buffer.from(path), performance.now())
  expect((await tail.readHead(Buffer.from(path))).toString()).toBe('older\n')
  renameSync(path, older)
  writeFileSync(path, gzipSync('newer\n'))
  await expect(tail.readHead(Buffer.from(path))).rejects.toThrow(MovedError)
  expect((await tail.readHead(Buffer.from(older))).toString()).toBe('older\n')
})
