/** Errors as the client sees them: RFC 9457 problem+json, with what to do about each. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, messageOf, ShiplogError } from '../pipeline/errors.ts'
import { QuerySyntaxError } from '../pipeline/query.ts'
import { ParameterError } from './parameters.ts'

export const problemType = 'application/problem+json; charset=utf-8'

export interface Problem {
  /** `urn:shiplog:problem:query-invalid` … : the code, as a name that can be compared. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly hint: string
  readonly code: string
  /** In our log every line about the request bears it. */
  readonly requestId: string
  /** Where in `q`, UTF-16 units, end exclusive; only for errors of the query language. */
  readonly position?: { readonly start: number; readonly end: number }
  /** What could have stood at `position`. */
  readonly expected?: string
}

/** Closed by a client before there was an answer; nobody reads it (the number is nginx's). */
const clientClosed = 499

/**
 * QUERY_TOO_COSTLY is 422: the request is well formed and the server is well, but this search cannot be done within
 * `searchTimeMsMax`. A 503 or 504 would make proxies and clients send the same costly search again.
 */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  QUERY_INVALID: 400,
  QUERY_TOO_COSTLY: 422,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  STORE_UNAVAILABLE: 503,
  BUS_UNAVAILABLE: 503,
  BUS_REFUSED: 503,
  POSITION_GONE: 410,
  DATA_UNWRITABLE: 503,
  CLOSED: 503,
  ABORTED: clientClosed,
  STORE_DAMAGED: 500,
  CONFIG_INVALID: 500,
  DATA_LOCKED: 500,
  STATE_UNREADABLE: 500,
}

const codeOfHttp: Readonly<Record<number, string>> = {
  405: 'METHOD_NOT_ALLOWED',
  421: 'HOST_REFUSED',
  429: 'TOO_MANY_REQUESTS',
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  414: 'Too long',
  415: 'Media type not supported',
  421: 'Not a name of this server',
  422: 'The search is too costly',
  429: 'Too many requests',
  431: 'Too large',
  499: 'The client went away',
  500: 'Internal error',
  503: 'Not available now',
}

const hints: Readonly<Record<number, string>> = {
  400: 'See /api/v1/openapi.json for what can be asked.',
  404: 'See /api/v1/openapi.json for what is there.',
  405: 'Use one of the methods that Allow names.',
  409: 'Read it again and repeat the change.',
  422: 'Narrow the time range, choose an app or an instance, or use whole words instead of wildcards.',
  429: 'Wait for as many seconds as Retry-After says.',
  503: 'Try again in a moment; GET /health says which part is not well.',
}

/** The problem for anything that was thrown. What is inside an unexpected error stays in our log. */
export function problemOf(thrown: unknown, requestId: string): Problem {
  if (thrown instanceof ShiplogError) {
    const status = statusOf[thrown.code]
    return {
      ...frame(status, thrown.code, requestId),
      detail: thrown.message,
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      ...placeOf(thrown),
    }
  }
  const status = statusOfFastify(thrown)
  if (status >= 500) {
    const hint = `Look for request ${requestId} in the log of the query API.`
    return { ...frame(500, 'INTERNAL', requestId), detail: 'Something went wrong on our side.', hint }
  }
  const hint = thrown instanceof HttpError ? thrown.hint : undefined
  const code = codeOfHttp[status] ?? 'REQUEST_INVALID'
  return { ...frame(status, code, requestId), detail: messageOf(thrown), ...(hint === undefined ? {} : { hint }) }
}

function frame(status: number, code: string, requestId: string): Problem {
  return {
    type: `urn:shiplog:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titles[status] ?? 'The request cannot be served',
    status,
    detail: '',
    hint: hints[status] ?? 'See /api/v1/openapi.json for what can be asked.',
    code,
    requestId,
  }
}

/** Errors of the query language say where and what was expected (QuerySyntaxError); others have neither. */
function placeOf(error: ShiplogError): Pick<Problem, 'position' | 'expected'> {
  const { position, expected } = error as { position?: unknown; expected?: unknown }
  return {
    ...(isPlace(position) ? { position: { start: position.start, end: position.end } } : {}),
    ...(typeof expected === 'string' ? { expected } : {}),
  }
}

function isPlace(value: unknown): value is { start: number; end: number } {
  if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value)) return false
  return typeof value.start === 'number' && typeof value.end === 'number'
}

function statusOfFastify(thrown: unknown): number {
  if (!(thrown instanceof Error)) return 500
  const status = (thrown as Partial<FastifyError>).statusCode ?? 500
  return status >= 400 && status < 600 ? status : 500
}

/** The name of the parameter that was refused; what it said is no business of our log. */
function parameterOf(error: unknown): string | undefined {
  if (error instanceof ParameterError) return error.parameter
  return error instanceof QuerySyntaxError ? 'q' : undefined
}

/** Answers with the problem for `error`, and logs it by its consequence: ours as an error, the client's for debugging. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, request.id)
  const about = { code: problem.code, status: problem.status, route: request.routeOptions.url }
  if (problem.status >= 500) request.log.error({ ...about, err: error }, 'request failed')
  else request.log.debug({ ...about, parameter: parameterOf(error) }, 'request refused')
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="shiplog"')
  if (problem.status === 503) reply.header('retry-after', '5')
  // A stream's headers must not stay on an answer that is no stream.
  reply.removeHeader('content-disposition').removeHeader('content-encoding')
  return reply.code(problem.status).header('cache-control', 'no-store').type(problemType).send(JSON.stringify(problem))
}

/** An error of ours with a status of HTTP's own. */
export class HttpError extends Error {
  readonly statusCode: number
  readonly hint: string | undefined

  constructor(statusCode: number, message: string, { hint }: { hint?: string } = {}) {
    super(message)
    this.statusCode = statusCode
    this.hint = hint
  }
}
