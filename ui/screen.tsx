/** The frame: where one is and can go on top, the page that the address names below. */
import { lazy, Suspense, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useDialogs } from './dialogs.tsx'
import { Header } from './header.tsx'
import { useKeys, usePaletteKey } from './keys/use-keys.ts'
import { pageComponents } from './pages.ts'
import { useClusters } from './queries.ts'
import { LostLink } from './saved/lost-link.tsx'
import { pagesWithoutCluster } from './state/url-state.ts'
import { useView } from './view-context.tsx'
import './chips.css'
import './screen.css'

const FirstSteps = lazy(() => import('./first-steps.tsx').then(({ FirstSteps }) => ({ default: FirstSteps })))

export function Screen() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const { open } = useDialogs()
  const clusters = useClusters()

  // With one cluster there is nothing to choose. Replaced, not pushed: "back" must leave the page.
  const only = clusters.data?.length === 1 ? clusters.data[0]?.value : undefined
  useEffect(() => {
    if (view.cluster === undefined && only !== undefined) change({ cluster: only }, 'replace')
  }, [view.cluster, only, change])
  useEffect(() => {
    const place = view.page === 'search' ? view.app : [t(`page.${view.page}`)]
    document.title = [...place, 'Shiplog'].join(' · ')
  }, [view.page, view.app, t])
  useKeys({ '?': () => open('help'), s: () => open('saved') })
  usePaletteKey(() => open('palette'))

  const Page = pageComponents[view.page]
  return (
    <div className="screen">
      <Header />
      <LostLink />
      <Suspense fallback={<main className="screen-body" />}>
        {view.cluster === undefined && !pagesWithoutCluster.includes(view.page) ? (
          <FirstSteps clusters={clusters} only={only} />
        ) : (
          <Page />
        )}
      </Suspense>
    </div>
  )
}
