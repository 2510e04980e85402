import { useTranslation } from 'react-i18next'
import { browserZone } from '../state/zone.ts'
import { useView } from '../view-context.tsx'

export function ZoneSelect() {
  const { t } = useTranslation()
  const { view, zone, change } = useView()
  const own = browserZone()
  const zones = [...new Set([own, 'Asia/Shanghai', 'UTC', zone, ...Intl.supportedValuesOf('timeZone')])]
  return (
    <label className="range-zone">
      <span>{t('range.zone')}</span>
      <select
        value={view.tz ?? own}
        onChange={({ currentTarget: { value } }) => change({ tz: value === own ? undefined : value }, 'replace')}
      >
        {zones.map((name) => (
          <option key={name} value={name}>
            {name === own ? t('range.zoneBrowser', { zone: name }) : name}
          </option>
        ))}
      </select>
    </label>
  )
}
