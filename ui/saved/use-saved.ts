/** The saved searches, as the API keeps them. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getJson, Problem, problemIn } from '../api.ts'
import type { SavedSearch, SearchBody } from '../state/saved-model.ts'

const savedKey = ['searches'] as const

/** Others save and change them too: whoever looks at the list gets the newest. */
export function useSavedSearches() {
  return useQuery({
    queryKey: savedKey,
    queryFn: async ({ signal }) =>
      (await getJson<{ searches: readonly SavedSearch[] }>('api/v1/searches', signal)).searches,
    refetchOnMount: 'always',
  })
}

export interface SavedChanges {
  save(body: SearchBody): Promise<SavedSearch>
  change(search: SavedSearch, body: SearchBody): Promise<SavedSearch>
  remove(search: SavedSearch): Promise<void>
}

/** Each rejects with a Problem; the list is asked for again either way, because what failed did so for what is there now. */
export function useSavedChanges(): SavedChanges {
  const client = useQueryClient()
  const send = async (method: string, path: string, body?: SearchBody): Promise<Response> => {
    try {
      return await sendChange(method, path, body)
    } finally {
      await client.invalidateQueries({ queryKey: savedKey })
    }
  }
  const placeOf = ({ id, version }: SavedSearch) => `searches/${encodeURIComponent(id)}?version=${version}`
  return {
    save: async (body) => (await send('POST', 'searches', body)).json() as Promise<SavedSearch>,
    change: async (search, body) => (await send('PUT', placeOf(search), body)).json() as Promise<SavedSearch>,
    remove: async (search) => void (await send('DELETE', placeOf(search))),
  }
}

/** With what no other site can send: see docs/security.md. */
async function sendChange(method: string, path: string, body?: SearchBody): Promise<Response> {
  const headers = { 'x-shiplog-request': '1', ...(body && { 'content-type': 'application/json' }) }
  let response: Response
  try {
    response = await fetch(`api/v1/${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  } catch {
    throw new Problem(0, {})
  }
  if (!response.ok) throw await problemIn(response)
  return response
}
