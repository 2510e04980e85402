/** A click that opens something, where a double click or a drag selects text and must not. */
import { type MouseEvent, useRef } from 'react'

/** A second click within this makes it a double click, which selects a word. */
const doubleClickMs = 220

/** `patient`: whether opening would move what is being double-clicked away; else it opens at once. */
export function usePatientClick(open: () => void, patient: (event: MouseEvent<HTMLElement>) => boolean) {
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined)
  return (event: MouseEvent<HTMLElement>) => {
    clearTimeout(waiting.current)
    if (event.detail > 1 || window.getSelection()?.isCollapsed === false) return
    if (patient(event)) waiting.current = setTimeout(open, doubleClickMs)
    else open()
  }
}
