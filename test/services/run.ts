/**
 * For a whole run of the tests: each real server is started when a test first asks for it, and stopped at the end. Those
 * named by KAFKA_URL and ELASTICSEARCH_URL are used as they are. Where nothing can be started one line says what is skipped.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { temporaryFolder } from '../system/process.ts'
import { whyNoServers } from './java.ts'

interface Service {
  readonly url: string
  stop(): Promise<void>
}

/** By the name that a test asks for; imported only then. */
const starters: Readonly<Record<string, (folder: string) => Promise<Service>>> = {
  kafka: async (folder) => (await import('./kafka.ts')).startKafka(folder),
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a test asks: `GET <servicesUrl>/kafka` answers with the URL of the server. */
    servicesUrl: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const why = whyNoServers()
  const missing = Object.keys(starters).filter((name) => process.env[`${name.toUpperCase()}_URL`] === undefined)
  if (why !== undefined && missing.length > 0) {
    console.warn(`\n!!! SKIPPED: every test on a real ${missing.join(' and ')}, because ${why}.\n`)
  }
  const folder = temporaryFolder('test-services')
  const started = new Map<string, Promise<Service>>()
  const serviceOf = (name: string): Promise<Service> => {
    const starter = starters[name]
    if (starter === undefined) return Promise.reject(new Error(`there is no service ${name}`))
    const service = started.get(name) ?? starter(join(folder.path, name))
    started.set(name, service)
    return service
  }
  const server = createServer((request, response) => {
    serviceOf((request.url ?? '/').slice(1)).then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('servicesUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    for (const service of await Promise.allSettled(started.values())) {
      if (service.status === 'fulfilled') await service.value.stop()
    }
    folder.cleanUp()
  }
}
