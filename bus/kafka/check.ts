/** What `shiplog doctor` says of a Kafka: its brokers answer, let in and are new enough, and the topic is there or may be made. */
import { type Finding, fail, ok, warn } from '../../pipeline/doctor.ts'
import type { KafkaBusOptions } from '../kafka.ts'
import { kafkaAddress } from './address.ts'
import { Cluster } from './cluster.ts'

/** Rejects with what is wrong and what to do; makes nothing there. */
export async function checkKafka({
  url,
  login,
  topic,
  topicPartitions,
  topicReplicas,
}: Pick<KafkaBusOptions, 'url' | 'login' | 'topic' | 'topicPartitions' | 'topicReplicas'>): Promise<Finding[]> {
  const cluster = new Cluster(kafkaAddress(url, login), { partitions: topicPartitions, replicas: topicReplicas })
  try {
    const topics = await cluster.topics()
    const findings = [ok('bus', `Kafka answers, and shows ${topics.length} topics`)]
    const tooOld = whyTooOld(await cluster.requests())
    if (tooOld !== undefined) return [...findings, fail('bus', tooOld, 'Use Kafka 2.8 or newer.')]
    if (topic.includes('{')) return findings
    const leaders = await cluster.leaders(topic)
    if (leaders.length === 0) {
      await cluster.checkCreate(topic)
      return [...findings, ok('bus', `topic ${topic} is made when the first event comes`)]
    }
    const lonely = leaders.filter((leader) => leader < 0).length
    if (lonely === 0) return [...findings, ok('bus', `topic ${topic} has ${leaders.length} partitions`)]
    const detail = `${lonely} of the ${leaders.length} partitions of topic ${topic} have no leader`
    return [...findings, warn('bus', detail, 'Start the brokers that hold them; their files wait until then.')]
  } finally {
    await cluster.close()
  }
}

/** The two requests that carry records (wire.ts), by their numbers in the protocol. */
const needed = [
  { key: 0, name: 'Produce', version: 9 },
  { key: 1, name: 'Fetch', version: 12 },
] as const

/** Why brokers that understand these requests are too old, or undefined. */
export function whyTooOld(
  known: readonly { readonly apiKey: number; readonly maxVersion: number }[],
): string | undefined {
  for (const { key, name, version } of needed) {
    const most = known.find(({ apiKey }) => apiKey === key)?.maxVersion ?? -1
    if (most < version) return `a broker understands ${name} up to version ${most}, Shiplog speaks ${version}`
  }
  return undefined
}
