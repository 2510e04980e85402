/** `npm run services`: the real servers for a developer, up until Ctrl-C; prints their URLs as the tests take them. */
import { join } from 'node:path'
import { messageOf } from '../../pipeline/errors.ts'
import { temporaryFolder } from '../system/process.ts'
import { startElasticsearch } from './elasticsearch.ts'
import { whyNoServers } from './java.ts'
import { startKafka } from './kafka.ts'

const why = whyNoServers()
if (why !== undefined) {
  console.error(`The services cannot be started here: ${why}.`)
  console.error('Install a JDK ≥ 21 and Maven, or name servers that run by KAFKA_URL and ELASTICSEARCH_URL.')
  process.exit(1)
}
const folder = temporaryFolder('services')
const running: { stop(): Promise<void> }[] = []

let stopping = false
async function end(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  await Promise.all(running.map((service) => service.stop()))
  folder.cleanUp()
  // What was still starting goes with this process.
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0))

try {
  for (const [name, start] of [
    ['KAFKA_URL', startKafka],
    ['ELASTICSEARCH_URL', startElasticsearch],
  ] as const) {
    const service = await start(join(folder.path, name))
    running.push(service)
    console.log(`export ${name}=${service.url}`)
  }
  console.log('# up until Ctrl-C')
} catch (error) {
  if (!stopping) console.error(messageOf(error))
  await end(1)
}
