import { useInViewport } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import type { ValueCount } from '../api.ts'
import { PageLink } from '../page-link.tsx'
import { useHistogram, useLastLine, useValues } from '../queries.ts'
import { visibleText } from '../state/ansi.ts'
import { barsOf } from '../state/histogram-model.ts'
import { shortCount } from '../state/number-text.ts'
import { agoText, sinceText } from '../state/time-text.ts'
import type { View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

const barsShown = 36
const instancesMax = 1_000
/** An app that wrote all the time and then nothing for this long is worth a word. */
const silentMs = 600_000
/** An app whose last line lies before the range opens with this much in front of that line. */
const beforeLastMs = 3_600_000

interface AppCardProps {
  /** `count` 0: nothing in the time range, `last` is its last line ever. */
  readonly app: ValueCount
  /** Undefined while not known. */
  readonly errors: number | undefined
}

export function AppCard({ app, errors }: AppCardProps) {
  const { t, i18n } = useTranslation()
  const { view } = useView()
  // Cards below the fold ask for nothing until they are looked at.
  const { ref, inViewport } = useInViewport<HTMLAnchorElement>()
  const some = app.count > 0
  const histogram = useHistogram(barsShown, { app: [app.value] }, inViewport && some)
  const newest = useLastLine(app.value, inViewport && some)
  const instances = useValues('instance', {
    without: ['instance', 'dir', 'file', 'host'],
    app: app.value,
    limit: instancesMax,
    enabled: inViewport && some,
  })
  const bars = histogram.data && !histogram.isPlaceholderData ? barsOf(histogram.data) : []
  const line = newest.data?.records[0]
  const now = Date.now()
  const silent = !some || (view.to === '' && now - Date.parse(app.last) > silentMs)
  const opened: Partial<View> = { page: 'search', app: [app.value] }
  const before = { from: new Date(Date.parse(app.last) - beforeLastMs).toISOString(), to: '' }

  return (
    <PageLink ref={ref} className="app-card" data-silent={silent} to={some ? opened : { ...opened, ...before }}>
      <span className="app-card-head">
        <b title={app.value}>{app.value}</b>
        {silent ? (
          <span className="app-card-silent">
            {t('apps.silent', { since: sinceText(app.last, now, i18n.language) })}
          </span>
        ) : (
          <span className="muted">{agoText(app.last, now, i18n.language)}</span>
        )}
      </span>
      <span className="app-card-bars" aria-hidden="true">
        {bars.map(({ fromMs, restShare, warnShare, errorShare }) => (
          <span key={fromMs} className="app-card-bar">
            <i className="app-card-bad" data-some={errorShare > 0} style={{ height: `${errorShare * 100}%` }} />
            <i data-some={restShare + warnShare > 0} style={{ height: `${(restShare + warnShare) * 100}%` }} />
          </span>
        ))}
      </span>
      <span className="app-card-counts">
        {some ? (
          <span>
            <b>{shortCount(app.count)}</b> <span className="muted">{t('apps.lines', { count: app.count })}</span>
          </span>
        ) : (
          <span className="muted">{t('apps.nothingInRange')}</span>
        )}
        {some && errors !== undefined && (
          <span className={errors > 0 ? 'app-card-errors' : 'muted'}>
            {shortCount(errors)} {t('apps.errors', { count: errors })}
          </span>
        )}
        {instances.data && !instances.isPlaceholderData && (
          <span className="muted app-card-instances">{t('apps.instances', { count: instances.data.length })}</span>
        )}
      </span>
      <span className="app-card-line mono">{line ? visibleText(line.message.slice(0, 300)) : '\u00a0'}</span>
    </PageLink>
  )
}
