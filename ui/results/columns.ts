/** How many characters of a message there is room for in one row. */
import { type RefObject, useEffect, useRef, useState } from 'react'

/** Measured as a whole: the width of one character is no round number of pixels. */
export const rulerText = '0'.repeat(100)
const gapsPx = 80
const foldButtonChars = 18

export function useColumns(boxRef: RefObject<HTMLElement | null>, charsBefore: number) {
  const rulerRef = useRef<HTMLSpanElement>(null)
  const [columns, setColumns] = useState(120)
  useEffect(() => {
    const box = boxRef.current
    if (box === null) return
    const observer = new ResizeObserver(() => {
      const charPx = (rulerRef.current?.getBoundingClientRect().width ?? 750) / rulerText.length
      const room = Math.floor((box.clientWidth - gapsPx) / charPx) - charsBefore - foldButtonChars
      setColumns(Math.max(30, room))
    })
    observer.observe(box)
    return () => observer.disconnect()
  }, [boxRef, charsBefore])
  return { rulerRef, columns }
}
