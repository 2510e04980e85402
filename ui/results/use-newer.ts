/** Lines that arrived after the search: those behind its newest one, asked for as long as the range is open and looked at. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ApiRecord, getJson, type SearchPage } from '../api.ts'
import { apiUrl, selectionParams } from '../state/api-params.ts'
import { comparePlaces } from '../state/line-order.ts'
import { useView } from '../view-context.tsx'

const intervalMs = 5_000
const pageRecords = 1_000
/** In one turn; what is more comes with the next. */
const pagesMax = 5
/** A list that only grows would end the browser; who comes back after that searches again. */
export const newerMax = 20_000

const none: readonly ApiRecord[] = []

/** Newest first. `newest` is the first line of the search; undefined while there is none. */
export function useNewer(newest: ApiRecord | undefined): readonly ApiRecord[] {
  const { view, zone, run } = useView()
  const client = useQueryClient()
  const params = selectionParams(view, zone)
  const queryKey = ['newer', params, run, newest?.id]
  const { data = none } = useQuery({
    queryKey,
    enabled: newest !== undefined && (view.to === '' || view.to === 'now'),
    refetchInterval: intervalMs,
    structuralSharing: false,
    queryFn: async ({ signal }) => {
      let lines = client.getQueryData<readonly ApiRecord[]>(queryKey) ?? none
      for (let turn = 0; turn < pagesMax && lines.length < newerMax; turn++) {
        const last = lines[0] ?? newest
        if (last === undefined) break
        const from = params.map(([name, value]) => [name, name === 'from' ? last.time : value] as const)
        const url = apiUrl('search', [...from, ['order', 'asc'], ['limit', pageRecords]])
        const { records } = await getJson<SearchPage>(url, signal)
        const behind = records.filter((record) => comparePlaces(record, last) > 0)
        if (behind.length > 0) lines = [...behind.reverse(), ...lines]
        if (records.length < pageRecords || behind.length === 0) break
      }
      return lines
    },
  })
  return data
}
