/**
 * The composition root: the one place that knows adapters and stages. It starts what is fed before what feeds it, and
 * stops the producers before what they feed. What a process does not run it does not load: a shipper by itself is half as
 * large without the API.
 */
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { type Logger, pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createLocalBus } from '../bus/local.ts'
import { startDemo } from '../demo/demo.ts'
import type { Bus } from './bus.ts'
import type { Config } from './config.ts'
import { lockData } from './data-lock.ts'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { addressOf, isLoopback, listenError } from './listen.ts'
import { stageServer } from './stage-server.ts'
import type { State } from './state.ts'
import type { Store } from './store.ts'

export interface Running {
  /** Where the page and the API answer: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Stops reading, finishes what is in flight, remembers it. */
  close(): Promise<void>
}

type Closing = () => Promise<unknown> | unknown
/** Why a part is held up now, or undefined; by its name in /health. */
type Troubles = Record<string, () => string | undefined>

export const stages = ['shipper', 'indexer', 'query-api'] as const
export type Stage = (typeof stages)[number]

/**
 * Everything in one process (`shiplog up`), or one stage of it beside Kafka and Elasticsearch. Throws a ShiplogError that
 * says what to do; nothing stays open then.
 */
export async function startAll(config: Config, rootWasGiven: boolean, only?: Stage): Promise<Running> {
  refuseOpenDoors(config)
  refuseLonelyStage(config, only)
  const log = createLog(config.logLevel)
  const closings: Closing[] = []
  const close = async (): Promise<void> => {
    for (const closing of closings.splice(0).reverse()) {
      try {
        await closing()
      } catch (error) {
        // The others still have to finish what they hold.
        log.error(`while stopping: ${messageOf(error)}`)
      }
    }
  }
  try {
    return { url: await open(config, rootWasGiven, only, log, (closing) => closings.push(closing)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Opens the stages one after the other, each with what closes it; they are closed in the reverse order. */
async function open(
  config: Config,
  rootWasGiven: boolean,
  only: Stage | undefined,
  log: Logger,
  onClose: (closing: Closing) => void,
): Promise<string> {
  const runs = (stage: Stage): boolean => only === undefined || only === stage
  const data = resolve(config.data)
  // With Kafka and Elasticsearch an indexer and a query API keep nothing of their own.
  if (runs('shipper') || config.store.startsWith('file:'))
    onClose(lockData(data, { pid: process.pid, host: hostname(), command: `shiplog ${only ?? 'up'}` }))
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const troubles: Troubles = {}

  const storage = runs('indexer') || runs('query-api') ? await openStorage(config, log, onClose) : undefined
  const bus = await openBus(config, data, registry, log, troubles)
  if (storage !== undefined && runs('indexer')) {
    const { startIndexer } = await import('../indexer/indexer.ts')
    const indexer = await startIndexer({
      bus,
      ...storage,
      registry,
      retentionDays: config.retentionDays,
      log: log.child({ part: 'indexer' }),
    })
    onClose(() => indexer.close())
  }
  onClose(() => bus.close())

  const demoRoot = config.demo && !rootWasGiven ? join(data, 'demo-logs') : undefined
  if (demoRoot !== undefined) mkdirSync(demoRoot, { recursive: true })
  const root = demoRoot ?? resolve(config.root)
  if (runs('shipper')) {
    const { startShipper } = await import('../shipper/shipper.ts')
    const shipper = await startShipper({
      config: { ...config, data, root },
      bus,
      registry,
      log: log.child({ part: 'shipper' }),
    })
    onClose(() => shipper.close())
    troubles.shipper = () => shipper.trouble()
  }

  const health = () => Object.fromEntries(Object.entries(troubles).map(([part, trouble]) => [part, trouble()]))
  const server =
    storage !== undefined && runs('query-api')
      ? await (await import('../query-api/server.ts')).buildServer({
          ...storage,
          registry,
          config,
          log: log.child({ part: 'query-api' }),
          health,
        })
      : stageServer({ registry, health })
  onClose(() => server.close())
  const { host, port } = addressOf(config.listen)
  const url = await server.listen({ host, port }).catch((error: unknown) => {
    throw listenError(config.listen, systemCodeOf(error), error)
  })
  if (demoRoot !== undefined && runs('shipper'))
    onClose(startDemo(demoRoot, (error) => log.debug(`the demo cannot write: ${messageOf(error)}`)))
  log.info(`shiplog ${only ?? ''} is up: ${url}${runs('shipper') ? ` (logs under ${root})` : ''}`.replace('  ', ' '))
  return url
}

/** The store's URL picks the adapters of both ports. */
async function openStorage(
  config: Config,
  log: Logger,
  onClose: (closing: Closing) => void,
): Promise<{ readonly store: Store; readonly state: State }> {
  const folder = storeFolder(config.store)
  const { openSqliteStore } = await import('../store/sqlite/store.ts')
  const { openSqliteState } = await import('../store/sqlite/state.ts')
  const store = await openSqliteStore({
    folder,
    openFilesMax: config.storeOpenFilesMax,
    readers: config.storeReaders,
    log: log.child({ part: 'store' }),
  })
  onClose(() => store.close())
  const state = await openSqliteState({ folder })
  onClose(() => state.close())
  return { store, state }
}

async function openBus(
  config: Config,
  data: string,
  registry: Registry,
  log: Logger,
  troubles: Troubles,
): Promise<Bus> {
  if (config.bus === 'local:') return createLocalBus({ rejectsPath: join(data, 'rejects.ndjson') })
  if (!config.bus.startsWith('kafka:')) throw notYet('this --bus', 'local: or kafka://HOST:PORT')
  const { createKafkaBus } = await import('../bus/kafka.ts')
  const bus = createKafkaBus({
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
    registry,
    log: log.child({ part: 'bus' }),
  })
  troubles.bus = () => bus.trouble()
  return bus
}

/** A stage of its own meets the others on Kafka. */
function refuseLonelyStage({ bus }: Config, only: Stage | undefined): void {
  if (only === undefined || only === 'query-api' || bus !== 'local:') return
  throw new ShiplogError('CONFIG_INVALID', `shiplog ${only} needs a bus that others reach too`, {
    hint: 'Say --bus kafka://HOST:PORT, or run shiplog up.',
  })
}

/** Nothing listens beyond this machine unless someone said that it shall. */
function refuseOpenDoors({ listen, insecure }: Config): void {
  const { host } = addressOf(listen)
  if (isLoopback(host) || insecure) return
  throw new ShiplogError('CONFIG_INVALID', `--listen ${listen} would let everyone on the network read the logs`, {
    hint: 'There is no authentication yet. Listen on 127.0.0.1 behind a proxy that asks who is there, or say --insecure.',
  })
}

function storeFolder(url: string): string {
  if (!url.startsWith('file:')) throw notYet(`--store ${url}`, 'file:DIR')
  const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
  return isAbsolute(path) ? path : resolve(path)
}

function notYet(what: string, instead: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', `${what} is not supported by this version`, { hint: `Use ${instead}.` })
}

function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
