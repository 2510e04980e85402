import { useLayoutEffect, useMemo, useRef, useState } from 'react'
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
const edgePx = 120

export function ContextLines({ context }: { readonly context: ContextLinesState }) {
  const { t } = useTranslation()
  const { view, change } = useView()
  const boxRef = useRef<HTMLDivElement>(null)
  const hitRef = useRef<HTMLLIElement>(null)
  const { lines, record } = context
  const heightBefore = useRef<number>(undefined)
  const firstId = lines[0]?.id

  // The record stands in the middle when it is opened…
  useLayoutEffect(() => {
    if (record !== undefined) hitRef.current?.scrollIntoView({ block: 'center' })
  }, [record])
  // …and what is read stays where it is when earlier lines come in above it.
  useLayoutEffect(() => {
    const box = boxRef.current
    if (box === null || firstId === undefined) return
    if (heightBefore.current !== undefined) box.scrollTop += box.scrollHeight - heightBefore.current
    heightBefore.current = undefined
  }, [firstId])

  const loadEarlier = () => {
    heightBefore.current = boxRef.current?.scrollHeight
    context.loadEarlier()
  }
  const onScroll = () => {
    const box = boxRef.current
    if (box === null || context.isFetching) return
    if (context.hasEarlier && box.scrollTop < edgePx) loadEarlier()
    else if (context.hasLater && box.scrollHeight - box.scrollTop - box.clientHeight < edgePx) context.loadLater()
  }

  if (context.error !== null) return <ContextProblem error={context.error} onRetry={context.retry} />
  return (
    <section
      className="context-lines mono"
      ref={boxRef}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={t('context.around')}
    >
      {record !== undefined && (
        <ol className={view.wrap ? 'context-wrap' : undefined}>
          <li className="context-edge">
            {context.hasEarlier ? (
              <button type="button" className="text-button" onClick={loadEarlier}>
                {t('context.earlier')}
              </button>
            ) : (
              t('context.start')
            )}
          </li>
          {lines.map((line) => (
            <ContextLine
              key={line.id}
              line={line}
              hitRef={line.id === record.id ? hitRef : undefined}
              onOpen={() => change({ line: { id: line.id, time: line.time } })}
            />
          ))}
          <li className="context-edge">
            {context.hasLater ? (
              <button type="button" className="text-button" onClick={context.loadLater}>
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
  readonly hitRef: React.RefObject<HTMLLIElement | null> | undefined
  onOpen(): void
}

function ContextLine({ line, hitRef, onOpen }: ContextLineProps) {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const expression = useMemo(() => expressionOf(view.q), [view.q])
  const [whole, setWhole] = useState(false)
  const { message } = line
  const hits = hitsIn(expression, message)
  // The record itself is read; the lines around it only say what happened before and after.
  const record = hitRef !== undefined
  const folded = record ? headOfMessage(message, recordLinesMax, recordCharsMax) : foldMessage(message, hits, charsMax)
  const excerpt = whole ? unfoldMessage(message) : folded
  const onClick = usePatientClick(onOpen, () => true)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j and k go through the lines as well
    <li
      ref={hitRef}
      className="context-line"
      data-level={line.level}
      aria-current={record ? 'true' : undefined}
      data-trace={record && message.includes('\n')}
      title={record ? undefined : fullTime(line.time, zone)}
      onClick={record ? undefined : onClick}
    >
      <Marked message={message} excerpt={excerpt} hits={hits} />
      {record && excerpt.charsMore > 0 && (
        <button type="button" className="text-button context-whole" onClick={() => setWhole(true)}>
          {folded.linesMore > 0 ? t('lines.moreLines', { count: folded.linesMore }) : t('context.whole')}
        </button>
      )}
      {!record && folded.linesMore > 0 && (
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
