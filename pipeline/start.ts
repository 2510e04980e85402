/**
 * The composition root: the one place that knows adapters (adapters.ts) and stages. It starts what is fed before what feeds
 * it, and stops the producers before what they feed. What a process does not run it does not load: a shipper by itself is half
 * as large without the API.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type Logger, pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { startDemo } from '../demo/demo.ts'
import type { Shipper } from '../shipper/shipper.ts'
import { type Closing, openBus, openStorage, type Storage } from './adapters.ts'
import type { Bus } from './bus.ts'
import type { Config } from './config.ts'
import { lockData } from './data-lock.ts'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { addressOf, isLoopback, listenError } from './listen.ts'
import { reloaded } from './reload.ts'
import { stageServer } from './stage-server.ts'
import { openTokens, type Tokens } from './token-file.ts'

export interface Running {
  /** Where the page and the API answer: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes over what `read` says now; what cannot be read, or is wrong, changes nothing and is told. */
  reload(read: () => Config): void
  /** Stops reading, finishes what is in flight, remembers it. */
  close(): Promise<void>
}

export const stages = ['shipper', 'indexer', 'query-api'] as const
export type Stage = (typeof stages)[number]

/** What the stages of one process share. */
interface Process {
  readonly config: Config
  readonly only: Stage | undefined
  readonly runs: (stage: Stage) => boolean
  /** Folder of what this process alone keeps. */
  readonly data: string
  readonly registry: Registry
  readonly logOf: (part: string) => Logger
  readonly onClose: (closing: Closing) => void
  /** Why a part is held up now, or undefined; by its name in /health. */
  readonly troubles: Record<string, () => string | undefined>
}

/**
 * Everything in one process (`shiplog up`), or one stage of it beside Kafka and Elasticsearch. Throws a ShiplogError that
 * says what to do; nothing stays open then.
 */
