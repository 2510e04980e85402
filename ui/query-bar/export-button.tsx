import { useTranslation } from 'react-i18next'
import { useDialogs } from '../dialogs.tsx'
import { useView } from '../view-context.tsx'

export function ExportButton() {
  const { t } = useTranslation()
  const { view } = useView()
  const { open } = useDialogs()
  const ready = view.cluster !== undefined && view.app.length > 0
  return (
    <button
      type="button"
      className="quiet-button query-bar-export"
      disabled={!ready}
      aria-haspopup="dialog"
      onClick={() => open('export')}
    >
      {t('action.export')}
    </button>
  )
}
