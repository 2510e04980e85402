/** `shiplog export QUERY`: everything that matches, to a file or to stdout. Exit code: 0 done, 1 failed, 2 usage. */
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
import { ShiplogError } from './errors.ts'
import { openExportFile } from './export-file.ts'
import { fromDefault } from './time-range.ts'

const help = `shiplog export QUERY: everything that matches, oldest first

${queryFlagsHelp}
  --out FILE              (default: stdout)
  --format FORMAT         txt (host : message), ndjson, csv or raw (the bytes of one file); txt
  --order asc|desc        asc = oldest first
  --limit N               at most so many records
  --csv-safe false        cells of csv as they are, also those that a spreadsheet would run
  --resume                go on with FILE where an export that was broken off ended

What is not finished is FILE.part; FILE appears when it is whole. Exit code: 0 done, 1 failed, 2 usage.
`

/** Records in one request: after each of them the place is remembered, so that a broken export loses one of them. */
const pageRecords = 200_000
const progressIntervalMs = 200

/** Runs the command; returns the exit code and never throws. `pageRecordsMax` is for tests. */
export async function runExport(
  args: readonly string[],
  terminal: Terminal = processTerminal,
  pageRecordsMax = pageRecords,
): Promise<number> {
  let query = ''
  try {
    const flags = { out: true, format: true, resume: false, 'csv-safe': true }
    const command = readQueryCommand(args, flags, terminal)
    query = command.query
    if (command.help) {
      terminal.stdout.write(help)
      return 0
    }
    const client = createClient(command.server, command.token)
    const parameters: [string, string][] = [
      ...command.parameters.map(([name, value]): [string, string] => [name, value]),
    ]
    parameters.push(['format', command.flags.get('format') ?? 'txt'])
    const csvSafe = command.flags.get('csv-safe')
    if (csvSafe !== undefined) parameters.push(['csvSafe', csvSafe])
    const limit = limitOf(command.flags.get('limit'))
    const out = command.flags.get('out')
    let records: number | undefined
    if (out === undefined) {
      if (command.flags.has('resume')) throw usage('--resume needs --out FILE', 'What went to stdout is gone.')
      records = await exportToStdout(client, parameters, limit, terminal)
    } else {
      const resume = command.flags.has('resume')
      records = await exportToFile(client, parameters, { out, limit, resume, pageRecordsMax }, terminal)
    }
    if (records === 0) terminal.stderr.write(`shiplog: nothing was found ${rangeText(command.flags)}\n`)
    return 0
  } catch (error) {
    if (isBrokenPipe(error)) return 0
    showError(error, query, terminal)
    const usageError = error instanceof ShiplogError && ['CONFIG_INVALID', 'QUERY_INVALID'].includes(error.code)
    return usageError ? 2 : 1
  }
}

async function exportToStdout(
  client: ApiClient,
  parameters: Parameters,
  limit: number | undefined,
  { stdout }: Terminal,
): Promise<number | undefined> {
  const all: Parameters = limit === undefined ? parameters : [...parameters, ['limit', String(limit)]]
  const { chunks, trailers } = await client.stream('export', all)
  for await (const chunk of chunks) await writeAll(stdout, chunk)
  const records = trailers()['shiplog-records']
  return records === undefined ? undefined : Number(records)
}

/** The range that was asked for, as the server understands what is left out. */
function rangeText(flags: ReadonlyMap<string, string>): string {
  const beginning = flags.get('format') === 'raw' ? 'the beginning' : `${fromDefault} (give another --from)`
  return `from ${flags.get('from') ?? beginning} to ${flags.get('to') ?? 'the end'}`
}

interface FileExport {
  readonly out: string
  readonly limit: number | undefined
  readonly resume: boolean
  readonly pageRecordsMax: number
}

async function exportToFile(
  client: ApiClient,
  parameters: Parameters,
  wanted: FileExport,
  terminal: Terminal,
): Promise<number> {
  const { out, limit, resume, pageRecordsMax } = wanted
  const file = await openExportFile(out, { resume, asked: parameters })
  const progress = showProgress(terminal, file.place.records)
  try {
    let { records, cursor } = file.place
    while (cursor !== 'end' && (limit === undefined || records < limit)) {
      const page = Math.min(pageRecordsMax, limit === undefined ? pageRecordsMax : limit - records)
      const next: Parameters = cursor === undefined ? [] : [['cursor', cursor]]
      const { chunks, trailers } = await client.stream('export', [...parameters, ['limit', String(page)], ...next])
      for await (const chunk of chunks) {
        await file.write(chunk)
        progress.bytes(chunk.length)
      }
      const ended = endOf(trailers())
      records += ended.records
      cursor = ended.cursor
      progress.records(ended.records)
      await file.remember({ records, cursor })
    }
    await file.finish()
    progress.done(`${out}: `)
    return records
  } catch (error) {
    progress.done('')
    if (file.place.cursor !== undefined && error instanceof ShiplogError) {
      const hint = `Go on with the same command and --resume: ${file.place.records} records are in ${out}.part.`
      throw new ShiplogError(error.code, error.message, { hint: `${error.hint ?? ''} ${hint}`.trim(), cause: error })
    }
    throw error
  } finally {
    await file.close()
  }
}

function endOf(trailers: Readonly<Record<string, string | undefined>>): { records: number; cursor: string } {
  const records = Number(trailers['shiplog-records'] ?? Number.NaN)
  const cursor = trailers['shiplog-next']
  if (Number.isSafeInteger(records) && cursor !== undefined && cursor !== '') return { records, cursor }
  throw new ShiplogError('STORE_UNAVAILABLE', 'the answer does not say where it ended', {
    hint: 'A proxy between drops HTTP trailers: ask shiplog up itself with --server, or export to stdout.',
  })
}

function limitOf(written: string | undefined): number | undefined {
  if (written === undefined) return undefined
  if (/^[1-9]\d{0,14}$/.test(written)) return Number(written)
  throw usage(`--limit is “${written}”, expected a whole number from 1`, 'Leave it out for everything.')
}

function usage(message: string, hint: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', message, { hint })
}

/** Records, bytes and rate on one line of a terminal; nothing anywhere else. */
function showProgress({ stderr }: Terminal, before: number) {
  const shown = { records: before, bytes: 0 }
  const started = performance.now()
  let last = 0
  const line = (): string => {
    const seconds = Math.max(0.001, (performance.now() - started) / 1000)
    const megabytes = shown.bytes / 1e6
    const records = shown.records.toLocaleString('en')
    return `${records} records  ${megabytes.toFixed(1)} MB  ${(megabytes / seconds).toFixed(1)} MB/s`
  }
  const draw = (): void => {
    if (stderr.isTTY !== true || performance.now() - last < progressIntervalMs) return
    last = performance.now()
    stderr.write(`\r\x1b[2K${line()}`)
  }
  return {
    bytes(count: number): void {
      shown.bytes += count
      draw()
    },
    records(count: number): void {
      shown.records += count
      draw()
    },
    done(label: string): void {
      if (stderr.isTTY === true) stderr.write(`\r\x1b[2K${label}${line()}\n`)
    },
  }
}
