/** The lines around a record, going on in both directions as far as the files of its series reach. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { type ApiRecord, type ContextAnswer, getJson } from '../api.ts'
import { contextUrl } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

const aroundLines = 20
const furtherLines = 60

interface Step {
  readonly id: string
  readonly time: string
  readonly direction: 'around' | 'before' | 'after'
}

export interface ContextLinesState {
  readonly record: ApiRecord | undefined
  readonly lines: readonly ApiRecord[]
  readonly error: Error | null
  readonly hasEarlier: boolean
  readonly hasLater: boolean
  readonly isFetching: boolean
  loadEarlier(): void
  loadLater(): void
  retry(): void
}

export function useContextLines(line: { readonly id: string; readonly time: string }): ContextLinesState {
  const { view } = useView()
  const cluster = view.cluster ?? ''
  const query = useInfiniteQuery({
    queryKey: ['context', cluster, line.id, line.time],
    initialPageParam: { ...line, direction: 'around' } as Step,
    queryFn: ({ pageParam, signal }) => {
      const { direction } = pageParam
      const before = direction === 'around' ? aroundLines : direction === 'before' ? furtherLines : 0
      const after = direction === 'around' ? aroundLines : direction === 'after' ? furtherLines : 0
      return getJson<ContextAnswer>(contextUrl(pageParam, cluster, before, after), signal)
    },
    getPreviousPageParam: (page, _pages, step): Step | undefined => {
      const first = page.before[0]
      const asked = step.direction === 'around' ? aroundLines : furtherLines
      return first === undefined || page.before.length < asked ? undefined : { ...keyOf(first), direction: 'before' }
    },
    getNextPageParam: (page, _pages, step): Step | undefined => {
      const last = page.after.at(-1)
      const asked = step.direction === 'around' ? aroundLines : furtherLines
      return last === undefined || page.after.length < asked ? undefined : { ...keyOf(last), direction: 'after' }
    },
    placeholderData: keepPreviousData,
  })
  const pages = query.data?.pages ?? []
  // The library does not carry the type of page parameters through; they are the ones given above.
  const steps = (query.data?.pageParams ?? []) as Step[]
  return {
    record: pages[steps.findIndex(({ direction }) => direction === 'around')]?.record,
    lines: pages.flatMap((page, index) =>
      steps[index]?.direction === 'around'
        ? [...page.before, page.record, ...page.after]
        : [...page.before, ...page.after],
    ),
    error: query.data === undefined ? query.error : null,
    hasEarlier: query.hasPreviousPage,
    hasLater: query.hasNextPage,
    isFetching: query.isFetching,
    loadEarlier: () => void query.fetchPreviousPage(),
    loadLater: () => void query.fetchNextPage(),
    retry: () => void query.refetch(),
  }
}

function keyOf({ id, time }: ApiRecord) {
  return { id, time }
}
