/** The files as a table of which only what is in view is in the document: there may be ten thousand. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { FileRow } from '../api.ts'
import { type FileOrder, fileOrders } from '../state/file-model.ts'
import { Row } from './file-row.tsx'

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
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback(
    (file: FileRow) =>
      setOpened((keys) => {
        const key = new Set([keyOf(file)])
        return keys.isSupersetOf(key) ? keys.difference(key) : keys.union(key)
      }),
    [],
  )
  const rows = useVirtualizer({
    count: files.length,
    getScrollElement: () => scrollRef.current,
    estimateSize: rowHeight,
    // Sorted anew every few seconds: a height belongs to its file, not to its place.
    getItemKey: (index) => keyOfRow(files[index], index),
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
            return (
              file && (
                <Row
                  key={key}
                  file={file}
                  top={start}
                  index={index}
                  opened={opened.has(keyOf(file))}
                  measure={rows.measureElement}
                  onToggle={toggle}
                />
              )
            )
          })}
        </div>
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as above
    // biome-ignore-end lint/a11y/useSemanticElements: as above
  )
}

/** Of another incarnation, or of another path that is not read, is another row. */
function keyOf({ generation, host, path }: FileRow): string {
  return generation ?? `${host} ${path}`
}

function keyOfRow(file: FileRow | undefined, index: number): string | number {
  return file === undefined ? index : keyOf(file)
}
