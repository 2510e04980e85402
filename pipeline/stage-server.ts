/** What a stage without an API of its own serves: /health (200 while alive, each part's state) and /metrics. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { messageOf } from './errors.ts'

export interface StageServerParts {
  readonly registry: Registry
  /** Why each part is held up now; undefined = it is not. */
  readonly health: () => Readonly<Record<string, string | undefined>>
}

export interface StageServer {
  /** The URL that it answers on. Rejects with the system's error. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>
  close(): Promise<void>
}

export function stageServer({ registry, health }: StageServerParts): StageServer {
  const answers: Readonly<Record<string, () => Promise<{ type: string; body: string }>>> = {
    '/health': async () => {
      const parts = Object.entries(health()).map(([name, trouble]) =>
        trouble === undefined ? { name, state: 'up' } : { name, state: 'degraded', detail: trouble },
      )
      return { type: 'application/json', body: JSON.stringify({ ready: true, parts }) }
    },
    '/metrics': async () => ({ type: registry.contentType, body: await registry.metrics() }),
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string
    const answer = answers[path === '/health/ready' ? '/health' : path]
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('There are /health and /metrics.\n')
      return
    }
    answer().then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`),
    )
  })
  return {
    async listen({ host, port }) {
      server.listen(port, host)
      await once(server, 'listening')
      const bound = server.address() as AddressInfo
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
    },
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
