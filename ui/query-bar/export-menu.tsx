/** One button, the plain text first. The links are plain downloads: the browser streams them to the disk. */
import { Menu } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { exportFormats, exportUrl, isOneFile } from '../state/api-params.ts'
import { useView } from '../view-context.tsx'

export function ExportMenu() {
  const { t } = useTranslation()
  const { view, zone } = useView()
  const ready = view.cluster !== undefined && view.app.length > 0

  return (
    <Menu position="bottom-end" width={280} transitionProps={{ duration: 0 }} disabled={!ready}>
      <Menu.Target>
        <button type="button" className="quiet-button query-bar-export" disabled={!ready}>
          {t('action.export')}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="export-title">{t('export.title')}</Menu.Label>
        {exportFormats.map((format) => {
          const possible = format !== 'raw' || isOneFile(view)
          return possible ? (
            <Menu.Item key={format} component="a" href={exportUrl(view, zone, format)} download>
              <FormatText name={t(`export.${format}`)} hint={t(`export.${format}Hint`)} />
            </Menu.Item>
          ) : (
            <Menu.Item key={format} disabled>
              <FormatText name={t(`export.${format}`)} hint={t('export.rawNeeds')} />
            </Menu.Item>
          )
        })}
      </Menu.Dropdown>
    </Menu>
  )
}

function FormatText({ name, hint }: { readonly name: string; readonly hint: string }) {
  return (
    <span className="export-format">
      <b>{name}</b>
      <span className="muted">{hint}</span>
    </span>
  )
}
