/** What the page asks the server, and when it asks again. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { type FilesAnswer, getJson, type HistogramAnswer, type SearchPage, type ValueCount } from './api.ts'
import { apiUrl, type ParamList, selectionParams } from './state/api-params.ts'
import type { View } from './state/url-state.ts'
import { useView } from './view-context.tsx'

/** The first lines are there at once; who reads on gets more at a time. */
const firstPageRecords = 200
const nextPageRecords = 1_000
/** The list stays quick and its memory bounded; who wants more wants a narrower range or an export. */
export const linesMax = 100_000

/** While lines are followed their counts grow as well. */
const followedIntervalMs = 5_000

/** Only what selects events: a change of wrapping or language must not search again. */
function useSelection(without: readonly (keyof View)[] = []): { params: ParamList; run: number; ready: boolean } {
  const { view, zone, run } = useView()
  return { params: selectionParams(view, zone, without), run, ready: view.cluster !== undefined }
}

export function useSearch() {
  const { params, run, ready } = useSelection()
  const { view } = useView()
  return useInfiniteQuery({
    queryKey: ['search', params, run],
    enabled: ready && view.app.length > 0,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      getJson<SearchPage>(
        apiUrl('search', [
          ...params,
          ['order', 'desc'],
          ['limit', pageParam === undefined ? firstPageRecords : nextPageRecords],
          ...(pageParam === undefined ? [] : [['cursor', pageParam] as const]),
        ]),
        signal,
      ),
    getNextPageParam: (page, pages) =>
      pages.reduce((sum, { records }) => sum + records.length, 0) >= linesMax ? undefined : (page.next ?? undefined),
    // Pages never change; looking for what has is time that a list of 100,000 lines does not have.
    structuralSharing: false,
    placeholderData: keepPreviousData,
  })
}

export function useHistogram(buckets: number, only: Partial<Pick<View, 'app'>> = {}, enabled = true) {
  const { run, ready } = useSelection()
  const { view, zone } = useView()
  const params = selectionParams({ ...view, ...only }, zone)
  return useQuery({
    queryKey: ['histogram', params, buckets, run],
    enabled: ready && enabled,
    queryFn: ({ signal }) => getJson<HistogramAnswer>(apiUrl('histogram', [...params, ['buckets', buckets]]), signal),
    refetchInterval: view.follow ? followedIntervalMs : false,
    placeholderData: keepPreviousData,
  })
}

export interface ValuesOptions {
  readonly without: readonly (keyof View)[]
  readonly limit: number
  readonly prefix?: string
  readonly enabled?: boolean
  readonly level?: View['level']
  readonly app?: string
  /** Over all time, not only in the chosen range. */
  readonly always?: boolean
}

/** Nothing that counts as a stamp is older (a stamp before is none). */
const beginningOfTime = '1990-01-01T00:00:00Z'

/** Counts of one field's values in the selection, the named fields left out of it. */
export function useValues(
  field: string,
  { without, limit, prefix = '', enabled = true, level, app, always = false }: ValuesOptions,
) {
  const { run, ready } = useSelection()
  const { view, zone } = useView()
  const asked = {
    ...view,
    ...(level && { level }),
    ...(app !== undefined && { app: [app] }),
    ...(always && { from: beginningOfTime, to: '' }),
  }
  const params = selectionParams(asked, zone, without)
  return useQuery({
    queryKey: ['values', field, params, limit, prefix, run],
    enabled: enabled && (ready || field === 'cluster'),
    queryFn: async ({ signal }) => {
      const bounds: ParamList = [['limit', limit], ...(prefix === '' ? [] : [['prefix', prefix] as const])]
      return (await getJson<{ values: ValueCount[] }>(apiUrl(`values/${field}`, [...params, ...bounds]), signal)).values
    },
    placeholderData: keepPreviousData,
  })
}

/** The newest line of an app, for its card. */
export function useLastLine(app: string, enabled: boolean) {
  const { run, ready } = useSelection()
  const { view, zone } = useView()
  const params = selectionParams({ ...view, app: [app] }, zone)
  return useQuery({
    queryKey: ['last-line', params, run],
    enabled: ready && enabled,
    queryFn: ({ signal }) =>
      getJson<SearchPage>(apiUrl('search', [...params, ['order', 'desc'], ['limit', 1]]), signal),
  })
}

export const appsMax = 200
const withinCluster = ['app', 'instance', 'dir', 'file', 'host'] as const

/** The apps of the cluster in which something matches. */
export function useApps(enabled = true) {
  return useValues('app', { without: withinCluster, limit: appsMax, enabled })
}

/** Every app that ever wrote: one that has been silent for longer than the range is the one to look at. */
export function useAllApps(enabled = true) {
  return useValues('app', { without: [...withinCluster, 'q', 'level'], limit: appsMax, always: true, enabled })
}

export function useAppErrors() {
  return useValues('app', { without: withinCluster, limit: appsMax, level: ['error', 'fatal'] })
}

/** Clusters are listed over all time: one that is silent today is still one to choose. */
export function useClusters() {
  return useValues('cluster', { without: ['cluster', 'q', 'level', ...withinCluster], limit: 200, always: true })
}

const filesMax = 10_000
const filesIntervalMs = 5_000

/** What is shipped from where; asked again as long as it is looked at. */
export function useFiles() {
  const { view } = useView()
  const params: ParamList = [
    ...(view.cluster === undefined ? [] : [['cluster', view.cluster] as const]),
    ...view.app.map((app) => ['app', app] as const),
    ['limit', filesMax],
  ]
  return useQuery({
    queryKey: ['files', params],
    queryFn: ({ signal }) => getJson<FilesAnswer>(apiUrl('files', params), signal),
    refetchInterval: filesIntervalMs,
    placeholderData: keepPreviousData,
  })
}
