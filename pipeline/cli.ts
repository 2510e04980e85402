/** The command line: `shiplog <command> …`. Exit codes: 0 done, 1 failed, 2 usage; search as grep: 0, 1 none, 2 error. */
import { readFileSync } from 'node:fs'
import { runExport } from './cli-export.ts'
import { runSearch } from './cli-search.ts'
import { refuseMissingValues } from './command-flags.ts'
import { helpOfOptions, nearestOf, parseCommandLine, readConfig, writtenOptions } from './config.ts'
import { messageOf, ShiplogError } from './errors.ts'
import { becomeLean } from './lean-process.ts'
import { type Stage, stages, startAll } from './start.ts'

/** SIGTERM has to be over in 10 s; what is still in flight then is read again by the next start. */
const shutdownMsMax = 9500

const help = `shiplog: logs of many containers, found in one place

  shiplog up              everything in one process: tails --root, serves the page and the API on --listen
  shiplog shipper         one stage by itself, for --bus kafka://…; serves /health and /metrics on 127.0.0.1:8081,
  shiplog indexer         … on 127.0.0.1:8082,
  shiplog query-api       … the page and the API on 127.0.0.1:8080
  shiplog search QUERY    lines that match, newest first     (--help for its own flags)
  shiplog export QUERY    all lines that match, to --out     (--help for its own flags)
  shiplog version         which one this is
  shiplog help            this text

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
  const config = { ...readConfig(commandLine, process.env), ...listen }
  const running = await startAll(config, written.has('root'), only)
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
  export: runExport,
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

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const hint = error instanceof ShiplogError && error.hint ? `\n  ${error.hint}` : ''
  process.stderr.write(`shiplog: ${messageOf(error)}${hint}\n`)
  process.exitCode = error instanceof ShiplogError && error.code === 'CONFIG_INVALID' ? 2 : 1
}
