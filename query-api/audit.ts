/**
 * Who has searched and exported what: a line of JSON for each request, in two files that take turns. Serving never waits for
 * it: where the disk is full lines are lost, which is counted, logged and shown in /health.
 */
import { type FileHandle, open, rename } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Counter, type Registry } from 'prom-client'
import { messageOf, systemCodeOf } from '../pipeline/errors.ts'
import { tokensInText } from '../pipeline/token.ts'
import type { Api } from './routes.ts'

/** Lines that wait for the disk; more are lost. */
const waitingBytesMax = 4 * 1024 * 1024

export interface Audit {
  write(entry: object): void
  /** What troubles it now; undefined = nothing. */
  trouble(): string | undefined
  /** Resolves when what was written is in the file. */
  close(): Promise<void>
}

export interface AuditOptions {
  /** `<data>/audit.ndjson`; the older half is `<data>/audit.1.ndjson`. */
  readonly path: string
  /** Of both files together. */
  readonly bytesMax: number
  readonly registry: Registry
  readonly log: { error(details: object, message: string): void; info(message: string): void }
}

export function openAudit({ path, bytesMax, registry, log }: AuditOptions): Audit {
  const lost = new Counter({
    name: 'shiplog_audit_lost_total',
    help: 'Requests that could not be entered in the audit log.',
    registers: [registry],
  })
  let file: { readonly handle: FileHandle; bytes: number } | undefined
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let trouble: string | undefined
  let work: Promise<void> | undefined

  const append = async (lines: readonly Buffer[]): Promise<void> => {
    file ??= await opened(path)
    for (let at = 0; at < lines.length; ) {
      let end = at
      let bytes = 0
      // Whole lines, as many as fit; one that is longer than a file gets one of its own.
      while (
        end < lines.length &&
        (bytes === 0 || file.bytes + bytes + (lines[end] as Buffer).length <= bytesMax / 2)
      ) {
        bytes += (lines[end++] as Buffer).length
      }
      if (file.bytes > 0 && file.bytes + bytes > bytesMax / 2) {
        await file.handle.close()
        file = undefined
        await rename(path, path.replace(/(\.ndjson)?$/, '.1$1'))
        file = await opened(path)
        continue
      }
      const { bytesWritten } = await file.handle.write(Buffer.concat(lines.slice(at, end)))
      file.bytes += bytesWritten
      if (bytesWritten < bytes) throw new Error('the disk took only a part')
      at = end
    }
  }
  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting
      waiting = []
      waitingBytes = 0
      try {
        await append(lines)
        if (trouble !== undefined) log.info('the audit log is written again')
        trouble = undefined
      } catch (error) {
        lost.inc(lines.length)
        if (trouble === undefined)
          log.error({ err: error }, 'the audit log cannot be written; requests are served without it')
        trouble = `the audit log cannot be written: ${systemCodeOf(error) ?? messageOf(error)}`
        await file?.handle.close().catch(() => undefined)
        file = undefined
      }
    }
    work = undefined
  }
  return {
    write(entry) {
      const line = Buffer.from(`${JSON.stringify(entry).replace(tokensInText, 'shiplog_…')}\n`)
      if (waitingBytes + line.length > waitingBytesMax) {
        lost.inc()
        return
      }
      waiting.push(line)
      waitingBytes += line.length
      work ??= flush()
    },
    trouble: () => trouble,
    async close() {
      await work
      await file?.handle.close()
      file = undefined
    },
  }
}

async function opened(path: string): Promise<{ handle: FileHandle; bytes: number }> {
  const handle = await open(path, 'a+', 0o600)
  const { size } = await handle.stat()
  if (size === 0) return { handle, bytes: 0 }
  // A crash may have cut the last line.
  const last = Buffer.alloc(1)
  await handle.read(last, 0, 1, size - 1)
  if (last[0] === 10) return { handle, bytes: size }
  await handle.write('\n')
  return { handle, bytes: size + 1 }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Records that went into the answer so far. */
    records: number
  }
}

/** Of callers who are not known; else anybody could push out what is kept by asking without a token. */
export const unknownPerMinuteMax = 60

/** Enters every request for logs, every change, and those who were turned away. */
export function auditRequests(api: Api, audit: Audit | undefined, now: () => number): void {
  api.decorateRequest('records', 0)
  if (audit === undefined) return
  const unknown = { since: 0, entered: 0, left: 0 }
  /** What an entry of somebody who is not known says beside itself; undefined = it is left out. */
  const roomForUnknown = (): object | undefined => {
    let more = {}
    if (Math.abs(now() - unknown.since) >= 60_000) {
      if (unknown.left > 0) more = { leftOutBefore: unknown.left }
      Object.assign(unknown, { since: now(), entered: 0, left: 0 })
    }
    if (unknown.entered >= unknownPerMinuteMax) {
      unknown.left++
      return undefined
    }
    unknown.entered++
    return more
  }
  api.addHook('onRequest', async (request, reply) => {
    if (request.is404) return
    const began = now()
    reply.raw.once('close', () => {
      if (!isOfInterest(request, reply)) return
      const more = request.caller === undefined ? roomForUnknown() : {}
      if (more !== undefined) audit.write({ ...entryOf(request, reply, began, now() - began), ...more })
    })
  })
}

function isOfInterest(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  const { access } = request.routeOptions.config
  if (access === 'logs' || access === 'link' || statusCode === 401 || statusCode === 403) return true
  return request.method !== 'GET' && request.method !== 'HEAD'
}

function entryOf(request: FastifyRequest, reply: FastifyReply, began: number, tookMs: number): object {
  const { caller, ip, method, routeOptions, params, query, records } = request
  // What was refused before it was read is not known by name.
  const asked = typeof query === 'object' && query !== null && !('malformed' in query) ? query : {}
  return {
    time: new Date(began).toISOString(),
    who: caller?.name ?? null,
    ...(caller?.tokenId === undefined ? {} : { token: caller.tokenId }),
    via: caller?.via ?? 'nothing',
    from: ip,
    method,
    route: routeOptions.url,
    asked: { ...(params as object | undefined), ...asked },
    status: reply.statusCode,
    records,
    tookMs: Math.round(tookMs),
    // The client went away, or the store failed under way: not all of it has arrived.
    ...(reply.raw.writableFinished ? {} : { brokenOff: true }),
  }
}
