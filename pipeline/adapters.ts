/**
 * Which adapters the URLs of --bus and --store pick, a part of the composition root. The clients of Kafka and Elasticsearch are
 * loaded only where they are used.
 */
import { isAbsolute, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createLocalBus } from '../bus/local.ts'
import type { Bus } from './bus.ts'
import type { Config } from './config.ts'
import type { Check } from './doctor.ts'
import { ShiplogError } from './errors.ts'
import type { State } from './state.ts'
import type { Store } from './store.ts'

export interface Storage {
  readonly store: Store
  readonly state: State
}

export type Closing = () => Promise<unknown> | unknown

/** The store's URL picks the adapters of both ports. */
export async function openStorage(config: Config, log: Logger, onClose: (closing: Closing) => void): Promise<Storage> {
  if (isElasticsearch(config)) {
    const options = { ...elasticsearchOptions(config), log }
    const { openElasticsearchStore } = await import('../store/elasticsearch/store.ts')
    const { openElasticsearchState } = await import('../store/elasticsearch/state.ts')
    const store = await openElasticsearchStore(options)
    onClose(() => store.close())
    const state = await openElasticsearchState(options)
    onClose(() => state.close())
    return { store, state }
  }
  const folder = storeFolder(config.store)
  const { openSqliteStore } = await import('../store/sqlite/store.ts')
  const { openSqliteState } = await import('../store/sqlite/state.ts')
  const files = { openFilesMax: config.storeOpenFilesMax, readers: config.storeReaders }
  const store = await openSqliteStore({ folder, ...files, log })
  onClose(() => store.close())
  const state = await openSqliteState({ folder })
  onClose(() => state.close())
  return { store, state }
}

/** The State port alone: its URL picks it as above. */
export async function openStateOf(config: Config, log: Logger): Promise<State> {
  if (isElasticsearch(config)) {
    const { openElasticsearchState } = await import('../store/elasticsearch/state.ts')
    return openElasticsearchState({ ...elasticsearchOptions(config), log })
  }
  const { openSqliteState } = await import('../store/sqlite/state.ts')
  return openSqliteState({ folder: storeFolder(config.store) })
}

export interface OpenedBus {
  readonly bus: Bus
  /** Why it cannot be read now, or undefined. */
  trouble?(): string | undefined
}

/** `data`: where the local bus keeps what the store refused. */
export async function openBus(config: Config, data: string, registry: Registry, log: Logger): Promise<OpenedBus> {
  if (config.bus === 'local:') return { bus: createLocalBus({ rejectsPath: join(data, 'rejects.ndjson') }) }
  if (!isKafka(config)) throw notKnown('--bus', 'local: or kafka://HOST:PORT')
  const { createKafkaBus } = await import('../bus/kafka.ts')
  const bus = createKafkaBus({ ...kafkaOptions(config), registry, log })
  return { bus, trouble: () => bus.trouble() }
}

const checkBus: Check = async (config) =>
  isKafka(config) ? (await import('../bus/kafka/check.ts')).checkKafka(kafkaOptions(config)) : []

const checkStore: Check = async (config) =>
  isElasticsearch(config)
    ? (await import('../store/elasticsearch/check.ts')).checkElasticsearch(elasticsearchOptions(config))
    : []

/** For `shiplog doctor`. */
export const adapterChecks: readonly (readonly [name: string, check: Check])[] = [
  ['bus', checkBus],
  ['store', checkStore],
]

function isKafka({ bus }: Config): boolean {
  return bus.startsWith('kafka:')
}

function isElasticsearch({ store }: Config): boolean {
  return /^https?:/.test(store)
}

function kafkaOptions(config: Config) {
  return {
    url: config.bus,
    login: {
      tls: config.kafkaTls,
      caFile: config.kafkaCa,
      user: config.kafkaUser,
      password: config.kafkaPassword,
      sasl: config.kafkaSasl,
    },
    topic: config.topic,
    topicPartitions: config.topicPartitions,
    topicReplicas: config.topicReplicas === 0 ? -1 : config.topicReplicas,
  }
}

function elasticsearchOptions(config: Config) {
  return {
    url: config.store,
    apiKey: config.storeApiKey,
    caPath: config.storeCa,
    prefix: config.storeIndexPrefix,
    settings: {
      shards: config.storeShards,
      replicas: config.storeReplicas,
      codec: config.storeCodec,
      refreshIntervalMs: config.storeRefreshMs,
    },
  }
}

function storeFolder(url: string): string {
  if (!url.startsWith('file:')) throw notKnown('--store', 'file:DIR or http(s)://host:9200')
  const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
  return isAbsolute(path) ? path : resolve(path)
}

/** Without the URL: there may be a password in it. */
function notKnown(flag: string, instead: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', `this ${flag} is not supported by this version`, {
    hint: `Use ${instead}.`,
  })
}
