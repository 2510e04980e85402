/** Why an event can never be stored, in whatever store: what a bug or another program may have made. Pure. */
import type { EventColumns, Origin } from './event-batch.ts'
import { clusterPattern, levels, sourceFields, timeOrigins } from './record.ts'

const earliestUs = Date.UTC(1970, 0, 1) * 1000
const latestUs = Date.UTC(9999, 11, 31) * 1000
/** Of one event in its file: what the columns of a block can hold. */
const eventBytesMost = 2 ** 31 - 1

/** Why no event of this origin can ever be stored; undefined when they can. */
export function faultOfOrigin({ source, generation, encoding, readAt }: Origin): string | undefined {
  if (!clusterPattern.test(source.cluster)) return `${JSON.stringify(source.cluster)} is no name for a cluster`
  if (!Number.isFinite(readAt)) return `${readAt} is no time of reading`
  // Types say so, but events come from other programs too, and SQLite throws at what it cannot bind: for ever, on every retry.
  const texts = { ...Object.fromEntries(sourceFields.map((field) => [field, source[field]])), generation, encoding }
  for (const [name, value] of Object.entries(texts)) if (typeof value !== 'string') return `its ${name} is no text`
  return undefined
}

/** Why an event can never be stored; undefined when it can. */
export function faultOf(columns: EventColumns, i: number): string | undefined {
  const time = columns.time[i] as number
  if (!(time >= earliestUs && time < latestUs)) return `the time ${time} is not between the years 1970 and 9999`
  const offset = columns.offset[i] as number
  if (!Number.isSafeInteger(offset) || offset < 0) return `${offset} is no offset in a file`
  if ((columns.bytes[i] as number) > eventBytesMost) return `${columns.bytes[i]} bytes are too many for one event`
  if ((columns.level[i] as number) >= levels.length) return `${columns.level[i]} is no level`
  if ((columns.timeFrom[i] as number) >= timeOrigins.length) return `${columns.timeFrom[i]} is no origin of a time`
  return undefined
}
