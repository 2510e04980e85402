/** An export on its way to the reader's disk: how far it is, and a way to stop it. */
import { getStream, Problem } from '../api.ts'

export interface Saving {
  readonly bytes: number
  readonly lines: number
}

/** Where the bytes go. `close` hands the whole file over, `abort` leaves nothing behind. */
interface Sink {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  close(): Promise<void>
  abort(): Promise<void>
}

/** What is held in memory before it is saved; more needs a browser that writes to a file as it comes. */
export const memoryBytesMax = 256 * 1024 * 1024
const tellMs = 100

interface PickerWindow {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>
}

export function canWriteFiles(): boolean {
  return (window as PickerWindow).showSaveFilePicker !== undefined
}

/** Asks where to save. Undefined when the reader changed their mind. Only a click may lead here. */
export async function pickFile(name: string): Promise<FileSystemFileHandle | undefined> {
  try {
    return await (window as PickerWindow).showSaveFilePicker?.({ suggestedName: name })
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') return undefined
    throw thrown
  }
}

/** Resolves when the file is whole; rejects when the export broke off or was stopped, and then there is no file. */
export async function saveExport(
  url: string,
  file: FileSystemFileHandle | undefined,
  signal: AbortSignal,
  onProgress: (saving: Saving) => void,
): Promise<Saving> {
  const { body, name } = await getStream(url, signal)
  const sink = file === undefined ? memorySink(name) : await fileSink(file)
  const saving = { bytes: 0, lines: 0 }
  let toldAt = 0
  try {
    for (const reader = body.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      await sink.write(value)
      saving.bytes += value.length
      saving.lines += countLines(value)
      if (performance.now() - toldAt < tellMs) continue
      toldAt = performance.now()
      onProgress({ ...saving })
    }
    await sink.close()
  } catch (thrown) {
    // What broke the export is worth telling; that the rest of the file could not be removed either is not.
    await sink.abort().catch(() => undefined)
    // A connection that ends early is a TypeError here, with words for nobody.
    throw thrown instanceof TypeError && !signal.aborted ? new Problem(0, {}) : thrown
  }
  return saving
}

async function fileSink(file: FileSystemFileHandle): Promise<Sink> {
  const stream = await file.createWritable()
  return {
    write: (chunk) => stream.write(chunk),
    close: () => stream.close(),
    abort: () => stream.abort(),
  }
}

function memorySink(name: string): Sink {
  let chunks: Uint8Array<ArrayBuffer>[] = []
  return {
    async write(chunk) {
      chunks.push(chunk)
    },
    async close() {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob(chunks))
      link.download = name
      link.click()
      // The download has its own hold on the bytes once it has begun.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    },
    async abort() {
      chunks = []
    },
  }
}

function countLines(chunk: Uint8Array): number {
  let count = 0
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++
  return count
}
