/** Addresses to listen on, as `--listen` says them. Pure. */
import { ShiplogError } from './errors.ts'

export interface ListenAddress {
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
}

/** Takes `127.0.0.1:8080` or `[::1]:8080` apart. Throws CONFIG_INVALID for a port that is none. */
export function addressOf(listen: string): ListenAddress {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  if (port > 65_535)
    throw new ShiplogError('CONFIG_INVALID', `--listen ${listen}: ${port} is no port`, { hint: 'Ports go to 65535.' })
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port }
}

/** True for the names that only this machine itself can be reached by. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** What went wrong with listening, with what to do about it. */
export function listenError(listen: string, code: string | undefined, cause: unknown): unknown {
  const known: Readonly<Record<string, readonly [what: string, hint: string]>> = {
    EADDRINUSE: [
      'is taken by another process',
      'Stop that process, or take another port, as --listen 127.0.0.1:8090; port 0 is any free one.',
    ],
    EACCES: ['may not be listened on', 'Ports below 1024 are kept for root: take another, as --listen 127.0.0.1:8080.'],
    EADDRNOTAVAIL: ['is no address of this machine', 'Take one of its own, as --listen 127.0.0.1:8080.'],
    ENOTFOUND: ['is no name that is known here', 'Take an address, as --listen 127.0.0.1:8080.'],
  }
  const found = known[code ?? '']
  if (found === undefined) return cause
  return new ShiplogError('CONFIG_INVALID', `--listen ${listen} ${found[0]}`, { hint: found[1], cause })
}
