/** The lines, newest first. Only what is in view is in the document. */
import { useMediaQuery } from '@mantine/hooks'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type CSSProperties, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiRecord } from '../api.ts'
import { LossRules, lossRowPx, lossRows } from '../losses/loss-rules.tsx'
import { useGaps } from '../losses/use-gaps.ts'
import { linkTo } from '../saved/link-to.ts'
import { columnChars, columnsOf } from '../state/column-model.ts'
import { expressionOf } from '../state/highlight.ts'
import { unfoldedCharsMax } from '../state/line-model.ts'
import type { LiveLines } from '../state/live-model.ts'
import { countText } from '../state/number-text.ts'
import { lineLink } from '../state/saved-model.ts'
import { dateShape } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { ColumnHeads } from './column-heads.tsx'
import { rulerText, useColumns } from './columns.ts'
import { LineRow } from './line-row.tsx'
import { ListEnd } from './list-end.tsx'
import { useHeld } from './use-held.ts'
import { type Said, useLineKeys } from './use-line-keys.ts'
import { newerMax } from './use-newer.ts'
import { useStill } from './use-still.ts'

const rowHeightPx = 22
/** Older lines are asked for this many rows before the end comes into view. */
const fetchAheadRows = 60
const saidMs = 4_000
const timeChars = { none: 12, day: 18, year: 23 } as const

interface LineListProps {
  readonly records: readonly ApiRecord[]
  /** How many newer ones there are that are not shown. */
  readonly newer: number
  readonly below: LiveLines<ApiRecord>['below']
  readonly search: UseInfiniteQueryResult
  readonly cursor: string | undefined
  onCursor(id: string): void
  onHeld(held: boolean): void
  onShowNewer(): void
}

const lineAddress = (record: ApiRecord) => linkTo(lineLink(record))

