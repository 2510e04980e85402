import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runTail } from '../../pipeline/cli-tail.ts'
import { batchOf, type EventBatch } from '../../pipeline/event-batch.ts'
import { buildServer } from '../../query-api/server.ts'
import { generationOf, lines, originOf } from '../query-api/memory-store.ts'
import { listen, type Served, serve, until } from '../query-api/serve.ts'
import { recordTerminal } from './cli-terminal.ts'

function live(message: string, offset: number): EventBatch {
  const origin = originOf({}, generationOf(7))
  return batchOf(
    origin,
    lines([message], origin).map((event) => ({ ...event, offset })),
  )
}

async function tail(served: Served, args: readonly string[] = [], terminal = recordTerminal()) {
  const server = served.api.server.listening ? served.api.listeningOrigin : await listen(served)
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const code = runTail(['--cluster', 'prod', '--server', server, ...args], terminal, stop.signal)
  return { code, stop: () => stop.abort(), out: () => terminal.out(), errors: () => terminal.errors() }
}

describe('shiplog tail', () => {
  test('prints the newest lines and those that come, until it is ended', async () => {
    const served = await serve(lines(['one', 'two']))
    const following = await tail(served, ['--limit', '1'])
    await until(() => following.out().includes('two'))
    served.bus.publish(live('three', 0))
    await until(() => following.out().includes('three'))
    following.stop()
    expect(await following.code).toBe(0)
    expect(following.out()).toBe(
      '2016-05-16T12:47:10.001000Z 10.3.11.18 : two\n2016-05-16T12:47:10.000000Z 10.3.11.18 : three\n',
    )
  })

  test('goes on where it was when the server comes back, and prints nothing twice', async () => {
    const served = await serve(lines(['stored']))
    const following = await tail(served)
    await until(() => following.out().includes('stored'))
    served.bus.publish(live('a', 0))
    await until(() => following.out().includes(' : a\n'))
    const { port } = new URL(served.api.listeningOrigin)
    await served.api.close()
    served.bus.publish(live('b', 10))
    const again = await buildServer({ ...served.parts, registry: new Registry() })
    onTestFinished(() => again.close())
    await again.listen({ host: '127.0.0.1', port: Number(port) })
    await until(() => following.out().includes(' : b\n'))
    expect(following.out().match(/ : /g)).toHaveLength(3)
    expect(following.errors()).toContain('asking again')
  })

  test('says how many lines it missed', async () => {
    const served = await serve()
    const following = await tail(served)
    await until(() => served.bus.followers.size === 1)
    for (const follower of served.bus.followers) follower.missed(7)
    await until(() => following.errors().includes('7 lines were missed'))
    following.stop()
    expect(await following.code).toBe(1)
  })

  test('what cannot be asked is said at once', async () => {
    const served = await serve()
    const bad = await tail(served, ['a OR'])
    expect(await bad.code).toBe(2)
    expect(bad.errors()).toContain('^')
    const order = await tail(served, ['--order', 'asc'])
    expect(await order.code).toBe(2)
    expect(order.errors()).toContain('tail has no --order')
    const nobody = recordTerminal()
    expect(await runTail(['--server', 'http://127.0.0.1:1'], nobody)).toBe(2)
    expect(nobody.errors()).toContain('cannot reach')
  })
})
