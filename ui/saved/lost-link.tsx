/** A link that led nowhere says so once, on the page that is there instead. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { lostLink } from '../state/saved-model.ts'
import './lost-link.css'

export function LostLink() {
  const { t } = useTranslation()
  const [lost, setLost] = useState(() => lostLink(location.search))
  if (lost === undefined) return null
  return (
    <div className="lost-link" role="alert">
      <p>
        <b>{t('saved.lostTitle')}</b> {t(`saved.lost_${lost}`)}
      </p>
      <button type="button" className="icon-button" aria-label={t('action.close')} onClick={() => setLost(undefined)}>
        ✕
      </button>
    </div>
  )
}
