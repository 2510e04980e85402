import { useTranslation } from 'react-i18next'
import { useSession } from '../session/session.ts'

/** Whether others see it. Where nobody signs in, all are one owner and there is nothing to choose. */
export function ShareChoice({ shared, onChange }: { readonly shared: boolean; onChange(shared: boolean): void }) {
  const { t } = useTranslation()
  const session = useSession()
  if (session.data?.rights !== true) return null
  return (
    <label className="saved-share">
      <input type="checkbox" checked={shared} onChange={(event) => onChange(event.currentTarget.checked)} />
      {t('saved.share')}
    </label>
  )
}
