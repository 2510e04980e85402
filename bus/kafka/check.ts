/** What `shiplog doctor` says of a Kafka: its brokers answer, and whether the topic is there. */
import { type Finding, ok, warn } from '../../pipeline/doctor.ts'
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
    const answers = ok('bus', `Kafka answers, and shows ${topics.length} topics`)
    if (topic.includes('{')) return [answers]
    if (!topics.includes(topic)) return [answers, ok('bus', `topic ${topic} is made when the first event comes`)]
    const leaders = await cluster.leaders(topic)
    const lonely = leaders.filter((leader) => leader < 0).length
    if (lonely === 0) return [answers, ok('bus', `topic ${topic} has ${leaders.length} partitions`)]
    const detail = `${lonely} of the ${leaders.length} partitions of topic ${topic} have no leader`
    return [answers, warn('bus', detail, 'Start the brokers that hold them; their files wait until then.')]
  } finally {
    await cluster.close()
  }
}
