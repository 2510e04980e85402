/** A client of the HTTP API: JSON answers, streams with their trailers, and problems as ShiplogErrors. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type ErrorCode, messageOf, ShiplogError } from './errors.ts'

/** Query parameters, in order; a name may repeat. */
export type Parameters = readonly (readonly [name: string, value: string])[]

export interface ApiStream {
  /** Ends only when the whole answer is there; throws STORE_UNAVAILABLE when the connection breaks before. */
  readonly chunks: AsyncIterable<Buffer>
  /** What the server says at the end: to be read when `chunks` has ended. */
  trailers(): Readonly<Record<string, string | undefined>>
}

export interface ApiClient {
  /** The JSON answer. Throws the server's problem as a ShiplogError, STORE_UNAVAILABLE when it cannot be reached. */
  get(path: string, parameters: Parameters, signal?: AbortSignal): Promise<unknown>
  stream(path: string, parameters: Parameters, signal?: AbortSignal): Promise<ApiStream>
}

/** An answer in one piece is never longer: a page has at most 1,000 records of at most 512 KiB, most are far smaller. */
const answerBytesMax = 1024 ** 3
/** A server that has accepted a connection begins its answer within this, also to a costly export. */
const answerMsMax = 300_000

/** A problem of the API with where in the query it is, UTF-16 units. */
export class ProblemError extends ShiplogError {
  readonly position: { readonly start: number; readonly end: number } | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; retryable: boolean },
    position?: { start: number; end: number },
  ) {
    super(code, message, options)
    this.position = position
  }
}

/** `server` is the address of `shiplog up`: `http://127.0.0.1:8080`. Throws CONFIG_INVALID when it is none. */
export function createClient(server: string, token?: string): ApiClient {
  const base = URL.parse(server.endsWith('/') ? server : `${server}/`)
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new ShiplogError('CONFIG_INVALID', `--server ${server} is no address`, {
      hint: 'Write http://host:port, as shiplog up prints it.',
    })
  }
  const open = async (path: string, parameters: Parameters, signal?: AbortSignal): Promise<IncomingMessage> => {
    const url = new URL(`api/v1/${path}`, base)
    url.search = new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString()
    const response = await send(url, token, signal)
    if (response.statusCode === 200) return response
    throw await problemOf(response, base.href)
  }
  return {
    async get(path, parameters, signal) {
      const body = await collect(await open(path, parameters, signal))
      return JSON.parse(body.toString('utf8')) as unknown
    },
    async stream(path, parameters, signal) {
      const response = await open(path, parameters, signal)
      return { chunks: wholeBody(response), trailers: () => response.trailers }
    },
  }
}

function send(url: URL, token: string | undefined, signal?: AbortSignal): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const headers = { accept: '*/*', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const sent = request(url, { headers, ...(signal === undefined ? {} : { signal }) })
    sent.setTimeout(answerMsMax, () => sent.destroy(new Error(`no answer for ${answerMsMax} ms`)))
    sent.once('response', (response) => {
      // From here on the reader sets the pace, and a search may be quiet for as long as it takes.
      sent.setTimeout(0)
      resolve(response)
    })
    sent.once('error', (error) => reject(unreachable(url, error)))
    sent.end()
  })
}

function unreachable(url: URL, error: unknown): ShiplogError {
  return new ShiplogError('STORE_UNAVAILABLE', `cannot reach ${url.origin}: ${messageOf(error)}`, {
    retryable: true,
    hint: 'Start shiplog up there, or say where it is with --server URL.',
    cause: error,
  })
}

async function* wholeBody(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>
  } catch (error) {
    throw brokenOff(error)
  }
  if (!response.complete) throw brokenOff(undefined)
}

function brokenOff(cause: unknown): ShiplogError {
  return new ShiplogError('STORE_UNAVAILABLE', 'the server broke the answer off before its end', {
    retryable: true,
    hint: 'What has arrived is not all. The server’s log says why.',
    cause,
  })
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of wholeBody(response)) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new ShiplogError('QUERY_TOO_COSTLY', 'the answer is more than 1 GiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'QUERY_INVALID',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  422: 'QUERY_TOO_COSTLY',
}

async function problemOf(response: IncomingMessage, server: string): Promise<ShiplogError> {
  const status = response.statusCode ?? 0
  const text = await collect(response).then(String, () => '')
  let problem: { detail?: unknown; hint?: unknown; position?: unknown } = {}
  try {
    const parsed = JSON.parse(text) as unknown
    if (typeof parsed === 'object' && parsed !== null) problem = parsed
  } catch {
    return new ShiplogError('STORE_UNAVAILABLE', `${server} answers with status ${status}, not as Shiplog does`, {
      hint: 'Is --server the address of shiplog up?',
    })
  }
  const { detail, hint, position } = problem
  const message = typeof detail === 'string' ? detail : `the server refuses with status ${status}`
  const options = {
    retryable: status >= 500 || status === 429,
    ...(typeof hint === 'string' ? { hint } : {}),
  }
  return new ProblemError(codeOfStatus[status] ?? 'STORE_UNAVAILABLE', message, options, placeOf(position))
}

function placeOf(value: unknown): { start: number; end: number } | undefined {
  if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value)) return undefined
  const { start, end } = value
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined
}
