/** What the alerts page asks and changes. Changes bear the header that no other site can send: see docs/security.md. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getJson, type HistogramAnswer, Problem, problemIn } from '../api.ts'
import type { AlertRow, PolicyBody } from '../state/alert-model.ts'
import { apiUrl, type ParamList } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

const refreshMs = 5000
export const alertsKey = ['alerts'] as const

export function useAlerts() {
  const { view } = useView()
  const params: ParamList = [
    ...(view.cluster === undefined ? [] : [['cluster', view.cluster] as const]),
    ...view.app.map((app) => ['app', app] as const),
  ]
  return useQuery({
    queryKey: [...alertsKey, params],
    queryFn: async ({ signal }) => (await getJson<{ alerts: AlertRow[] }>(apiUrl('alerts', params), signal)).alerts,
    refetchInterval: refreshMs,
    // Whoever comes back to the page wants to know how it is, not how it was.
    staleTime: 0,
    placeholderData: keepPreviousData,
  })
}

/** With its history. */
export function useAlert(id: string) {
  return useQuery({
    queryKey: [...alertsKey, 'one', id],
    queryFn: ({ signal }) => getJson<AlertRow>(apiUrl(`alerts/${id}`, []), signal),
    refetchInterval: refreshMs,
    staleTime: 0,
  })
}

/** What a condition would be judged by now. */
export function useCountNow({ cluster, app, query, windowMs }: PolicyBody, enabled: boolean) {
  const params: ParamList = [
    ['cluster', cluster],
    ...(app === undefined ? [] : [['app', app] as const]),
    ...(query === '' ? [] : [['q', query] as const]),
    ['from', `now-${Math.ceil(windowMs / 1000)}s`],
    ['to', 'now'],
    ['buckets', 1],
  ]
  return useQuery({
    queryKey: ['alert-count', params],
    enabled,
    queryFn: async ({ signal }) => (await getJson<HistogramAnswer>(apiUrl('histogram', params), signal)).total,
    refetchInterval: refreshMs,
    staleTime: 0,
    retry: false,
  })
}

export interface TestResult {
  readonly action: string
  readonly target: string
  readonly taken: boolean
  readonly answer: string
  readonly tookMs: number
}

const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
  let response: Response
  try {
    response = await fetch(`api/v1/${path}`, {
      method,
      headers: { 'x-shiplog-request': '1', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  } catch {
    throw new Problem(0, {})
  }
  if (!response.ok) throw await problemIn(response)
  return (response.status === 204 ? undefined : await response.json()) as Answer
}

export const saveAlert = (body: PolicyBody, before: AlertRow | undefined): Promise<AlertRow> =>
  before === undefined ? ask('POST', 'alerts', body) : ask('PUT', `alerts/${before.id}?version=${before.version}`, body)
export const removeAlert = ({ id, version }: AlertRow): Promise<void> =>
  ask('DELETE', `alerts/${id}?version=${version}`)
export const silenceAlert = (id: string, until: string): Promise<AlertRow> =>
  ask('PUT', `alerts/${id}/silence`, { until })
export const unsilenceAlert = (id: string): Promise<AlertRow> => ask('DELETE', `alerts/${id}/silence`)
export const testAlert = async (id: string): Promise<readonly TestResult[]> =>
  (await ask<{ results: TestResult[] }>('POST', `alerts/${id}/test`)).results
