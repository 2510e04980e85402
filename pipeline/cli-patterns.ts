/** `shiplog patterns QUERY`: the shapes of the lines that match, most frequent first. Exit code as grep. */
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
import { coloured, levelColours, visible } from './terminal-text.ts'

const help = `shiplog patterns QUERY: the shapes of the lines that match, as “count share level pattern”

${queryFlagsHelp}
  --limit N               patterns (50)
  --sample N              lines that are looked at, at most (50000); of more, counts are scaled
  --compare               with the range of the same length before: + marks what is new, - what is gone
  --sort count|change     change = what changed most first
  --json                  one pattern a line, as JSON

Exit code: 0 found, 1 nothing found, 2 error.
`

interface Row {
  readonly pattern: string
  readonly level: string
  readonly count: number
  readonly share: number
  readonly new?: boolean
  readonly previous?: { readonly count: number }
}

interface Answer {
  readonly total: number
  readonly sample: { readonly lines: number; readonly exact: boolean }
  readonly patterns: readonly Row[]
  readonly more: number
  readonly previous?: { readonly gone: readonly Row[] }
}

/** Runs the command; returns the exit code and never throws. */
export async function runPatterns(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  let query = ''
  try {
    const flags = { sample: true, compare: false, sort: true, json: false }
    const command = readQueryCommand(args, flags, terminal)
    query = command.query
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    const { parameters } = command
    for (const name of ['limit', 'sample', 'sort']) {
      const value = command.flags.get(name)
      if (value !== undefined) parameters.push([name, value])
    }
    if (command.flags.has('compare')) parameters.push(['compare', 'previous'])
    const answer = (await createClient(command.server, command.token).get('patterns', parameters)) as Answer
    const gone = answer.previous?.gone ?? []
    if (command.flags.has('json')) {
      const rows = [...answer.patterns, ...gone.map((row) => ({ ...row, gone: true }))]
      await writeAll(terminal.stdout, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    } else {
      const line = asLine(coloured(terminal), answer.previous !== undefined)
      const rows = [
        ...answer.patterns.map((row) => line(row, row.new ? '+' : ' ')),
        ...gone.map((row) => line(row, '-')),
      ]
      await writeAll(terminal.stdout, rows.join(''))
    }
    terminal.stderr.write(statement(answer))
    return answer.total > 0 ? 0 : 1
  } catch (error) {
    if (isBrokenPipe(error)) return 0
    showError(error, query, terminal)
    return 2
  }
}

/** What the counts are made from: never left unsaid where they are estimates. */
function statement({ total, sample, more }: Answer): string {
  const looked = sample.exact ? '' : `; counts are scaled from ${sample.lines.toLocaleString('en')} of them`
  const rest = more === 0 ? '' : `; ${more} more patterns with a higher --limit`
  return looked + rest === '' ? '' : `shiplog: ${total.toLocaleString('en')} lines${looked}${rest}\n`
}

function asLine(colour: boolean, compared: boolean): (row: Row, mark: string) => string {
  const paint = (on: string, text: string): string => (colour && on !== '' ? `${on}${text}\x1b[0m` : text)
  return ({ pattern, level, count, share, previous }, mark) => {
    const change = compared ? `${mark} ` : ''
    const before = previous === undefined || mark !== ' ' ? '' : ` (was ${previous.count})`
    const percent = `${(share * 100).toFixed(1)}%`
    const text = colour ? visible(pattern) : pattern
    return `${paint(mark === '+' ? '\x1b[32m' : '', change)}${String(count).padStart(9)} ${percent.padStart(6)} ${paint(levelColours[level] ?? '\x1b[2m', level.padEnd(5))} ${text}${before}\n`
  }
}
