/**
 * The composition root: the one place that knows adapters and stages. It starts what is fed before what feeds it, and
 * stops the producers before what they feed.
 */
import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createLocalBus } from '../bus/local.ts'
import { startDemo } from '../demo/demo.ts'
import { startIndexer } from '../indexer/indexer.ts'
import { openAudit } from '../query-api/audit.ts'
import { buildServer } from '../query-api/server.ts'
import { type Shipper, startShipper } from '../shipper/shipper.ts'
import { openSqliteState } from '../store/sqlite/state.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import type { Config } from './config.ts'
import { lockData } from './data-lock.ts'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { addressOf, isLoopback, listenError } from './listen.ts'
import { reloaded } from './reload.ts'
import { openTokens, type Tokens } from './token-file.ts'

export interface Running {
  /** Where the page and the API answer: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes over what `read` says now; what cannot be read, or is wrong, changes nothing and is told. */
  reload(read: () => Config): void
  /** Stops reading, finishes what is in flight, remembers it. */
  close(): Promise<void>
}

type Closing = () => Promise<unknown> | unknown

/** Everything in one process: `shiplog up`. Throws a ShiplogError that says what to do; nothing stays open then. */
export async function startAll(config: Config, rootWasGiven: boolean): Promise<Running> {
  refuseOpenDoors(config)
  const logs = [createLog(config.logLevel)]
  const [log] = logs as [Logger]
  const tokens = config.tokens === '' ? undefined : openTokens(resolve(config.tokens), (trouble) => log.error(trouble))
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
    const { url, shipper } = await open(config, rootWasGiven, tokens, logs, (closing) => closings.push(closing))
    let running = config
    const reload = (read: () => Config): void => {
      try {
        const next = reloaded(config, running, read())
        shipper.reload(next.config)
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

/** Opens the stages one after the other, each with what closes it; they are closed in the reverse order. */
async function open(
  config: Config,
  rootWasGiven: boolean,
  tokens: Tokens | undefined,
  logs: Logger[],
  onClose: (closing: Closing) => void,
): Promise<{ readonly url: string; readonly shipper: Shipper }> {
  const [log] = logs as [Logger]
  // A child's level does not follow its parent's.
  const logOf = (part: string): Logger => {
    const child = log.child({ part })
    logs.push(child)
    return child
  }
  const data = resolve(config.data)
  onClose(lockData(data, { pid: process.pid, host: hostname(), command: 'shiplog up' }))
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })

  const folder = storeFolder(config.store)
  const store = await openSqliteStore({
    folder,
    openFilesMax: config.storeOpenFilesMax,
    readers: config.storeReaders,
    log: logOf('store'),
  })
  onClose(() => store.close())
  const state = await openSqliteState({ folder })
  onClose(() => state.close())

  if (config.bus !== 'local:') throw notYet(`--bus ${config.bus}`, 'local:')
  const bus = createLocalBus({ rejectsPath: join(data, 'rejects.ndjson') })
  const indexer = await startIndexer({
    bus,
    store,
    state,
    registry,
    retentionDays: config.retentionDays,
    log: logOf('indexer'),
  })
  onClose(() => indexer.close())
  onClose(() => bus.close())

  const root = config.demo && !rootWasGiven ? join(data, 'demo-logs') : resolve(config.root)
  if (config.demo && !rootWasGiven) {
    mkdirSync(root, { recursive: true })
  }
  const shipper = await startShipper({
    config: { ...config, data, root },
    bus,
    registry,
    log: logOf('shipper'),
  })
  onClose(() => shipper.close())

  const queryLog = logOf('query-api')
  const audit =
    config.auditBytesMax === 0
      ? undefined
      : openAudit({ path: join(data, 'audit.ndjson'), bytesMax: config.auditBytesMax, registry, log: queryLog })
  onClose(() => audit?.close())
  const server: FastifyInstance = await buildServer({
    store,
    state,
    bus,
    registry,
    config,
    log: queryLog,
    ...(tokens && { tokens }),
    ...(audit && { audit }),
    health: () => ({
      shipper: shipper.trouble(),
      ...(audit && { audit: audit.trouble() }),
      ...(tokens && { tokens: tokens.trouble() }),
    }),
  })
  onClose(() => server.close())
  const { host, port } = addressOf(config.listen)
  const url = await server.listen({ host, port }).catch((error: unknown) => {
    throw listenError(config.listen, systemCodeOf(error), error)
  })
  if (config.demo && !rootWasGiven)
    onClose(startDemo(root, (error) => log.debug(`the demo cannot write: ${messageOf(error)}`)))
  log.info(`shiplog is up: ${url} (logs under ${root})`)
  return { url, shipper }
}

/** Nothing listens beyond this machine unless someone said that it shall. */
function refuseOpenDoors({ listen, insecure, tokens }: Config): void {
  const { host } = addressOf(listen)
  if (isLoopback(host) || insecure || tokens !== '') return
  throw new ShiplogError('CONFIG_INVALID', `--listen ${listen} would let everyone on the network read the logs`, {
    hint: 'Make tokens (shiplog token add --tokens FILE …) and say --tokens FILE; or listen on 127.0.0.1; or say --insecure.',
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
