/** Live tails of the stand-in: a ring that forgets nothing, and places in it that a restart makes worthless. */
import type { ServerResponse } from 'node:http'
import { select } from './mock-api.ts'
import type { MockRecord } from './mock-records.ts'

export function mockTails() {
  const tails = new Set<ServerResponse>()
  const asked = new Map<ServerResponse, URLSearchParams>()
  let epoch = 1
  let passed: MockRecord[] = []

  function send(response: ServerResponse, records: readonly MockRecord[]): void {
    const found = select(asked.get(response) ?? new URLSearchParams(), records, true)
    for (const record of found) response.write(`event: record\ndata: ${JSON.stringify(record)}\n\n`)
    response.write(`event: position\ndata: {}\nid: ${epoch}.${passed.length}\n\n`)
  }

  return {
    tails,
    write(records: readonly MockRecord[]): void {
      passed = [...passed, ...records]
      for (const response of tails) send(response, records)
    },
    restart(): void {
      epoch++
      passed = []
      for (const response of tails) response.destroy()
    },
    follow(params: URLSearchParams, response: ServerResponse): void {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': following\n\n')
      tails.add(response)
      asked.set(response, params)
      response.on('close', () => tails.delete(response))
      const from = params.get('lastEventId')
      if (from === null) return
      const [of, number] = from.split('.').map(Number)
      if (of === epoch) send(response, passed.slice(number))
      else response.write('event: missed\ndata: {"events":null}\n\n')
    },
  }
}
