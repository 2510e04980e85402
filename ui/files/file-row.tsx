import { memo, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import type { FileRow } from '../api.ts'
import { PageLink } from '../page-link.tsx'
import { severity } from '../state/file-model.ts'
import { bytesText } from '../state/number-text.ts'
import { agoText, fullTime } from '../state/time-text.ts'
import { useView } from '../view-context.tsx'
import { FileDetails } from './file-details.tsx'
import { useFileNotes } from './file-notes.ts'
import { useStateText } from './state-text.ts'

interface FileRowProps {
  readonly file: FileRow
  readonly top: number
  readonly index: number
  readonly opened: boolean
  /** Unfolded rows and those of small screens are higher than others. */
  readonly measure: Ref<HTMLDivElement>
  onToggle(file: FileRow): void
}

export const Row = memo(function Row({ file, top, index, opened, measure, onToggle }: FileRowProps) {
  const { t, i18n } = useTranslation()
  const { zone } = useView()
  const stateText = useStateText()
  const { behind, lost, loss } = file
  const notes = useFileNotes()(file).join(' · ')
  const path = `${file.dir === '/' ? '' : file.dir}/${file.file}`
  const where = { app: [file.app], instance: [file.instance], dir: [file.dir], file: [file.file] }
  const share = file.size === 0 ? 1 : Math.min(1, file.acknowledged / file.size)
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: see the table
    // biome-ignore-start lint/a11y/useFocusableInteractive: rows and cells are read, what acts in them has its focus
    <div
      className="file-row"
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-severity={severity(file)}
      ref={measure}
      style={{ top }}
    >
      <div role="cell" className="file-state">
        <button type="button" aria-expanded={opened} title={t('files.details')} onClick={() => onToggle(file)}>
          <i aria-hidden="true" /> {stateText(file.state)}
          <span aria-hidden="true" className="file-fold">
            {opened ? '▾' : '▸'}
          </span>
        </button>
      </div>
      <div role="cell" className="file-name">
        <PageLink to={{ page: 'search', cluster: file.cluster, q: '', level: [], ...where }} title={file.path}>
          {path}
        </PageLink>
        <span className="muted" title={`${file.app} · ${file.instance} · ${file.host}`}>
          {file.app} · {file.instance} · {file.host}
        </span>
        {notes !== '' && (
          <span className="file-reason" title={notes}>
            {notes}
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
      <div role="cell" className={`file-number${lost > 0 ? ' files-bad' : ''}`}>
        {lost > 0 ? `${loss?.atLeast === true ? '≥ ' : ''}${bytesText(lost)}` : '–'}
      </div>
      <div role="cell" className="muted" title={fullTime(file.updatedAt, zone)}>
        {agoText(file.updatedAt, Date.now(), i18n.language)}
      </div>
      {opened && (
        <div role="cell" className="file-unfolded">
          <FileDetails file={file} />
        </div>
      )}
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: as above
    // biome-ignore-end lint/a11y/useSemanticElements: as above
  )
})
