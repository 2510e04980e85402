/** The command line: `shiplog <command> …`. Exit codes: 0 done, 1 failed, 2 usage; search, patterns and values as grep: 0, 1 none, 2 error. */
import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { checkCheckpoint, explainFile } from '../shipper/explain.ts'
import { adapterChecks } from './adapters.ts'
import { runDoctor } from './cli-doctor.ts'
import { runExport } from './cli-export.ts'
import { runPatterns } from './cli-patterns.ts'
import { runReplay } from './cli-replay.ts'
import { runSearch } from './cli-search.ts'
import { runTail } from './cli-tail.ts'
import { runToken } from './cli-token.ts'
import { runValues } from './cli-values.ts'
import { refuseMissingValues } from './command-flags.ts'
import { type Config, helpOfOptions, nearestOf, parseCommandLine, readConfig, writtenOptions } from './config.ts'
import { messageOf, ShiplogError } from './errors.ts'
import { becomeLean } from './lean-process.ts'
import { openReplay, type Running, type Stage, stages, startAll } from './start.ts'

/** SIGTERM has to be over in 10 s; what is still in flight then is read again by the next start. */
const shutdownMsMax = 9500

const help = `shiplog: logs of many containers, found in one place

  shiplog up              everything in one process: tails --root, serves the page and the API on --listen
  shiplog shipper         one stage by itself, for --bus kafka://…; serves /health and /metrics on 127.0.0.1:8081,
  shiplog indexer         … on 127.0.0.1:8082,
  shiplog query-api       … the page and the API on 127.0.0.1:8080
  shiplog search QUERY    lines that match, newest first     (--help for its own flags)
  shiplog tail QUERY      lines as they come              (--help for its own flags)
  shiplog export QUERY    all lines that match, to --out     (--help for its own flags)
  shiplog patterns QUERY  the shapes of these lines, counted (--help for its own flags)
  shiplog values FIELD    what a field can be, counted       (--help for its own flags)
  shiplog token …         who may ask the API                (--help for its own flags)
  shiplog replay --rejects  sends again what the store refused (--help for its own flags)
  shiplog doctor          checks what it needs; --file PATH says why a file is or is not shipped
  shiplog version         which one this is
  shiplog help            this text

SIGHUP reads the configuration again: see docs/settings.md for what holds at once.

Each option is a flag, an environment variable (--retention-days = SHIPLOG_RETENTION_DAYS) and a key of --config.

${helpOfOptions()}
`

type Command = (args: readonly string[]) => Promise<number>

/** Where a stage by itself listens when nothing is said. */
const listenDefaults: Readonly<Record<Stage, string>> = {
  shipper: '127.0.0.1:8081',
  indexer: '127.0.0.1:8082',
  'query-api': '127.0.0.1:8080',
}

async function up(args: readonly string[], only?: Stage): Promise<number> {
  becomeLean()
  refuseMissingValues(args)
  const commandLine = parseCommandLine(args)
  const [extra] = commandLine.words
  if (extra !== undefined)
    throw new ShiplogError('CONFIG_INVALID', `${only ?? 'up'} takes no word such as “${extra}”`, {
      hint: 'Options begin with --.',
    })
  const written = writtenOptions(commandLine, process.env)
  const listen = only === undefined || written.has('listen') ? {} : { listen: listenDefaults[only] }
  const read = (): Config => ({ ...readConfig(commandLine, process.env), ...listen })
  const config = read()
  const hadTerminal = isatty(2)
  let running: Running | undefined
  process.on('SIGHUP', () => {
    // A terminal that is closed sends it, too.
    if (hadTerminal && !isatty(2)) process.kill(process.pid, 'SIGTERM')
    else running?.reload(read)
  })
  running = await startAll(config, written.has('root'), only)
  process.stdout.write(`${running.url}\n`)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  setTimeout(() => process.exit(1), shutdownMsMax).unref()
  await running.close()
  return 0
}

async function version(): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  process.stdout.write(`shiplog ${version}\n`)
  return 0
}

async function printHelp(): Promise<number> {
  process.stdout.write(help)
  return 0
}

const commands: Readonly<Record<string, Command>> = {
  up: (args) => up(args),
  ...Object.fromEntries(stages.map((stage): [string, Command] => [stage, (args) => up(args, stage)])),
  search: runSearch,
  tail: (args) => runTail(args),
  export: runExport,
  patterns: runPatterns,
  values: runValues,
  token: runToken,
  replay: (args) => runReplay(args, openReplay),
  doctor: (args) =>
    runDoctor(args, { checks: [['checkpoint', checkCheckpoint], ...adapterChecks], explain: explainFile }),
  version,
  help: printHelp,
}

async function main([name = 'help', ...args]: string[]): Promise<number> {
  if (name === '--help' || name === '-h') return printHelp()
  if (name === '--version') return version()
  const command = commands[name]
  if (command === undefined) {
    const nearest = nearestOf(name, Object.keys(commands))
    throw new ShiplogError('CONFIG_INVALID', `there is no command “${name}”`, {
      hint: nearest === undefined ? 'See shiplog help.' : `Did you mean shiplog ${nearest}?`,
    })
  }
  if (['up', ...stages].includes(name) && args.some((arg) => arg === '--help' || arg === '-h')) return printHelp()
  return command(args)
}

// As far as this process can hide it: ps of others does not show the rest of the command line any more.
if (process.argv.some((arg) => arg === '--token' || arg.startsWith('--token='))) process.title = 'shiplog'

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const hint = error instanceof ShiplogError && error.hint ? `\n  ${error.hint}` : ''
  process.stderr.write(`shiplog: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof ShiplogError && error.code === 'CONFIG_INVALID' ? 2 : 1
}
