/** The query screen: the bar on top, the apps or the lines below, the keys at the bottom. */
import { useDisclosure } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import { AppList } from './apps/app-list.tsx'
import { Header } from './header.tsx'
import { Help } from './keys/help.tsx'
import { KeyBar } from './keys/key-bar.tsx'
import { useKeys } from './keys/use-keys.ts'
import { useValues } from './queries.ts'
import { QueryBar } from './query-bar/query-bar.tsx'
import { NoCluster, NoData } from './results/notices.tsx'
import { ProblemNotice } from './results/problem-notice.tsx'
import { Results } from './results/results.tsx'
import { useView } from './view-context.tsx'
import './screen.css'

/** Clusters are listed over all time: one that is silent today is still one to choose. */
const everything = ['level', 'q', 'app', 'instance', 'dir', 'file', 'host', 'cluster'] as const

export function Screen() {
  const { view, change } = useView()
  const [help, { open: openHelp, close: closeHelp, toggle: toggleHelp }] = useDisclosure(false)
  const keywordRef = useRef<HTMLInputElement>(null)
  const clusters = useClusters()

  // With one cluster there is nothing to choose. Replaced, not pushed: "back" must leave the page.
  const only = clusters.data?.length === 1 ? clusters.data[0]?.value : undefined
  useEffect(() => {
    if (view.cluster === undefined && only !== undefined) change({ cluster: only }, 'replace')
  }, [view.cluster, only, change])

  useKeys({
    '/': () => keywordRef.current?.select(),
    '?': toggleHelp,
    w: () => change({ wrap: !view.wrap }, 'replace'),
  })

  const body = () => {
    if (view.cluster !== undefined) return view.app.length === 0 ? <AppList /> : <Results />
    if (clusters.isError) return <ProblemNotice error={clusters.error} onRetry={() => void clusters.refetch()} />
    if (clusters.data === undefined) return null
    if (clusters.data.length === 0) return <NoData onRetry={() => void clusters.refetch()} />
    return only === undefined && <NoCluster clusters={clusters.data} />
  }

  return (
    <div className="screen">
      <Header onHelp={openHelp} />
      <QueryBar keywordRef={keywordRef} />
      <main className="screen-body">{body()}</main>
      <KeyBar />
      <Help opened={help} onClose={closeHelp} />
    </div>
  )
}

function useClusters() {
  return useValues('cluster', { without: everything, limit: 200, always: true })
}
