/** What the retention page asks and changes. Changes bear the header that no other site can send: see docs/security.md. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getJson, Problem, problemIn } from '../api.ts'

export interface PartitionRow {
  /** `2026-11-22`, or `2026-11` for what was read much later. */
  readonly partition: string
  readonly events: number
  readonly bytes: number
  readonly from: string
  readonly to: string
  readonly newestReadAt: string
  /** Null = kept for ever, or not known. */
  readonly dropAt: string | null
}

export interface ClusterRetention {
  readonly cluster: string
  /** 0 = for ever, null = not known. */
  readonly days: number | null
  readonly events: number
  readonly bytes: number
  readonly partitions: readonly PartitionRow[]
}

interface RetentionAnswer {
  readonly events: number
  readonly bytes: number
  readonly clusters: readonly ClusterRetention[]
}

const retentionKey = ['retention'] as const
const refreshMs = 15_000

export function useRetention() {
  return useQuery({
    queryKey: retentionKey,
    queryFn: ({ signal }) => getJson<RetentionAnswer>('api/v1/retention', signal),
    refetchInterval: refreshMs,
    // Whoever comes back to the page wants to know how it is, not how it was.
    staleTime: 0,
  })
}

/** Rejects with a Problem; the list is asked for again either way, because what failed did so for what is there now. */
export function useDrop(): (cluster: string, partition: string) => Promise<void> {
  const client = useQueryClient()
  return async (cluster, partition) => {
    const path = [cluster, partition].map(encodeURIComponent).join('/')
    const url = `api/v1/retention/${path}?confirm=${encodeURIComponent(partition)}`
    try {
      const response = await fetch(url, { method: 'DELETE', headers: { 'x-shiplog-request': '1' } }).catch(() => {
        throw new Problem(0, {})
      })
      if (!response.ok) throw await problemIn(response)
    } finally {
      void client.invalidateQueries({ queryKey: retentionKey })
    }
  }
}
