/** Whether something is being read that must not move: older lines than the newest ones, or text that is being selected. */
import { type RefObject, useEffect, useRef } from 'react'

export function useHeld(scrollRef: RefObject<HTMLElement | null>, onHeld: (held: boolean) => void): void {
  const before = useRef(false)
  useEffect(() => {
    const box = scrollRef.current
    if (box === null) return
    const look = () => {
      const selection = window.getSelection()
      const selecting = selection !== null && !selection.isCollapsed && box.contains(selection.anchorNode)
      const held = box.scrollTop >= 1 || selecting
      if (held === before.current) return
      before.current = held
      onHeld(held)
    }
    look()
    box.addEventListener('scroll', look, { passive: true })
    document.addEventListener('selectionchange', look)
    return () => {
      box.removeEventListener('scroll', look)
      document.removeEventListener('selectionchange', look)
      if (before.current) onHeld(false)
      before.current = false
    }
  }, [scrollRef, onHeld])
}
