/** `shiplog values FIELD QUERY`: the values of a field among the lines that match. Exit code as grep. */
import {
  isBrokenPipe,
  processTerminal,
  queryFlagsHelp,
  readQueryCommand,
  showError,
  type Terminal,
  writeAll,
} from './cli-query.ts'
import { createClient } from './client.ts'
import { ShiplogError } from './errors.ts'
import { coloured, visible } from './terminal-text.ts'

const help = `shiplog values FIELD [QUERY]: the values of a field, most frequent first, as “count value”

FIELD is cluster, app, instance, dir, file, host, level or fields.NAME (also .NAME).

${queryFlagsHelp}
  --limit N               values (100)
  --prefix TEXT           only values that begin so, in either case
  --json                  one value a line, as JSON, with the time of the newest line

Exit code: 0 found, 1 nothing found, 2 error.
`

interface Value {
  readonly value: string
  readonly count: number
  readonly last: string
}

/** Runs the command; returns the exit code and never throws. */
export async function runValues(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  let query = ''
  try {
    const command = readQueryCommand(args, { prefix: true, json: false }, terminal)
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    const [written, ...rest] = command.query.split(' ')
    if (written === undefined || written === '') {
      throw new ShiplogError('CONFIG_INVALID', 'values needs a field', {
        hint: 'Write shiplog values app, or values .status.',
      })
    }
    query = rest.join(' ')
    const field = written.startsWith('.') ? `fields${written}` : written
    const parameters = command.parameters.filter(([name]) => name !== 'q')
    if (query !== '') parameters.push(['q', query])
    for (const name of ['limit', 'prefix']) {
      const value = command.flags.get(name)
      if (value !== undefined) parameters.push([name, value])
    }
    // Every cluster is one of the answers, not only the one that is set.
    const asked = field === 'cluster' ? parameters.filter(([name]) => name !== 'cluster') : parameters
    const answer = await createClient(command.server, command.token).get(`values/${encodeURIComponent(field)}`, asked)
    const { values } = answer as { readonly values: readonly Value[] }
    const show = command.flags.has('json') ? asJson : asLine(coloured(terminal))
    await writeAll(terminal.stdout, values.map(show).join(''))
    return values.length > 0 ? 0 : 1
  } catch (error) {
    if (isBrokenPipe(error)) return 0
    showError(error, query, terminal)
    return 2
  }
}

function asJson(value: Value): string {
  return `${JSON.stringify(value)}\n`
}

function asLine(colour: boolean): (value: Value) => string {
  return ({ value, count }) =>
    colour
      ? `\x1b[36m${String(count).padStart(9)}\x1b[0m ${visible(value)}\n`
      : `${String(count).padStart(9)} ${value}\n`
}
