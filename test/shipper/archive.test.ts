/** Compressed files are looked into again and again: nothing of that may stay open. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { contentHead } from '../../shipper/archive.ts'
import { waitFor } from '../system/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'shiplog-archive-'))
afterAll(() => rmSync(folder, { recursive: true }))

function openOnes(): string[] {
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // Closed meanwhile.
      return ''
    }
  })
  return open.filter((path) => path.startsWith(folder))
}

test('a look at the beginning of an archive leaves no handle open (a soak had one more for each archive)', async () => {
  const path = join(folder, 'a.log.gz')
  const content = Buffer.from(
    Array.from({ length: 200_000 }, (_, i) => `line ${Math.imul(i, 2_654_435_761)}\n`).join(''),
  )
  writeFileSync(path, gzipSync(content))
  for (let i = 0; i < 5; i++) expect(await contentHead(Buffer.from(path), 1024)).toEqual(content.subarray(0, 1024))
  await waitFor(() => openOnes().length === 0, 3000, 'all of them are closed')
})

test('an archive that is gone, or none, is an error of the call', async () => {
  await expect(contentHead(Buffer.from(join(folder, 'none.gz')), 10)).rejects.toThrow('ENOENT')
  writeFileSync(join(folder, 'b.gz'), 'no archive at all')
  await expect(contentHead(Buffer.from(join(folder, 'b.gz')), 10)).rejects.toThrow('incorrect header')
})
