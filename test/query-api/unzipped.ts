import { fromBuffer } from 'yauzl'

/** Every entry by its path, read to its end and checked against its CRC. */
export function unzipped(zip: Buffer): Promise<Map<string, Buffer>> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true }, (error, file) => {
      if (error !== null) return reject(error)
      const entries = new Map<string, Buffer>()
      file.on('error', reject)
      file.on('end', () => resolve(entries))
      file.on('entry', (entry) => {
        file.openReadStream(entry, async (failure, stream) => {
          if (failure !== null) return reject(failure)
          try {
            entries.set(entry.fileName, Buffer.concat(await stream.toArray()))
            file.readEntry()
          } catch (thrown) {
            reject(thrown)
          }
        })
      })
      file.readEntry()
    })
  })
}
