/** What the ledger knows to be lost of the files that are searched, by its place among the lines. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type ApiRecord, type FilesAnswer, getJson } from '../api.ts'
import { useHistogram } from '../queries.ts'
import { histogramBuckets } from '../results/histogram.tsx'
import { apiUrl, type ParamList } from '../state/api-params.ts'
import { gapsIn, type Loss, lossesOf } from '../state/loss-model.ts'
import { listFields } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

/** Of one selection; a list with more gaps is not read line by line. */
const lossesMax = 1_000
const followedIntervalMs = 5_000
const none: ReadonlyMap<number, readonly Loss[]> = new Map()

export function useGaps(records: readonly ApiRecord[], more: boolean) {
  const { view, run } = useView()
  const params: ParamList = [
    ['cluster', view.cluster ?? ''],
    ...listFields.flatMap((field) => view[field].map((value) => [field, value] as const)),
    ['lost', 'true'],
    ['limit', lossesMax],
  ]
  const { data } = useQuery({
    queryKey: ['losses', params, run],
    queryFn: ({ signal }) => getJson<FilesAnswer>(apiUrl('files', params), signal),
    refetchInterval: view.follow ? followedIntervalMs : false,
  })
  const losses = useMemo(() => lossesOf(data?.files ?? []), [data])
  // The range as the server understood it, whichever way it was written.
  const { data: histogram } = useHistogram(histogramBuckets)
  const from = histogram?.buckets[0]?.time
  const last = histogram?.buckets.at(-1)?.time
  const fromMs = from === undefined ? undefined : Date.parse(from)
  const open = view.to === '' || view.follow
  const toMs =
    last === undefined ? undefined : open ? Number.POSITIVE_INFINITY : Date.parse(last) + (histogram?.bucketMs ?? 0)
  return useMemo(
    () => (losses.length === 0 ? none : gapsIn(records, losses, { fromMs, toMs, more })),
    [losses, records, fromMs, toMs, more],
  )
}
