/** /searches: searches with a name, of one's own or shared with everybody who may see what they are about. */
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ShiplogError } from '../pipeline/errors.ts'
import { parseQuery } from '../pipeline/query-parser.ts'
import type { State, StateEntry } from '../pipeline/state.ts'
import { parseTimeRange } from '../pipeline/time-range.ts'
import { callerOfRequest } from './auth.ts'
import { type Api, nothing } from './routes.ts'
import * as schema from './schema.ts'

/** Of one owner. */
export const savedSearchesMax = 200
/** Bytes of one as JSON. */
const searchBytesMax = 16 * 1024
/** Short, for links; not to be guessed through, and a guess still meets the rights of whoever guesses. */
const idBytes = 8

/** What is kept under `search/<id>`. */
export interface SavedSearch extends schema.SearchBody {
  readonly owner: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
}

const id = Type.String({ description: 'of the saved search', examples: ['kq3Xv0b2Gxo'] })
const version = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'the version that is changed',
})
const versionParameters = schema.parameters({ version })

export interface SavedSearchParts {
  readonly state: State
  readonly now: () => number
}

/** The saved search with this id, when the caller may know of it; NOT_FOUND for all others alike. */
export async function findSavedSearch(state: State, request: FastifyRequest, id: string): Promise<StateEntry> {
  const entry = /^[\w-]{1,64}$/.test(id) ? await state.get(`search/${id}`) : undefined
  if (entry !== undefined && mayKnow(entry.value as SavedSearch, request)) return entry
  throw new ShiplogError('NOT_FOUND', 'there is no such saved search', {
    hint: 'It may have been removed, not be shared, or be about logs that are not shown to you.',
  })
}

export function savedSearchRoutes(api: Api, { state, now }: SavedSearchParts): void {
  const config = { access: 'signed-in' } as const
  const tags = ['saved searches']

  api.get(
    '/searches',
    {
      config,
      schema: {
        summary: 'One’s own saved searches, and those that are shared',
        tags,
        querystring: schema.parameters({}),
        response: schema.answers(schema.SavedSearchesAnswer, 'By name', 401, 429, 503),
      },
    },
    async (request) => {
      const entries = await state.list('search/')
      const known = entries.filter((entry) => mayKnow(entry.value as SavedSearch, request))
      const searches = known.map((entry) => answerOf(entry, request))
      return { searches: searches.sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)) }
    },
  )

  api.post(
    '/searches',
    {
      config,
      schema: {
        summary: 'Saves a search',
        description: `At most ${savedSearchesMax} of one owner. /s/<id> opens it on the page.`,
        tags,
        querystring: schema.parameters({}),
        body: schema.SavedSearchBody,
        response: schema.answers(schema.SavedSearchAnswer, 'Saved', 400, 401, 403, 409, 429, 503),
      },
    },
    async (request) => {
      const { name: owner } = callerOfRequest(request)
      const mine = (await state.list('search/')).filter(({ value }) => (value as SavedSearch).owner === owner)
      if (mine.length >= savedSearchesMax) {
        throw new ShiplogError('CONFLICT', `${owner} has ${mine.length} saved searches`, {
          hint: `At most ${savedSearchesMax} are kept: remove one.`,
        })
      }
      const at = new Date(now()).toISOString()
      const value: SavedSearch = { ...checked(request.body, now()), owner, createdAt: at, updatedAt: at }
      const key = `search/${randomBytes(idBytes).toString('base64url')}`
      return answerOf({ key, value, version: await state.put(key, value, 0) }, request)
    },
  )

  api.get(
    '/searches/:id',
    {
      config,
      schema: {
        summary: 'A saved search',
        tags,
        params: Type.Object({ id }),
        querystring: schema.parameters({}),
        response: schema.answers(schema.SavedSearchAnswer, 'The saved search', 401, 404, 429, 503),
      },
    },
    async (request) => answerOf(await findSavedSearch(state, request, request.params.id), request),
  )

  api.put(
    '/searches/:id',
    {
      config,
      schema: {
        summary: 'Changes a saved search',
        description: 'The owner’s, or an operator’s, to do; 409 when somebody else has changed it since that version.',
        tags,
        params: Type.Object({ id }),
        querystring: versionParameters,
        body: schema.SavedSearchBody,
        response: schema.answers(schema.SavedSearchAnswer, 'Changed', 400, 401, 403, 404, 409, 429, 503),
      },
    },
    async (request) => {
      const { key, value: before } = await changeable(state, request, request.params.id)
      const { owner, createdAt } = before as SavedSearch
      const updatedAt = new Date(now()).toISOString()
      const value: SavedSearch = { ...checked(request.body, now()), owner, createdAt, updatedAt }
      return answerOf({ key, value, version: await state.put(key, value, request.query.version) }, request)
    },
  )

  api.delete(
    '/searches/:id',
    {
      config,
      schema: {
        summary: 'Removes a saved search',
        tags,
        params: Type.Object({ id }),
        querystring: versionParameters,
        response: schema.done('Removed', 401, 403, 404, 409, 429, 503),
      },
    },
    async (request, reply) => {
      const { key } = await changeable(state, request, request.params.id)
      await state.delete(key, request.query.version)
      return nothing(reply)
    },
  )
}

/** Its owner may always; of a shared one whoever may see something of what it is about. */
function mayKnow({ owner, shared, cluster, app = [] }: SavedSearch, request: FastifyRequest): boolean {
  const { name, rights } = callerOfRequest(request)
  if (owner === name) return true
  if (shared !== true) return false
  const { all, named, patterns } = rights.appsOf(cluster)
  return app.length > 0
    ? app.some((one) => rights.mayRead(cluster, one))
    : all || named.length > 0 || patterns.length > 0
}

async function changeable(state: State, request: FastifyRequest, id: string): Promise<StateEntry> {
  const entry = await findSavedSearch(state, request, id)
  const { name, rights } = callerOfRequest(request)
  const { owner } = entry.value as SavedSearch
  if (owner === name || rights.role === 'operator') return entry
  throw new ShiplogError('FORBIDDEN', `this saved search is ${owner}’s`, { hint: 'Save a copy of your own.' })
}

/** What can never be searched is not saved. Throws QUERY_INVALID. */
function checked(body: schema.SearchBody, nowMs: number): schema.SearchBody {
  parseQuery(body.q ?? '')
  parseTimeRange(body, nowMs)
  const bytes = Buffer.byteLength(JSON.stringify(body))
  if (bytes <= searchBytesMax) return body
  throw new ShiplogError('QUERY_INVALID', `the search is ${bytes} bytes as JSON`, {
    hint: `At most ${searchBytesMax}.`,
  })
}

function answerOf({ key, value, version }: StateEntry, request: FastifyRequest) {
  const search = value as SavedSearch
  const id = key.slice('search/'.length)
  return { id, version, ...search, own: search.owner === callerOfRequest(request).name, link: `s/${id}` }
}
