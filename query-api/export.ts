/** GET /export: every event that matches, as a download that streams for as long as it takes. */
import { pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Counter } from 'prom-client'
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { originAt, type RecordBatch } from '../pipeline/event-batch.ts'
import type { Bounds, SearchQuery } from '../pipeline/store.ts'
import { contentTypes, createFormatWriter, type ExportFormat, exportFormats } from './export-formats.ts'
import { type ExportProgress, exportChunks } from './export-stream.ts'
import { contentDisposition, exportFileName } from './file-name.ts'
import { Fold } from './fold.ts'
import { recordAt } from './record-at.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import * as schema from './schema.ts'
import { cursorBehind, placeOf, searchQueryOf } from './selection.ts'
import { filesBeside, scanSeries, withSeries } from './series.ts'
import type { LogStore } from './visible.ts'

/**
 * How long an answer waits for its first bytes: what goes wrong at once can still be a problem with a status. A search
 * for a rare word takes longer, and gets its headers then, so that nobody between gives it up.
 */
const firstBytesMsMax = 1000
/** A fast one: the network is seldom slower than this is, and a slower one would hold the export up. */
const gzipLevel = 1

/** At the end of the answer: the number of events, and the cursor with which the next export goes on, or `end`. */
export const recordsTrailer = 'shiplog-records'
export const nextTrailer = 'shiplog-next'

const exportParameters = schema.parameters({
  ...schema.Common,
  order: schema.oneOf(['asc', 'desc'], { default: 'asc', description: 'asc = oldest first' }),
  format: schema.oneOf(exportFormats, {
    default: 'txt',
    description: 'txt is host : message, raw the bytes of one file',
  }),
  csvSafe: Type.Optional(
    Type.Boolean({ default: true, description: 'cells that a spreadsheet would run get a leading apostrophe' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'at most so many records (default: all)',
    }),
  ),
  cursor: schema.cursor,
  series: schema.series,
  fold: schema.fold,
})

export function exportRoutes(api: Api, { visible, registry, now }: RouteParts): void {
  const exported = new Counter({
    name: 'shiplog_export_records_total',
    help: 'Records that were handed out by exports.',
    labelNames: ['format'],
    registers: [registry],
  })
  const brokenOff = new Counter({
    name: 'shiplog_exports_broken_total',
    help: 'Exports that ended before their end: the client went away, or the store failed.',
    labelNames: ['reason'],
    registers: [registry],
  })

  api.get(
    '/export',
    {
      compress: false,
      config: { access: 'logs', slot: 'export' },
      schema: {
        summary: 'Every record that matches, as a file, without a ceiling',
        description: `Streamed, with gzip if asked. A connection that ends without the last chunk is a broken export. The trailers ${recordsTrailer} and ${nextTrailer} say how many records there were and with which cursor the next export goes on (\`end\` when nothing follows). With a cursor csv has no header. raw needs one app, instance, dir and file (or series), and follows the file itself.`,
        tags: ['export'],
        querystring: exportParameters,
        response: schema.download(
          'The file',
          exportFormats.map((format) => contentTypes[format]),
          400,
          422,
          429,
          503,
        ),
      },
    },
    async (request, reply) => {
      const { format, csvSafe = true, limit, cursor, fold = true } = request.query
      const signal = signalOf(reply)
      const { store } = visible(request)
      if (format === 'raw') refuseUnlessOneFile(request.query)
      const query = searchQueryOf(await withSeries(store, request.query, { signal }), now())
      const writer = createFormatWriter(format, { csvSafe })
      if (cursor === undefined) writer.begin()
      const progress: ExportProgress = { records: 0, last: undefined, more: false }
      const bounds = { signal, reuse: true }
      const batches =
        format === 'raw'
          ? scanOneLog(store, query, request.query.series !== undefined, bounds)
          : store.scan(query, bounds)
      const skip = format === 'raw' ? query.after : undefined
      const folds = fold && format !== 'raw' ? new Fold(store, query, bounds) : undefined
      const chunks = exportChunks(batches, { writer, limit, skip, progress, fold: folds })

      const first = chunks.next()
      // It is awaited again below; without this a failure between would have nobody to hear of it.
      first.catch(() => {})
      const inTime = await Promise.race([first.then(() => true), sleep(firstBytesMsMax, false, { ref: false })])
      if (signal.aborted) {
        void chunks.return(undefined)
        throw signal.reason
      }

      const count = (error?: unknown): void => {
        exported.inc({ format }, progress.records)
        // A batch may hold more than a limit lets out.
        request.records = progress.records
        if (error === undefined) return
        brokenOff.inc({ reason: signal.aborted ? 'client' : 'store' })
        if (!signal.aborted) request.log.error({ err: error, records: progress.records }, 'an export broke off')
      }
      putHeaders(reply, format, exportFileName(format, { ...request.query, from: query.from }), cursor !== undefined)
      putTrailers(request, reply, () => [
        [recordsTrailer, String(progress.records)],
        [nextTrailer, progress.more && progress.last !== undefined ? cursorBehind(progress.last, query) : 'end'],
      ])
      if (!inTime) flushHeadersSoon(reply)
      const body = Readable.from(counted(first, chunks, count), { objectMode: false, highWaterMark: 64 * 1024 })
      // The schema of the answer says what a client sees; that it comes as a stream is no part of it.
      const answer: FastifyReply = reply
      return answer.send(acceptsGzip(request.headers['accept-encoding']) ? gzipped(body, answer) : body)
    },
  )
}

