/** `shiplog search QUERY`: lines that match, as `time host : message`. Exit code as grep: 0 found, 1 none, 2 error. */
import {
  isBrokenPipe,
  processTerminal,
  queryFlagsHelp,
  readQueryCommand,
  showError,
  type Terminal,
  writeAll,
} from './cli-query.ts'
import { type ApiClient, createClient, type Parameters } from './client.ts'
import { nearestOf } from './config.ts'
import { ShiplogError } from './errors.ts'
import type { LogRecord } from './record.ts'

const help = `shiplog search QUERY: lines that match, newest first, as “time host : message”

${queryFlagsHelp}
  --limit N               lines (100)
  --order desc|asc        desc = newest first
  --json                  one record a line, as JSON

Exit code: 0 found, 1 nothing found, 2 error. For everything that matches: shiplog export.
`

/** The most that the API gives in one page. */
const pageRecordsMax = 1000
const limitDefault = 100

/** Runs the command; returns the exit code and never throws. */
export async function runSearch(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  let query = ''
  try {
    const command = readQueryCommand(args, { json: false }, terminal)
    query = command.query
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    const limit = limitOf(command.flags.get('limit'), limitDefault)
    const client = createClient(command.server, command.token)
    const show = command.flags.has('json') ? asJson : asLine(coloured(terminal))
    let found = 0
    for await (const records of pages(client, command.parameters, limit)) {
      found += records.length
      if (records.length > 0) await writeAll(terminal.stdout, records.map(show).join(''))
    }
    if (found === 0) await hintAtCluster(client, command.cluster, terminal)
    return found > 0 ? 0 : 1
  } catch (error) {
    if (isBrokenPipe(error)) return 0
    showError(error, query, terminal)
    return 2
  }
}

/** A cluster that is not there finds nothing, as a word that is not there does: what was wrong has to be said. */
async function hintAtCluster(client: ApiClient, cluster: string, { stderr }: Terminal): Promise<void> {
  const known = await clustersOf(client)
  if (known === undefined || known.includes(cluster)) return
  const nearest = nearestOf(cluster, known)
  const some = known.length === 0 ? 'Nothing has been indexed yet.' : `Known: ${known.slice(0, 20).join(', ')}.`
  const hint = nearest === undefined ? some : `Did you mean --cluster ${nearest}?`
  stderr.write(`shiplog: there is no cluster “${cluster}”\n  ${hint}\n`)
}

/** Undefined when the server cannot say: a hint is not worth an error. */
async function clustersOf(client: ApiClient): Promise<string[] | undefined> {
  try {
    const answer = await client.get('values/cluster', [
      ['from', '0'],
      ['limit', '1000'],
    ])
    return (answer as { readonly values: readonly { readonly value: string }[] }).values.map(({ value }) => value)
  } catch {
    return undefined
  }
}

async function* pages(client: ApiClient, parameters: Parameters, limit: number): AsyncGenerator<readonly LogRecord[]> {
  let cursor: string | null = null
  let left = limit
  do {
    const page: [string, string][] = [['limit', String(Math.min(left, pageRecordsMax))]]
    if (cursor !== null) page.push(['cursor', cursor])
    const answer = (await client.get('search', [...parameters, ...page])) as {
      readonly records: readonly LogRecord[]
      readonly next: string | null
    }
    yield answer.records
    left -= answer.records.length
    cursor = answer.next
  } while (cursor !== null && left > 0)
}

/** Throws CONFIG_INVALID for what is no number of lines. */
export function limitOf(written: string | undefined, fallback: number): number {
  if (written === undefined) return fallback
  if (/^[1-9]\d{0,8}$/.test(written)) return Number(written)
  throw new ShiplogError('CONFIG_INVALID', `--limit is “${written}”, expected a whole number from 1`, {
    hint: 'shiplog export gives everything that matches.',
  })
}

export function coloured({ stdout, environment }: Terminal): boolean {
  return stdout.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb'
}

export function asJson(record: LogRecord): string {
  return `${JSON.stringify(record)}\n`
}

const levelColours: Readonly<Record<string, string>> = { warn: '\x1b[33m', error: '\x1b[31m', fatal: '\x1b[1;31m' }

export function asLine(colour: boolean): (record: LogRecord) => string {
  if (!colour) return ({ time, host, message }) => `${time} ${host} : ${message}\n`
  return ({ time, host, level, message }) => {
    const on = levelColours[level]
    const text = visible(message)
    return `\x1b[2m${time}\x1b[0m \x1b[36m${visible(host)}\x1b[0m : ${on === undefined ? text : `${on}${text}\x1b[0m`}\n`
  }
}

/** A line must not move the cursor or set the title of the terminal that it is shown on. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}]/gu, (control) => {
    if (control === '\n' || control === '\t') return control
    const code = control.charCodeAt(0)
    return code < 32 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })
}
