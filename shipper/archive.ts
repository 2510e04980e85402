/**
 * Rotated files that were compressed. An archive is the same incarnation as the file that it was made of; its offsets
 * are those of its content. It is unpacked into a file of our own while it is read, and never held in memory.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { pipeline as joined } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

export const archiveSuffix = '.gz'

/**
 * Length of the content, bytes: the last four bytes of a gzip file, so modulo 2^32 (RFC 1952). Throws when it is no
 * whole gzip file.
 */
export async function contentBytesOf(path: Buffer): Promise<number> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const ends = Buffer.alloc(6)
    if (size < 18) throw new Error('no whole gzip file')
    await file.read(ends, 0, 2, 0)
    await file.read(ends, 2, 4, size - 4)
    if (ends.readUInt16BE(0) !== 0x1f8b) throw new Error('no gzip file, whatever its name says')
    return ends.readUInt32LE(2)
  } finally {
    await file.close()
  }
}

/** The first bytes of the content, `length` at the most. */
export async function contentHead(path: Buffer, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let filled = 0
  // Joined: what ends the one, also a break, closes the other, and an error of either comes out of the loop.
  const content = joined(createReadStream(path), createGunzip({ finishFlush: 2 }), () => {})
  for await (const chunk of content) {
    chunks.push(chunk as Buffer)
    filled += (chunk as Buffer).length
    if (filled >= length) break
  }
  return Buffer.concat(chunks).subarray(0, length)
}

/** Unpacks into `target`; what could not be unpacked whole is taken away again. */
export async function unpack(path: Buffer, target: string): Promise<void> {
  try {
    await pipeline(createReadStream(path), createGunzip(), createWriteStream(target))
  } catch (error) {
    await rm(target, { force: true })
    throw error
  }
}
