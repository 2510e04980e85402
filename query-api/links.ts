/**
 * Short links that people send each other: /s/<id> to a saved search, /l/<time>-<id> to a line among its neighbours. They name
 * a place and give no rights: whoever opens one sees what that person may see, or that there is nothing.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { originAt } from '../pipeline/event-batch.ts'
import { formatTime, parseRecordId } from '../pipeline/record.ts'
import type { State } from '../pipeline/state.ts'
import type { Bounds } from '../pipeline/store.ts'
import { isPageRequest } from './page.ts'
import { keyOf, recordAt } from './record-at.ts'
import { type Api, type RouteParts, signalOf } from './routes.ts'
import { findSavedSearch, type SavedSearch } from './saved-searches.ts'
import * as schema from './schema.ts'
import type { LogStore } from './visible.ts'

/** Around a line of a link, ms: what the page searches behind its context. */
const aroundMs = 15 * 60_000
/** Clusters that are asked for a line. */
const clustersMax = 1000

const linePattern = /^(\d{1,16})-([0-9A-Za-z_-]{1,40}-\d{1,16})$/

export function linkRoutes(api: Api, { visible, state, config }: RouteParts & { readonly state: State }): void {
  const options = { access: 'link' } as const

  api.get(
    '/s/:id',
    {
      config: options,
      schema: {
        summary: 'Opens a saved search on the page',
        tags: ['saved searches'],
        params: Type.Object({ id: Type.String({ examples: ['kq3Xv0b2Gxo'] }) }),
        querystring: schema.parameters({}),
        response: schema.redirect('To the page', 404, 429, 503),
      },
    },
    async (request, reply) => {
      const find = async () => paramsOf((await findSavedSearch(state, request, request.params.id)).value as SavedSearch)
      return reply.redirect(pageOf(await find().catch(lostFor(request, 's'))), 302)
    },
  )

  api.get(
    '/l/:line',
    {
      config: options,
      schema: {
        summary: 'Opens a line on the page, among its neighbours in its file',
        tags: ['search'],
        params: Type.Object({
          line: Type.String({
            description: '<time in µs since the epoch>-<id of the record>',
            examples: ['1463402830000000-01jd0000000000000000000000-18233'],
          }),
        }),
        querystring: schema.parameters({}),
        response: schema.redirect('To the page', 404, 422, 429, 503),
      },
    },
    async (request, reply) => {
      const bounds = { signal: signalOf(reply), timeMsMax: config.searchTimeMsMax }
      const find = () => lineParams(visible(request).store, request.params.line, bounds)
      return reply.redirect(pageOf(await find().catch(lostFor(request, 'l'))), 302)
    },
  )
}

/** The line with its neighbours, as the page's parameters. Rejects with NOT_FOUND when there is no such line. */
async function lineParams(store: LogStore, line: string, bounds: Bounds): Promise<URLSearchParams> {
  const [, micros = '', id = ''] = linePattern.exec(line) ?? []
  const time = Number(micros)
  if (parseRecordId(id) === undefined || !Number.isSafeInteger(time)) throw noLine()
  const cluster = await clusterOf(store, time, id, bounds)
  const [records, i] = await recordAt(store, cluster, keyOf(id, formatTime(time)), bounds)
  const { app } = originAt(records, i).source
  const edge = (ms: number): string => new Date(ms).toISOString()
  const around = { from: edge(Math.max(0, time / 1000 - aroundMs)), to: edge(time / 1000 + aroundMs) }
  return new URLSearchParams({ cluster, app, ...around, line: id, at: formatTime(time) })
}

/** A person is told by the page that the link leads nowhere (any more); a program gets the problem. */
function lostFor(request: FastifyRequest, kind: 's' | 'l'): (error: unknown) => URLSearchParams {
  return (error) => {
    const lost = error instanceof ShiplogError && error.code === 'NOT_FOUND'
    if (!lost || !isPageRequest(request)) throw error
    return new URLSearchParams({ lost: kind })
  }
}

/** The link names no cluster: it would make it longer, and the id is enough. */
async function clusterOf(store: LogStore, time: number, id: string, bounds: Bounds): Promise<string> {
  const then = { filters: {}, where: undefined, from: time, to: time + 1 }
  for (const { value } of await store.values('cluster', then, { limit: clustersMax }, bounds)) {
    try {
      await recordAt(store, value, keyOf(id, formatTime(time)), bounds)
      return value
    } catch (error) {
      if (!(error instanceof ShiplogError && error.code === 'NOT_FOUND')) throw error
    }
  }
  throw noLine()
}

function noLine(): ShiplogError {
  return new ShiplogError('NOT_FOUND', 'there is no such line', {
    hint: 'It may be older than --retention-days, or not be shown to you.',
  })
}

/** The page lies one folder above the links, also behind a proxy that serves it under a path. */
function pageOf(params: URLSearchParams): string {
  return `../?${params.toString()}`
}

function paramsOf(search: SavedSearch): URLSearchParams {
  const params = new URLSearchParams()
  for (const name of ['cluster', 'app', 'instance', 'dir', 'file', 'host', 'level', 'q', 'from', 'to', 'tz'] as const) {
    for (const value of [search[name] ?? []].flat()) params.append(name, value)
  }
  return params
}
