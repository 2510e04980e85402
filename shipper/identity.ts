/**
 * Which file is this? A name is none: rotation gives it to another file. An inode is none: it is used again.
 * Identity is inode and birth time together with a signature of the first bytes, which an appending writer never
 * changes. The device number is left out: it changes on a remount.
 */
import type { BigIntStats } from 'node:fs'
import { crc32 } from 'node:zlib'

/** So many first bytes at the most make the signature. It grows with a file that is shorter. */
export const signatureBytesMax = 1024

export interface Signature {
  readonly bytes: number
  readonly crc: number
  /** Checksums of the first 32, 64, 128 … bytes, as many as there are: a copy may be shorter than its original. */
  readonly crcs?: readonly number[]
}

export const emptySignature: Signature = { bytes: 0, crc: 0 }

const firstMark = 32

/** `<inode>:<birth time, ns>` */
export function identityOf(stat: Pick<BigIntStats, 'ino' | 'birthtimeNs'>): string {
  return `${stat.ino}:${stat.birthtimeNs}`
}

export function signatureOf(head: Uint8Array): Signature {
  const bytes = Math.min(head.length, signatureBytesMax)
  const crcs: number[] = []
  for (let mark = firstMark; mark < bytes; mark *= 2) crcs.push(crc32(head.subarray(0, mark)))
  return { bytes, crc: crc32(head.subarray(0, bytes)), crcs }
}

/** True when `head` (the file's first bytes as they are now) still begins with what was signed. */
export function fits(signature: Signature, head: Uint8Array): boolean {
  if (head.length < signature.bytes) return false
  return crc32(head.subarray(0, signature.bytes)) === signature.crc
}

/** The same for the whole of another file, which may have fewer bytes. False when it is too short to tell. */
export function agrees(signature: Signature, head: Uint8Array): boolean {
  if (head.length >= signature.bytes) return fits(signature, head)
  const { crcs = [] } = signature
  const marks = Math.min(crcs.length, Math.floor(Math.log2(head.length / firstMark)) + 1)
  return marks > 0 && crc32(head.subarray(0, firstMark * 2 ** (marks - 1))) === crcs[marks - 1]
}

/** The checksum of a range of bytes: what stands there in a copy must have the same. */
export interface Block {
  readonly from: number
  readonly to: number
  readonly crc: number
}

const blockBytesMax = 64 * 1024

/** The last block of what was read: `chunk` is the file's bytes from `offset` on, of which those before `to` count. */
export function blockOf(chunk: Uint8Array, offset: number, to: number): Block {
  const from = Math.max(offset, to - blockBytesMax)
  return { from, to, crc: crc32(chunk.subarray(from - offset, to - offset)) }
}
