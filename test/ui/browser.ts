/** A real Chromium, for the tests that look at the page. It comes as a package: nothing is installed on the machine. */
import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

const root = join(import.meta.dirname, '../..')
export const uiDist = join(root, 'ui/dist')

/**
 * Of the arguments for tiny hosts these are left out: one process for all dies with the first window that is closed,
 * and a browser without web security would not show what a user's browser refuses.
 */
const unwanted = new Set([
  '--single-process',
  '--no-zygote',
  '--disable-web-security',
  '--allow-running-insecure-content',
])

export async function launchBrowser(): Promise<Browser> {
  return driver.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((argument) => !unwanted.has(argument)), '--no-sandbox'],
    headless: true,
  })
}

/** Builds ui/dist when it is missing or older than what it is made of. Resolves with its folder. */
export async function builtPage(): Promise<string> {
  const built = await stat(join(uiDist, 'index.html')).catch(() => undefined)
  const newest = Math.max(await newestMs(join(root, 'ui')), await newestMs(join(root, 'pipeline')))
  if (built === undefined || built.mtimeMs < newest) {
    // In a process of its own: here React would be built for development, because tests run with NODE_ENV=test.
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', 'ui'], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production' },
    })
  }
  return uiDist
}

async function newestMs(folder: string): Promise<number> {
  let newest = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === 'dist' || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? await newestMs(path) : (await stat(path)).mtimeMs)
  }
  return newest
}
