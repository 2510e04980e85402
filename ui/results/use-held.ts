/** Whether something is being read that must not move: older lines than the newest ones, or text that is being selected. */
import { type RefObject, useEffect, useState } from 'react'

export function useHeld(
  scrollRef: RefObject<HTMLElement | null>,
  atTop: boolean,
  onHeld: (held: boolean) => void,
): void {
  const [selecting, setSelecting] = useState(false)
  useEffect(() => {
    const look = () => {
      const selection = window.getSelection()
      setSelecting(selection?.isCollapsed === false && scrollRef.current?.contains(selection.anchorNode) === true)
    }
    document.addEventListener('selectionchange', look)
    return () => document.removeEventListener('selectionchange', look)
  }, [scrollRef])
  const held = !atTop || selecting
  useEffect(() => {
    onHeld(held)
    return () => onHeld(false)
  }, [held, onHeld])
}
