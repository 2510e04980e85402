/** A process of its own that writes until it is killed: prints `n` when write() of batch n has resolved. */
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { crashBatch } from './crash-batches.ts'

const [folder, first] = [process.argv[2] as string, Number(process.argv[3])]
const store = await openSqliteStore({ folder })
for (let n = first; ; n++) {
  await store.write([crashBatch(n, 0), crashBatch(n, 1)])
  process.stdout.write(`${n}\n`)
}
