/**
 * Requests to Elasticsearch: the official client's connections, pool and authentication, but bodies as bytes, so that the
 * hot paths decide themselves what becomes an object. Nothing is retried here. Errors name the server without credentials.
 */
import { readFileSync } from 'node:fs'
import { Client, errors } from '@elastic/elasticsearch'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import { failureOf, statusError, unavailable } from './failures.ts'

export interface ConnectionOptions {
  /** `http://host:9200`, several nodes by commas; a user and a password may stand in it. */
  readonly url: string
  readonly apiKey?: string
  /** Path of a PEM file: who signed the server's certificate. */
  readonly caPath?: string
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With names already encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** An object is sent as JSON, bytes and strings as NDJSON. */
  readonly body?: object | Buffer | string
  readonly signal?: AbortSignal
  /** Statuses beside 2xx that are an answer, not an error. */
  readonly accept?: readonly number[]
  /** A longer answer rejects with AnswerTooLarge. */
  readonly answerBytesMax?: number
}

/** The answer is longer than its request allowed: ask for less. */
export class AnswerTooLarge extends Error {}

/** A server that says nothing for so long is taken for gone, ms. */
const silenceMsMax = 120_000
const answerBytesMax = 256 * 1024 * 1024

export class Connection {
  /** For messages: without user and password. */
  readonly name: string
  readonly #client: Client
  readonly #closing = new AbortController()

  constructor({ url, apiKey, caPath }: ConnectionOptions) {
    const nodes = nodesOf(url)
    this.name = nodes.map(({ origin }) => origin).join(',')
    const { username, password } = nodes[0] as URL
    for (const node of nodes) {
      node.username = ''
      node.password = ''
    }
    const basic = { username: decodeURIComponent(username), password: decodeURIComponent(password) }
    const auth = apiKey !== undefined && apiKey !== '' ? { apiKey } : username === '' ? undefined : basic
    this.#client = new Client({
      nodes: nodes.map((node) => ({ url: node })),
      ...(auth === undefined ? {} : { auth }),
      ...(caPath === undefined || caPath === '' ? {} : { tls: { ca: readCertificate(caPath) } }),
      maxRetries: 0,
      requestTimeout: silenceMsMax,
      // The client would name every process to the server with its platform and version.
      enableMetaHeader: false,
      // It would copy a request that failed byte by byte, each an entry of an object: seconds and a gigabyte for a bulk request.
      redaction: { type: 'off' },
    })
  }

  /** Aborts with the connection: for loops that wait and try again. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** The answer as bytes. Rejects with a ShiplogError, or with AnswerTooLarge. */
  async bytes(request: Request): Promise<{ status: number; body: Buffer }> {
    const { method, path, query, body, accept = [] } = request
    if (this.#closing.signal.aborted) throw new ShiplogError('CLOSED', 'the store is closed')
    const signal =
      request.signal === undefined ? this.#closing.signal : AbortSignal.any([request.signal, this.#closing.signal])
    let status: number
    let answer: Buffer
    try {
      const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
      const { transport, connectionPool } = this.#client
      const result = await transport.request<AsyncIterable<Buffer>>(
        {
          method,
          path,
          ...(query === undefined ? {} : { querystring: query }),
          ...(body === undefined ? {} : isJson ? { body } : { bulkBody: body }),
        },
        { asStream: true, meta: true, signal },
      )
      // The client says so itself, but for streams.
      if (result.meta.connection !== null) connectionPool.markAlive(result.meta.connection)
      status = result.statusCode ?? 0
      answer = await collect(result.body, request.answerBytesMax ?? answerBytesMax)
    } catch (error) {
      throw this.#errorOf(error, request.signal)
    }
    if ((status >= 200 && status < 300) || accept.includes(status)) return { status, body: answer }
    throw statusError(this.name, status, failureOf(answer))
  }

  /** The answer as what its JSON holds; what `T` says of it is the caller's knowledge of the API. */
  async json<T>(request: Request): Promise<{ status: number; body: T }> {
    const { status, body } = await this.bytes(request)
    return { status, body: this.parse<T>(body) }
  }

  parse<T>(body: Buffer): T {
    try {
      return JSON.parse(body.toString('utf8')) as T
    } catch (error) {
      throw unavailable(this.name, `it answered with ${body.length} bytes that are no JSON`, error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#client.close()
  }

  #errorOf(error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof AnswerTooLarge) return error
    if (signal?.aborted === true) return new ShiplogError('ABORTED', 'the request was cancelled')
    if (this.#closing.signal.aborted) return new ShiplogError('CLOSED', 'the store is closed')
    const hint =
      error instanceof errors.ProductNotSupportedError
        ? 'What answers there is no Elasticsearch. Check --store and the proxy in between.'
        : undefined
    // Without its cause: that holds the whole request, with the credentials in it.
    // And without this end's port, which makes a new message of the same trouble each time.
    return unavailable(this.name, messageOf(error).replace(/ - Local: .*/s, ''), undefined, hint)
  }
}

async function collect(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    // Leaving the loop destroys the stream, and with it the connection: the server stops sending.
    if (bytes > bytesMax) throw new AnswerTooLarge(`the answer has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)
}

function nodesOf(url: string): URL[] {
  const [first = '', ...more] = url.split(',')
  const scheme = first.slice(0, first.indexOf('://') + 3)
  return [first, ...more.map((node) => (node.includes('://') ? node : scheme + node))].map((node) => {
    // Not the text itself in the message: it may hold a password.
    if (!URL.canParse(node)) {
      throw new ShiplogError('CONFIG_INVALID', '--store is no URL that can be read', {
        hint: 'Write http://host:9200 or https://host:9200; a password in it needs its special characters percent-encoded.',
      })
    }
    return new URL(node)
  })
}

function readCertificate(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new ShiplogError('CONFIG_INVALID', `--store-ca ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Give the path of the PEM file of the authority that signed the certificate of Elasticsearch.',
    })
  }
}
