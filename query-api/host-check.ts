/**
 * On loopback there is no authentication because nobody else gets here. A page of the web does get here, by a name of its
 * own that it lets point to 127.0.0.1 (DNS rebinding), and would read the logs as if they were its own. Its requests bear
 * its name: so only ours are answered.
 */
import { addressOf, isLoopback } from '../pipeline/listen.ts'
import { HttpError } from './problem.ts'
import type { Api } from './routes.ts'

/** Refuses requests for other names than those of loopback, when that is where the server listens. */
export function checkHost(api: Api, listen: string): void {
  const own = addressOf(listen).host.toLowerCase()
  if (!isLoopback(own)) return
  api.addHook('onRequest', async ({ headers: { host } }) => {
    // HTTP/1.0 without it is no browser.
    if (host === undefined) return
    const name = nameOf(host)
    if (isLoopback(name) || name === own) return
    throw new HttpError(421, 'this server is not known by the name that was asked for', {
      hint: `Open it as http://localhost${portOf(host)}; a proxy in front of it has to send Host: ${own}.`,
    })
  })
}

/** `[::1]:8080` → `::1` */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
}

function portOf(host: string): string {
  return /:\d+$/.exec(host)?.[0] ?? ''
}
