/**
 * The query API: search, context, export, what is shipped, health, and the page. `buildServer` makes it; whoever calls
 * it listens and closes.
 */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import fastifyCompress from '@fastify/compress'
import fastifyHelmet from '@fastify/helmet'
import fastifyRateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import { Histogram } from 'prom-client'
import { alertYamlRoutes } from './alert-yaml.ts'
import { alertRoutes } from './alerts.ts'
import { auditRequests } from './audit.ts'
import { callerOfRequest, guard } from './auth.ts'
import { contextRoutes } from './context.ts'
import { explainRoutes } from './explain.ts'
import { exportRoutes } from './export.ts'
import { fieldsRoutes } from './fields.ts'
import { filesRoutes } from './files.ts'
import { healthRoutes } from './health.ts'
import { checkHost } from './host-check.ts'
import { linkRoutes } from './links.ts'
import { describeApi, openApiRoute } from './openapi.ts'
import { isPageRequest, pathOf, sendPage, servePage, uiFolderDefault } from './page.ts'
import { readerOf, readQueryString } from './parameters.ts'
import { patternsRoutes } from './patterns.ts'
import { HttpError, problemOf, problemType, sendProblem } from './problem.ts'
import type { Api, RouteParts, ServerParts } from './routes.ts'
import { savedSearchRoutes } from './saved-searches.ts'
import { searchRoutes } from './search.ts'
import { sessionRoutes } from './session.ts'
import { sessionsIn } from './sessions.ts'
import { clientOf, limitConcurrency } from './slots.ts'
import { tailRoutes } from './tail.ts'
import { valuesRoutes } from './values.ts'
import { visibleOf } from './visible.ts'

export type { ServerParts } from './routes.ts'

/** Below it compressing costs more than it saves. */
const compressBytesMin = 16 * 1024
/** Longest part of a path that is a parameter, UTF-16 units. */
const pathPartUnitsMax = 512
/** Of what is sent to us; a saved search is less. */
const bodyBytesMax = 64 * 1024
const prefix = '/api/v1'

/** A server that is ready to listen. Rejects when the parts do not fit together (a broken invariant). */
export async function buildServer(parts: ServerParts): Promise<Api> {
  const { store, state, tokens, audit, config, registry, health, now = Date.now } = parts
  const sessions = tokens && sessionsIn(state, tokens, now)
  const visibleFor = visibleOf({ store, state, bus: parts.bus, now, timeMsMax: config.searchTimeMsMax })
  const routeParts: RouteParts = {
    config,
    registry,
    now,
    visible: (request) =>
      visibleFor(callerOfRequest(request).rights, (records) => {
        request.records += records
      }),
  }
  const uiFolder = parts.uiFolder ?? uiFolderDefault
  const api: Api = fastify({
    loggerInstance: parts.log,
    // What people search for is no business of our log: requests are logged below, without their parameters.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    bodyLimit: bodyBytesMax,
    // An export has no ceiling: a close breaks it off, which its client sees, instead of waiting for it.
    forceCloseConnections: true,
    routerOptions: { querystringParser: readQueryString as never, maxParamLength: pathPartUnitsMax },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply as never),
    clientErrorHandler: refuseGarbage,
  }).withTypeProvider<TypeBoxTypeProvider>()

  api.setValidatorCompiler(({ schema, httpPart }) => readerOf(schema, httpPart))
  // Answers are made to their schemas, and tests hold them to it; a second pass at run time would only drop what is new.
  api.setSerializerCompiler(() => (body) => JSON.stringify(body))
  api.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))

  // Fastify, its plugins and we ourselves listen for the end of an answer: that is no leak.
  api.addHook('onRequest', async (_request, reply) => void reply.raw.setMaxListeners(20))
  checkHost(api, config.listen)
  auditRequests(api, audit, now)
  guard(api, { tokens, sessions, now })
  limitConcurrency(api, config)
  await describeApi(api)
  await protect(api, parts)
  const refuseMethod = rememberPaths(api)
  observe(api, parts)

  await api.register(
    async (routes) => {
      for (const add of [searchRoutes, valuesRoutes, patternsRoutes, fieldsRoutes, contextRoutes, exportRoutes]) {
        add(routes as Api, routeParts)
      }
      tailRoutes(routes as Api, routeParts)
      filesRoutes(routes as Api, routeParts)
      explainRoutes(routes as Api, {
        ...routeParts,
        operation: async () => ({ parts: health(), damaged: (await store.stats()).damaged.length }),
      })
      savedSearchRoutes(routes as Api, { state, now })
      alertRoutes(routes as Api, { state, now, testAlert: parts.testAlert })
      await routes.register(async (scope) => alertYamlRoutes(scope as Api, { state, now }))
      sessionRoutes(routes as Api, { tokens, sessions, now })
    },
    { prefix },
  )
  linkRoutes(api, { ...routeParts, state })
  healthRoutes(api, { store, registry, health, now })
  openApiRoute(api)
  api.route({
    method: ['GET', 'HEAD'],
    url: '/',
    config: { access: 'open' },
    schema: { hide: true },
    handler: async (_request, reply) => sendPage(reply, uiFolder),
  })
  await servePage(api, uiFolder)

  api.setNotFoundHandler({ preHandler: api.rateLimit() }, (request, reply) => {
    refuseMethod(request, reply)
    if (isPageRequest(request)) return sendPage(reply, uiFolder)
    throw new HttpError(404, `there is nothing at ${pathOf(request).slice(0, 200)}`)
  })
  return api
}

