/** Lines or their patterns; and whether their fields stand beside. */
import { useTranslation } from 'react-i18next'
import { useKeys } from '../keys/use-keys.ts'
import { tabs } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'
import './result-tabs.css'

export function ResultTabs() {
  const { t } = useTranslation()
  const { view, change } = useView()
  const toggleFields = () => change({ fields: !view.fields }, 'replace')
  const togglePatterns = () => change({ tab: view.tab === 'patterns' ? 'lines' : 'patterns' })
  useKeys({ P: togglePatterns, F: toggleFields })
  return (
    <fieldset className="result-tabs" aria-label={t('tabs.label')}>
      {tabs.map((tab) => (
        <button
          key={tab}
          type="button"
          aria-pressed={view.tab === tab}
          title={tab === 'patterns' ? `${t('patterns.title')} (P)` : undefined}
          onClick={() => change({ tab })}
        >
          {t(`tabs.${tab}`)}
        </button>
      ))}
      <button
        type="button"
        aria-pressed={view.fields}
        title={`${t('fields.title')} (F)`}
        className="result-tabs-fields"
        onClick={toggleFields}
      >
        {t('tabs.fields')}
      </button>
    </fieldset>
  )
}
