/** What must hold in the end, whatever happened: compares what arrived with what was written. */
import { type Encoding, originalBytes } from '../../pipeline/encoding.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import type { GenerationRow } from '../../shipper/checkpoint.ts'
import type { Remains } from './faults.ts'
import type { Incarnation, ModelLog } from './log.ts'
import { tokenIn } from './text.ts'

interface Whole {
  readonly log: ModelLog
  readonly incarnation: Incarnation
}

/** All that is wrong, in words. `lostBytes`: what the shippers counted. `hadCrash`: acknowledgements may have been forgotten. */
export function wrongsOf(logs: readonly ModelLog[], remains: Remains, lostBytes: number, hadCrash: boolean): string[] {
  const wrongs = [...remains.wrongs]
  const byToken = new Map<string, Whole>()
  for (const log of logs) {
    for (const incarnation of log.incarnations) {
      for (const [token] of incarnation.bytes.toString('latin1').matchAll(/#[a-z]\d+;/g))
        byToken.set(token, { log, incarnation })
    }
  }
  const generations = Map.groupBy(remains.records.values(), (record) => record.generation)
  const generationOf = new Map<Incarnation, string>()
  let missing = 0
  let mayBeMissing = false
  for (const [generation, arrived] of generations) {
    const whole = wholeOf(arrived, byToken, logs)
    if (whole === undefined) {
      wrongs.push(`nobody wrote ${JSON.stringify(arrived[0])}`)
      continue
    }
    const other = generationOf.get(whole.incarnation)
    if (other !== undefined) wrongs.push(`repeated: ${nameOf(whole)} came as ${other} and as ${generation}`)
    generationOf.set(whole.incarnation, generation)
    wrongs.push(...wrongsIn(arrived, whole))
  }
  for (const log of logs) {
    let newest = ''
    for (const incarnation of log.incarnations) {
      const generation = generationOf.get(incarnation)
      const arrived = generation === undefined ? [] : (generations.get(generation) as LogRecord[])
      const covered = arrived.reduce((sum, record) => sum + record.bytes, 0)
      const what = `${nameOf({ log, incarnation })} (${covered} of ${incarnation.bytes.length} bytes arrived)`
      if (covered < incarnation.bytes.length) {
        missing += incarnation.bytes.length - covered
        if (!incarnation.mayLose || covered < incarnation.sureBytes)
          wrongs.push(`lost: ${what}, ${incarnation.sureBytes} surely read`)
      }
      if (incarnation.mayLose) mayBeMissing = true
      if (generation === undefined) continue
      // One that begins with the rest of a line may have no stamp in what is read first: it is of when it was read.
      if (log.program.kind !== 'unstamped' && incarnation.starts.has(0)) {
        if (generation < newest) wrongs.push(`order: ${what} sorts before an older one`)
        newest = generation
      }
      const row = remains.rows.get(generation)
      const lost = row === undefined ? 0 : (JSON.parse(row) as GenerationRow).lost
      // A crash may take the acknowledgement of what arrived: nobody can know it then, and it counts as lost.
      if (lost > 0 && covered === incarnation.bytes.length && !hadCrash)
        wrongs.push(`counted ${lost} bytes, but nothing is lost: ${what}`)
      const known = remains.sizes.get(generation) ?? 0
      if (lost === 0 && known > covered && known <= incarnation.bytes.length) {
        wrongs.push(`not counted: ${what}, the shipper had seen ${known}`)
      }
    }
  }
  if (lostBytes > 0 && missing === 0 && !(hadCrash && mayBeMissing))
    wrongs.push(`${lostBytes} bytes counted as lost, but nothing is`)
  if (lostBytes > missing && !hadCrash) wrongs.push(`${lostBytes} bytes counted as lost, no lower bound of ${missing}`)
  return wrongs
}

function wholeOf(
  records: readonly LogRecord[],
  byToken: ReadonlyMap<string, Whole>,
  logs: readonly ModelLog[],
): Whole | undefined {
  for (const { message } of records) {
    const token = tokenIn(message)
    if (token !== undefined) return byToken.get(token)
  }
  // Parts of an event only, without its beginning.
  for (const log of logs) {
    for (const incarnation of log.incarnations)
      if (records.every((record) => isThere(record, incarnation))) return { log, incarnation }
  }
  return undefined
}

function isThere(record: LogRecord, { bytes }: Incarnation): boolean {
  return bytesOf(record).equals(bytes.subarray(record.offset, record.offset + record.bytes))
}

function bytesOf(record: LogRecord): Buffer {
  return originalBytes({
    message: Buffer.from(record.message),
    bytes: record.bytes,
    encoding: (record.encoding ?? 'utf-8') as Encoding,
    raw: record.raw === undefined ? undefined : Buffer.from(record.raw, 'base64'),
  })
}

const learnBytes = 8192

/** `records` of one incarnation in the order of their arrival. */
function wrongsIn(records: readonly LogRecord[], whole: Whole): string[] {
  const { incarnation } = whole
  const wrongs: string[] = []
  const heads = new Set<string>()
  const firstStart = Math.min(...incarnation.starts)
  let next = 0
  for (const record of records) {
    const what = `${nameOf(whole)} at ${record.offset}: ${JSON.stringify(record.message.slice(0, 80))}`
    if (record.offset !== next)
      wrongs.push(`${record.offset < next ? 'again or out of order' : 'a gap'}: ${what}, expected ${next}`)
    next = record.offset + record.bytes
    if (!isThere(record, incarnation)) wrongs.push(`not as written: ${what}`)
    if (record.continues === undefined) {
      heads.add(record.id)
      if (record.offset > firstStart && !incarnation.starts.has(record.offset)) wrongs.push(`torn: ${what}`)
    } else if (!heads.has(record.continues)) wrongs.push(`continues what is not there: ${what}`)
  }
  for (const start of incarnation.starts) {
    if (start >= next || incarnation.blurred.has(start)) continue
    // What half a line at the head of a file taught holds until more of it was seen.
    if (firstStart > 0 && start < learnBytes) continue
    if (!heads.has(`${(records[0] as LogRecord).generation}-${start}`))
      wrongs.push(`no event of its own: ${nameOf(whole)} at ${start}`)
  }
  return wrongs
}

function nameOf({ log, incarnation }: Whole): string {
  return `${log.program.kind} incarnation ${incarnation.order} of ${log.incarnations.length}`
}
