/** The shipper of `bench/files.ts`: `files-process.ts ROOT DATA`; tells its parent when it is up and how late events are. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { parseCommandLine, readConfig } from '../pipeline/config.ts'
import { type EventBatch, messageBytes } from '../pipeline/event-batch.ts'
import { startShipper } from '../shipper/shipper.ts'

const [root = '', data = ''] = process.argv.slice(2)
const config = readConfig(parseCommandLine(['--root', root, '--data', data, '--timezone', 'UTC']), {})
const tell = process.send?.bind(process) as (message: object) => void
const justNowMs = 60_000

let events = 0
let lagMs = -1
const bus = {
  async publish(batches: readonly EventBatch[]): Promise<void> {
    for (const batch of batches) {
      events += batch.count
      // The moment of its writing, from the line itself: the event's time is what is learnt of it.
      const agoMs = Date.now() - Date.parse(messageBytes(batch, 0).subarray(0, 24).toString('latin1'))
      if (agoMs < justNowMs) lagMs = Math.max(lagMs, Math.round(agoMs))
    }
  },
  async report(): Promise<void> {},
}
const started = performance.now()
const shipper = await startShipper({ config, bus, log: pino({ level: 'warn' }), registry: new Registry() })
tell({ startMs: performance.now() - started })
// The most of each 50 ms.
const timer = setInterval(() => {
  tell(lagMs < 0 ? { events } : { events, lagMs })
  lagMs = -1
}, 50)
process.on('message', async () => {
  clearInterval(timer)
  await shipper.close()
  process.disconnect?.()
})
