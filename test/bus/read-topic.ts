/**
 * What lies on a topic, read by a client that is none of ours: `kcat` (librdkafka) where it is installed, else kafkajs.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { onPath } from '../services/java.ts'

export interface TopicMessage {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string
  readonly value: string
}

/** Everything on the topic now, by partition and offset. */
export async function readTopic(url: string, topic: string): Promise<TopicMessage[]> {
  const brokers = url.slice('kafka://'.length)
  const [kcat] = onPath('kcat')
  if (kcat === undefined) throw new Error('kcat is not installed')
  const arguments_ = ['-C', '-q', '-e', '-o', 'beginning', '-b', brokers, '-t', topic, '-J']
  const { stdout } = await promisify(execFile)(kcat, arguments_, { maxBuffer: 1024 ** 3 })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { partition: number; offset: number; ts: number; key: string; payload: string })
    .map(({ partition, offset, ts, key, payload }) => ({ partition, offset, timestampMs: ts, key, value: payload }))
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}
