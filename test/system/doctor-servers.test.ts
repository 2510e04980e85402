/** What `shiplog doctor` says of Kafka and Elasticsearch: the real ones, right and wrong, and of a proxy before them that lies. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { whyTooOld } from '../../bus/kafka/check.ts'
import { adapterChecks } from '../../pipeline/adapters.ts'
import { runDoctor } from '../../pipeline/cli-doctor.ts'
import type { Finding } from '../../pipeline/doctor.ts'
import { checkElasticsearch } from '../../store/elasticsearch/check.ts'
import { recordTerminal } from '../pipeline/cli-terminal.ts'
import { type Fault, startFaultProxy } from '../services/fault-proxy.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { ask, elasticsearch, newPrefix, removeAll } from '../store/elasticsearch-place.ts'
import { temporaryFolder } from './process.ts'

const nowhere = '127.0.0.1:1'
const explain = () => Promise.reject(new Error('no file is asked about'))

async function doctor(check: 'bus' | 'store', ...args: string[]): Promise<readonly Finding[]> {
  const terminal = recordTerminal()
  const code = await runDoctor(
    ['--json', '--listen', '127.0.0.1:0', ...args],
    { checks: adapterChecks, explain },
    terminal,
  )
  const { findings } = JSON.parse(terminal.out()) as { findings: Finding[] }
  if (findings.some(({ state }) => state === 'fail')) expect(code).toBe(1)
  for (const { state, hint } of findings) if (state !== 'ok') expect(hint).toMatch(/^[A-Z].*\.$/s)
  expect(JSON.stringify(findings)).not.toContain('s3cret')
  return findings.filter((finding) => finding.check === check)
}
const failure = (detail: RegExp, hint: RegExp) => [
  {
    check: expect.any(String),
    state: 'fail',
    detail: expect.stringMatching(detail),
    hint: expect.stringMatching(hint),
  },
]

describe.skipIf(whySkipped('kafka') !== undefined)('on a Kafka', () => {
  test('that answers, with and without the topic; nothing is made there', async () => {
    const url = await serviceUrl('kafka')
    const topic = newPrefix()
    for (let i = 0; i < 2; i++) {
      const found = await doctor('bus', '--bus', url, '--topic', topic)
      expect(found.map(({ state }) => state)).toEqual(['ok', 'ok'])
      expect(found[1]?.detail).toBe(`topic ${topic} is made when the first event comes`)
    }
  })

  test('where the topic cannot be made as it shall be', async () => {
    const args = ['--bus', await serviceUrl('kafka'), '--topic', newPrefix(), '--topic-replicas', '3']
    expect(await doctor('bus', ...args)).toEqual(failure(/cannot be made.*REPLICATION_FACTOR/, /fewer brokers/))
  }, 60_000)
})

test('of a Kafka that cannot be reached', { timeout: 60_000 }, async () => {
  const found = await doctor('bus', '--bus', `kafka://shiplog:s3cret@${nowhere}`)
  expect(found).toEqual(failure(/cannot list the topics: .*ECONNREFUSED/, /brokers of --bus are up/))
})

test('brokers that do not understand what is spoken to them are too old', () => {
  const versions = (produce: number, fetch: number) => [
    { apiKey: 0, maxVersion: produce },
    { apiKey: 1, maxVersion: fetch },
  ]
  expect(whyTooOld(versions(9, 12))).toBeUndefined()
  expect(whyTooOld(versions(9, 11))).toContain('Fetch up to version 11')
  expect(whyTooOld(versions(8, 12))).toContain('Produce up to version 8')
  expect(whyTooOld([])).toContain('Produce')
})

describe.skipIf(whyNoServers() !== undefined)('on a Kafka with a login', () => {
  const folder = temporaryFolder('doctor-kafka')
  let kafka: KafkaService
  beforeAll(async () => {
    kafka = await startKafka(join(folder.path, 'kafka'), { users: { admin: 's3cret adm', guest: 's3cret' } })
  }, 120_000)
  afterAll(async () => {
    await kafka?.stop('SIGKILL')
    folder.cleanUp()
  }, 60_000)

  test.each([
    [
      'a wrong password',
      ['--kafka-user', 'admin', '--kafka-password', 's3cret wrong'],
      /refuses the login/,
      /--kafka-user/,
    ],
    [
      'no right to the topic',
      ['--kafka-user', 'guest', '--kafka-password', 's3cret'],
      /AUTHORIZATION_FAILED/,
      /Allow this user/,
    ],
  ])('%s is told with what to do', { timeout: 60_000 }, async (_, login, detail, hint) => {
    expect(await doctor('bus', '--bus', kafka.url, '--topic', 'secrets', ...login)).toEqual(failure(detail, hint))
  })

  test('who may do all is let in', { timeout: 60_000 }, async () => {
    const args = ['--kafka-user', 'admin', '--kafka-password', 's3cret adm', '--topic-replicas', '1']
    expect(await doctor('bus', '--bus', kafka.url, ...args)).toMatchObject([{ state: 'ok' }, { state: 'ok' }])
  })
})

elasticsearch('on an Elasticsearch', (url) => {
  const closings: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const closing of closings.splice(0).reverse()) await closing()
  })
  const proxied = async (faultOf: () => Fault): Promise<string> => {
    const proxy = await startFaultProxy(url(), faultOf)
    closings.push(() => proxy.close())
    return proxy.url
  }
  const prefixed = (): string => {
    const prefix = newPrefix().replaceAll('-', '')
    closings.push(() => removeAll(url(), prefix))
    return prefix
  }

  test('that answers', async () => {
    const found = await doctor('store', '--store', url(), '--store-index-prefix', prefixed())
    expect(found[0]).toMatchObject({ state: 'ok', detail: expect.stringContaining('splits words as Shiplog does') })
    expect(found.map(({ state }) => state)).not.toContain('fail')
  })

  test('that made an index read-only because its disk is full, or has one that is blocked', async () => {
    const prefix = prefixed()
    const index = `${prefix}-default-2026.11.22`
    await ask(url(), 'PUT', `/${index}`, { settings: { number_of_replicas: 0 } })
    const look = async () => (await doctor('store', '--store', url(), '--store-index-prefix', prefix)).slice(2)
    for (const [block, detail, hint] of [
      ['read_only_allow_delete', /flood stage/, /Free space/],
      ['write', /is blocked/, /Take the block away/],
    ] as const) {
      await ask(url(), 'PUT', `/${index}/_settings`, { [`index.blocks.${block}`]: true })
      expect(await look()).toEqual(failure(detail, hint))
      await ask(url(), 'PUT', `/${index}/_settings`, { [`index.blocks.${block}`]: null })
    }
    expect(await look()).toEqual([])
  })

  test('with the index template of a newer Shiplog', async () => {
    const prefix = prefixed()
    await ask(url(), 'PUT', `/_index_template/${prefix}`, { index_patterns: [`${prefix}-*-*.*`], version: 999 })
    const found = await doctor('store', '--store', url(), '--store-index-prefix', prefix)
    expect(found).toEqual(failure(/version 999/, /newer Shiplog/))
  })

  test.each<[Fault, RegExp, RegExp]>([
    ['401', /401 security_exception/, /docs\/operations.md/],
    ['429', /429 .*queue is full/, /up and healthy/],
    ['503', /503/, /up and healthy/],
    ['refuse', /socket hang up|other side closed|ECONNRESET/i, /up and healthy/],
    ['half', /no JSON|closed|aborted|terminated/i, /up and healthy/],
  ])('behind something that answers %s', async (fault, detail, hint) => {
    const address = (await proxied(() => fault)).replace('//', '//shiplog:s3cret@')
    expect(await doctor('store', '--store', address)).toEqual(failure(detail, hint))
  })

  test('behind something that never answers', async () => {
    const silent = await proxied(() => 'hold')
    await expect(checkElasticsearch({ url: silent, msMax: 300 })).rejects.toMatchObject({
      message: expect.stringContaining('silent for 300 ms'),
      hint: expect.stringContaining('proxies'),
    })
  })
})

test.each([
  [
    'an Elasticsearch that is too old',
    { '/_nodes': { nodes: { a: { version: '8.19.1' } } } },
    /of version 8.19.1/,
    /Upgrade/,
  ],
  [
    'one that splits words otherwise',
    { '/_nodes': { nodes: { a: { version: '9.2.0' } } }, '/_analyze': { tokens: [] } },
    /other words/,
    /plugins/,
  ],
  ['no Elasticsearch at all', {}, /404|no Elasticsearch/, /.*/],
])('of %s', async (_, answers: Readonly<Record<string, object>>, detail, hint) => {
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? '/', 'http://stub').pathname]
    response.writeHead(answer === undefined ? 404 : 200, {
      'content-type': 'application/json',
      'x-elastic-product': 'Elasticsearch',
    })
    request.resume().on('end', () => response.end(JSON.stringify(answer ?? {})))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await doctor('store', '--store', `http://127.0.0.1:${port}`)).toEqual(failure(detail, hint))
  server.closeAllConnections()
  server.close()
})

test('of an Elasticsearch that cannot be reached', async () => {
  expect(await doctor('store', '--store', `http://${nowhere}`)).toEqual(failure(/ECONNREFUSED/, /up and healthy/))
})
