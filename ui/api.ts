/** The HTTP API as the page uses it. Answers are trusted to have their shape; what failed becomes a Problem. */
import type { Level, LogRecord } from '../pipeline/record.ts'

export interface ApiRecord extends LogRecord {
  readonly fields?: { readonly [name: string]: readonly string[] }
  /** Ids of the records that continue the event and were folded into it. */
  readonly parts?: readonly string[]
}

export interface SearchPage {
  readonly records: readonly ApiRecord[]
  readonly next: string | null
  readonly tookMs: number
  /** There when the time limit ended the search: nothing older than this was looked at. `next` goes on there. */
  readonly partial?: { readonly coveredFrom?: string }
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

/** What counts are made from: all lines that match, or some that stand for them. */
export interface SampleStatement {
  readonly lines: number
  readonly of: number
  readonly exact: boolean
}

/** One incarnation of a file, as its shipper last told. */
export interface FileRow {
  readonly cluster: string
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string
  /** Not there for what was never read. */
  readonly generation?: string
  readonly path: string
  /** `following`, `behind` …; a state that is new to the page is shown by its name. */
  readonly state: string
  readonly size: number
  readonly read: number
  readonly acknowledged: number
  readonly behind: number
  /** Time of the last event that is durable; not there before the first one. */
  readonly reached?: string
  readonly lost: number
  /** When the first and the last loss were noticed, and why. */
  readonly loss?: { readonly first: string; readonly last: string; readonly cause: string; readonly atLeast: boolean }
  /** Why it is not read. */
  readonly reason?: string
  /** What looks wrong about it. */
  readonly warning?: string
  readonly updatedAt: string
}

export interface FilesAnswer {
  /** Files that match, also beyond the limit. */
  readonly total: number
  readonly totals: {
    readonly behind: number
    readonly lost: number
    readonly states: { readonly [state: string]: number }
  }
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
  if (!response.ok) throw await problemIn(response)
  const body: unknown = await response.json().catch(() => undefined)
  if (body === undefined) throw new Problem(response.status, { detail: 'The answer is not JSON.' })
  return body as Answer
}

/** An answer that is read as it comes, with the name that the server gives it. */
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
  if (!response.ok || response.body === null) throw await problemIn(response)
  return { body: response.body, name: fileNameOf(response.headers.get('content-disposition') ?? '') }
}

/** RFC 6266: the name in UTF-8 where there is one. */
function fileNameOf(disposition: string): string {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
  if (encoded !== undefined) return decodeURIComponent(encoded)
  return /filename="([^"]+)"/i.exec(disposition)?.[1] ?? 'export'
}

export async function problemIn(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => undefined)
  return new Problem(response.status, typeof body === 'object' && body !== null ? body : {})
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function placeOf(value: unknown): { start: number; end: number } | undefined {
  if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value)) return undefined
  const { start, end } = value
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined
}
