/** What a store says of a server that is not the right one, and what it tells it: against a stub, so without any server. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ElasticsearchOptions, openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { onPath } from '../services/java.ts'
import { temporaryFolder } from '../system/process.ts'

interface Stub {
  readonly port: number
  readonly seen: IncomingHttpHeaders[]
  close(): void
}

type Answers = Readonly<Record<string, object | string>>

const right: Answers = {
  '/_nodes': { nodes: { a: { version: '9.2.0' } } },
  '/_analyze': { tokens: [{ token: 'java' }] },
}

async function startStub(answers: Answers, tls?: { key: string; cert: string }): Promise<Stub> {
  const seen: IncomingHttpHeaders[] = []
  const listener: RequestListener = (request, response) => {
    seen.push(request.headers)
    request.resume().on('end', () => {
      const answer = answers[new URL(request.url ?? '/', 'http://stub').pathname]
      response.writeHead(answer === undefined ? 404 : 200, {
        'content-type': typeof answer === 'string' ? 'text/html' : 'application/json',
        'x-elastic-product': 'Elasticsearch',
      })
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}))
    })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('opening a store in Elasticsearch', () => {
  let closings: (() => void)[]
  beforeEach(() => {
    closings = []
  })
  afterEach(() => {
    for (const closing of closings) closing()
  })

  const stubbed = async (answers: Answers, tls?: { key: string; cert: string }): Promise<Stub> => {
    const stub = await startStub(answers, tls)
    closings.push(() => stub.close())
    return stub
  }
  /** The stub never has everything, so opening always fails; how is what counts. */
  const failure = (options: ElasticsearchOptions): Promise<Error & { code: string; hint: string }> =>
    openElasticsearchStore({ startMsMax: 0, ...options }).then(
      () => Promise.reject(new Error('it opened')),
      (error: Error & { code: string; hint: string }) => error,
    )

  test('a version that is too old is named', async () => {
    const { port } = await stubbed({ ...right, '/_nodes': { nodes: { a: { version: '8.19.1' } } } })
    const error = await failure({ url: `http://127.0.0.1:${port}` })
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('8.19.1') })
    expect(error.hint).toContain('Upgrade')
  })

  test('an analyzer that splits words otherwise is named with the first such word', async () => {
    const { port } = await stubbed(right)
    const error = await failure({ url: `http://127.0.0.1:${port}` })
    expect(error.message).toMatch(/other words.*missing, expected "lang"/)
  })

  test('what is no Elasticsearch is told', async () => {
    const { port } = await stubbed({ '/_nodes': '<html>a portal</html>' })
    expect((await failure({ url: `http://127.0.0.1:${port}` })).message).toContain('no JSON')
  })

  test.each([
    { what: 'a user', user: 'shiplog:s3cr%2Ft@', expected: `Basic ${btoa('shiplog:s3cr/t')}` },
    { what: 'an API key', apiKey: 's3cr-key', expected: 'ApiKey s3cr-key' },
  ])('$what goes to the server, and into no message', async ({ user = '', apiKey, expected }) => {
    const { port, seen } = await stubbed(right)
    const options = { ...(apiKey === undefined ? {} : { apiKey }) }
    const said = [await failure({ url: `http://${user}127.0.0.1:${port}`, ...options })]
    expect(seen.map(({ authorization }) => authorization)).toEqual(seen.map(() => expected))
    said.push(await failure({ url: `http://${user}127.0.0.1:1`, ...options }))
    said.push(await failure({ url: `http://${user}bad host`, ...options }))
    for (const error of said) expect(JSON.stringify(error) + error.stack + error.hint).not.toContain('s3cr')
  })

  test.skipIf(onPath('openssl').length === 0)('TLS needs the authority that it is told', async () => {
    const folder = temporaryFolder('tls')
    closings.push(folder.cleanUp)
    const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert]
    execFileSync('openssl', [...request, ...names], { stdio: 'ignore' })
    const stub = await stubbed(right, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') })
    const url = `https://127.0.0.1:${stub.port}`
    expect((await failure({ url })).message).toMatch(/self.signed/i)
    expect(stub.seen).toEqual([])
    expect((await failure({ url, caPath: cert })).message).toContain('other words')
    expect((await failure({ url, caPath: join(folder.path, 'none.pem') })).code).toBe('CONFIG_INVALID')
  })
})
