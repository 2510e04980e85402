/** What every group of routes is given, and what they share about a request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import type { Registry } from 'prom-client'
import type { Bus } from '../pipeline/bus.ts'
import type { Config } from '../pipeline/config.ts'
import { ShiplogError } from '../pipeline/errors.ts'
import type { State } from '../pipeline/state.ts'
import type { Store } from '../pipeline/store.ts'
import type { Tokens } from '../pipeline/token-file.ts'
import type { AlertParts } from './alerts.ts'
import type { Audit } from './audit.ts'
import type { Visible } from './visible.ts'

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What the server is built from. */
export interface ServerParts {
  readonly store: Store
  readonly state: State
  readonly bus: Pick<Bus, 'follow'>
  readonly config: Pick<
    Config,
    | 'searchTimeMsMax'
    | 'requestsPerMinuteMax'
    | 'searchesPerClientMax'
    | 'exportsPerClientMax'
    | 'tailsPerClientMax'
    | 'tailBufferBytesMax'
    | 'listen'
  >
  readonly log: FastifyBaseLogger
  /** Where /metrics reads, and where the server enters its own. */
  readonly registry: Registry
  /** For each part of this process what troubles it now; undefined = nothing. The store is asked by the server itself. */
  readonly health: () => Readonly<Record<string, string | undefined>>
  /** Who may ask; undefined = everybody who gets here. */
  readonly tokens?: Tokens
  readonly audit?: Audit
  readonly testAlert: AlertParts['testAlert']
  /** Folder of the built page (default: ui/dist of this checkout). */
  readonly uiFolder?: string
  /** The clock, ms since the epoch. */
  readonly now?: () => number
}

/**
 * For routes of the logs: they reach them through `visible` alone, and so see what their caller may see. What else has logs in
 * it (a store, a state, a bus) is never handed to them as it is.
 */
export interface RouteParts extends Pick<ServerParts, 'config' | 'registry'> {
  readonly now: () => number
  readonly visible: (request: FastifyRequest) => Visible
}

/** A signal that aborts when the client goes away before it has its whole answer. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const abort = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) abort.abort(new ShiplogError('ABORTED', 'the client went away'))
  })
  return abort.signal
}

/** The answer that has nothing to say: its schema is for clients, and makes no body. */
export function nothing(reply: FastifyReply): FastifyReply {
  return reply.code(204).send()
}
