/** A bus with a topic of its own on the Kafka of the tests. */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { KafkaBusOptions } from '../../bus/kafka.ts'

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
