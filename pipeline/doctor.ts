/**
 * What `shiplog doctor` looks at. A check is a small function that says what it found and what to do about it; it changes
 * nothing that stays. Adapters bring their own checks, and the composition root puts them into one list.
 */
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import type { Config } from './config.ts'
import { dataHolder } from './data-lock.ts'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { addressOf, listenError } from './listen.ts'

export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string
}

/** Given absolute paths. What it throws is a finding, too. */
export type Check = (config: Config) => Promise<readonly Finding[]> | readonly Finding[]

const nodeMajorMin = 24
const freeBytesWarn = 1024 ** 3
const freeBytesMin = 100 * 1024 ** 2
/** The clock of a disk and that of this machine may be this far apart. */
const skewMsMax = 2000
const answerMsMax = 2000

export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail }
}

export function warn(check: string, detail: string, hint: string): Finding {
  return { check, state: 'warn', detail, hint }
}

export function fail(check: string, detail: string, hint: string): Finding {
  return { check, state: 'fail', detail, hint }
}

/** Every check has its say, also when one before it failed. */
export async function examine(config: Config, checks: readonly (readonly [name: string, check: Check])[]) {
  const findings: Finding[] = []
  for (const [name, check] of checks) {
    try {
      findings.push(...(await check(config)))
    } catch (error) {
      const hint = error instanceof ShiplogError ? error.hint : undefined
      findings.push(fail(name, messageOf(error), hint ?? 'This should not happen: please report it.'))
    }
  }
  return findings
}

export const checkNode: Check = () => {
  const found = ok('node', `${process.version}, ${process.platform} ${process.arch}`)
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return [found]
  return [fail('node', `${process.version} is too old`, `Use Node ${nodeMajorMin} or later; npm install brings one.`)]
}

export const checkRoot: Check = ({ root, demo }) => {
  if (demo) return [ok('root', 'the demo writes its own logs')]
  try {
    const names = readdirSync(root)
    if (names.length > 0) return [ok('root', `${root} has ${names.length} entries`)]
    return [warn('root', `${root} is empty`, 'Is it mounted? Logs are expected in folders as --layout says.')]
  } catch (error) {
    const code = systemCodeOf(error)
    const hint =
      code === 'EACCES'
        ? 'Give the user that runs Shiplog the right to read and enter it.'
        : 'Give the folder that holds the log directories as --root.'
    return [fail('root', `${root} cannot be listed: ${code ?? messageOf(error)}`, hint)]
  }
}

/** Who works on it, whether it can be written, its space, and whether its clock agrees. */
export const checkData: Check = ({ data }) => {
  const folder = nearestFolder(data)
  const findings: Finding[] = []
  const holder = dataHolder(data)
  findings.push(ok('data', holder === undefined ? `${data} is free` : `${data} is in use by ${holder}`))
  let trial: string | undefined
  try {
    trial = mkdtempSync(join(folder, '.doctor-'))
    writeFileSync(join(trial, 'a'), 'a')
    const skewMs = Math.abs(Date.now() - statSync(join(trial, 'a')).mtimeMs)
    findings.push(ok('data', folder === data ? 'it can be written' : `it will be made under ${folder}`))
    findings.push(
      skewMs <= skewMsMax
        ? ok('clock', `${new Date().toISOString()}, zone ${Intl.DateTimeFormat().resolvedOptions().timeZone}`)
        : warn('clock', `the disk of ${folder} is ${Math.round(skewMs)} ms off`, 'Keep both clocks with NTP.'),
    )
  } catch (error) {
    const why = systemCodeOf(error) ?? messageOf(error)
    findings.push(fail('data', `${folder} cannot be written: ${why}`, 'Make it writable, or choose another --data.'))
  } finally {
    if (trial !== undefined) rmSync(trial, { recursive: true, force: true })
  }
  findings.push(spaceOf('data', folder))
  return findings
}

/** The embedded store; that of a URL has checks of its own. */
export const checkStoreFolder: Check = ({ store }) => {
  if (!store.startsWith('file:')) return []
  const folder = resolve(store.slice('file:'.length).replace(/^\/\/(?=\/)/, ''))
  const there = nearestFolder(folder)
  if (there !== folder) return [ok('store', `${folder} will be made`)]
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const why = systemCodeOf(error) ?? messageOf(error)
    return [fail('store', `${folder} cannot be used: ${why}`, 'Give its user the right to read and write it.')]
  }
  return [spaceOf('store', folder)]
}

export const checkListen: Check = async ({ listen, data }) => {
  const { host, port } = addressOf(listen)
  const code = await tryToListen(host, port)
  if (code === undefined) return [ok('listen', `${listen} is free`)]
  const answers = code === 'EADDRINUSE' && (await isShiplog(host, port))
  if (answers) {
    const holder = dataHolder(data)
    if (holder !== undefined) return [ok('listen', `${listen} is answered by Shiplog`)]
    const hint = 'Stop it, or take another port with --listen.'
    return [fail('listen', `${listen} is answered by a Shiplog that works on another data folder`, hint)]
  }
  const error = listenError(listen, code, undefined)
  const hint = error instanceof ShiplogError ? (error.hint ?? '') : 'Take another --listen.'
  return [fail('listen', error instanceof ShiplogError ? error.message : `${listen}: ${code}`, hint)]
}

export const checks: readonly (readonly [name: string, check: Check])[] = [
  ['node', checkNode],
  ['root', checkRoot],
  ['data', checkData],
  ['store', checkStoreFolder],
  ['listen', checkListen],
]

/** The folder itself, or the nearest one above it that is there. */
function nearestFolder(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (statSync(folder, { throwIfNoEntry: false }) !== undefined || folder === dirname(folder)) return folder
  }
}

function spaceOf(check: string, folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB are free on its disk`
  const hint = 'Free space there: without it nothing is stored, and the logs wait in their files.'
  return free >= freeBytesWarn
    ? ok(check, text)
    : free >= freeBytesMin
      ? warn(check, text, hint)
      : fail(check, text, hint)
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(systemCodeOf(error) ?? messageOf(error)))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

async function isShiplog(host: string, port: number): Promise<boolean> {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  try {
    const url = `http://${name.includes(':') ? `[${name}]` : name}:${port}/health`
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMsMax) })
    return Array.isArray(((await answer.json()) as { parts?: unknown }).parts)
  } catch {
    // Whoever it is, it does not answer as Shiplog does.
    return false
  }
}
