/** Above the lines while they are followed: whether they come, how fast, what was missed; and to stop them for a while. */
import { useTranslation } from 'react-i18next'
import { useProblemText } from '../results/problem-notice.tsx'
import { countText } from '../state/number-text.ts'
import type { Live } from './use-live.ts'
import './live.css'

export function LiveBar({ live }: { readonly live: Live }) {
  const { t } = useTranslation()
  const { status, rate, missed, error } = live
  const stopped = status === 'paused'
  return (
    <div className="live" data-status={status}>
      <span className="live-status" role="status">
        <i aria-hidden="true" />
        {status !== 'off' && t(`live.${status}`)}
      </span>
      {status === 'live' && <span className="live-rate">{t('live.rate', { amount: rateText(rate) })}</span>}
      {error !== undefined && status !== 'live' && <Why error={error} />}
      {missed !== undefined && (
        <span className="live-missed" role="status">
          {missed === null ? t('live.missedSome') : t('live.missed', { count: missed, amount: countText(missed) })}
          <button type="button" className="text-button" onClick={() => void live.fill()}>
            {t('live.fill')}
          </button>
        </span>
      )}
      <span className="live-tools">
        <button
          type="button"
          className="chip"
          aria-pressed={stopped}
          title={`${t(stopped ? 'live.resume' : 'live.pause')} (p)`}
          onClick={() => live.pause(!stopped)}
        >
          {t(stopped ? 'live.resume' : 'live.pause')}
        </button>
        <button type="button" className="chip" title={t('live.clearHint')} onClick={live.clear}>
          {t('live.clear')}
        </button>
      </span>
    </div>
  )
}

function Why({ error }: { readonly error: Error }) {
  const { text, hint } = useProblemText(error)
  return (
    <span className="live-error" title={hint}>
      {text}
    </span>
  )
}

/** Slow ones with a digit behind the point: one line in two seconds is not none. */
function rateText(rate: number): string {
  return rate > 0 && rate < 10 ? rate.toFixed(1) : countText(Math.round(rate))
}
