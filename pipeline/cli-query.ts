/** What the commands that ask a server have in common: their flags, where they write, how they fail. */
import { readFileSync } from 'node:fs'
import { type Parameters, ProblemError } from './client.ts'
import { asksForHelp, type ExtraFlags, refuseMissingValues, takeRepeated } from './command-flags.ts'
import { type CommandLine, type Config, parseCommandLine, readConfig } from './config.ts'
import { messageOf, ShiplogError } from './errors.ts'
import { tokenPattern } from './token.ts'

/** Where a command writes and what it is set by; the process's own unless a test says otherwise. */
export interface Terminal {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly environment: Readonly<Record<string, string | undefined>>
}

export const processTerminal: Terminal = { stdout: process.stdout, stderr: process.stderr, environment: process.env }

/** Flags that may be given several times: any of the values. `--host` is one too, apart from the option of `up`. */
const filterFlags = ['app', 'instance', 'dir', 'file', 'host', 'level'] as const
const queryFlags = { app: true, instance: true, dir: true, file: true, level: true, from: true, to: true, tz: true }
const otherFlags = { server: true, help: false, order: true, limit: true }

export const queryFlagsHelp = `  --server URL            address that shiplog up prints (default: http:// and --listen)
  --cluster NAME          (default)
  --app, --instance, --dir, --file, --host, --level VALUE
                          each may be given several times: any of the values
  --from, --to TIME       ISO 8601, epoch milliseconds, now-15m, now/d … (from now-1d, open)
  --tz ZONE               of times that name none (default: the system’s)
  --token-file FILE       holds the token, where the server asks for one; also SHIPLOG_TOKEN`

export interface QueryCommand {
  readonly server: string
  /** What the server knows the caller by; undefined = nothing is sent. */
  readonly token: string | undefined
  readonly cluster: string
  /** The text of the query: all words of the command line. */
  readonly query: string
  readonly parameters: Parameters
  readonly flags: ReadonlyMap<string, string>
  /** Nothing but the help is asked for. */
  readonly help: boolean
}

/** Reads the command line of `search` and `export`. Throws CONFIG_INVALID for a flag that is not known. */
export function readQueryCommand(
  args: readonly string[],
  more: ExtraFlags,
  { environment }: Pick<Terminal, 'environment'>,
): QueryCommand {
  const extra = { ...queryFlags, ...otherFlags, ...more }
  refuseMissingValues(args, extra)
  const { taken: filters, rest } = takeRepeated(args, filterFlags)
  const commandLine = parseCommandLine(rest, extra)
  const config = readConfig(commandLine, environment)
  const flags = commandLine.extra
  const query = commandLine.words.join(' ')
  const parameters: [string, string][] = [['cluster', config.cluster], ...filters]
  if (query !== '') parameters.push(['q', query])
  for (const name of ['from', 'to', 'order']) {
    const value = flags.get(name)
    if (value !== undefined) parameters.push([name, value])
  }
  parameters.push(['tz', flags.get('tz') ?? config.timezone])
  const help = asksForHelp(args, commandLine.words)
  const server = flags.get('server') ?? (help ? '' : serverOf(config.listen, commandLine))
  const token = help ? undefined : tokenOf(config)
  return { server, token, cluster: config.cluster, query, parameters, flags, help }
}

/** Never part of a message: what is wrong with a token is said without it. */
function tokenOf({ token, tokenFile }: Pick<Config, 'token' | 'tokenFile'>): string | undefined {
  if (token === '' && tokenFile === '') return undefined
  let text = token
  try {
    if (token === '') text = readFileSync(tokenFile, 'utf8')
  } catch (cause) {
    throw new ShiplogError('CONFIG_INVALID', `cannot read --token-file ${tokenFile}: ${messageOf(cause)}`, { cause })
  }
  if (tokenPattern.test(text.trim())) return text.trim()
  throw new ShiplogError(
    'CONFIG_INVALID',
    `what ${token === '' ? tokenFile : 'SHIPLOG_TOKEN or --token'} holds is no token`,
    {
      hint: 'Give it whole, as shiplog token add has printed it: shiplog_…',
    },
  )
}

function serverOf(listen: string, { written }: CommandLine): string {
  // An address that means every interface is none to connect to.
  const address = listen.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1')
  if (address.endsWith(':0')) {
    const where = written.has('listen') ? '--listen' : 'SHIPLOG_LISTEN'
    throw new ShiplogError('CONFIG_INVALID', `${where} ${listen} says no port to ask`, { hint: 'Say --server URL.' })
  }
  return `http://${address}`
}

/** Says on stderr what went wrong, for a query also where. */
export function showError(error: unknown, query: string, { stderr }: Pick<Terminal, 'stderr'>): void {
  stderr.write(`shiplog: ${messageOf(error)}\n`)
  const place = error instanceof ProblemError ? error.position : undefined
  if (place !== undefined && !query.includes('\n')) {
    const marks = '^'.repeat(Math.max(1, columnsOf(query.slice(place.start, place.end))))
    stderr.write(`  ${query}\n  ${' '.repeat(columnsOf(query.slice(0, place.start)))}${marks}\n`)
  }
  if (error instanceof ShiplogError && error.hint !== undefined && error.hint !== '') stderr.write(`  ${error.hint}\n`)
}

/** What a terminal shows in two columns; source: East Asian Width W and F of Unicode, UAX #11, in its large blocks. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u

/** Columns of a terminal that the text takes. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) if (!/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) columns += wide.test(character) ? 2 : 1
  return columns
}

/** True when the reader of a pipe went away (`| head`), which is no failure. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}

/** Writes and waits while the reader is slow. Rejects when the stream has failed. */
export async function writeAll(stream: NodeJS.WritableStream, chunk: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // Without a listener a broken pipe would end the process with a stack trace.
    stream.once('error', reject)
    stream.write(chunk, (error) => {
      stream.removeListener('error', reject)
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}
