/** `shiplog replay --rejects`: sends again what was refused. Exit code: 0 done, 1 failed, 2 usage. */
import type { Bus } from './bus.ts'
import { processTerminal, showError, type Terminal } from './cli-query.ts'
import { asksForHelp, refuseMissingValues } from './command-flags.ts'
import { type Config, parseCommandLine, readConfig } from './config.ts'
import { ShiplogError } from './errors.ts'

const help = `shiplog replay --rejects: sends again what the store refused

  --rejects               records that were refused for good, once what they were refused for is mended
  --from-start            all that are kept, also those that were sent before: what is stored is not stored twice

Takes the options of up and remembers how far it came. With --bus kafka://… it reads <topic>.rejects, and the indexers that run
store what it sends; with --bus local: it reads <data>/rejects.ndjson and stores itself, so stop shiplog up before.
What is refused again is kept again. Exit code: 0 done, 1 failed, 2 usage.
`

/** Opens what the configuration names. */
export type OpenReplay = (config: Config) => Promise<{ readonly bus: Pick<Bus, 'replay'>; close(): Promise<void> }>

/** Runs the command; returns the exit code and never throws. */
export async function runReplay(
  args: readonly string[],
  open: OpenReplay,
  terminal: Terminal = processTerminal,
): Promise<number> {
  try {
    const extra = { rejects: false, 'from-start': false, help: false }
    refuseMissingValues(args, extra)
    const commandLine = parseCommandLine(args, extra)
    if (asksForHelp(args, commandLine.words)) {
      terminal.stdout.write(help)
      return 0
    }
    const [word] = commandLine.words
    if (word !== undefined || !commandLine.extra.has('rejects')) {
      const said = word === undefined ? 'it is not said what is sent again' : `replay takes no word such as “${word}”`
      throw new ShiplogError('CONFIG_INVALID', said, { hint: 'Write shiplog replay --rejects.' })
    }
    const config = readConfig(commandLine, terminal.environment)
    await replay(config, commandLine.extra.has('from-start'), open, terminal)
    return 0
  } catch (error) {
    showError(error, '', terminal)
    return error instanceof ShiplogError && error.code === 'CONFIG_INVALID' ? 2 : 1
  }
}

async function replay(config: Config, fromStart: boolean, open: OpenReplay, { stdout, stderr }: Terminal) {
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, abort)
  const { bus, close } = await open(config)
  try {
    const { records, unreadable, lost } = await bus.replay({ fromStart, signal: stop.signal })
    stdout.write(`${records} records were sent again\n`)
    if (unreadable > 0) stderr.write(`${unreadable} of the rejects are no records, and stay where they are\n`)
    if (lost > 0) stderr.write(`${lost} of the rejects were deleted before they were sent again\n`)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, abort)
    await close()
  }
}
