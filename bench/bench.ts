/** `npm run bench [-- flow flood tail files search export index ship page]`: prints figures for this machine with the aims beside them. */
import { benchExport } from './export.ts'
import { benchFiles } from './files.ts'
import { benchFlood } from './flood.ts'
import { benchFlow } from './flow.ts'
import { benchIndex } from './index.ts'
import { benchPage } from './page.ts'
import { benchSearch } from './search.ts'
import { benchShip } from './ship.ts'
import { benchTail } from './tail.ts'

const benches: Readonly<Record<string, () => Promise<void>>> = {
  flow: benchFlow,
  flood: benchFlood,
  tail: benchTail,
  files: benchFiles,
  search: benchSearch,
  export: benchExport,
  index: benchIndex,
  ship: benchShip,
  page: benchPage,
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const bench = benches[name]
  if (bench === undefined) {
    console.error(`there is no bench “${name}”; there are: ${Object.keys(benches).join(', ')}`)
    process.exit(2)
  }
  await bench()
}
