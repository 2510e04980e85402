/**
 * zstd with one context for many batches: each of `zlib.zstdCompress`’ calls makes a context of more than a megabyte, which
 * costs time and has the garbage collector run ten times as often. A stream whose every write ends a frame keeps it.
 */
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'

/** Level 1: of the levels that the flow can afford the one that packs best (docs/decisions). */
const level = 1
/** Output is cut from memory of this size. */
const chunkBytes = 256 * 1024
/** More than any batch: the stream never waits for its reader, who reads when a write is over. */
const bufferBytesMax = 256 * 1024 * 1024

export class Compressor {
  #stream: ZstdCompress | undefined

  /** One at a time. `bytes` must stay as they are until it resolves with the frame. */
  async compress(bytes: Buffer): Promise<Buffer> {
    const stream = (this.#stream ??= newStream())
    try {
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()))
      })
      const frame: unknown = stream.read()
      if (Buffer.isBuffer(frame)) return frame
      throw new Error('zstd gave nothing back')
    } catch (error) {
      stream.destroy()
      this.#stream = undefined
      throw error
    }
  }

  close(): void {
    this.#stream?.destroy()
    this.#stream = undefined
  }
}

function newStream(): ZstdCompress {
  const stream = createZstdCompress({
    chunkSize: chunkBytes,
    flush: constants.ZSTD_e_end,
    params: { [constants.ZSTD_c_compressionLevel]: level },
    ...{ readableHighWaterMark: bufferBytesMax, writableHighWaterMark: bufferBytesMax },
  })
  // A failed write rejects; the same error once more as an event is nobody's.
  stream.on('error', () => {})
  return stream
}
