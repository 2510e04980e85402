/** Taking everything away: speed and memory of one export, and what fifty slow readers cost those who write. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ShiplogProcess, startShiplog, waitFor } from '../test/system/process.ts'
import { dayOfLines, writeCorpus } from './corpus.ts'
import { cpuSecondsOf, memoryOf, metricOf, report } from './measure.ts'

const slowReaders = 50
/** What each of them takes, about as a bad mobile connection. */
const slowBytesPerSecond = 20_000

export async function benchExport(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-bench-'))
  let shiplog: ShiplogProcess | undefined
  try {
    const root = join(folder, 'logs')
    mkdirSync(root)
    const day = dayOfLines(Date.now())
    let events = writeCorpus(root, day).events
    const options = ['--retention-days', '0', '--requests-per-minute-max', '10000000', '--log-level', 'warn']
    shiplog = await startShiplog(['--root', root, '--data', join(folder, 'data'), ...options])
    const { url, pid } = shiplog
    const inStore = () =>
      waitFor(async () => (await metricOf(url, 'shiplog_events_written_total')) >= events, 600_000, 'all events stored')
    await inStore()
    console.log(`\n${day.lines} lines, ${events} events\n`)

    for (const format of ['ndjson', 'txt', 'csv']) {
      await sleep(3000)
      const idle = memoryOf(pid).now
      const before = await metricOf(url, `shiplog_export_records_total{format="${format}"}`)
      let most = idle
      const timer = setInterval(() => (most = Math.max(most, memoryOf(pid).now)), 10)
      const cpu = cpuSecondsOf(pid)
      const started = performance.now()
      await drain(await open(url, format))
      const seconds = (performance.now() - started) / 1000
      clearInterval(timer)
      const records = (await metricOf(url, `shiplog_export_records_total{format="${format}"}`)) - before
      report(`export of ${records} records, ${format}`, `${Math.round(records / seconds)} records/s`, 'aim ≥ 250,000')
      report('  CPU of all threads', `${(((cpuSecondsOf(pid) - cpu) * 1e6) / records).toFixed(2)} µs a record`)
      report('  memory above idle', `${(most - idle).toFixed(0)} MB`, 'aim ≤ 60')
    }

    // Beside the speed, which others on the machine have a share in: what it cost this process.
    const ingest = async (prefix: string): Promise<{ speed: number; cpuUs: number }> => {
      const cpu = cpuSecondsOf(pid)
      const started = performance.now()
      events += writeCorpus(root, { ...day, prefix, seed: prefix.length + 7 }).events
      await inStore()
      const speed = day.lines / ((performance.now() - started) / 1000)
      return { speed, cpuUs: ((cpuSecondsOf(pid) - cpu) * 1e6) / day.lines }
    }
    await ingest('a-')
    const alone = await ingest('bb-')
    const idle = memoryOf(pid).now
    const readers = await Promise.all(Array.from({ length: slowReaders }, () => open(url, 'ndjson')))
    let bytes = 0
    const reading = setInterval(() => {
      for (const reader of readers) bytes += (reader.read(slowBytesPerSecond / 10) as Buffer | null)?.length ?? 0
    }, 100)
    const beside = await ingest('ccc-')
    clearInterval(reading)
    report('ingestion by itself', `${Math.round(alone.speed)} lines/s`, `${alone.cpuUs.toFixed(1)} µs CPU a line`)
    report(
      `ingestion beside ${slowReaders} slow exports (${Math.round(bytes / 1024)} KiB read)`,
      `${Math.round(beside.speed)} lines/s`,
      `${(100 - (beside.speed / alone.speed) * 100).toFixed(0)} % slower, aim ≤ 20; ${beside.cpuUs.toFixed(1)} µs CPU a line`,
    )
    report('  memory above idle', `${(memoryOf(pid).now - idle).toFixed(0)} MB`)
    for (const reader of readers) reader.destroy()
  } finally {
    await shiplog?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function open(url: string, format: string): Promise<IncomingMessage> {
  const query = new URLSearchParams({ cluster: 'default', from: 'now-2d', format })
  return new Promise((resolve, reject) => {
    get(`${url}/api/v1/export?${query}`, { agent: false }, (response) => {
      response.on('error', () => {})
      resolve(response)
    }).once('error', reject)
  })
}

async function drain(response: IncomingMessage): Promise<void> {
  for await (const _chunk of response);
  if (!response.complete) throw new Error('the export broke off')
}
