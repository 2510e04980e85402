/** What is read stays where it is when rules come or go above it. */
import type { Virtualizer } from '@tanstack/react-virtual'
import { type RefObject, useLayoutEffect, useRef } from 'react'

export function useStill(
  rows: Virtualizer<HTMLDivElement, Element>,
  scrollRef: RefObject<HTMLDivElement | null>,
  gaps: ReadonlyMap<number, unknown>,
): void {
  const top = useRef<{ key: unknown; start: number }>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only other gaps move what is there
  useLayoutEffect(() => {
    const box = scrollRef.current
    const before = top.current
    if (box === null || before === undefined || box.scrollTop < 1) return
    const now = rows.measurementsCache.find(({ key }) => key === before.key)
    if (now !== undefined && now.start !== before.start) box.scrollTop += now.start - before.start
  }, [gaps])
  useLayoutEffect(() => {
    const first = rows.measurementsCache[rows.range?.startIndex ?? 0]
    top.current = first && { key: first.key, start: first.start }
  })
}
