import { useTranslation } from 'react-i18next'
import { type ExportFormat, exportFormats } from '../state/api-params.ts'

interface ExportOptionsProps {
  readonly format: ExportFormat
  readonly newestFirst: boolean
  /** The bytes of the original exist only for one file. */
  readonly oneFile: boolean
  onFormat(format: ExportFormat): void
  onNewestFirst(newestFirst: boolean): void
}

export function ExportOptions({ format, newestFirst, oneFile, onFormat, onNewestFirst }: ExportOptionsProps) {
  const { t } = useTranslation()
  return (
    <details className="export-options">
      <summary>{t('export.options')}</summary>
      <fieldset aria-label={t('export.format')}>
        {exportFormats.map((name) => {
          const possible = name !== 'raw' || oneFile
          return (
            <label key={name} data-possible={possible}>
              <input
                type="radio"
                name="format"
                value={name}
                checked={format === name}
                disabled={!possible}
                onChange={() => onFormat(name)}
              />
              <span>
                {t(`export.${name}`)}
                <span className="muted">{possible ? t(`export.${name}Hint`) : t('export.rawNeeds')}</span>
              </span>
            </label>
          )
        })}
      </fieldset>
      <label data-possible={format !== 'raw'}>
        <input
          type="checkbox"
          checked={newestFirst && format !== 'raw'}
          disabled={format === 'raw'}
          onChange={(event) => onNewestFirst(event.currentTarget.checked)}
        />
        <span>{t('export.newestFirst')}</span>
      </label>
    </details>
  )
}
