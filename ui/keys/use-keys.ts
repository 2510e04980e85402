/** Single keys, while nothing is being typed. */
import { useEffect, useRef } from 'react'

export type KeyHandlers = { readonly [key: string]: ((event: KeyboardEvent) => void) | undefined }

export function useKeys(handlers: KeyHandlers): void {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
      if (isTypedInto(event.target)) return
      const handler = latest.current[event.key]
      if (handler === undefined) return
      event.preventDefault()
      handler(event)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

const apple = /Mac|iPhone|iPad/.test(navigator.userAgent)
export const paletteKey = apple ? '⌘K' : 'Ctrl K'

/** Works everywhere, also while something is being typed. */
export function usePaletteKey(open: () => void): void {
  const latest = useRef(open)
  useEffect(() => {
    latest.current = open
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const pressed = event.key.toLowerCase() === 'k' && (apple ? event.metaKey : event.ctrlKey)
      if (!pressed || event.shiftKey || event.altKey) return
      event.preventDefault()
      latest.current()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

/** In fields a key is a letter; in an open dialog, menu or list the keys belong to it. */
function isTypedInto(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false
  return target.closest('input, textarea, select, [role="menu"], [role="dialog"], [role="listbox"]') !== null
}
