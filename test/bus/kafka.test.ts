import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { beforeAll, describe } from 'vitest'
import { createKafkaBus, type KafkaBusOptions } from '../../bus/kafka.ts'
import { busContract } from '../contract/bus.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { readTopic } from './read-topic.ts'

export function kafkaOptions(url: string, more: Partial<KafkaBusOptions> = {}): KafkaBusOptions {
  return {
    url,
    topic: `logs-${randomBytes(4).toString('hex')}`,
    topicPartitions: 3,
    topicReplicas: 1,
    topicsIntervalMs: 200,
    log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    registry: new Registry(),
    ...more,
  }
}

describe.skipIf(whySkipped('kafka') !== undefined)('on a real Kafka', () => {
  beforeAll(() => serviceUrl('kafka'), 120_000)

  busContract('bus/kafka', {
    open: async ({ followMaxSmall = false } = {}) => {
      const url = await serviceUrl('kafka')
      const options = kafkaOptions(url, followMaxSmall ? { followEventsMax: 300 } : {})
      const bus = createKafkaBus(options)
      return {
        bus,
        rejects: async () => (await readTopic(url, `${options.topic}.rejects`)).map(({ value }) => JSON.parse(value)),
        close: () => bus.close(),
      }
    },
  })
})
