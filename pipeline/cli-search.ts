/** `shiplog search QUERY`: lines that match, as `time host : message`. Exit code as grep: 0 found, 1 none, 2 error. */
import { aroundFlags, aroundHelp, aroundOf, aroundParameters, longAroundFlags } from './cli-around.ts'
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
import { coloured, levelColours, visible } from './terminal-text.ts'

const help = `shiplog search QUERY: lines that match, newest first, as “time host : message”

${queryFlagsHelp}
  --limit N               lines (100)
  --order desc|asc        desc = newest first
${aroundHelp}
  --json                  one record a line, as JSON

Exit code: 0 found, 1 nothing found, 2 error. For everything that matches: shiplog export.
`

/** The most that the API gives in one page. */
const pageRecordsMax = 1000
const limitDefault = 100
/** The same with lines around them. */
const pageLinesMax = 5000

/** Runs the command; returns the exit code and never throws. */
export async function runSearch(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  let query = ''
  try {
    const command = readQueryCommand(longAroundFlags(args), { json: false, order: true, ...aroundFlags }, terminal)
    query = command.query
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    const around = aroundOf(command.flags)
    const lines = 1 + around.before + around.after
    const limit = limitOf(command.flags.get('limit'), limitDefaultOf(lines))
    const client = createClient(command.server, command.token)
    const show = command.flags.has('json') ? asJson : asLine(coloured(terminal))
    const write = (records: readonly Shown[]): Promise<void> => writeAll(terminal.stdout, records.map(show).join(''))
    let found = 0
    if (lines === 1) {
      for await (const records of pages(client, command.parameters, limit)) {
        found += records.length
        if (records.length > 0) await write(records)
      }
    } else {
      const parameters = [...command.parameters, ...aroundParameters(around), ['limit', String(limit)] as const]
      const answer = (await client.get('search', parameters)) as GroupsAnswer
      found = answer.records.length
      for (const [n, group] of answer.groups.entries()) {
        if (n > 0 && !command.flags.has('json')) await writeAll(terminal.stdout, '--\n')
        await write(shownGroup(group, n + 1))
      }
      tellPartial(answer, terminal)
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

interface GroupsAnswer {
  readonly records: readonly LogRecord[]
  readonly groups: readonly { readonly records: readonly LogRecord[]; readonly hits: readonly number[] }[]
  readonly partial?: { readonly coveredFrom?: string; readonly coveredTo?: string }
}

function shownGroup({ records, hits }: GroupsAnswer['groups'][number], group: number): Shown[] {
  return records.map((record, i) => ({ ...record, group, hit: hits.includes(i) }))
}

/** A page without its cursor: that it does not reach all the way back is said. */
function tellPartial({ partial }: GroupsAnswer, { stderr }: Terminal): void {
  const edge = partial?.coveredFrom ?? partial?.coveredTo
  if (edge !== undefined) stderr.write(`shiplog: the server’s time limit ended the search at ${edge}\n`)
}

/** `lines` come with each that is found; more than a page of them is refused by the server. */
function limitDefaultOf(lines: number): number {
  return lines === 1 ? limitDefault : Math.max(1, Math.min(limitDefault, Math.floor(pageLinesMax / lines)))
}

/** Throws CONFIG_INVALID for what is no number of lines. */
export function limitOf(written: string | undefined, fallback: number): number {
  if (written === undefined) return fallback
  if (/^[1-9]\d{0,8}$/.test(written)) return Number(written)
  throw new ShiplogError('CONFIG_INVALID', `--limit is “${written}”, expected a whole number from 1`, {
    hint: 'shiplog export gives everything that matches.',
  })
}

/** A record, and with -B, -A or -C whether it is one that was found, in which group. */
type Shown = LogRecord & { readonly group?: number; readonly hit?: boolean }

export function asJson(record: Shown): string {
  return `${JSON.stringify(record)}\n`
}

export function asLine(colour: boolean): (record: Shown) => string {
  if (!colour) return ({ time, host, message, hit }) => `${time} ${host} ${hit === false ? '-' : ':'} ${message}\n`
  return ({ time, host, level, message, hit }) => {
    const on = hit === false ? '\x1b[2m' : levelColours[level]
    const text = visible(message)
    const mark = hit === false ? '-' : ':'
    return `\x1b[2m${time}\x1b[0m \x1b[36m${visible(host)}\x1b[0m ${mark} ${on === undefined ? text : `${on}${text}\x1b[0m`}\n`
  }
}
