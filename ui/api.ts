/** The HTTP API as the page uses it. Answers are trusted to have their shape; what failed becomes a Problem. */
import type { Level, LogRecord } from '../pipeline/record.ts'

export interface ApiRecord extends LogRecord {
  readonly fields?: { readonly [name: string]: readonly string[] }
}

export interface SearchPage {
  readonly records: readonly ApiRecord[]
  readonly next: string | null
  readonly tookMs: number
}

export interface HistogramBucket {
  readonly time: string
  readonly count: number
  readonly levels: { readonly [level in Level]?: number }
}

export interface HistogramAnswer {
  readonly bucketMs: number
  readonly total: number
  readonly buckets: readonly HistogramBucket[]
}

export interface ValueCount {
  readonly value: string
  readonly count: number
  readonly last: string
}

export interface ContextAnswer {
  readonly before: readonly ApiRecord[]
  readonly record: ApiRecord
  readonly after: readonly ApiRecord[]
}

/** One incarnation of a file, as its shipper last told. */
export interface FileRow {
  readonly cluster: string
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string
  readonly generation: string
  readonly path: string
  /** `following`, `behind` …; a state that is new to the page is shown by its name. */
  readonly state: string
  readonly size: number
  readonly read: number
  readonly acknowledged: number
  readonly lost: number
  readonly reason?: string
  readonly updatedAt: string
}

export interface FilesAnswer {
  /** Files that match, also beyond the limit. */
  readonly total: number
  readonly files: readonly FileRow[]
}

/** RFC 9457. `status` 0 = the server was not reached. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  readonly hint: string | undefined
  /** In the query text, UTF-16 units: only for a query that cannot be understood. */
  readonly position: { readonly start: number; readonly end: number } | undefined

  constructor(status: number, body: { title?: unknown; detail?: unknown; hint?: unknown; position?: unknown }) {
    const title = textOf(body.title) ?? ''
    super(textOf(body.detail) ?? title)
    this.status = status
    this.title = title
    this.hint = textOf(body.hint)
    this.position = placeOf(body.position)
  }
}

export async function getJson<Answer>(url: string, signal: AbortSignal): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, { signal, headers: { accept: 'application/json' } })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    throw new Problem(0, {})
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new Problem(response.status, typeof body === 'object' && body !== null ? body : {})
  if (body === undefined) throw new Problem(response.status, { detail: 'The answer is not JSON.' })
  return body as Answer
}

/** A download as it comes, with the name that the server gives it. */
export async function getStream(
  url: string,
  signal: AbortSignal,
): Promise<{ body: ReadableStream<Uint8Array<ArrayBuffer>>; name: string }> {
  let response: Response
  try {
    response = await fetch(url, { signal })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    throw new Problem(0, {})
  }
  if (!response.ok || response.body === null) {
    const body: unknown = await response.json().catch(() => undefined)
    throw new Problem(response.status, typeof body === 'object' && body !== null ? body : {})
  }
  return { body: response.body, name: fileNameOf(response.headers.get('content-disposition') ?? '') }
}

/** RFC 6266: the name in UTF-8 where there is one. */
function fileNameOf(disposition: string): string {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
  if (encoded !== undefined) return decodeURIComponent(encoded)
  return /filename="([^"]+)"/i.exec(disposition)?.[1] ?? 'export'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function placeOf(value: unknown): { start: number; end: number } | undefined {
  if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value)) return undefined
  const { start, end } = value
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined
}
