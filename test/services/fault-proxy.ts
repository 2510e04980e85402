/** An HTTP proxy that fails as networks, proxies and busy servers do: at random, the same for the same seed. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRandom } from '../../demo/random.ts'

/**
 * What happens to a request. `drop`: the server has worked, its answer is lost; `half`: so is a part of it; `hold`: nothing
 * ever comes back.
 */
export type Fault = 'pass' | '401' | '413' | '429' | '503' | 'refuse' | 'drop' | 'half' | 'hold'

export interface FaultProxy {
  readonly url: string
  /** How often each thing has happened. */
  readonly counts: Readonly<Record<Fault, number>>
  /** Held requests whose client went away. */
  readonly left: () => number
  close(): Promise<void>
}

/** `faultOf` decides for each request. */
export async function startFaultProxy(
  target: string,
  faultOf: (path: string, bytes: number) => Fault,
): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const counts: Record<Fault, number> = {
    pass: 0,
    '401': 0,
    '413': 0,
    '429': 0,
    '503': 0,
    refuse: 0,
    drop: 0,
    half: 0,
    hold: 0,
  }
  let left = 0

  const forward = (incoming: IncomingMessage, answer: ServerResponse, fault: Fault): void => {
    const { method, url: path, headers } = incoming
    const outgoing = request({ hostname, port, method, path, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        if (fault === 'drop') return void answer.destroy()
        const body = Buffer.concat(chunks)
        const { 'transfer-encoding': _chunked, ...others } = response.headers
        answer.writeHead(response.statusCode ?? 502, { ...others, 'content-length': body.length })
        if (fault !== 'half') return void answer.end(body)
        answer.write(body.subarray(0, body.length >> 1), () => answer.destroy())
      })
    })
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => {
      // As a real connection would: the server sees that nobody waits.
      if (!answer.writableEnded && fault === 'pass') outgoing.destroy()
    })
    incoming.pipe(outgoing)
  }

  const server = createServer((incoming, answer) => {
    const fault = faultOf(incoming.url ?? '', Number(incoming.headers['content-length'] ?? 0))
    counts[fault]++
    if (fault === 'refuse') return void incoming.socket.destroy()
    if (fault === 'hold') return void answer.on('close', () => left++)
    if (!/^\d/.test(fault)) return void forward(incoming, answer, fault)
    incoming.resume()
    incoming.on('end', () => {
      const error =
        fault === '401'
          ? { type: 'security_exception', reason: 'unable to authenticate user' }
          : { type: 'es_rejected_execution_exception', reason: 'the queue is full' }
      answer.writeHead(Number(fault), { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
      answer.end(JSON.stringify({ error, status: Number(fault) }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    left: () => left,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A fault for about `share` of all requests, each kind as often. */
export function randomFaults(seed: number, share: number): () => Fault {
  const random = createRandom(seed)
  const faults = ['429', '503', 'refuse', 'drop', 'half'] as const
  return () => (random.below(1000) < share * 1000 ? (faults[random.below(faults.length)] as Fault) : 'pass')
}
