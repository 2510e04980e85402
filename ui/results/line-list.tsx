/** The lines, newest first. Only what is in view is in the document. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiRecord } from '../api.ts'
import { useKeys } from '../keys/use-keys.ts'
import { expressionOf } from '../state/highlight.ts'
import { dateShape } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { rulerText, useColumns } from './columns.ts'
import { LineRow } from './line-row.tsx'
import { ListEnd } from './list-end.tsx'

const rowHeightPx = 22
/** Older lines are asked for this many rows before the end comes into view. */
const fetchAheadRows = 40
const hostCharsMax = 24

interface LineListProps {
  readonly records: readonly ApiRecord[]
  readonly search: UseInfiniteQueryResult
  readonly cursor: string | undefined
  onCursor(id: string): void
}

export function LineList({ records, search, cursor, onCursor }: LineListProps) {
  const { t } = useTranslation()
  const { view, zone, change } = useView()
  const scrollRef = useRef<HTMLDivElement>(null)
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set())
  const expression = useMemo(() => expressionOf(view.q), [view.q])
  const shape = dateShape(
    [records[0]?.time, records.at(-1)?.time].filter((time) => time !== undefined),
    zone,
    Date.now(),
  )
  const hostChars = useMemo(
    () =>
      Math.min(
        hostCharsMax,
        records.reduce((most, { host }) => Math.max(most, host.length), 4),
      ),
    [records],
  )

  const { rulerRef, columns } = useColumns(scrollRef, timeChars[shape] + hostChars)
  const rows = useVirtualizer({
    count: records.length + 1,
    getScrollElement: () => scrollRef.current,
    estimateSize: () => rowHeightPx,
    getItemKey: (index) => records[index]?.id ?? 'end',
    overscan: 12,
  })
  const items = rows.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0

  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = search
  useEffect(() => {
    // After a failure only the button tries again: a list that is not there must not be asked for in a loop.
    if (hasNextPage && !isFetching && !isFetchNextPageError && lastShown >= records.length - fetchAheadRows) {
      void fetchNextPage()
    }
  }, [hasNextPage, isFetching, isFetchNextPageError, lastShown, records.length, fetchNextPage])

  // The same functions in each render: a row that is given new ones is made again, and there are fifty of them.
  const closed = view.line === undefined
  const open = useCallback(
    ({ id, time }: ApiRecord) => {
      onCursor(id)
      change({ line: { id, time } }, closed ? 'push' : 'replace')
    },
    [onCursor, change, closed],
  )
  const toggleFold = useCallback((id: string) => {
    setUnfolded((before) => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  }, [])
  const at = records.findIndex(({ id }) => id === cursor)
  const move = (step: number) => {
    const next = records[Math.min(records.length - 1, Math.max(0, at < 0 ? 0 : at + step))]
    if (next === undefined) return
    onCursor(next.id)
    if (view.line !== undefined) change({ line: { id: next.id, time: next.time } }, 'replace')
    rows.scrollToIndex(records.indexOf(next), { align: 'auto' })
  }
  const current = records[Math.max(0, at)]
  const closeContext = () => view.line !== undefined && change({ line: undefined })
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    o: () => current && toggleFold(current.id),
    c: () => (view.line === undefined ? current && open(current) : closeContext()),
    Escape: closeContext,
  })

  return (
    <section
      className="lines"
      ref={scrollRef}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={t('lines.label')}
    >
      <span ref={rulerRef} className="lines-ruler mono" aria-hidden="true">
        {rulerText}
      </span>
      <ol
        className={`lines-inner mono${view.wrap ? ' lines-wrap' : ''}`}
        style={{ height: rows.getTotalSize(), '--host-chars': hostChars, '--time-chars': timeChars[shape] } as object}
      >
        {items.map(({ index, key, start }) => {
          const record = records[index]
          return (
            <li
              key={key}
              className="lines-slot"
              ref={rows.measureElement}
              data-index={index}
              aria-posinset={index + 1}
              aria-setsize={-1}
              style={{ top: start }}
            >
              {record === undefined ? (
                <ListEnd search={search} count={records.length} />
              ) : (
                <LineRow
                  record={record}
                  expression={expression}
                  zone={zone}
                  shape={shape}
                  wrap={view.wrap}
                  columns={view.wrap ? Number.POSITIVE_INFINITY : columns}
                  selected={record.id === cursor}
                  unfolded={unfolded.has(record.id)}
                  onOpen={open}
                  onFold={toggleFold}
                />
              )}
            </li>
          )
        })}
      </ol>
    </section>
  )
}

const timeChars = { none: 12, day: 18, year: 23 } as const
