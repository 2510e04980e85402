import { expect, test } from 'vitest'
import { ThreadLink } from '../../store/sqlite/thread-link.ts'

const echo = `
  import { parentPort } from 'node:worker_threads'
  parentPort.on('message', ({ id, method, args }) => {
    if (method === 'die') process.exit(1)
    if (method === 'throw') throw new Error('a broken invariant')
    if (method !== 'wait') parentPort.postMessage({ id, value: args[0] })
  })`

test.each(['die', 'throw'])(
  'a thread that dies (%s): whoever waits is told to try again, and the next call finds a new one',
  async (method) => {
    const deaths: string[] = []
    const link = new ThreadLink({
      url: new URL(`data:text/javascript,${encodeURIComponent(echo)}`),
      workerData: undefined,
      name: 'echo',
      onDeath: (reason) => deaths.push(reason),
    })
    expect(await link.call('echo', [1]).answer).toBe(1)
    const waiting = link.call('wait', []).answer
    const dying = link.call(method, []).answer
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    await expect(dying).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    expect(await link.call('echo', [2]).answer).toBe(2)
    expect(deaths).toHaveLength(1)
    expect(link.busy).toBe(0)
    await link.close()
    await expect(link.call('echo', [3]).answer).rejects.toMatchObject({ code: 'CLOSED' })
    expect(deaths).toHaveLength(1)
  },
)

test('a lazy thread is there from the first call on, and one that nobody called closes at once', async () => {
  const options = {
    url: new URL(`data:text/javascript,${encodeURIComponent(echo)}`),
    workerData: undefined,
    name: 'echo',
    lazy: true,
  }
  const idle = new ThreadLink(options)
  expect(idle.running).toBe(false)
  await idle.close()
  const link = new ThreadLink(options)
  expect(await link.call('echo', [1]).answer).toBe(1)
  expect(link.running).toBe(true)
  await link.close()
})