export async function startAll(config: Config, rootWasGiven: boolean, only?: Stage): Promise<Running> {
  refuseOpenDoors(config, only)
  refuseLonelyStage(config, only)
  const log = createLog(config.logLevel)
  const logs = [log]
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
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const shared: Process = {
    config,
    only,
    runs: (stage) => only === undefined || only === stage,
    data: dataOf(config, only),
    registry,
    logOf: (part) => {
      const child = log.child({ part })
      // A child's level does not follow its parent's.
      logs.push(child)
      return child
    },
    onClose: (closing) => closings.push(closing),
    troubles: {},
  }
  try {
    const { url, shipper } = await open(shared, rootWasGiven, log)
    let running = config
    const reload = (read: () => Config): void => {
      try {
        const next = reloaded(config, running, read())
        shipper?.reload(next.config)
        running = next.config
        for (const part of logs) part.level = running.logLevel
        log.info(`the configuration was read again; changed: ${next.changed.join(', ') || 'nothing'}`)
        if (next.waiting.length > 0) log.warn(`these hold from the next start on: ${next.waiting.join(', ')}`)
      } catch (error) {
        const hint = error instanceof ShiplogError ? error.hint : undefined
        log.error({ hint }, `the configuration stays as it was: ${messageOf(error)}`)
      }
    }
    return { url, reload, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The bus by itself, for `shiplog replay`; a local one with the indexer and the store that it hands over to, so the data folder
 * is taken. Nothing listens.
 */
export async function openReplay(config: Config): Promise<{ readonly bus: Bus; close(): Promise<void> }> {
  const closings: Closing[] = []
  const log = createLog('warn')
  const close = async (): Promise<void> => {
    for (const closing of closings.splice(0).reverse()) await closing()
  }
  const isLocal = config.bus === 'local:'
  const shared: Process = {
    config: { ...config, retentionDays: 0 },
    only: undefined,
    runs: () => isLocal,
    data: resolve(config.data),
    registry: new Registry(),
    logOf: (part) => log.child({ part }),
    onClose: (closing) => closings.push(closing),
    troubles: {},
  }
  try {
    if (isLocal) closings.push(lockData(shared.data, { pid: process.pid, host: hostname(), command: 'shiplog replay' }))
    const storage = isLocal ? await openStorage(config, log, shared.onClose) : undefined
    const { bus } = await openBus(config, shared.data, shared.registry, log)
    if (storage !== undefined) await startIndexing(shared, bus, storage)
    closings.push(() => bus.close())
    return { bus, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Opens the stages one after the other, each with what closes it; they are closed in the reverse order. */
async function open(
  shared: Process,
  rootWasGiven: boolean,
  log: Logger,
): Promise<{ readonly url: string; readonly shipper: Shipper | undefined }> {
  const { config, only, runs, data, registry, logOf, onClose, troubles } = shared
  const tokens =
    config.tokens === '' || !runs('query-api')
      ? undefined
      : openTokens(resolve(config.tokens), (trouble) => log.error(trouble))
  if (keepsData(config, only))
    onClose(lockData(data, { pid: process.pid, host: hostname(), command: `shiplog ${only ?? 'up'}` }))

  const stores = runs('indexer') || runs('query-api')
  const storage = stores ? await openStorage(config, logOf('store'), onClose) : undefined
  const { bus, trouble } = await openBus(config, data, registry, logOf('bus'))
  if (trouble !== undefined) troubles.bus = trouble
  if (storage !== undefined && runs('indexer')) await startIndexing(shared, bus, storage)
  onClose(() => bus.close())

  const demoRoot = config.demo && !rootWasGiven && runs('shipper') ? join(data, 'demo-logs') : undefined
  if (demoRoot !== undefined) mkdirSync(demoRoot, { recursive: true })
  const root = demoRoot ?? resolve(config.root)
  const shipper = runs('shipper') ? await startShipping(shared, bus, root) : undefined

  const serves = storage !== undefined && runs('query-api')
  const server = serves
    ? await buildApi(shared, bus, storage, tokens)
    : stageServer({ registry, health: () => healthOf(shared) })
  onClose(() => server.close())
  const { host, port } = addressOf(config.listen)
  const url = await server.listen({ host, port }).catch((error: unknown) => {
    throw listenError(config.listen, systemCodeOf(error), error)
  })
  if (demoRoot !== undefined)
    onClose(startDemo(demoRoot, (error) => log.debug(`the demo cannot write: ${messageOf(error)}`)))
  const what = only === undefined ? 'shiplog' : `shiplog ${only}`
  log.info(`${what} is up: ${url}${shipper === undefined ? '' : ` (logs under ${root})`}`)
  return { url, shipper }
}

async function startIndexing(shared: Process, bus: Bus, storage: Storage): Promise<void> {
  const { config, registry, logOf, onClose } = shared
  const { startIndexer } = await import('../indexer/indexer.ts')
  const { retentionDays } = config
  const indexer = await startIndexer({ bus, ...storage, registry, retentionDays, log: logOf('indexer') })
  onClose(() => indexer.close())
}

async function startShipping(shared: Process, bus: Bus, root: string): Promise<Shipper> {
  const { config, data, registry, logOf, onClose, troubles } = shared
  const { startShipper } = await import('../shipper/shipper.ts')
  const shipper = await startShipper({ config: { ...config, data, root }, bus, registry, log: logOf('shipper') })
  onClose(() => shipper.close())
  troubles.shipper = () => shipper.trouble()
  return shipper
}

async function buildApi(shared: Process, bus: Bus, storage: Storage, tokens: Tokens | undefined) {
  const { config, only, data, registry, logOf, onClose, troubles } = shared
  const testAlert = await startAlerting(shared, storage)
  const log = logOf('query-api')
  if (only !== undefined && config.bus === 'local:')
    log.warn('live tail shows nothing new: over --bus local: lines come from this process alone, which ships none')
  const { openAudit } = await import('../query-api/audit.ts')
  const { buildServer } = await import('../query-api/server.ts')
  const bytesMax = config.auditBytesMax
  const path = join(data, 'audit.ndjson')
  const audit = bytesMax === 0 ? undefined : openAudit({ path, bytesMax, registry, log })
  onClose(() => audit?.close())
  if (audit !== undefined) troubles.audit = () => audit.trouble()
  if (tokens !== undefined) troubles.tokens = () => tokens.trouble()
  return buildServer({
    ...storage,
    bus,
    registry,
    config,
    log,
    testAlert,
    ...(tokens && { tokens }),
    ...(audit && { audit }),
    health: () => healthOf(shared),
  })
}

/** Evaluates beside serving, whichever process of the deployment has the lease; gives what sends a test. */
async function startAlerting({ config, registry, logOf, onClose, troubles }: Process, storage: Storage) {
  const { startAlerts } = await import('../alerts/alerts.ts')
  const { sendTo, testOf } = await import('../alerts/targets.ts')
  const { publicUrl } = config
  const send = sendTo({ mail: { url: config.smtpUrl, from: config.mailFrom }, publicUrl })
  // A folder of the embedded store has one process: after a crash the next one need not wait for the lease to end.
  const holder = config.store.startsWith('file:') ? 'the process of this folder' : randomUUID()
  const alerts = startAlerts({ ...storage, send, holder, registry, log: logOf('alerts') })
  onClose(() => alerts.close())
  troubles.alerts = () => alerts.trouble()
  return testOf(send)
}

function healthOf({ troubles }: Process): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(troubles).map(([part, trouble]) => [part, trouble()]))
}

/** A query API beside Elasticsearch keeps its audit log, and shares the folder with a shipper of the same machine. */
function dataOf({ data, store }: Config, only: Stage | undefined): string {
  return only === 'query-api' && !store.startsWith('file:') ? resolve(data, only) : resolve(data)
}

function keepsData({ store, auditBytesMax }: Config, only: Stage | undefined): boolean {
  if (only === undefined || only === 'shipper' || store.startsWith('file:')) return true
  return only === 'query-api' && auditBytesMax > 0
}

/** A stage of its own meets the others on Kafka. */
function refuseLonelyStage({ bus }: Config, only: Stage | undefined): void {
  if (only === undefined || only === 'query-api' || bus !== 'local:') return
  throw new ShiplogError('CONFIG_INVALID', `shiplog ${only} needs a bus that others reach too`, {
    hint: 'Say --bus kafka://HOST:PORT, or run shiplog up.',
  })
}

/** Nothing listens beyond this machine unless someone said that it shall. */
function refuseOpenDoors({ listen, insecure, tokens }: Config, only: Stage | undefined): void {
  const { host } = addressOf(listen)
  if (isLoopback(host) || insecure) return
  if (only === 'shipper' || only === 'indexer') {
    // It asks for no tokens: it has no logs to show.
    throw new ShiplogError('CONFIG_INVALID', `--listen ${listen} would let everyone on the network see how it is`, {
      hint: 'It serves /health and /metrics, no logs: say --insecure if that is meant; or listen on 127.0.0.1.',
    })
  }
  if (tokens !== '') return
  throw new ShiplogError('CONFIG_INVALID', `--listen ${listen} would let everyone on the network read the logs`, {
    hint: 'Make tokens (shiplog token add --tokens FILE …) and say --tokens FILE; or listen on 127.0.0.1; or say --insecure.',
  })
}

function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
