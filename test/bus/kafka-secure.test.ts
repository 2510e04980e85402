/** A Kafka that is reached by TLS only, and lets in who logs in by SCRAM. */
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkKafka } from '../../bus/kafka/check.ts'
import { createKafkaBus, type KafkaBusOptions } from '../../bus/kafka.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { kafkaOptions } from './kafka-options.ts'

const password = 's3cret: of @me/'

describe.skipIf(whyNoServers() !== undefined)('on a Kafka with TLS and SCRAM', () => {
  const folder = temporaryFolder('kafka-secure')
  const caFile = join(folder.path, 'kafka', 'ca.pem')
  const right = { user: 'me', password, sasl: 'scram-sha-256', caFile }
  let kafka: KafkaService

  beforeAll(async () => {
    kafka = await startKafka(join(folder.path, 'kafka'), { scram: { me: password } })
  }, 120_000)
  afterAll(async () => {
    await kafka?.stop('SIGKILL')
    folder.cleanUp()
  }, 60_000)

  const inUrl = (sasl: string): string =>
    `${kafka.url.replace('//', `//me:${encodeURIComponent(password)}@`)}?sasl=${sasl}&ca=${encodeURIComponent(caFile)}`

  test.each<[string, () => Partial<KafkaBusOptions>]>([
    ['scram-sha-256, by options', () => ({ login: right })],
    ['scram-sha-512, in the URL', () => ({ url: inUrl('scram-sha-512') })],
  ])('with %s events go, come and are followed', async (_, more) => {
    const warnings: string[] = []
    const onWarning = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', onWarning)
    const options = kafkaOptions(kafka.url, more())
    const bus = createKafkaBus(options)
    const followed: string[] = []
    const seen: string[] = []
    await bus.follow({
      events: (batches) => void followed.push(...recordsIn(batches).map(({ id }) => id)),
      missed: () => {},
    })
    await bus.subscribe('indexer', {
      events: async (batches) => void seen.push(...recordsIn(batches).map(({ id }) => id)),
      files: async () => {},
    })
    await bus.publish([batch(0, 5)])
    await waitFor(() => seen.length >= 5 && followed.length >= 5, 15_000)
    expect(seen).toEqual(recordsIn([batch(0, 5)]).map(({ id }) => id))
    expect(followed).toEqual(seen)
    expect(await checkKafka(options)).toMatchObject([
      { state: 'ok' },
      { state: 'ok', detail: `topic ${options.topic} has 3 partitions` },
    ])
    await bus.close()
    process.off('warning', onWarning)
    // Node warns of an address that is given as a server name.
    expect(warnings).toEqual([])
  })

  // At once: each waits for the client's own attempts.
  test.concurrent.each([
    ['a wrong password', () => ({ ...right, password: 's3cret wrong' }), /refuses the login/, /--kafka-password/],
    ['another mechanism', () => ({ ...right, sasl: 'plain' }), /refuses the login/, /--kafka-sasl/],
    ['a certificate that nobody vouches for', () => ({ ...right, caFile: '', tls: true }), /certificate/, /--kafka-ca/],
    ['a login but no TLS', () => ({ ...right, caFile: '' }), /Connection closed/, /--kafka-tls/],
    ['no login', () => ({ caFile }), /Connection closed/, /--kafka-user/],
    ['neither', () => ({}), /requires TLS/, /--kafka-tls/],
  ])('%s is told with what to do, and no password', async (_, login, message, hint) => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    const options = kafkaOptions(kafka.url, { login: login(), log })
    const expected = { message: expect.stringMatching(message), hint: expect.stringMatching(hint), retryable: true }
    const errors = [await failureOf(checkKafka(options))]
    const bus = createKafkaBus(options)
    errors.push(await failureOf(bus.publish([batch(0, 5)])))
    await bus.subscribe('indexer', { events: async () => {}, files: async () => {} })
    await waitFor(() => bus.trouble() !== undefined, 15_000)
    expect(bus.trouble()).toMatch(message)
    await bus.close()
    for (const error of errors) expect(error).toMatchObject(expected)
    expect(lines.join('')).toMatch(hint)
    expect(`${lines.join('')}${errors.map(({ message, hint }) => `${message}${hint}`)}`).not.toContain('s3cret')
  })

  test('a broker by another name than its certificate’s is not trusted', async () => {
    const url = kafka.url.replace('127.0.0.1', 'localhost')
    expect(await failureOf(checkKafka(kafkaOptions(url, { login: right })))).toMatchObject({
      message: expect.stringContaining('altnames'),
      hint: expect.stringContaining('as their certificates do'),
    })
  })
})

async function failureOf(work: Promise<unknown>): Promise<ShiplogError> {
  const error = await work.then(
    () => 'nothing was thrown',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ShiplogError)) expect.fail(String(error))
  return error
}
