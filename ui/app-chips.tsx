/** The apps that a page is narrowed to, each to be taken away. */
import { useTranslation } from 'react-i18next'
import { useView } from './view-context.tsx'

export function AppChips() {
  const { t } = useTranslation()
  const { view, change } = useView()
  return view.app.map((app) => (
    <button
      key={app}
      type="button"
      className="chip chip-filter"
      aria-label={t('action.remove', { field: t('field.app'), value: app })}
      onClick={() => change({ app: view.app.filter((other) => other !== app) })}
    >
      <span className="muted">{t('field.app')}</span> <span className="chip-value">{app}</span> ×
    </button>
  ))
}
