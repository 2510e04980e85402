/**
 * How many lines came after the search, while nothing is followed: told, not shown, until the reader asks for them. A stream
 * for this alone would take one of the few connections that a browser has for each window that is open.
 */
import { useQuery } from '@tanstack/react-query'
import { type ApiRecord, getJson, type SearchPage } from '../api.ts'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import { comparePlaces } from '../state/line-order.ts'
import { isOpen } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

const intervalMs = 5_000
/** When there are more there is nothing left to ask. */
export const newerMax = 100

/** `newest`: the first line of the list; undefined while there is none. */
export function useNewer(newest: ApiRecord | undefined): number {
  const { view, zone, run } = useView()
  const params = selectionParams(view, zone)
  const enabled = newest !== undefined && !view.follow && isOpen(view.to)
  const { data = 0 } = useQuery<number>({
    queryKey: ['newer', params, run, newest?.id],
    enabled,
    refetchInterval: ({ state }) => ((state.data ?? 0) < newerMax ? intervalMs : false),
    queryFn: async ({ signal }) => {
      if (newest === undefined) return 0
      const from = params.map(([name, value]) => [name, name === 'from' ? newest.time : value] as const)
      // Those of the same time are asked for once more.
      const url = apiUrl('search', [...from, ['order', 'asc'], ['limit', newerMax + 10]])
      const { records } = await getJson<SearchPage>(url, signal)
      return Math.min(newerMax, records.filter((record) => comparePlaces(record, newest) > 0).length)
    },
  })
  return enabled ? data : 0
}
