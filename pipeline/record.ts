/**
 * The record: one event as the outside sees it (docs/record.md is its public contract). Pure.
 * Inside the pipeline events travel as bytes (event-batch.ts); a record object is made only where someone looks at it.
 */

/** In rising order of severity; `none` (0) is a line without a level. The index is what crosses ports and is stored. */
export const levels = ['none', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Level = (typeof levels)[number]

/** Where the time of an event was taken from. The index is what crosses ports and is stored. */
export const timeOrigins = ['line', 'previous', 'read'] as const
export type TimeOrigin = (typeof timeOrigins)[number]

/** Where a file stands: what the path and the configuration say of it. `dir` begins with `/`. */
export interface Source {
  readonly cluster: string
  readonly app: string
  readonly instance: string
  readonly host: string
  readonly dir: string
  readonly file: string
}

/** Also a folder of the store and a part of topics: nothing else may pass. */
export const clusterPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/

export const sourceFields = ['cluster', 'app', 'instance', 'host', 'dir', 'file'] as const

export interface LogRecord extends Source {
  readonly v: 1
  readonly id: string
  /** ISO 8601, UTC, six decimals. */
  readonly time: string
  readonly timeFrom: TimeOrigin
  readonly readAt: string
  readonly generation: string
  /** Byte offset of the first byte in its incarnation of the file. */
  readonly offset: number
  /** Length in the file, line ends included. */
  readonly bytes: number
  readonly level: Level
  readonly message: string
  /** Only when the file is not UTF-8. */
  readonly encoding?: string
  /** The id of the event that this one goes on from. */
  readonly continues?: string
  /** Base64 of the bytes, when message, bytes and encoding do not give them back. */
  readonly raw?: string
}

/** Position of an event in the one total order of search, paging, export and tail. `time` in µs since the epoch. */
export interface EventKey {
  readonly time: number
  readonly generation: string
  readonly offset: number
}

export function compareKeys(a: EventKey, b: EventKey): number {
  if (a.time !== b.time) return a.time - b.time
  if (a.generation !== b.generation) return a.generation < b.generation ? -1 : 1
  return a.offset - b.offset
}

export function recordId(generation: string, offset: number): string {
  return `${generation}-${offset}`
}

/** The two halves of an id, or undefined when it is none. */
export function parseRecordId(id: string): { generation: string; offset: number } | undefined {
  const match = /^([0-9a-z]{26})-(\d{1,16})$/.exec(id)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return { generation: match[1], offset: Number(match[2]) }
}

/** Microseconds since the epoch as `2016-05-16T12:47:10.000000Z`. Valid for the years 0000 to 9999. */
export function formatTime(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000)
  const us = timeUs - ms * 1000
  return `${new Date(ms).toISOString().slice(0, 23)}${String(us).padStart(3, '0')}Z`
}

/** The reverse of formatTime; also takes fewer decimals. NaN when the text is not an ISO time in UTC. */
export function parseTime(text: string): number {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  if (match?.[1] === undefined) return Number.NaN
  const fraction = Number((match[2] ?? '').padEnd(6, '0').slice(0, 6))
  return Date.parse(`${match[1]}Z`) * 1000 + fraction
}

/** The key under which one source's events stay in order on a bus: `cluster/app/instance/dir/file`. */
export function sourceKey(source: Source): string {
  return `${source.cluster}/${source.app}/${source.instance}${source.dir === '/' ? '' : source.dir}/${source.file}`
}
