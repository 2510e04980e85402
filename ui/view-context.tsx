/** The view and how it changes: the address bar is the state, so back, forward and a pasted link are one and the same. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { settledEdge } from './state/time-range.ts'
import { changeView, formatView, parseView, type View } from './state/url-state.ts'
import { browserZone } from './state/zone.ts'

export interface ViewState {
  readonly view: View
  readonly zone: string
  /** Counts the searches that were asked for by hand: a range that ends now is then another range. */
  readonly run: number
  /** `replace` for what nobody wants to step back through: another selected line, wrapping. */
  change(change: Partial<View>, how?: 'push' | 'replace'): void
  search(change?: Partial<View>): void
}

const ViewContext = createContext<ViewState | undefined>(undefined)

export function useView(): ViewState {
  const state = useContext(ViewContext)
  if (state === undefined) throw new Error('useView needs a ViewProvider above it')
  return state
}

/** Times that say no zone are read in the reader's, once: from then on the address means the same to everyone. */
function readAddress(): View {
  const view = parseView(location.pathname + location.search)
  const zone = view.tz ?? browserZone()
  return { ...view, from: settledEdge(view.from, zone), to: settledEdge(view.to, zone) }
}

function addressOf(view: View): string {
  return new URL(formatView(view), location.href).href
}

export function ViewProvider({ children }: { readonly children: ReactNode }) {
  const [view, setView] = useState(readAddress)
  const [run, setRun] = useState(0)

  useEffect(() => {
    const read = () => setView(readAddress())
    const settled = readAddress()
    const { from, to } = parseView(location.pathname + location.search)
    if (from !== settled.from || to !== settled.to) history.replaceState(null, '', addressOf(settled))
    window.addEventListener('popstate', read)
    return () => window.removeEventListener('popstate', read)
  }, [])

  const change = useCallback((change: Partial<View>, how: 'push' | 'replace' = 'push') => {
    // Read from the address, not from the render: two changes in one event must not undo each other.
    const next = changeView(readAddress(), change)
    const address = addressOf(next)
    if (how === 'replace') history.replaceState(null, '', address)
    else if (address !== location.href) history.pushState(null, '', address)
    setView(next)
  }, [])

  const state = useMemo(
    () => ({
      view,
      zone: view.tz ?? browserZone(),
      run,
      change,
      search: (changed: Partial<View> = {}) => {
        change(changed)
        setRun((count) => count + 1)
      },
    }),
    [view, run, change],
  )
  return <ViewContext value={state}>{children}</ViewContext>
}
