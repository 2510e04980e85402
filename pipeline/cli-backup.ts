/** `shiplog backup` and `shiplog restore`: the small state as a file. Exit code: 0 done, 1 failed, 2 usage. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { backedUpPrefixes, formatBackup, parseBackup } from './backup.ts'
import { processTerminal, showError, type Terminal } from './cli-query.ts'
import { asksForHelp, refuseMissingValues } from './command-flags.ts'
import { type Config, parseCommandLine, readConfig } from './config.ts'
import { messageOf, ShiplogError } from './errors.ts'
import type { State, StateEntry } from './state.ts'
import type { Token } from './token.ts'
import { changeTokenFile, readTokenFile } from './token-file.ts'

const help = `shiplog backup --out FILE, shiplog restore --in FILE: saved searches, alert policies and tokens

  --out FILE              where the backup goes; a file that is there is kept, unless --force
  --in FILE               the backup that is restored
  --force                 backup: overwrite FILE; restore: also what is there and differs

Takes the options of up: --store and --data say where the state is, --tokens FILE which tokens belong to it. A backup may be made
while shiplog up runs; a restore into the embedded store needs it stopped. What is there and is not in the backup stays.
Of tokens only hashes are kept; alert policies hold the addresses of their targets: keep the file as you keep those.
Exit code: 0 done, 1 failed, 2 usage.
`

/** Opens the state that the configuration names; `alone`: no other process may have it open. */
export type OpenState = (config: Config, alone: boolean) => Promise<{ readonly state: State; close(): Promise<void> }>

/** Runs the command; returns the exit code and never throws. */
export async function runBackup(
  action: 'backup' | 'restore',
  args: readonly string[],
  open: OpenState,
  terminal: Terminal = processTerminal,
): Promise<number> {
  try {
    const flag = action === 'backup' ? 'out' : 'in'
    const extra = { [flag]: true, force: false, help: false }
    refuseMissingValues(args, extra)
    const commandLine = parseCommandLine(args, extra)
    if (asksForHelp(args, commandLine.words)) {
      terminal.stdout.write(help)
      return 0
    }
    const path = commandLine.extra.get(flag) ?? ''
    const [word] = commandLine.words
    if (word !== undefined || path === '') {
      const said = word === undefined ? `${action} needs a file` : `${action} takes no word such as “${word}”`
      throw new ShiplogError('CONFIG_INVALID', said, { hint: `Write shiplog ${action} --${flag} FILE.` })
    }
    const config = readConfig(commandLine, terminal.environment)
    const force = commandLine.extra.has('force')
    const said = await (action === 'backup' ? backUp : restore)(config, path, force, open)
    terminal.stdout.write(`${said}\n`)
    return 0
  } catch (error) {
    showError(error, '', terminal)
    return error instanceof ShiplogError && error.code === 'CONFIG_INVALID' ? 2 : 1
  }
}

async function backUp(config: Config, path: string, force: boolean, open: OpenState): Promise<string> {
  if (!force && existsSync(path)) throw isThere(path)
  const tokens = config.tokens === '' ? undefined : readTokenFile(config.tokens)
  const { state, close } = await open(config, false)
  let entries: StateEntry[]
  try {
    entries = (await Promise.all(backedUpPrefixes.map((prefix) => state.list(prefix)))).flat()
  } finally {
    await close()
  }
  write(path, formatBackup({ entries, tokens }, Date.now()), force)
  return `${entries.length} entries and ${tokens?.length ?? 'no'} tokens are in ${path}`
}

async function restore(config: Config, path: string, force: boolean, open: OpenState): Promise<string> {
  const { entries, tokens } = parseBackup(read(path), path)
  if (tokens !== undefined && config.tokens === '') {
    throw new ShiplogError('CONFIG_INVALID', `there are tokens in ${path}, and it is not said where they go`, {
      hint: 'Give --tokens FILE, as shiplog up gets it.',
    })
  }
  const { state, close } = await open(config, true)
  try {
    const differing: string[] = []
    const wanted: { key: string; value: unknown; version: number }[] = []
    for (const { key, value } of entries) {
      const there = await state.get(key)
      if (there !== undefined && same(there.value, value)) continue
      if (there !== undefined) differing.push(key)
      wanted.push({ key, value, version: there?.version ?? 0 })
    }
    const restoresTokens = tokens !== undefined && !same(tokensAt(config.tokens), tokens)
    if (restoresTokens && existsSync(config.tokens)) differing.push(config.tokens)
    // Before anything is written: half a restore is worse than none.
    if (differing.length > 0 && !force) {
      const shown = differing.slice(0, 3).join(', ')
      throw new ShiplogError('CONFLICT', `${differing.length} of them are there already and differ: ${shown}`, {
        hint: 'With --force those of the backup take their place.',
      })
    }
    for (const { key, value, version } of wanted) await state.put(key, value, version)
    if (restoresTokens) changeTokenFile(config.tokens, () => tokens)
    const kept = entries.length - wanted.length
    return `${wanted.length} entries were restored, ${kept} were there already; tokens: ${restoresTokens ? tokens.length : 'none to change'}`
  } finally {
    await close()
  }
}

function tokensAt(path: string): readonly Token[] | undefined {
  return existsSync(path) ? readTokenFile(path) : undefined
}

/** Whatever the order of their names: Elasticsearch and SQLite both keep text, people may not. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(pairs.map(([name, inner]) => [name, sorted(inner)]))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const hint = 'Give the path of a file that shiplog backup made.'
    throw new ShiplogError('STATE_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { hint, cause })
  }
}

/** Whole or not at all, whenever the process dies. */
function write(path: string, text: string, force: boolean): void {
  const fresh = `${path}.new`
  try {
    const file = openSync(fresh, 'w', 0o600)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (!force && existsSync(path)) throw isThere(path)
    renameSync(fresh, path)
  } catch (cause) {
    rmSync(fresh, { force: true })
    if (cause instanceof ShiplogError) throw cause
    const hint = 'Give --out a path that can be written.'
    throw new ShiplogError('DATA_UNWRITABLE', `cannot write ${path}: ${messageOf(cause)}`, { hint, cause })
  }
}

function isThere(path: string): ShiplogError {
  return new ShiplogError('CONFLICT', `${path} is there already`, { hint: 'Give another --out, or --force.' })
}
