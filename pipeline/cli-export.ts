/** `shiplog export QUERY`: everything that matches, to a file or to stdout. Exit code: 0 done, 1 failed, 2 usage. */
import { setTimeout as sleep } from 'node:timers/promises'
import { aroundFlags, aroundHelp, aroundOf, aroundParameters, longAroundFlags } from './cli-around.ts'
import { type ExportProgress, showProgress } from './cli-progress.ts'
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
import { type ExportFile, type ExportPlace, openExportFile } from './export-file.ts'
import { fromDefault } from './time-range.ts'

const help = `shiplog export QUERY: everything that matches, oldest first

${queryFlagsHelp}
  --out FILE              (default: stdout)
  --format FORMAT         txt (host : message), ndjson, csv, raw (the bytes of one file) or zip (the files of one
                          instance); txt
  --order asc|desc        asc = oldest first
  --limit N               at most so many records
  --csv-safe false        cells of csv as they are, also those that a spreadsheet would run
${aroundHelp}
  --retry-seconds N       ask again for so long when the connection drops (60)
  --resume                go on with FILE where an export that was broken off ended

What is not finished is FILE.part; FILE appears when it is whole, and FILE.manifest.json beside it says how many records and
bytes it has, in chunks with the SHA-256 of each. zip and -B, -A, -C come in one piece: --resume begins them again.
Exit code: 0 done, 1 failed, 2 usage.
`

/** Records in one request: after each of them the place is remembered, so that a broken export loses one of them. */
const pageRecords = 200_000
const retrySecondsDefault = 60
/** Between two attempts, doubled each time. */
const retryDelayMs = { first: 100, most: 5000 }

/** Runs the command; returns the exit code and never throws. `pageRecordsMax` is for tests. */
export async function runExport(
  args: readonly string[],
  terminal: Terminal = processTerminal,
  pageRecordsMax = pageRecords,
): Promise<number> {
  let query = ''
  try {
    const flags = { order: true, out: true, format: true, resume: false, 'csv-safe': true, 'retry-seconds': true }
    const command = readQueryCommand(longAroundFlags(args), { ...flags, ...aroundFlags }, terminal)
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
    const around = aroundParameters(aroundOf(command.flags))
    parameters.push(...around)
    const inOnePiece = around.length > 0 || command.flags.get('format') === 'zip'
    const limit = limitOf(command.flags.get('limit'))
    const out = command.flags.get('out')
    let records: number | undefined
    if (out === undefined) {
      if (command.flags.has('resume')) throw usage('--resume needs --out FILE', 'What went to stdout is gone.')
      records = await exportToStdout(client, parameters, limit, terminal)
    } else {
      const resume = command.flags.has('resume') && !inOnePiece
      const retryMsMax = retryOf(command.flags.get('retry-seconds'))
      const wanted = { out, limit, resume, pageRecordsMax, inOnePiece, retryMsMax }
      records = await exportToFile(client, parameters, wanted, terminal)
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
  const beginning = ['raw', 'zip'].includes(flags.get('format') ?? '')
    ? 'the beginning'
    : `${fromDefault} (give another --from)`
  return `from ${flags.get('from') ?? beginning} to ${flags.get('to') ?? 'the end'}`
}

interface FileExport {
  readonly out: string
  readonly limit: number | undefined
  readonly resume: boolean
  readonly pageRecordsMax: number
  /** There is no cursor to go on with. */
  readonly inOnePiece: boolean
  readonly retryMsMax: number
}

async function exportToFile(
  client: ApiClient,
  parameters: Parameters,
  wanted: FileExport,
  terminal: Terminal,
): Promise<number> {
  const { out, limit, resume, pageRecordsMax, inOnePiece } = wanted
  const file = await openExportFile(out, { resume, asked: parameters })
  const progress = showProgress(terminal, file.place.records)
  const page = async ({ records, cursor }: ExportPlace): Promise<ExportPlace> => {
    const most = Math.min(
      inOnePiece ? Number.POSITIVE_INFINITY : pageRecordsMax,
      (limit ?? Number.POSITIVE_INFINITY) - records,
    )
    const more: [string, string][] = []
    if (Number.isFinite(most)) more.push(['limit', String(most)])
    if (cursor !== undefined) more.push(['cursor', cursor])
    const { chunks, trailers } = await client.stream('export', [...parameters, ...more])
    for await (const chunk of chunks) {
      await file.write(chunk)
      progress.bytes(chunk.length)
    }
    const ended = endOf(inOnePiece ? { ...trailers(), 'shiplog-next': 'end' } : trailers())
    progress.records(ended.records)
    return { records: records + ended.records, cursor: ended.cursor }
  }
  try {
    let records: number
    for (;;) {
      const { place } = file
      records = place.records
      if (place.cursor === 'end' || (limit !== undefined && records >= limit)) break
      await file.remember(await retried(() => page(place), file, wanted, progress))
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

/**
 * A server that was reached and then is not comes back, most often: it is asked again for the same page, from the place that
 * was remembered. One that was never reached is most likely not there.
 */
async function retried<T>(
  work: () => Promise<T>,
  file: ExportFile,
  { retryMsMax }: FileExport,
  progress: ExportProgress,
): Promise<T> {
  let delayMs = retryDelayMs.first
  let since: number | undefined
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ShiplogError) || !error.retryable || progress.seen() === 0) throw error
      // From the first failure of this page on: a record that cannot be read breaks each attempt off at the same place.
      since ??= performance.now()
      if (performance.now() - since + delayMs > retryMsMax) throw error
      progress.waits(error.message)
      await file.rewind()
      await sleep(delayMs)
      delayMs = Math.min(delayMs * 2, retryDelayMs.most)
    }
  }
}

function retryOf(written: string | undefined): number {
  if (written === undefined) return retrySecondsDefault * 1000
  if (/^\d{1,6}$/.test(written)) return Number(written) * 1000
  throw usage(`--retry-seconds is “${written}”, expected a whole number`, '0 = never ask again.')
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
