/** A record as JSON holds it → an event, for what is not read by the million. Pure. */
import type { NewEvent, Origin } from './event-batch.ts'
import { clusterPattern, type LogRecord, levels, parseTime, recordId, timeOrigins } from './record.ts'

/** A record object as an event: the reverse of recordOf. */
export function eventOf(record: LogRecord): NewEvent {
  return {
    message: Buffer.from(record.message),
    offset: record.offset,
    bytes: record.bytes,
    time: parseTime(record.time),
    timeFrom: timeOrigins.indexOf(record.timeFrom),
    level: levels.indexOf(record.level),
    ...(record.continues === undefined ? {} : { continues: record.continues }),
    ...(record.raw === undefined ? {} : { raw: Buffer.from(record.raw, 'base64') }),
  }
}

/** Where such an event comes from. */
export function originOf({ encoding = 'utf-8', generation, readAt, ...record }: LogRecord): Origin {
  const { cluster, app, instance, host, dir, file } = record
  return { source: { cluster, app, instance, host, dir, file }, generation, encoding, readAt: parseTime(readAt) }
}

/** docs/record.schema.json, as far as what comes after depends on it. */
export function whyNoRecord(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no JSON object'
  const record = value as Readonly<Record<string, unknown>>
  if (record.v !== 1) return `v is ${JSON.stringify(record.v)?.slice(0, 40)}, this version knows 1`
  for (const name of ['app', 'instance', 'host', 'dir', 'file', 'generation']) {
    if (typeof record[name] !== 'string' || record[name] === '') return `${name} is no text`
  }
  if (typeof record.message !== 'string') return 'message is no text'
  if (typeof record.cluster !== 'string' || !clusterPattern.test(record.cluster)) return 'cluster is no cluster’s name'
  if (!(record.dir as string).startsWith('/')) return 'dir does not begin with /'
  if (!/^[0-9a-hjkmnp-tv-z]{26}$/.test(record.generation as string)) return 'generation is no ULID in lower case'
  for (const name of ['offset', 'bytes']) {
    if (!Number.isSafeInteger(record[name]) || (record[name] as number) < 0) return `${name} is no count`
  }
  if (record.id !== recordId(record.generation as string, record.offset as number)) return 'id is not generation-offset'
  for (const name of ['time', 'readAt']) {
    if (typeof record[name] !== 'string' || Number.isNaN(parseTime(record[name])))
      return `${name} is no ISO time in UTC`
  }
  if (!(timeOrigins as readonly unknown[]).includes(record.timeFrom)) return 'timeFrom is not known'
  if (!(levels as readonly unknown[]).includes(record.level)) return 'level is not known'
  for (const name of ['encoding', 'continues', 'raw']) {
    if (record[name] !== undefined && typeof record[name] !== 'string') return `${name} is no text`
  }
  return undefined
}
