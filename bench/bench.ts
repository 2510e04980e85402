/** `npm run bench [-- flow tail files page]`: prints figures for this machine with the aims beside them. */
import { benchFiles } from './files.ts'
import { benchFlow } from './flow.ts'
import { benchPage } from './page.ts'
import { benchTail } from './tail.ts'

const benches: Readonly<Record<string, () => Promise<void>>> = {
  flow: benchFlow,
  tail: benchTail,
  files: benchFiles,
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
