import { useInViewport } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import type { ValueCount } from '../api.ts'
import { useHistogram, useLastLine } from '../queries.ts'
import { barsOf } from '../state/histogram-model.ts'
import { shortCount } from '../state/number-text.ts'
import { agoText } from '../state/time-text.ts'
import { changeView, formatView } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

const barsShown = 36
/** An app that wrote all the time and then nothing for this long is worth a word. */
const silentMs = 600_000

interface AppCardProps {
  readonly app: ValueCount
  /** Undefined while not known. */
  readonly errors: number | undefined
}

export function AppCard({ app, errors }: AppCardProps) {
  const { t, i18n } = useTranslation()
  const { view, change } = useView()
  // Cards below the fold ask for nothing until they are looked at.
  const { ref, inViewport } = useInViewport<HTMLAnchorElement>()
  const histogram = useHistogram(barsShown, { app: [app.value] }, inViewport)
  const newest = useLastLine(app.value, inViewport)
  const bars = histogram.data && !histogram.isPlaceholderData ? barsOf(histogram.data) : []
  const line = newest.data?.records[0]
  const now = Date.now()
  const ago = agoText(app.last, now, i18n.language)
  const silent = view.to === '' && now - Date.parse(app.last) > silentMs

  return (
    <a
      ref={ref}
      className="app-card"
      data-silent={silent}
      href={formatView(changeView(view, { app: [app.value] }))}
      aria-label={t('apps.open', { app: app.value, lines: shortCount(app.count), errors: shortCount(errors ?? 0) })}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        change({ app: [app.value] })
      }}
    >
      <span className="app-card-head">
        <b title={app.value}>{app.value}</b>
        <span className={silent ? 'app-card-silent' : 'muted'}>{silent ? t('apps.silent', { ago }) : ago}</span>
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
        <span>
          <b>{shortCount(app.count)}</b> <span className="muted">{t('apps.lines', { count: app.count })}</span>
        </span>
        {errors !== undefined && (
          <span className={errors > 0 ? 'app-card-errors' : 'muted'}>
            {shortCount(errors)} {t('apps.errors', { count: errors })}
          </span>
        )}
      </span>
      <span className="app-card-line mono">{line ? line.message.slice(0, 200) : '\u00a0'}</span>
    </a>
  )
}
