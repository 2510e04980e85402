import { createParser } from 'eventsource-parser'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { batchOf, type EventBatch, type NewEvent } from '../../pipeline/event-batch.ts'
import { generationOf, lines, originOf } from './memory-store.ts'
import { bearer, serveWithRights } from './rights-callers.ts'
import { listen, type Served, serve, until } from './serve.ts'

interface Seen {
  readonly event: string
  readonly data: { readonly message?: string; readonly events?: number | null }
  readonly id: string | undefined
}

/** Live lines that are not in the store. */
function live(messages: readonly string[], offset = 10_000, more: Partial<NewEvent> = {}, app = '2048'): EventBatch {
  const events = lines(messages, originOf({ app }, generationOf(7)), more)
  return batchOf(
    originOf({ app }, generationOf(7)),
    events.map((event) => ({ ...event, offset: event.offset + offset })),
  )
}

async function follow(served: Served, parameters = '', headers: Record<string, string> = {}) {
  const origin = served.api.server.listening ? served.api.listeningOrigin : await listen(served)
  const leave = new AbortController()
  onTestFinished(() => leave.abort())
  const answer = await fetch(`${origin}/api/v1/tail?cluster=prod${parameters}`, { headers, signal: leave.signal })
  const seen: Seen[] = []
  const parser = createParser({
    onEvent: ({ event, data, id }) => seen.push({ event: event ?? '', data: JSON.parse(data), id }),
  })
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
  })().catch(() => {})
  const messages = (): (string | undefined)[] =>
    seen.filter(({ event }) => event === 'record').map(({ data }) => data.message)
  return { answer, seen, messages, leave: () => leave.abort(), reading }
}

describe('GET /tail', () => {
  test('begins with the newest lines, oldest first, and goes on with those that come', async () => {
    const served = await serve(lines(['one', 'two', 'three']))
    const tail = await follow(served, '&lines=2')
    expect(tail.answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    served.bus.publish(live(['four', 'five']))
    await until(() => tail.messages().length === 4)
    expect(tail.messages()).toEqual(['two', 'three', 'four', 'five'])
    expect(tail.seen.findLast(({ id }) => id !== undefined)?.id).toBe('at-1')
  })

  test('a line that the store and the bus both have comes once', async () => {
    const served = await serve(lines(['one', 'two']))
    // The bus delivers it while the newest lines are being looked up.
    served.store.before = () => served.bus.publish(batchOf(originOf(), lines(['one', 'two', 'three'])))
    const tail = await follow(served)
    await until(() => tail.messages().length === 3)
    expect(tail.messages()).toEqual(['one', 'two', 'three'])
  })

  test('gives only what was asked for', async () => {
    const served = await serve()
    const tail = await follow(served, `&app=2048&level=error&q=${encodeURIComponent('连接 -boring .status:500')}`)
    served.bus.publish(live(['连接失败 status=500 a=b'], 0, { level: 5 }, 'shop'))
    served.bus.publish(live(['连接失败 status=500 a=b'], 100, { level: 3 }))
    served.bus.publish(
      live(['连接失败 status=500 boring=1', '连接失败 status=200 a=b', '数据库连接失败 status=500 a=b'], 200, {
        level: 5,
      }),
    )
    served.bus.publish(live(['connect status=500 a=b'], 300, { level: 5 }))
    await until(() => tail.messages().length === 1)
    expect(tail.messages()).toEqual(['数据库连接失败 status=500 a=b'])
  })

  test('goes on behind the last id, by header and by parameter, and says when that is not known any more', async () => {
    const served = await serve(lines(['stored']))
    served.bus.publish(live(['a']))
    served.bus.publish(live(['b'], 200))
    const byHeader = await follow(served, '', { 'last-event-id': 'at-1' })
    await until(() => byHeader.messages().length === 1)
    expect(byHeader.messages()).toEqual(['b'])
    const byParameter = await follow(served, '&lastEventId=at-0')
    await until(() => byParameter.messages().length === 2)
    expect(byParameter.messages()).toEqual(['a', 'b'])
    const lost = await follow(served, '&lastEventId=of-another-time')
    await until(() => lost.seen.length === 1)
    expect(lost.seen[0]).toMatchObject({ event: 'missed', data: { events: null } })
  })

  test('a reader that is slow misses lines, is told how many, and little is kept for it', async () => {
    const served = await serve()
    const origin = await listen(served)
    const leave = new AbortController()
    onTestFinished(() => leave.abort())
    const answer = await fetch(`${origin}/api/v1/tail?cluster=prod&lines=0`, { signal: leave.signal })
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
    await until(() => served.bus.followers.size === 1)
    const text = 'x'.repeat(20_000)
    const published = 3000
    for (let i = 0; i < published; i++) {
      served.bus.publish(live([text], i * 30_000))
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    let records = 0
    let missed = 0
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (event === 'record') records++
        if (event === 'missed') missed += JSON.parse(data).events
      },
    })
    const decoder = new TextDecoder()
    while (records + missed < published) {
      const { value } = await reader.read()
      parser.feed(decoder.decode(value, { stream: true }))
    }
    // What was kept for it while it did not read is what it gets now: of 60 MB a few, most of them in the sockets.
    expect(records * text.length).toBeLessThan(15_000_000)
    expect(records + missed).toBe(published)
  })

  test('a client that leaves is followed no more; too many are refused', async () => {
    const served = await serve()
    const tails = [await follow(served), await follow(served), await follow(served)]
    await until(() => served.bus.followers.size === 3)
    const refused = await served.api.inject('/api/v1/tail?cluster=prod')
    expect([refused.statusCode, refused.json().detail]).toEqual([
      429,
      '3 requests of this client are under way already',
    ])
    for (const { leave } of tails) leave()
    await until(() => served.bus.followers.size === 0)
  })

  test('ends, and says so, when the token of its client does not hold any more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const served = await serveWithRights([])
    const token = served.tokens.issue('reader', 'reader', ['prod/*'])
    const tail = await follow(served, '', bearer(token))
    served.bus.publish(live(['seen']))
    await until(() => tail.messages().length === 1)
    vi.advanceTimersByTime(15_000)
    await until(() => tail.seen.some(({ event }) => event === 'heartbeat'))
    served.tokens.remove(token)
    vi.advanceTimersByTime(15_000)
    await tail.reading
    expect(tail.seen.at(-1)).toMatchObject({ event: 'ended' })
    await until(() => served.bus.followers.size === 0)
    served.bus.publish(live(['never seen'], 20_000))
    expect(tail.messages()).toEqual(['seen'])
  })

  test('a store that fails at the start is a problem, and nothing stays behind', async () => {
    const served = await serve()
    served.store.before = () => {
      throw new Error('broken')
    }
    const tail = await follow(served)
    expect(tail.answer.status).toBe(500)
    await until(() => served.bus.followers.size === 0)
  })
})
