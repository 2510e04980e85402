import { memo, useDeferredValue, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Expression } from '../../pipeline/query.ts'
import type { ApiRecord } from '../api.ts'
import { CopyButton } from '../copy-button.tsx'
import { type Column, cellText } from '../state/column-model.ts'
import { firstLookChars, highlightedCharsMax, hitsIn } from '../state/highlight.ts'
import { columnTime, type DateShape, fullTime } from '../state/time-text.ts'
import { LineMessage } from './line-message.tsx'
import { usePatientClick } from './patient-click.ts'

interface LineRowProps {
  readonly record: ApiRecord
  readonly expression: Expression | undefined
  readonly zone: string
  readonly shape: DateShape
  readonly columns: readonly Column[]
  readonly wrap: boolean
  readonly messageChars: number
  readonly selected: boolean
  readonly unfolded: number
  /** While no context is open: then the list gets narrower, and a word that is being double-clicked would move away. */
  readonly patient: boolean
  onOpen(record: ApiRecord): void
  onFold(id: string, chars: number): void
  linkTo(record: ApiRecord): string
}

/** One event. The whole row opens its context, except while text is being selected in it. */
export const LineRow = memo(function LineRow(props: LineRowProps) {
  const { record, expression, columns, wrap, messageChars, selected, unfolded, patient, onOpen, onFold, linkTo } = props
  const [hovered, setHovered] = useState(false)
  const { message } = record
  // What lies far behind the beginning of a long line is marked when there is time for it.
  const first = message.length > firstLookChars ? firstLookChars : highlightedCharsMax
  const chars = useDeferredValue(highlightedCharsMax, first)
  const hits = useMemo(() => hitsIn(expression, message, chars), [expression, message, chars])

  const onClick = usePatientClick(
    () => onOpen(record),
    ({ target }) => patient && target instanceof Element && target.closest('.line-text, .line-cell') !== null,
  )
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j, k and c do the same from anywhere on the page
    // biome-ignore lint/a11y/noStaticElementInteractions: the list item around it is what assistive tools read
    <div
      className="line"
      aria-current={selected ? 'true' : undefined}
      data-level={record.level}
      onClick={onClick}
      onMouseEnter={() => setHovered(true)}
      onMouseLeave={() => setHovered(false)}
    >
      {columns.map((column) => (
        <Cell key={column} column={column} {...props} />
      ))}
      <LineMessage
        record={record}
        hits={hits}
        expression={expression}
        wrap={wrap}
        columns={messageChars}
        unfolded={unfolded}
        actions={(hovered || selected) && <LineActions record={record} linkTo={linkTo} />}
        onFold={onFold}
      />
    </div>
  )
})

function Cell({ column, record, zone, shape }: { readonly column: Column } & LineRowProps) {
  if (column === 'time') {
    return (
      <time className="line-time" dateTime={record.time} title={fullTime(record.time, zone)}>
        {columnTime(record.time, zone, shape)}
      </time>
    )
  }
  const text = cellText(record, column)
  return (
    <span className={`line-cell line-${column.startsWith('.') ? 'field' : column}`} title={text} data-column={column}>
      {text}
    </span>
  )
}

function LineActions({ record, linkTo }: Pick<LineRowProps, 'record' | 'linkTo'>) {
  const { t } = useTranslation()
  return (
    <span className="line-actions">
      <CopyButton className="icon-button" label={t('lines.copyMessage')} text={() => record.message}>
        <Icon path="M5.5 5.5h7v8h-7zM3.5 10.5v-8h7" />
      </CopyButton>
      <CopyButton className="icon-button" label={t('lines.copyText')} text={() => `${record.host} : ${record.message}`}>
        <Icon path="M2.5 4h11M2.5 8h11M2.5 12h7" />
      </CopyButton>
      <CopyButton className="icon-button" label={t('lines.copyLink')} text={() => linkTo(record)}>
        <Icon path="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8" />
      </CopyButton>
    </span>
  )
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg
      width="14"
      height="14"
      viewBox="0 0 16 16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.3"
    >
      <path d={path} />
    </svg>
  )
}
