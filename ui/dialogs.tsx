/** Which dialog is open: one at a time, from anywhere on the page. Each is loaded when it is first opened. */
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useMemo, useState } from 'react'

export type DialogName = 'help' | 'palette' | 'export' | 'saved'

interface DialogState {
  readonly opened: DialogName | undefined
  open(dialog: DialogName): void
  close(): void
}

const DialogContext = createContext<DialogState | undefined>(undefined)

const loadPalette = () => import('./palette/palette.tsx').then(({ Palette }) => ({ default: Palette }))
const components = {
  help: lazy(() => import('./keys/help.tsx').then(({ Help }) => ({ default: Help }))),
  palette: lazy(loadPalette),
  saved: lazy(() => import('./saved/saved-dialog.tsx').then(({ SavedDialog }) => ({ default: SavedDialog }))),
  export: lazy(() => import('./export/export-dialog.tsx').then(({ ExportDialog }) => ({ default: ExportDialog }))),
}
const idleMs = 1_000

export function useDialogs(): DialogState {
  const state = useContext(DialogContext)
  if (state === undefined) throw new Error('useDialogs needs a DialogProvider above it')
  return state
}

export function DialogProvider({ children }: { readonly children: ReactNode }) {
  const [opened, setOpened] = useState<DialogName>()
  const state = useMemo(() => ({ opened, open: setOpened, close: () => setOpened(undefined) }), [opened])
  // Who opens the palette types on at once: it must be there by then.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette().catch(() => undefined), idleMs)
    return () => clearTimeout(timer)
  }, [])
  const Opened = opened && components[opened]
  return (
    <DialogContext value={state}>
      {children}
      <Suspense>{Opened && <Opened onClose={state.close} />}</Suspense>
    </DialogContext>
  )
}