/** The chunks behind the one that was awaited already; `done` hears how it ended, once. */
async function* counted(
  first: Promise<IteratorResult<Buffer>>,
  rest: AsyncGenerator<Buffer>,
  done: (error?: unknown) => void,
): AsyncGenerator<Buffer> {
  let failure: unknown = new ShiplogError('ABORTED', 'the client went away')
  try {
    const result = await first
    if (result.done !== true) yield result.value
    yield* rest
    failure = undefined
  } catch (error) {
    failure = error
    throw error
  } finally {
    done(failure)
  }
}

function refuseUnlessOneFile(query: { [name: string]: unknown; order: string }): void {
  for (const field of ['app', 'instance', 'dir', 'file', 'host']) {
    const values = field === 'file' ? [query.file ?? [], query.series ?? []].flat() : query[field]
    const given = Array.isArray(values) ? values.length : 0
    if (given === 1 || (field === 'host' && given === 0)) continue
    throw new ShiplogError('QUERY_INVALID', `format=raw is one file: it takes one ${field}, not ${given}`, {
      hint: 'Give one app, instance, dir and file (or series); or take format=txt.',
    })
  }
  if (query.q !== undefined || query.level !== undefined || query.order !== 'asc') {
    throw new ShiplogError('QUERY_INVALID', 'format=raw is the file as it is: it takes no q, level or order=desc', {
      hint: 'Leave them out; or take format=txt.',
    })
  }
}

/** One file, or the files of one series one behind the other. */
async function* scanOneLog(
  store: LogStore,
  query: SearchQuery,
  isSeries: boolean,
  bounds: Bounds,
): AsyncGenerator<RecordBatch> {
  const { cluster, filters, from, to, after } = query
  const [app = '', instance = '', dir = '', file = ''] = [filters.app, filters.instance, filters.dir, filters.file].map(
    (values) => values?.[0],
  )
  const host = filters.host?.[0]
  const source = { cluster, app, instance, dir, file, ...(host === undefined ? {} : { host }) }
  const all = { source, order: 'asc' as const, from, to }
  if (!isSeries) return yield* store.scanFile({ ...all, ...(after && { start: placeOf(after) }) }, bounds)
  const [oldest = file] = await filesBeside(store, source, bounds)
  const first = after === undefined ? oldest : originAt(...(await recordAt(store, cluster, after, bounds))).source.file
  yield* scanSeries(
    store,
    { ...all, source: { ...source, file: first }, ...(after && { start: placeOf(after) }) },
    bounds,
  )
}

function putHeaders(reply: FastifyReply, format: ExportFormat, name: string, goesOn: boolean): void {
  const type = contentTypes[format]
  reply
    .type(goesOn ? type.replace('header=present', 'header=absent') : type)
    .header('content-disposition', contentDisposition(name))
    .header('cache-control', 'no-store')
    .header('vary', 'accept-encoding')
}

function putTrailers(request: FastifyRequest, reply: FastifyReply, trailers: () => [string, string][]): void {
  // Trailers are part of chunked bodies, which HTTP/1.0 has not.
  if (request.raw.httpVersion === '1.0') return
  for (const name of [recordsTrailer, nextTrailer]) {
    reply.trailer(name, async () => trailers().find(([known]) => known === name)?.[1] ?? '')
  }
}

/** Headers go out with the first bytes; here they are long in coming. */
function flushHeadersSoon(reply: FastifyReply): void {
  setImmediate(() => {
    const { raw } = reply
    if (!raw.headersSent && !raw.destroyed && raw.hasHeader('content-disposition')) raw.flushHeaders()
  })
}

function gzipped(body: Readable, reply: FastifyReply): Readable {
  reply.header('content-encoding', 'gzip')
  // A failure of the body destroys the gzip, which ends the connection without the last chunk.
  return pipeline(body, createGzip({ level: gzipLevel, chunkSize: 64 * 1024 }), () => {})
}

/** True when `Accept-Encoding` names gzip (or anything) without refusing it. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const accepted = new Map<string, number>()
  for (const part of String(header ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    accepted.set(coding, quality === undefined ? 1 : Number(quality.slice(2)) || 0)
  }
  return (accepted.get('gzip') ?? accepted.get('x-gzip') ?? accepted.get('*') ?? 0) > 0
}
