/**
 * What lies on a topic, read by clients that are none of ours: `kcat` (librdkafka) where it is installed, and kafkajs.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { onPath } from '../services/java.ts'
import { waitFor } from '../system/process.ts'

export interface TopicMessage {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string
  readonly value: string
}

const { CompressionTypes, Kafka, logLevel } = kafkajs
// kafkajs has no zstd of its own.
kafkajs.CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error('nothing is written compressed here')),
  decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
})

/** Everything on the topic now, by partition and offset; by kafkajs where kcat is not installed. */
export async function readTopic(url: string, topic: string): Promise<TopicMessage[]> {
  const [kcat] = onPath('kcat')
  if (kcat === undefined) return readTopicOtherwise(url, topic)
  const wanted = ['-C', '-q', '-e', '-o', 'beginning', '-b', brokersOf(url).join(), '-t', topic, '-J']
  const { stdout } = await promisify(execFile)(kcat, wanted, { maxBuffer: 1024 ** 3 })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { partition: number; offset: number; ts: number; key: string; payload: string })
    .map(({ partition, offset, ts, key, payload }) => ({ partition, offset, timestampMs: ts, key, value: payload }))
    .sort(byPlace)
}

/** The same by kafkajs. */
export async function readTopicOtherwise(url: string, topic: string): Promise<TopicMessage[]> {
  const kafka = new Kafka({ clientId: 'test', brokers: brokersOf(url), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const wanted = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  const consumer = kafka.consumer({ groupId: `test-${process.pid}-${topic}` })
  const messages: TopicMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const { offset, timestamp, key, value } = message
      const text = { key: String(key), value: String(value) }
      messages.push({ partition, offset: Number(offset), timestampMs: Number(timestamp), ...text })
    },
  })
  await waitFor(() => messages.length >= wanted, 20_000)
  await consumer.disconnect()
  return messages.sort(byPlace)
}

/** Puts messages on a topic that no shipper writes. */
export async function publishText(url: string, topic: string, values: readonly string[]): Promise<void> {
  const kafka = new Kafka({ clientId: 'test', brokers: brokersOf(url), logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

function brokersOf(url: string): string[] {
  return url.slice('kafka://'.length).split(',')
}

function byPlace(a: TopicMessage, b: TopicMessage): number {
  return a.partition - b.partition || a.offset - b.offset
}
