import { beforeAll, describe } from 'vitest'
import { createKafkaBus } from '../../bus/kafka.ts'
import { busContract } from '../contract/bus.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { kafkaOptions } from './kafka-options.ts'
import { readTopic } from './read-topic.ts'

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
