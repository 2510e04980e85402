/** The lines around a record. Only what is in view is in the document: the file goes on in both directions. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiRecord } from '../api.ts'
import { Marked } from '../results/line-message.tsx'
import { usePatientClick } from '../results/patient-click.ts'
import { useProblemText } from '../results/problem-notice.tsx'
import { expressionOf, hitsIn } from '../state/highlight.ts'
import { foldMessage, headOfMessage, unfoldMessage } from '../state/line-model.ts'
import { fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import type { ContextLinesState } from './use-context-lines.ts'

const charsMax = 400
const recordLinesMax = 8
const recordCharsMax = 1_000
const rowPx = 20
const edgePx = 28
/** Further lines are asked for this many before the end comes into view. */
const fetchAheadRows = 15
const rowHeight = () => rowPx

export function ContextLines({ context }: { readonly context: ContextLinesState }) {
  const { t } = useTranslation()
  const { view, change } = useView()
  const boxRef = useRef<HTMLDivElement>(null)
  const { lines, record, hasEarlier, hasLater, isFetching, loadFailed, loadEarlier, loadLater } = context
  const recordId = record?.id
  const hitIndex = useMemo(() => lines.findIndex(({ id }) => id === recordId), [lines, recordId])
  const getItemKey = useCallback((index: number) => lines[index]?.id ?? index, [lines])
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => boxRef.current,
    estimateSize: rowHeight,
    getItemKey,
    paddingStart: edgePx,
    paddingEnd: edgePx,
    overscan: 10,
    // What is read stays where it is when earlier lines come in above it.
    anchorTo: 'end',
  })
  // The record stands in the middle when it is opened.
  const latestRows = useRef(rows)
  latestRows.current = rows
  const centred = useRef<string>(undefined)
  useLayoutEffect(() => {
    if (recordId === undefined || hitIndex < 0 || centred.current === recordId) return
    const box = boxRef.current
    const hit = latestRows.current.measurementsCache[hitIndex]
    if (box === null || hit === undefined) return
    centred.current = recordId
    // Not by the list's own command: that one goes on aiming at the index, which is another line when earlier ones come in.
    box.scrollTop = hit.start - Math.max(0, (box.clientHeight - hit.size) / 2)
  }, [recordId, hitIndex])
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was measured before is no longer so
  useEffect(() => latestRows.current.measure(), [view.wrap])

  const items = rows.getVirtualItems()
  const { startIndex, endIndex } = rows.range ?? { startIndex: fetchAheadRows, endIndex: 0 }
  useEffect(() => {
    // After a failure only the button tries again.
    if (recordId === undefined || isFetching || loadFailed) return
    if (hasEarlier && startIndex < fetchAheadRows) loadEarlier()
    else if (hasLater && endIndex >= lines.length - fetchAheadRows) loadLater()
  }, [
    recordId,
    isFetching,
    loadFailed,
    hasEarlier,
    hasLater,
    startIndex,
    endIndex,
    lines.length,
    loadEarlier,
    loadLater,
  ])

  const open = useCallback(({ id, time }: ApiRecord) => change({ line: { id, time } }), [change])
  if (context.error !== null) return <ContextProblem error={context.error} onRetry={context.retry} />
  const above = (items[0]?.start ?? edgePx) - edgePx
  const below = rows.getTotalSize() - edgePx - (items.at(-1)?.end ?? edgePx)
  return (
    <section
      className="context-lines mono"
      ref={boxRef}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={t('context.around')}
    >
      {record !== undefined && (
        <ol className={view.wrap ? 'context-wrap' : undefined}>
          <li className="context-edge">
            {hasEarlier ? (
              <button type="button" className="text-button" onClick={loadEarlier}>
                {t('context.earlier')}
              </button>
            ) : (
              t('context.start')
            )}
          </li>
          <li aria-hidden="true" style={{ height: above }} />
          {items.map(({ index, key }) => {
            const line = lines[index]
            const isRecord = index === hitIndex
            return (
              line && (
                <ContextLine
                  key={key}
                  line={line}
                  index={index}
                  measure={isRecord || view.wrap ? rows.measureElement : undefined}
                  isRecord={isRecord}
                  onOpen={open}
                />
              )
            )
          })}
          <li aria-hidden="true" style={{ height: below }} />
          <li className="context-edge">
            {hasLater ? (
              <button type="button" className="text-button" onClick={loadLater}>
                {t('context.later')}
              </button>
            ) : (
              t('context.end')
            )}
          </li>
        </ol>
      )}
    </section>
  )
}

interface ContextLineProps {
  readonly line: ApiRecord
  readonly index: number
  readonly isRecord: boolean
  /** Undefined = it is as high as any other. */
  readonly measure: ((element: HTMLElement | null) => void) | undefined
  onOpen(line: ApiRecord): void
}

function ContextLine({ line, index, isRecord, measure, onOpen }: ContextLineProps) {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const expression = useMemo(() => expressionOf(view.q), [view.q])
  const [whole, setWhole] = useState(false)
  const { message } = line
  const hits = useMemo(() => hitsIn(expression, message), [expression, message])
  // The record itself is read; the lines around it only say what happened before and after.
  const folded = isRecord
    ? headOfMessage(message, recordLinesMax, recordCharsMax)
    : foldMessage(message, hits, charsMax)
  const excerpt = whole ? unfoldMessage(message) : folded
  const onClick = usePatientClick(
    () => onOpen(line),
    () => true,
  )
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j and k go through the lines as well
    <li
      ref={measure}
      data-index={index}
      className="context-line"
      data-level={line.level}
      aria-current={isRecord ? 'true' : undefined}
      data-trace={isRecord && message.includes('\n')}
      title={isRecord ? undefined : fullTime(line.time, zone)}
      onClick={isRecord ? undefined : onClick}
    >
      <Marked message={message} excerpt={excerpt} hits={hits} />
      {isRecord && excerpt.charsMore > 0 && (
        <button type="button" className="text-button context-whole" onClick={() => setWhole(true)}>
          {folded.linesMore > 0 ? t('lines.moreLines', { count: folded.linesMore }) : t('context.whole')}
        </button>
      )}
      {!isRecord && folded.linesMore > 0 && (
        <span className="context-more">{t('lines.moreLines', { count: folded.linesMore })}</span>
      )}
    </li>
  )
}

function ContextProblem({ error, onRetry }: { readonly error: Error; onRetry(): void }) {
  const { t } = useTranslation()
  const { text, hint } = useProblemText(error)
  return (
    <div className="context-problem" role="alert">
      <p>
        {t('context.failed')} {text} {hint}
      </p>
      <button type="button" className="quiet-button" onClick={onRetry}>
        {t('action.retry')}
      </button>
    </div>
  )
}
