/**
 * The file of an export while it is made. Bytes go to `FILE.part`; where it stands is in `FILE.part.json`, written only
 * behind bytes that are durable; `FILE` itself appears by rename when it is whole. So a crash at any moment leaves
 * either no FILE, the FILE of before, or the whole new one, and a part that can be gone on with.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Parameters } from './client.ts'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { lockExport } from './export-lock.ts'

export interface ExportPlace {
  readonly records: number
  /** With which the next request goes on; `end` when nothing follows, undefined at the beginning. */
  readonly cursor: string | undefined
}

export interface ExportFile {
  /** What was remembered last. */
  readonly place: ExportPlace
  write(chunk: Uint8Array): Promise<void>
  /** Durable when it resolves: an export that is broken off later goes on from here. */
  remember(place: ExportPlace): Promise<void>
  /** Gives up what was written behind the place that was remembered last. */
  rewind(): Promise<void>
  /** The part becomes the file, with `FILE.manifest.json` beside it. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** What was written between two places, one behind the other from the beginning of the file on. */
export interface ExportChunk {
  readonly bytes: number
  readonly records: number
  /** Of these bytes, hex. */
  readonly sha256: string
}

interface Remembered {
  readonly v: 2
  readonly asked: Parameters
  readonly bytes: number
  readonly records: number
  readonly cursor: string
  readonly chunks: readonly ExportChunk[]
}

/** With it anyone can tell whether FILE is whole and as it was written. */
export interface ExportManifest {
  readonly v: 1
  readonly asked: Parameters
  readonly bytes: number
  readonly records: number
  readonly chunks: readonly ExportChunk[]
}

/**
 * Opens the part: anew, or with `resume` where the last one ended, if there is one. Throws CONFIG_INVALID when that one
 * was of another question, DATA_LOCKED when another export is at it, DATA_UNWRITABLE when the folder cannot be written.
 */
export async function openExportFile(
  path: string,
  wanted: { resume: boolean; asked: Parameters },
): Promise<ExportFile> {
  const unlock = await unwritable(path, async () => lockExport(`${path}.part.lock`, path))
  try {
    return await openLocked(path, wanted, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

async function openLocked(
  path: string,
  { resume, asked }: { resume: boolean; asked: Parameters },
  unlock: () => void,
): Promise<ExportFile> {
  const partPath = `${path}.part`
  const placePath = `${path}.part.json`
  const found = resume ? await readPlace(placePath, asked) : undefined
  if (found === undefined) await unwritable(path, () => rm(placePath, { force: true }))
  else await unwritable(path, () => takeBack(path, partPath, found))
  const part = await unwritable(path, () => openPart(partPath, found))
  let bytes = found?.bytes ?? 0
  let place: ExportPlace = { records: found?.records ?? 0, cursor: found?.cursor }
  let chunks = found?.chunks ?? []
  let hash = createHash('sha256')
  let closed = false
  const closePart = async (): Promise<void> => {
    if (!closed) await part.close()
    closed = true
  }
  const close = async (): Promise<void> => {
    await closePart()
    unlock()
  }

  return {
    get place() {
      return place
    },
    async write(chunk) {
      await unwritable(path, async () => {
        for (let written = 0; written < chunk.length; ) {
          written += (await part.write(chunk, written, chunk.length - written, bytes + written)).bytesWritten
        }
      })
      bytes += chunk.length
      hash.update(chunk)
    },
    async remember({ records, cursor }) {
      const chunk = { bytes: bytes - bytesOf(chunks), records: records - place.records, sha256: hash.digest('hex') }
      hash = createHash('sha256')
      const more = chunk.bytes === 0 && chunk.records === 0 ? chunks : [...chunks, chunk]
      await unwritable(path, async () => {
        await part.datasync()
        const now: Remembered = { v: 2, asked, bytes, records, cursor: cursor ?? 'end', chunks: more }
        await replaceFile(placePath, JSON.stringify(now))
      })
      chunks = more
      place = { records, cursor }
    },
    async rewind() {
      bytes = bytesOf(chunks)
      hash = createHash('sha256')
      await unwritable(path, () => part.truncate(bytes))
    },
    async finish() {
      await unwritable(path, async () => {
        await part.datasync()
        await closePart()
        // The manifest first: whoever finds FILE finds what it must be.
        const manifest: ExportManifest = { v: 1, asked, bytes, records: place.records, chunks }
        await replaceFile(`${path}.manifest.json`, `${JSON.stringify(manifest, null, 1)}\n`)
        await rename(partPath, path)
        await syncFolder(dirname(path))
        await rm(placePath, { force: true })
      })
    },
    close,
  }
}

/**
 * A crash between the last two steps of `finish` leaves a whole FILE and a place without its part. The rename is undone, so
 * that what follows is the usual way: nothing is left to ask for, unless the limit is another one now.
 */
async function takeBack(path: string, partPath: string, found: Remembered): Promise<void> {
  if ((await sizeOf(partPath)) === undefined && (await sizeOf(path)) === found.bytes) await rename(path, partPath)
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function openPart(path: string, found: Remembered | undefined): Promise<FileHandle> {
  if (found === undefined) return open(path, 'w')
  const part = await open(path, 'r+')
  const { size } = await part.stat()
  if (size < found.bytes) {
    await part.close()
    throw new ShiplogError('CONFIG_INVALID', `${path} is shorter than what was written`, {
      hint: 'It was changed: begin again without --resume.',
    })
  }
  // What came behind the place that was remembered is asked for again.
  await part.truncate(found.bytes)
  return part
}

async function readPlace(path: string, asked: Parameters): Promise<Remembered | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const place = parsed(text)
  if (place === undefined) {
    throw new ShiplogError('STATE_UNREADABLE', `${path} cannot be read`, { hint: 'Begin again without --resume.' })
  }
  if (JSON.stringify(place.asked) === JSON.stringify(asked)) return place
  throw new ShiplogError('CONFIG_INVALID', `${path} is of another export`, {
    hint: 'Give the same query, flags and order of flags as before, or begin again without --resume.',
  })
}

function parsed(text: string): Remembered | undefined {
  try {
    const place = JSON.parse(text) as Partial<Remembered> | null
    const { v, bytes, records, cursor, asked, chunks } = place ?? {}
    const whole = v === 2 && Number.isSafeInteger(bytes) && Number.isSafeInteger(records) && Array.isArray(chunks)
    return whole && typeof cursor === 'string' && Array.isArray(asked) ? (place as Remembered) : undefined
  } catch {
    return undefined
  }
}

function bytesOf(chunks: readonly ExportChunk[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
}

async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { flush: true })
  await rename(`${path}.new`, path)
}

/** A rename is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function unwritable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ShiplogError) throw error
    const full = systemCodeOf(error) === 'ENOSPC'
    throw new ShiplogError('DATA_UNWRITABLE', `cannot write ${path}: ${messageOf(error)}`, {
      hint: full ? 'The disk is full.' : 'Give --out a file in a folder that can be written.',
      cause: error,
    })
  }
}
