/** A Kafka that lets in who has a password, and lets do what is allowed. */
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKafkaBus } from '../../bus/kafka.ts'
import { batch, recordsIn } from '../contract/bus.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { kafkaOptions } from './kafka-options.ts'

const users = {
  admin: 'adm1n secret',
  guest: 'gu3st secret',
  shipper: 'sh1pper secret',
  indexer: '1ndexer secret',
  api: '4pi secret',
  replay: 'r3play secret',
}

/** The numbers of the protocol. */
const kinds = { topic: 2, group: 3 } as const
const operations = { Read: 3, Write: 4, Create: 5, Describe: 8 } as const
type Right = readonly [user: keyof typeof users, kind: keyof typeof kinds, name: string, ...(keyof typeof operations)[]]

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

  test('each stage does its work with the rights that docs/operations.md lists', { timeout: 90_000 }, async () => {
    const { topic } = kafkaOptions(kafka.url)
    const rights: Right[] = [
      ['shipper', 'topic', topic, 'Describe', 'Write', 'Create'],
      ['shipper', 'topic', `${topic}.files`, 'Describe', 'Write', 'Create'],
      ['indexer', 'topic', topic, 'Describe', 'Read'],
      ['indexer', 'topic', `${topic}.files`, 'Describe', 'Read'],
      ['indexer', 'topic', `${topic}.rejects`, 'Describe', 'Write', 'Create'],
      ['indexer', 'group', `shiplog-indexer-${topic}`, 'Read'],
      ['api', 'topic', topic, 'Describe', 'Read'],
      ['replay', 'topic', topic, 'Describe', 'Write'],
      ['replay', 'topic', `${topic}.rejects`, 'Describe', 'Read'],
      ['replay', 'group', `shiplog-replay-${topic}`, 'Read'],
    ]
    const admin = new Admin({
      clientId: 'test',
      bootstrapBrokers: [kafka.url.slice('kafka://'.length)],
      sasl: { mechanism: 'PLAIN', username: 'admin', password: users.admin },
    })
    const creations = rights.flatMap(([user, kind, name, ...allowed]) =>
      allowed.map((operation) => ({
        resourceType: kinds[kind],
        resourceName: name,
        resourcePatternType: 3 as const,
        principal: `User:${user}`,
        host: '*',
        operation: operations[operation],
        permissionType: 3 as const,
      })),
    )
    await admin.createAcls({ creations })
    await admin.close()
    const as = (user: keyof typeof users) =>
      createKafkaBus(kafkaOptions(kafka.url, { topic, login: { user, password: users[user] } }))
    const { shipper, indexer, api, replay } = {
      shipper: as('shipper'),
      indexer: as('indexer'),
      api: as('api'),
      replay: as('replay'),
    }
    const one = batch(0, 5)
    await shipper.publish([one])
    const { source, generation } = one.origin
    const counts = { size: 1, read: 1, acknowledged: 1, lost: 0, updatedAt: 1 }
    await shipper.report([{ source, generation, path: 'f', state: 'following', ...counts }])
    const seen = { events: 0, files: 0, followed: 0 }
    const following = await api.follow({
      events: (batches) => batches.forEach(({ count }) => void (seen.followed += count)),
      missed: () => {},
    })
    const reading = await indexer.subscribe('indexer', {
      events: async (batches) => batches.forEach(({ count }) => void (seen.events += count)),
      files: async (states) => void (seen.files += states.length),
    })
    await waitFor(() => seen.events >= 5 && seen.files >= 1, 30_000)
    await indexer.reject([{ batch: one, reason: 'odd' }])
    expect(await replay.replay()).toMatchObject({ records: 5 })
    expect(await replay.replay()).toMatchObject({ records: 0 })
    await waitFor(() => seen.events >= 10 && seen.followed >= 5, 30_000)
    expect(indexer.trouble()).toBeUndefined()
    await following.close()
    await reading.close()
    for (const bus of [shipper, indexer, api, replay]) await bus.close()
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