/** Headers, limits and compression, before any route. */
async function protect(api: Api, { config }: ServerParts): Promise<void> {
  await api.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // Mantine sets styles on elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Plain HTTP on loopback is the usual way in; who puts TLS in front of it says so there.
    strictTransportSecurity: false,
  })
  await api.register(fastifyRateLimit, {
    max: config.requestsPerMinuteMax,
    timeWindow: 60_000,
    keyGenerator: clientOf,
    errorResponseBuilder: (_request, { max }) => new HttpError(429, `more than ${max} requests in a minute`),
  })
  // Only gzip: brotli at its default level would hold a page of records up for longer than the network does.
  await api.register(fastifyCompress, { threshold: compressBytesMin, encodings: ['gzip'], zlibOptions: { level: 4 } })
}

/** The paths of the API as patterns: gives what throws 405 for another method than those that a path knows. */
function rememberPaths(api: Api): (request: FastifyRequest, reply: FastifyReply) => void {
  const paths = new Map<string, { readonly pattern: RegExp; readonly methods: string[] }>()
  api.addHook('onRoute', ({ url, path, method }) => {
    if (path.includes('*')) return
    const pattern = new RegExp(`^${url.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`)
    const known = paths.get(url) ?? { pattern, methods: [] }
    known.methods.push(...[method].flat())
    paths.set(url, known)
  })
  const refuse = (request: FastifyRequest, reply: FastifyReply): void => {
    const path = pathOf(request)
    const known = [...paths.values()].find(({ pattern }) => pattern.test(path))
    // The path is right and so is the method: a part of it is longer than any name.
    if (known === undefined || known.methods.includes(request.method)) return
    reply.header('allow', known.methods.join(', '))
    throw new HttpError(405, `${request.method} is not possible here`)
  }
  api.addHook('onRequest', async (request, reply) => {
    // Before the body is read: what it holds does not matter.
    if (request.is404 && request.method !== 'GET') refuse(request, reply)
  })
  return refuse
}

/** One line for each request in the log (debug), and how long requests take in /metrics. Never their parameters. */
function observe(api: Api, { registry }: ServerParts): void {
  const seconds = new Histogram({
    name: 'shiplog_http_request_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  })
  api.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const tookMs = reply.elapsedTime
    seconds.observe({ route, status: String(reply.statusCode) }, tookMs / 1000)
    request.log.debug(
      { method: request.method, route, status: reply.statusCode, tookMs: Math.round(tookMs) },
      'request',
    )
  })
}

/** What is no HTTP gets a problem too, as far as the socket takes it. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const detail = status === 431 ? 'the URL and the headers are more than 16 KiB' : 'this is no HTTP request'
  const body = JSON.stringify(problemOf(new HttpError(status, detail), randomUUID()))
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
