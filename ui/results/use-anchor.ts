/** What is read stays where it is when lines come in above it. */
import type { Virtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'

interface Anchored {
  /** Lines above that came since the top was last looked at. */
  readonly unseen: number
  toTop(): void
}

export function useAnchor(
  rows: Virtualizer<HTMLDivElement, Element>,
  scrollRef: RefObject<HTMLDivElement | null>,
  newerCount: number,
): Anchored {
  const before = useRef(newerCount)
  const [seen, setSeen] = useState(newerCount)
  useLayoutEffect(() => {
    const added = newerCount - before.current
    before.current = newerCount
    const box = scrollRef.current
    if (added <= 0 || box === null) return
    // Measured rows keep their height by their key, so this is where the row that was first now begins.
    const start = rows.measurementsCache[added]?.start ?? added * rows.options.estimateSize(0)
    box.scrollTop += start
  }, [newerCount, rows, scrollRef])

  // A new search begins with none.
  useEffect(() => setSeen((seen) => Math.min(seen, newerCount)), [newerCount])
  const atTop = (rows.scrollOffset ?? 0) < 1
  useEffect(() => {
    if (atTop && (scrollRef.current?.scrollTop ?? 0) < 1) setSeen(newerCount)
  }, [atTop, newerCount, scrollRef])
  return {
    unseen: newerCount - seen,
    toTop: () => {
      scrollRef.current?.scrollTo({ top: 0 })
      setSeen(newerCount)
    },
  }
}
