/** A Kafka that lets in who has a password, and lets do what is allowed. */
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKafkaBus } from '../../bus/kafka.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { kafkaOptions } from './kafka-options.ts'

const users = { admin: 'adm1n secret', guest: 'gu3st secret' }

describe.skipIf(whyNoServers() !== undefined)('on a Kafka with a login', () => {
  const folder = temporaryFolder('kafka-login')
  let kafka: KafkaService

  beforeAll(async () => {
    kafka = await startKafka(join(folder.path, 'kafka'), { users })
  }, 120_000)
  afterAll(async () => {
    await kafka?.stop('SIGKILL')
    folder.cleanUp()
  }, 60_000)

  test.each([
    ['in the URL', (url: string) => ({ url: url.replace('//', `//admin:${encodeURIComponent(users.admin)}@`) })],
    ['by options', (url: string) => ({ url, login: { user: 'admin', password: users.admin } })],
  ])('with the login %s events go and come', async (_, more) => {
    const bus = createKafkaBus(kafkaOptions(kafka.url, more(kafka.url)))
    await bus.publish([batch(0, 5)])
    const seen: string[] = []
    await bus.subscribe('indexer', {
      events: async (batches) => void seen.push(...recordsIn(batches).map(({ id }) => id)),
      files: async () => {},
    })
    await waitFor(() => seen.length >= 5, 15_000)
    await bus.close()
  })

  test.each([
    ['no login', {}, /refuses the login|cannot/],
    ['a wrong password', { user: 'admin', password: 'wr0ng secret' }, /Kafka refuses the login/],
    ['no right to the topic', { user: 'guest', password: users.guest }, /Kafka says TOPIC_AUTHORIZATION_FAILED/],
  ])('with %s it says what to do, and no password', { timeout: 60_000 }, async (_, login, message) => {
    const lines: string[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    const bus = createKafkaBus(kafkaOptions(kafka.url, { login, log }))
    const failed: unknown = await bus.publish([batch(0, 5)]).catch((error: unknown) => error)
    expect(failed).toMatchObject({ retryable: true, message: expect.stringMatching(message), hint: expect.any(String) })
    await bus.subscribe('indexer', { events: async () => {}, files: async () => {} })
    await waitFor(() => bus.trouble() !== undefined, 30_000)
    await bus.close()
    const told = `${lines.join('')}${String((failed as Error).message)}${(failed as { hint: string }).hint}`
    expect(told).not.toContain('secret')
  })
})
