/** `shiplog doctor`: is everything as it has to be, and if not, what to do. Exit code: 0 fine, 1 something fails, 2 usage. */
import { resolve } from 'node:path'
import { processTerminal, type Terminal } from './cli-query.ts'
import { createClient } from './client.ts'
import { asksForHelp, refuseMissingValues } from './command-flags.ts'
import { type CommandLine, type Config, parseCommandLine, readConfig, writtenOptions } from './config.ts'
import { type Check, checks, examine, type Finding, fail, ok, warn } from './doctor.ts'
import { messageOf, ShiplogError } from './errors.ts'
import type { Source } from './record.ts'

const help = `shiplog doctor: checks what Shiplog needs, and says what to do

  --file PATH             why this file is or is not shipped, and how far
  --server URL            address of the process that is asked (default: http:// and --listen)
  --json                  the findings as JSON

Takes the options of up. Exit code: 0 fine (warnings too), 1 something fails, 2 usage.
`

/** What is known of one file. */
export interface Explained {
  readonly findings: readonly Finding[]
  /** Where it belongs, when it can be shipped. */
  readonly source?: Source
  /** As a shipper reports it. */
  readonly path?: string
}

/** What the stages and adapters bring along. */
export interface DoctorParts {
  readonly checks: readonly (readonly [name: string, check: Check])[]
  explain(config: Config, path: string): Promise<Explained>
}

export async function runDoctor(
  args: readonly string[],
  parts: DoctorParts,
  terminal: Terminal = processTerminal,
): Promise<number> {
  const extra = { file: true, json: false, server: true, help: false }
  refuseMissingValues(args, extra)
  const commandLine = parseCommandLine(args, extra)
  if (asksForHelp(args, commandLine.words)) {
    terminal.stdout.write(help)
    return 0
  }
  const [word] = commandLine.words
  if (word !== undefined)
    throw new ShiplogError('CONFIG_INVALID', `doctor takes no word such as “${word}”`, {
      hint: `Write --file ${word}.`,
    })
  const findings = await findingsOf(commandLine, parts, terminal)
  if (commandLine.extra.has('json')) terminal.stdout.write(`${JSON.stringify({ findings }, null, 2)}\n`)
  else for (const finding of findings) terminal.stdout.write(textOf(finding, terminal))
  return findings.some(({ state }) => state === 'fail') ? 1 : 0
}

async function findingsOf(commandLine: CommandLine, parts: DoctorParts, terminal: Terminal): Promise<Finding[]> {
  let config: Config
  let given: number
  try {
    const read = readConfig(commandLine, terminal.environment)
    given = writtenOptions(commandLine, terminal.environment).size
    config = { ...read, root: resolve(read.root), data: resolve(read.data) }
  } catch (error) {
    if (!(error instanceof ShiplogError)) throw error
    return [fail('config', error.message, error.hint ?? 'See shiplog help.')]
  }
  const file = commandLine.extra.get('file')
  if (file !== undefined) {
    const explained = await parts.explain(config, file)
    return [...explained.findings, ...(await askProcess(config, commandLine.extra.get('server'), explained))]
  }
  const found = await examine(config, [...checks, ...parts.checks])
  return [ok('config', `${given} options given`), ...found]
}

/** What the process that ships it says. */
async function askProcess(config: Config, server: string | undefined, { source, path }: Explained): Promise<Finding[]> {
  if (source === undefined) return []
  const address = server ?? `http://${config.listen.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1')}`
  const filters = (['cluster', 'app', 'instance', 'dir'] as const).map((name) => [name, source[name]] as const)
  try {
    const answer = (await createClient(address).get('files', filters)) as { readonly files: readonly Reported[] }
    const files = answer.files.filter((one) => one.path === path)
    if (files.length > 0) return files.map(reportedFinding)
    return [warn('process', `${address} knows nothing of it`, 'It is found within --rescan-interval-ms; look again.')]
  } catch (error) {
    const hint = 'Start shiplog up, or say where it is with --server URL.'
    return [warn('process', `no process says how it is: ${messageOf(error)}`, hint)]
  }
}

interface Reported {
  readonly generation?: string
  readonly path: string
  readonly state: string
  readonly behind: number
  readonly lost: number
  readonly reason?: string
  readonly warning?: string
}

function reportedFinding({ generation, state, behind, lost, reason, warning }: Reported): Finding {
  const parts = [
    generation ?? 'never read',
    state,
    behind > 0 ? `behind by ${behind} bytes` : '',
    lost > 0 ? `lost ${lost} bytes` : '',
    reason ?? '',
    warning ?? '',
  ]
  const detail = parts.filter((part) => part !== '').join(', ')
  if (state === 'unreadable' || lost > 0) return fail('process', detail, 'The log of the process says more.')
  if (warning !== undefined) return warn('process', detail, 'See docs/operations.md.')
  return state === 'skipped' ? warn('process', detail, 'It is left out as the reason says.') : ok('process', detail)
}

const marks = { ok: ['✓', '32'], warn: ['!', '33'], fail: ['✗', '31'] } as const

function textOf({ check, state, detail, hint }: Finding, { stdout, environment }: Terminal): string {
  const [mark, colour] = marks[state]
  const coloured = stdout.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb'
  const shown = coloured ? `\x1b[${colour}m${mark} ${state}\x1b[0m` : `${mark} ${state}`
  return `${shown.padEnd(shown.length + 6 - state.length)} ${check.padEnd(10)} ${detail}\n${hint === undefined ? '' : `         ${' '.repeat(11)}${hint}\n`}`
}
