/** `shiplog tail QUERY`: lines as they come, as `time host : message`, until it is ended. Goes on where it was when the server comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import {
  isBrokenPipe,
  processTerminal,
  queryFlagsHelp,
  readQueryCommand,
  showError,
  type Terminal,
  writeAll,
} from './cli-query.ts'
import { asJson, asLine, coloured, limitOf } from './cli-search.ts'
import { type ApiClient, createClient, type Parameters } from './client.ts'
import { messageOf, ShiplogError } from './errors.ts'
import type { LogRecord } from './record.ts'

const help = `shiplog tail QUERY: lines as they come, as “time host : message”, until Ctrl-C

${queryFlagsHelp.replace(/\n {2}--from[^\n]*/, '')}
  --limit N               newest lines to begin with (10)
  --json                  one record a line, as JSON

When the server goes away it is asked again, and goes on where it was. Exit code: 0 found, 1 nothing found, 2 error.
`

const linesDefault = 10
const waitMsMin = 250
const waitMsMax = 10_000
/** A server that is alive says so every 15 seconds. */
const silenceMsMax = 45_000
/** Records that came behind the last position may come once more: their ids are remembered, so many at the most. */
const rememberedMax = 10_000

/** Runs the command until `signal` (Ctrl-C); returns the exit code and never throws. */
export async function runTail(
  args: readonly string[],
  terminal: Terminal = processTerminal,
  signal = interrupted(),
): Promise<number> {
  let query = ''
  try {
    const command = readQueryCommand(args, { json: false }, terminal)
    query = command.query
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    for (const name of ['from', 'to', 'order']) {
      if (!command.flags.has(name)) continue
      throw new ShiplogError('CONFIG_INVALID', `tail has no --${name}`, { hint: 'Use shiplog search.' })
    }
    const lines = limitOf(command.flags.get('limit'), linesDefault)
    const show = command.flags.has('json') ? asJson : asLine(coloured(terminal))
    const printer = new Printer(terminal, show)
    await follow(
      createClient(command.server, command.token),
      [...command.parameters, ['lines', String(lines)]],
      printer,
      signal,
    )
    return printer.found ? 0 : 1
  } catch (error) {
    if (isBrokenPipe(error)) return 0
    showError(error, query, terminal)
    return 2
  }
}

/** Asks again, behind what was seen, whenever the answer ends; throws what asking again cannot mend. */
async function follow(client: ApiClient, parameters: Parameters, printer: Printer, signal: AbortSignal): Promise<void> {
  let waitMs = waitMsMin
  while (!signal.aborted) {
    const { position } = printer
    const asked: Parameters = position === undefined ? parameters : [...parameters, ['lastEventId', position]]
    try {
      const began = performance.now()
      await readOnce(client, asked, printer, signal)
      if (performance.now() - began > waitMsMax) waitMs = waitMsMin
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ShiplogError && error.retryable) || !printer.connected) throw error
      printer.say(`${messageOf(error)}; asking again`)
    }
    await sleep(waitMs, undefined, { signal }).catch(() => {})
    waitMs = Math.min(waitMsMax, waitMs * 2)
  }
}

async function readOnce(client: ApiClient, asked: Parameters, printer: Printer, signal: AbortSignal): Promise<void> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), silenceMsMax)
  try {
    const { chunks } = await client.stream('tail', asked, AbortSignal.any([signal, silence.signal]))
    printer.connected = true
    const decoder = new TextDecoder()
    const messages: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (message) => messages.push(message) })
    for await (const chunk of chunks) {
      timer.refresh()
      parser.feed(decoder.decode(chunk, { stream: true }))
      await printer.take(messages.splice(0))
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Prints what arrives and remembers where it is. */
class Printer {
  position: string | undefined
  found = false
  /** The server has answered once: from then on it is only away. */
  connected = false
  readonly #terminal: Terminal
  readonly #show: (record: LogRecord) => string
  /** Printed since the last position, or as the first lines. */
  readonly #printed = new Set<string>()

  constructor(terminal: Terminal, show: (record: LogRecord) => string) {
    this.#terminal = terminal
    this.#show = show
  }

  say(text: string): void {
    this.#terminal.stderr.write(`shiplog: ${text}\n`)
  }

  async take(messages: readonly EventSourceMessage[]): Promise<void> {
    let text = ''
    for (const { event, data, id } of messages) {
      if (event === 'record') text += this.#once(JSON.parse(data) as LogRecord)
      else if (event === 'missed') this.#tellMissed((JSON.parse(data) as { events: number | null }).events)
      if (id === undefined || id === this.position) continue
      this.position = id
      this.#printed.clear()
    }
    if (text !== '') await writeAll(this.#terminal.stdout, text)
  }

  #once(record: LogRecord): string {
    if (this.#printed.has(record.id)) return ''
    if (this.#printed.size < rememberedMax) this.#printed.add(record.id)
    this.found = true
    return this.#show(record)
  }

  #tellMissed(events: number | null): void {
    this.say(events === null ? 'some lines were missed; shiplog search has them' : `${events} lines were missed`)
  }
}

function interrupted(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return stop.signal
}
