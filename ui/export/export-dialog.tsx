/** One button that gives the text of exactly what is searched; what few need is folded. */
import { Modal } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useHistogram, useSearch } from '../queries.ts'
import { useRangeText } from '../query-bar/range-picker.tsx'
import { histogramBuckets } from '../results/histogram.tsx'
import { useProblemText } from '../results/problem-notice.tsx'
import { type ExportFormat, exportUrl, isOneFile } from '../state/api-params.ts'
import { estimateBytes } from '../state/export-model.ts'
import { bytesText, countText } from '../state/number-text.ts'
import { listFields } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import { ExportOptions } from './export-options.tsx'
import { canWriteFiles, memoryBytesMax, pickFile, type Saving, saveExport } from './saving.ts'
import './export.css'

type Progress =
  | { readonly step: 'ready' }
  | { readonly step: 'saving' | 'saved'; readonly saving: Saving }
  | { readonly step: 'failed'; readonly error: Error }

export function ExportDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const range = useRangeText()
  const total = useHistogram(histogramBuckets).data?.total
  const search = useSearch()
  const [format, setFormat] = useState<ExportFormat>('txt')
  const [newestFirst, setNewestFirst] = useState(false)
  const [progress, setProgress] = useState<Progress>({ step: 'ready' })
  const stop = useRef<AbortController>(undefined)
  // A dialog that is gone must not go on loading.
  useEffect(() => () => stop.current?.abort(), [])

  const raw = format === 'raw'
  const url = exportUrl(view, zone, format, newestFirst && !raw ? 'desc' : 'asc')
  const records = search.data?.pages.flatMap((page) => page.records) ?? []
  const bytes = total === undefined || raw ? undefined : estimateBytes(records, total, format)
  const large = bytes === undefined || bytes > memoryBytesMax
  const saving = progress.step === 'saving'

  const save = async () => {
    const controller = new AbortController()
    stop.current = controller
    try {
      const file = large ? await pickFile(`${view.app.join('+')}.${format === 'raw' ? 'log' : format}`) : undefined
      if (large && file === undefined) return
      setProgress({ step: 'saving', saving: { bytes: 0, lines: 0 } })
      const onProgress = (saving: Saving) => setProgress({ step: 'saving', saving })
      setProgress({ step: 'saved', saving: await saveExport(url, file, controller.signal, onProgress) })
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      setProgress(controller.signal.aborted ? { step: 'ready' } : { step: 'failed', error })
    }
  }

  return (
    <Modal
      opened
      onClose={onClose}
      closeOnClickOutside={!saving}
      title={t('export.title')}
      size={520}
      centered
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <p className="export-what">
        {total !== undefined && !raw && <b>{t('export.lines', { count: total, amount: countText(total) })}</b>}
        {raw && <b>{view.file.join(', ')}</b>}
        {bytes !== undefined && <span className="muted"> · {t('export.about', { bytes: bytesText(bytes) })}</span>}
      </p>
      <dl className="export-selection">
        {listFields.map((field) =>
          view[field].length === 0 ? null : (
            <Chosen key={field} name={t(`field.${field}`)} value={view[field].join(', ')} />
          ),
        )}
        {!raw && view.q !== '' && <Chosen name={t('field.keyword')} value={view.q} mono />}
        {!raw && view.level.length > 0 && <Chosen name={t('field.level')} value={view.level.join(', ')} />}
        <Chosen name={t('field.range')} value={range} />
      </dl>
      {progress.step === 'ready' &&
        (large && !canWriteFiles() ? (
          <a className="solid-button export-main" href={url} download data-autofocus onClick={onClose}>
            {t(`export.save_${format}`)}
          </a>
        ) : (
          <button type="button" className="solid-button export-main" data-autofocus onClick={() => void save()}>
            {t(`export.save_${format}`)}
          </button>
        ))}
      {(progress.step === 'saving' || progress.step === 'saved') && (
        <SavingState saving={progress.saving} done={progress.step === 'saved'} expected={bytes}>
          <button type="button" className="quiet-button" onClick={() => (saving ? stop.current?.abort() : onClose())}>
            {saving ? t('export.stop') : t('action.close')}
          </button>
        </SavingState>
      )}
      {progress.step === 'failed' && <Failed error={progress.error} onRetry={() => void save()} />}
      {progress.step === 'ready' && (
        <ExportOptions
          format={format}
          newestFirst={newestFirst}
          oneFile={isOneFile(view)}
          onFormat={setFormat}
          onNewestFirst={setNewestFirst}
        />
      )}
    </Modal>
  )
}

function Chosen({
  name,
  value,
  mono = false,
}: {
  readonly name: string
  readonly value: string
  readonly mono?: boolean
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={mono ? 'mono' : undefined} title={value}>
        {value}
      </dd>
    </div>
  )
}

interface SavingStateProps {
  readonly saving: Saving
  readonly done: boolean
  readonly expected: number | undefined
  readonly children: React.ReactNode
}

function SavingState({ saving, done, expected, children }: SavingStateProps) {
  const { t } = useTranslation()
  const share = done ? 1 : expected ? Math.min(0.99, saving.bytes / expected) : undefined
  const text = t(done ? 'export.saved' : 'export.saving', {
    bytes: bytesText(saving.bytes),
    lines: countText(saving.lines),
  })
  return (
    <div className="export-saving">
      <progress value={share} max={1} aria-label={text} />
      <p role="status">{text}</p>
      {children}
    </div>
  )
}

function Failed({ error, onRetry }: { readonly error: Error; onRetry(): void }) {
  const { t } = useTranslation()
  const { text, hint } = useProblemText(error)
  return (
    <div className="export-failed" role="alert">
      <p>
        {t('export.failed')} {text} {hint}
      </p>
      <button type="button" className="quiet-button" onClick={onRetry}>
        {t('action.retry')}
      </button>
    </div>
  )
}
