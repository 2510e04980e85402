/** The query screen: the bar on top, the lines below (or the apps to choose from), the keys at the bottom. */
import { useRef } from 'react'
import { AppList } from '../apps/app-list.tsx'
import { KeyBar } from '../keys/key-bar.tsx'
import { useKeys } from '../keys/use-keys.ts'
import { QueryBar } from '../query-bar/query-bar.tsx'
import { followChange } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import { Results } from './results.tsx'

export function SearchPage() {
  const { view, change } = useView()
  const keywordRef = useRef<HTMLInputElement>(null)
  useKeys({
    '/': () => keywordRef.current?.select(),
    w: () => change({ wrap: !view.wrap }, 'replace'),
    f: () => change(followChange(view), 'replace'),
  })
  return (
    <>
      <QueryBar keywordRef={keywordRef} />
      <main className="screen-body">{view.app.length === 0 ? <AppList /> : <Results />}</main>
      <KeyBar
        keys={[
          'keyword',
          'nextHit',
          'nextError',
          'move',
          'context',
          'follow',
          'wrap',
          'patterns',
          'fields',
          'palette',
          'help',
        ]}
      />
    </>
  )
}
