/**
 * One write for bench/index.ts, in a process of its own: `raw` sends bodies that were made before the clock starts, `store`
 * writes batches as the indexer gets them. Prints what it took as JSON.
 */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { batchBytes, type EventBatch, newColumns, recordOf } from '../pipeline/event-batch.ts'
import { fieldsOf } from '../pipeline/fields.ts'
import { openElasticsearchStore } from '../store/elasticsearch/store.ts'
import { memoryOf } from './measure.ts'

export interface WriterReport {
  readonly events: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMb: number
}

const inFlight = 3
const bodyBytes = 4 * 1024 * 1024
const callBytes = 2 * 1024 * 1024

const [, , url = '', prefix = '', how = '', cluster = '', fromMs = '', ...files] = process.argv
const store = await openElasticsearchStore({ url, prefix, settings: { replicas: 0 } })

/** The lines of the files as batches, in turns, as they come from many shippers. */
async function* batches(): AsyncGenerator<EventBatch, void, void> {
  for (const [n, path] of files.entries()) {
    const source = {
      cluster,
      app: `app-${n % 5}`,
      instance: `i-${n}`,
      host: `h-${n % 3}`,
      dir: '/',
      file: basename(path),
    }
    const generation = `01jd${String(n).padStart(22, '0')}`
    let offset = 0
    let rest: Buffer = Buffer.alloc(0)
    let event = 0
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      const text = Buffer.concat([rest, chunk as Buffer])
      const ends: number[] = []
      for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) ends.push(at)
      const columns = newColumns(text, ends.length)
      let start = 0
      for (const [i, end] of ends.entries()) {
        columns.start[i] = start
        columns.length[i] = end - start
        columns.offset[i] = offset + start
        columns.bytes[i] = end + 1 - start
        columns.time[i] = Number(fromMs) * 1000 + event++ * 100_003
        columns.level[i] = 3
        start = end + 1
      }
      offset += start
      rest = text.subarray(start)
      yield { ...columns, origin: { source, generation, encoding: 'utf-8', readAt: Date.now() * 1000 } }
    }
  }
}

function bodiesOf(batch: EventBatch, index: string, add: (line: string) => void): void {
  for (let i = 0; i < batch.count; i++) {
    const record = recordOf(batch, i, batch.origin)
    const fields = fieldsOf(record.message).map(([name, value]) => `${name.toLowerCase()}=${value}`)
    const source = fields.length === 0 ? record : { ...record, fields }
    add(`{"create":{"_index":"${index}","_id":"${record.id}"}}\n${JSON.stringify(source)}\n`)
  }
}

async function writeRaw(): Promise<Omit<WriterReport, 'peakMb'>> {
  const index = `${prefix}-${cluster}-${new Date(Number(fromMs)).toISOString().slice(0, 10).replaceAll('-', '.')}`
  const bodies: Buffer[] = []
  let lines: string[] = []
  let bytes = 0
  let events = 0
  const end = (): void => {
    if (lines.length > 0) bodies.push(Buffer.from(lines.join('')))
    lines = []
    bytes = 0
  }
  for await (const batch of batches()) {
    bodiesOf(batch, index, (line) => {
      lines.push(line)
      bytes += line.length
      events++
      if (bytes >= bodyBytes) end()
    })
  }
  end()
  const cpu = process.cpuUsage()
  const started = performance.now()
  const headers = { 'content-type': 'application/x-ndjson' }
  const path = `${url}/_bulk?filter_path=errors,items.create.status,items.create.error`
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let body = bodies.shift(); body !== undefined; body = bodies.shift()) {
        const answer = await fetch(path, { method: 'POST', headers, body: new Uint8Array(body) })
        const { errors } = (await answer.json()) as { errors: boolean }
        if (errors) throw new Error('the raw loop had errors')
      }
    }),
  )
  return { events, ...since(started, cpu) }
}

async function writeStore(): Promise<Omit<WriterReport, 'peakMb'>> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  let events = 0
  const calls = new Set<Promise<void>>()
  let waiting: EventBatch[] = []
  let bytes = 0
  const call = async (): Promise<void> => {
    const written = waiting
    waiting = []
    bytes = 0
    // As a consumer with so many partitions would: a few calls at the same time.
    if (calls.size >= inFlight + 1) await Promise.race(calls)
    const work = store.write(written).then((refused) => {
      if (refused.length > 0) throw new Error(refused[0]?.reason)
      calls.delete(work)
    })
    calls.add(work)
  }
  for await (const batch of batches()) {
    waiting.push(batch)
    events += batch.count
    bytes += batchBytes(batch)
    if (bytes >= callBytes) await call()
  }
  await call()
  await Promise.all(calls)
  return { events, ...since(started, cpu) }
}

function since(started: number, cpu: NodeJS.CpuUsage): { seconds: number; cpuSeconds: number } {
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }
}

const result = how === 'raw' ? await writeRaw() : await writeStore()
await store.close()
console.log(JSON.stringify({ ...result, peakMb: memoryOf(process.pid).peak } satisfies WriterReport))
