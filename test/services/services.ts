/** `npm run services`: the real servers for a developer, up until Ctrl-C; prints their URLs as the tests take them. */
import { join } from 'node:path'
import { temporaryFolder } from '../system/process.ts'
import { startElasticsearch } from './elasticsearch.ts'
import { whyNoServers } from './java.ts'
import { startKafka } from './kafka.ts'

const why = whyNoServers()
if (why !== undefined) {
  console.error(`The services cannot be started here: ${why}.`)
  process.exit(1)
}
const folder = temporaryFolder('services')
const kafka = await startKafka(join(folder.path, 'kafka'))
const elasticsearch = await startElasticsearch(join(folder.path, 'elasticsearch'))
const services = [
  { name: 'KAFKA_URL', url: kafka.url, stop: () => kafka.stop() },
  { name: 'ELASTICSEARCH_URL', url: elasticsearch.url, stop: () => elasticsearch.stop() },
]
for (const { name, url } of services) console.log(`export ${name}=${url}`)
console.log('# up until Ctrl-C')

let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (stopping) return
    stopping = true
    await Promise.all(services.map((service) => service.stop()))
    folder.cleanUp()
    process.exit(0)
  })
}
