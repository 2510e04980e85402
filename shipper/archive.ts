/**
 * Rotated files that were compressed. An archive is the same incarnation as the file that it was made of; its offsets
 * are those of its content. It is unpacked into a file of our own while it is read, and never held in memory.
 */
import { closeSync, createReadStream, createWriteStream, fstatSync, readSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline as joined } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

export const archiveSuffix = '.gz'

/**
 * Length of the content, bytes: the last four bytes of a gzip file, so modulo 2^32 (RFC 1952). Throws when it is no
 * whole gzip file. `file` is a descriptor here as below, and is closed: a name may lead to another archive by now.
 */
export function contentBytesOf(file: number): number {
  const ends = Buffer.alloc(6)
  try {
    const { size } = fstatSync(file)
    if (size < 18) throw new Error('no whole gzip file')
    readSync(file, ends, 0, 2, 0)
    readSync(file, ends, 2, 4, size - 4)
  } finally {
    closeSync(file)
  }
  if (ends.readUInt16BE(0) !== 0x1f8b) throw new Error('no gzip file, whatever its name says')
  return ends.readUInt32LE(2)
}

function packedFrom(file: number) {
  return createReadStream('', { fd: file })
}

/** The first bytes of the content, `length` at the most. */
export async function contentHead(file: number, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let filled = 0
  // Joined: what ends the one, also a break, closes the other, and an error of either comes out of the loop.
  const content = joined(packedFrom(file), createGunzip({ finishFlush: 2 }), () => {})
  for await (const chunk of content) {
    chunks.push(chunk as Buffer)
    filled += (chunk as Buffer).length
    if (filled >= length) break
  }
  return Buffer.concat(chunks).subarray(0, length)
}

/** Unpacks into `target`; what could not be unpacked whole is taken away again. */
export async function unpack(file: number, target: string): Promise<void> {
  try {
    await pipeline(packedFrom(file), createGunzip(), createWriteStream(target))
  } catch (error) {
    await rm(target, { force: true })
    throw error
  }
}