export function LineList(props: LineListProps) {
  const { records, newer, below, search, cursor, onCursor, onHeld, onShowNewer } = props
  const { t } = useTranslation()
  const { view, zone, change } = useView()
  const scrollRef = useRef<HTMLDivElement>(null)
  const [unfolded, setUnfolded] = useState<ReadonlyMap<string, number>>(new Map())
  const expression = useMemo(() => expressionOf(view.q), [view.q])
  const shape = dateShape(
    [records[0]?.time, records.at(-1)?.time].filter((time) => time !== undefined),
    zone,
    Date.now(),
  )
  const named = view.cols.length > 0
  const columns = useMemo(() => columnsOf(view.cols), [view.cols])
  const chars = useMemo(
    () => columns.map((column) => (column === 'time' ? timeChars[shape] : columnChars(records, column, named))),
    [columns, records, named, shape],
  )
  // On a small screen the message stands on a line of its own.
  const narrow = useMediaQuery('(max-width: 640px)') === true
  const charsBefore = narrow ? 0 : chars.reduce((sum, count) => sum + count + 2, 0)
  const { rulerRef, columns: messageChars } = useColumns(scrollRef, charsBefore)

  const gaps = useGaps(records, below !== 'found' || search.hasNextPage)
  const sizeOf = useCallback((index: number) => rowHeightPx + lossRowPx * lossRows(gaps.get(index)), [gaps])
  // Given new functions, the list computes the places of all its rows again: with 100,000 that is a frame.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with other gaps the places of the rows are others
  const getItemKey = useCallback((index: number) => records[index]?.id ?? 'end', [records, gaps])
  const rows = useVirtualizer({
    count: records.length + 1,
    getScrollElement: () => scrollRef.current,
    estimateSize: sizeOf,
    getItemKey,
    overscan: 12,
  })
  // Where every row is one line high nothing has to be measured, and measuring is what scrolling would spend its time on.
  const measured = view.wrap || narrow
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was measured before is no longer so
  useEffect(() => rows.measure(), [measured])
  const latestRows = useRef(rows)
  latestRows.current = rows
  // As the list knows it: to ask the element would be another layout in each frame of scrolling.
  useHeld(scrollRef, (rows.scrollOffset ?? 0) < 1, onHeld)
  useStill(rows, scrollRef, gaps)
  const items = rows.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? 0

  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = search
  useEffect(() => {
    // After a failure only the button tries again: a list that is not there must not be asked for in a loop.
    if (
      below === 'found' &&
      hasNextPage &&
      !isFetching &&
      !isFetchNextPageError &&
      lastShown >= records.length - fetchAheadRows
    ) {
      void fetchNextPage()
    }
  }, [below, hasNextPage, isFetching, isFetchNextPageError, lastShown, records.length, fetchNextPage])

  // The same functions in each render: a row that is given new ones is made again, and there are fifty of them.
  const closed = view.line === undefined
  const open = useCallback(
    ({ id, time }: ApiRecord) => {
      onCursor(id)
      change({ line: { id, time } }, closed ? 'push' : 'replace')
    },
    [onCursor, change, closed],
  )
  const fold = useCallback((id: string, chars: number) => {
    // It is measured only while it is open.
    const index = chars === 0 ? latestRows.current.measurementsCache.findIndex(({ key }) => key === id) : -1
    if (index >= 0) latestRows.current.resizeItem(index, latestRows.current.options.estimateSize(index))
    setUnfolded((before) => {
      const next = new Map(before)
      if (chars === 0) next.delete(id)
      else next.set(id, chars)
      return next
    })
  }, [])

  const [said, setSaid] = useState<Said>()
  useEffect(() => {
    if (said === undefined) return
    const timer = setTimeout(() => setSaid(undefined), saidMs)
    return () => clearTimeout(timer)
  }, [said])
  const at = useMemo(() => records.findIndex(({ id }) => id === cursor), [records, cursor])
  useLineKeys({
    records,
    search,
    grows: below === 'found',
    expression,
    at,
    contextOpen: view.line !== undefined,
    moveTo: (record, index) => {
      onCursor(record.id)
      if (view.line !== undefined) change({ line: { id: record.id, time: record.time } }, 'replace')
      rows.scrollToIndex(index, { align: 'auto' })
    },
    open,
    closeContext: () => change({ line: undefined }),
    fold: ({ id }) => fold(id, unfolded.has(id) ? 0 : unfoldedCharsMax),
    onSaid: setSaid,
  })

  const style = {
    height: rows.getTotalSize(),
    '--columns': `${chars.map((count) => `calc(${count} * 1ch)`).join(' ')} minmax(0, 1fr)`,
  } as CSSProperties
  return (
    <>
      {named && (
        <div
          className="mono lines-heads"
          style={{ '--columns': style['--columns' as keyof CSSProperties] } as CSSProperties}
        >
          <ColumnHeads />
        </div>
      )}
      {newer > 0 && (
        <div className="lines-over">
          <button
            type="button"
            className="lines-newer"
            onClick={() => {
              scrollRef.current?.scrollTo({ top: 0 })
              onShowNewer()
            }}
          >
            ↑ {t('lines.newer', { count: newer, amount: newerText(newer, view.follow) })}
          </button>
        </div>
      )}
      {said && (
        <p className="lines-said" role="status">
          {t(`lines.said_${said}`)}
        </p>
      )}
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
        <ol className={`lines-inner mono${view.wrap ? ' lines-wrap' : ''}`} style={style}>
          {items.map(({ index, key, start }) => {
            const record = records[index]
            return (
              <li
                key={key}
                className="lines-slot"
                ref={measured || record === undefined || unfolded.has(record.id) ? rows.measureElement : undefined}
                data-index={index}
                aria-posinset={index + 1}
                aria-setsize={-1}
                style={{ top: start }}
              >
                {gaps.size > 0 && gaps.has(index) && <LossRules losses={gaps.get(index) ?? []} />}
                {record === undefined ? (
                  <ListEnd search={search} count={records.length} below={below} />
                ) : (
                  <LineRow
                    record={record}
                    expression={expression}
                    zone={zone}
                    shape={shape}
                    columns={columns}
                    wrap={view.wrap}
                    messageChars={view.wrap ? Number.POSITIVE_INFINITY : messageChars}
                    selected={record.id === cursor}
                    unfolded={unfolded.get(record.id) ?? 0}
                    patient={closed}
                    onOpen={open}
                    onFold={fold}
                    linkTo={lineAddress}
                  />
                )}
              </li>
            )
          })}
        </ol>
      </section>
    </>
  )
}

/** While nothing is followed, only the first of them are counted. */
function newerText(newer: number, follow: boolean): string {
  return `${countText(newer)}${!follow && newer >= newerMax ? '+' : ''}`
}
