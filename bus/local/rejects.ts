/**
 * The NDJSON file that keeps what the store refused for good, `{"reason":…,"record":…}` a line, and beside it how far it was
 * sent again. Lines are only added.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Rejected, Replayed } from '../../pipeline/bus.ts'
import { messageOf, ShiplogError, systemCodeOf } from '../../pipeline/errors.ts'
import { batchOf, type EventBatch, recordOf } from '../../pipeline/event-batch.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { eventOf, originOf, whyNoRecord } from '../../pipeline/record-parse.ts'

/** Published at once: bytes of lines. */
const publishBytesMax = 1024 * 1024
const newline = 10

export async function keepRejects(path: string, rejected: readonly Rejected[]): Promise<void> {
  const lines = rejected.flatMap(({ batch, reason }) =>
    Array.from({ length: batch.count }, (_, i) => JSON.stringify({ reason, record: recordOf(batch, i, batch.origin) })),
  )
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await appendDurably(path, `${lines.join('\n')}\n`)
  })
}

/** Bus.replay, from this file. */
export async function replayRejects(
  path: string,
  publish: (batches: readonly EventBatch[]) => Promise<void>,
  fromStart: boolean,
): Promise<Replayed> {
  const replayed = { records: 0, unreadable: 0, lost: 0 }
  const size = (await stat(path).catch(noFile))?.size ?? 0
  const kept = fromStart ? 0 : await placeOf(path)
  // A file that is shorter than that is another one.
  const from = kept > size ? 0 : kept
  let batches: EventBatch[] = []
  let place = from
  let sent = from
  const flush = async (): Promise<void> => {
    if (batches.length > 0) await publish(batches)
    replayed.records += batches.length
    batches = []
    sent = place
    await writing(path, () => keepPlace(path, place))
  }
  for await (const { line, end } of linesOf(path, from, size)) {
    const batch = batchIn(line)
    if (batch !== undefined) batches.push(batch)
    else if (line !== '') replayed.unreadable++
    place = end
    if (place - sent >= publishBytesMax) await flush()
  }
  if (place > sent) await flush()
  return replayed
}

function batchIn(line: string): EventBatch | undefined {
  try {
    const { record } = JSON.parse(line) as { readonly record?: unknown }
    if (whyNoRecord(record) !== undefined) return undefined
    return batchOf(originOf(record as LogRecord), [eventOf(record as LogRecord)])
  } catch {
    // A line that a crash has left half; the caller counts it.
    return undefined
  }
}

/** The lines in bytes [from, to), each with where the next one begins. */
async function* linesOf(path: string, from: number, to: number): AsyncIterable<{ line: string; end: number }> {
  if (from >= to) return
  let rest: Buffer = Buffer.alloc(0)
  let at = from
  for await (const chunk of createReadStream(path, { start: from, end: to - 1 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      yield { line: bytes.toString('utf8', start, end), end: at + end + 1 }
      start = end + 1
    }
    at += start
    rest = bytes.subarray(start)
  }
  if (rest.length > 0) yield { line: rest.toString('utf8'), end: to }
}

const version = 1

async function placeOf(path: string): Promise<number> {
  const text = await readFile(`${path}.replayed`, 'utf8').catch(noFile)
  if (text === undefined) return 0
  try {
    const { v, bytes } = JSON.parse(text) as { v?: unknown; bytes?: unknown }
    if (v === version && Number.isSafeInteger(bytes) && (bytes as number) >= 0) return bytes as number
  } catch {
    // As below.
  }
  throw new ShiplogError('STATE_UNREADABLE', `${path}.replayed does not say how far the rejects were sent again`, {
    hint: 'Say --from-start: what is stored already is not stored twice.',
  })
}

async function keepPlace(path: string, bytes: number): Promise<void> {
  await writeFile(`${path}.replayed.new`, `${JSON.stringify({ v: version, bytes })}\n`, { flush: true })
  await rename(`${path}.replayed.new`, `${path}.replayed`)
}

function noFile(error: unknown): undefined {
  if (systemCodeOf(error) !== 'ENOENT') throw error
}

async function writing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new ShiplogError('DATA_UNWRITABLE', `cannot keep rejected records: ${messageOf(cause)}`, {
      retryable: true,
      hint: `Make ${dirname(path)} writable and give it space.`,
      cause,
    })
  }
}

/** All of `text` at the end of the file and on the disk, or the file as it was. */
async function appendDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'a+')
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    // A process that died while it wrote left half a line: it must not swallow this one.
    const isHalf = size > 0 && last[0] !== newline
    try {
      await file.writeFile(isHalf ? `\n${text}` : text)
      await file.sync()
    } catch (error) {
      await file.truncate(size)
      throw error
    }
  } finally {
    await file.close()
  }
}
