/** Before a cluster is known: it is being looked for, there are several, there is none yet, or the server does not answer. */

import type { useClusters } from './queries.ts'
import { NoCluster, NoData } from './results/notices.tsx'
import { ProblemNotice } from './results/problem-notice.tsx'

interface FirstStepsProps {
  readonly clusters: ReturnType<typeof useClusters>
  /** The only cluster there is, which is about to be chosen. */
  readonly only: string | undefined
}

export function FirstSteps({ clusters, only }: FirstStepsProps) {
  const retry = () => void clusters.refetch()
  const body = () => {
    if (clusters.isError) return <ProblemNotice error={clusters.error} onRetry={retry} />
    if (clusters.data === undefined || only !== undefined) return null
    return clusters.data.length === 0 ? <NoData onRetry={retry} /> : <NoCluster clusters={clusters.data} />
  }
  return <main className="screen-body">{body()}</main>
}
