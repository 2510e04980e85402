/** The files as a table of which only what is in view is in the document: there may be ten thousand. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { FileRow } from '../api.ts'
import { PageLink } from '../page-link.tsx'
import { type FileOrder, fileOrders, reasonOf, severity } from '../state/file-model.ts'
import { bytesText } from '../state/number-text.ts'
import { agoText, fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { useStateText } from './state-text.ts'

const rowHeightPx = 48
const rowHeight = () => rowHeightPx

interface FileTableProps {
  readonly files: readonly FileRow[]
  readonly order: FileOrder
  readonly reversed: boolean
  readonly empty: string
  onOrder(order: FileOrder): void
}

export function FileTable({ files, order, reversed, empty, onOrder }: FileTableProps) {
  const { t } = useTranslation()
  const scrollRef = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: files.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: rowHeight,
    overscan: 10,
  })
  return (
    // Elements of a real table cannot be placed one by one, which is what lets the list be long.
    // biome-ignore-start lint/a11y/useSemanticElements: roles of a table on elements that can be placed
    // biome-ignore-start lint/a11y/useFocusableInteractive: the buttons in the heads have the focus
    <div className="file-table" role="table" aria-label={t('page.files')} aria-rowcount={files.length + 1}>
      <div role="rowgroup">
        <div className="file-row file-row-head" role="row">
          {fileOrders.map((name) => (
            <div
              key={name}
              role="columnheader"
              aria-sort={name === order ? (reversed ? 'descending' : 'ascending') : 'none'}
            >
              <button type="button" onClick={() => onOrder(name)}>
                {t(`files.column_${name}`)}
                {name === order && (reversed ? ' ▴' : ' ▾')}
              </button>
            </div>
          ))}
        </div>
      </div>
      <div
        className="file-rows"
        role="rowgroup"
        ref={scrollRef}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {files.length === 0 && <p className="files-empty muted">{empty}</p>}
        <div role="presentation" style={{ position: 'relative', height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, key, start }) => {
            const file = files[index]
            return file && <Row key={key} file={file} top={start} index={index} />
          })}
        </div>
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as above
    // biome-ignore-end lint/a11y/useSemanticElements: as above
  )
}

function Row({ file, top, index }: { readonly file: FileRow; readonly top: number; readonly index: number }) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  const stateText = useStateText()
  const { behind, lost, loss } = file
  const reason = reasonOf(file)
  const path = `${file.dir === '/' ? '' : file.dir}/${file.file}`
  const where = { app: [file.app], instance: [file.instance], dir: [file.dir], file: [file.file] }
  const share = file.size === 0 ? 1 : Math.min(1, file.acknowledged / file.size)
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: see the table
    // biome-ignore-start lint/a11y/useFocusableInteractive: rows and cells are read, what acts in them has its focus
    <div className="file-row" role="row" aria-rowindex={index + 2} style={{ top }} data-severity={severity(file)}>
      <div role="cell" className="file-state">
        <i aria-hidden="true" /> {stateText(file.state)}
      </div>
      <div role="cell" className="file-name">
        <PageLink to={{ page: 'search', cluster: file.cluster, q: '', level: [], ...where }} title={file.path}>
          {path}
        </PageLink>
        <span className="muted" title={`${file.app} · ${file.instance} · ${file.host}`}>
          {file.app} · {file.instance}
        </span>
        {reason !== undefined && (
          <span className="file-reason" title={reason}>
            {reason}
          </span>
        )}
      </div>
      <div role="cell" className="file-number">
        {bytesText(file.size)}
      </div>
      <div role="cell" className="file-number" data-some={behind > 0}>
        {behind > 0 ? bytesText(behind) : '–'}
        {behind > 0 && (
          <span className="file-share" title={t('files.read', { percent: Math.floor(share * 100) })}>
            <i style={{ width: `${share * 100}%` }} />
          </span>
        )}
      </div>
      <div
        role="cell"
        className={`file-number${lost > 0 ? ' files-bad' : ''}`}
        title={loss && `${fullTime(loss.first, zone)} – ${fullTime(loss.last, zone)}`}
      >
        {lost > 0 ? `${loss?.atLeast === true ? '≥ ' : ''}${bytesText(lost)}` : '–'}
      </div>
      <div role="cell" className="muted" title={fullTime(file.updatedAt, zone)}>
        {agoText(file.updatedAt, Date.now(), i18n.language)}
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as above
    // biome-ignore-end lint/a11y/useSemanticElements: as above
  )
}
