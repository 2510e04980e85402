/** The lines around a record, going on in both directions as far as the files of its series reach. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useRef } from 'react'
import { type ApiRecord, type ContextAnswer, getJson } from '../api.ts'
import { contextUrl } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

const aroundLines = 20
const furtherLines = 100
/** Of a file that is read on and on the other end is let go; it comes back when one goes back. */
const pagesMax = 100

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
  /** Further lines could not be loaded; asked for again by hand. */
  readonly loadFailed: boolean
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
      // In front of a page that was loaded downwards stood one that was let go.
      const wasLetGo = step.direction === 'after'
      const first = wasLetGo ? page.after[0] : page.before[0]
      const isWhole = page.before.length >= (step.direction === 'around' ? aroundLines : furtherLines)
      return first !== undefined && (wasLetGo || isWhole) ? { ...keyOf(first), direction: 'before' } : undefined
    },
    getNextPageParam: (page, _pages, step): Step | undefined => {
      const wasLetGo = step.direction === 'before'
      const last = wasLetGo ? page.before.at(-1) : page.after.at(-1)
      const isWhole = page.after.length >= (step.direction === 'around' ? aroundLines : furtherLines)
      return last !== undefined && (wasLetGo || isWhole) ? { ...keyOf(last), direction: 'after' } : undefined
    },
    maxPages: pagesMax,
    // Pages never change; looking for what has is time that a long file does not have.
    structuralSharing: false,
    placeholderData: keepPreviousData,
  })
  const { data, fetchPreviousPage, fetchNextPage } = query
  const lines = useMemo(() => (data === undefined ? [] : linesOf(data.pages, data.pageParams as Step[])), [data])
  // The record stays known when its page was let go.
  const opened = useRef<ApiRecord>(undefined)
  // The library does not carry the type of page parameters through; they are the ones given above.
  const around = (data?.pageParams as Step[] | undefined)?.findIndex(({ direction }) => direction === 'around') ?? -1
  opened.current = data?.pages[around]?.record ?? opened.current
  return {
    record: data === undefined ? undefined : opened.current,
    lines,
    error: query.data === undefined ? query.error : null,
    hasEarlier: query.hasPreviousPage,
    hasLater: query.hasNextPage,
    isFetching: query.isFetching,
    loadFailed: query.isFetchPreviousPageError || query.isFetchNextPageError,
    loadEarlier: useCallback(() => void fetchPreviousPage({ cancelRefetch: false }), [fetchPreviousPage]),
    loadLater: useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage]),
    retry: () => void query.refetch(),
  }
}

function linesOf(pages: readonly ContextAnswer[], steps: readonly Step[]): readonly ApiRecord[] {
  return pages.flatMap((page, index) =>
    steps[index]?.direction === 'around'
      ? [...page.before, page.record, ...page.after]
      : [...page.before, ...page.after],
  )
}

function keyOf({ id, time }: ApiRecord) {
  return { id, time }
}
