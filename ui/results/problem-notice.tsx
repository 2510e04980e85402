import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'

interface ProblemNoticeProps {
  readonly error: Error
  onRetry(): void
  /** What else can be done. */
  readonly children?: ReactNode
}

/** What failed, what can be done, and a way to try again. */
export function ProblemNotice({ error, onRetry, children }: ProblemNoticeProps) {
  const { t } = useTranslation()
  const { text, hint } = useProblemText(error)
  return (
    <div className="notice" role="alert">
      <h2>{t('problem.title')}</h2>
      <p>
        {text}
        {hint !== undefined && <> {hint}</>}
      </p>
      <div className="notice-actions">
        <button type="button" className="quiet-button" onClick={onRetry}>
          {t('action.retry')}
        </button>
        {children}
      </div>
    </div>
  )
}

/** The page's own words where the status says enough, else the server's. */
export function useProblemText(error: Error): { text: string; hint: string | undefined } {
  const { t } = useTranslation()
  if (!(error instanceof Problem)) return { text: error.message, hint: undefined }
  switch (error.status) {
    case 0:
      return { text: t('problem.unreachable'), hint: t('problem.unreachableHint') }
    case 401:
    case 403:
      return { text: t('problem.forbidden'), hint: error.hint }
    case 408:
    case 422:
    case 504:
      return { text: t('problem.costly'), hint: t('problem.costlyHint') }
    case 429:
      return { text: t('problem.busy'), hint: error.hint }
    case 502:
    case 503:
      return { text: t('problem.unavailable'), hint: error.hint }
    default:
      return { text: error.message || t('problem.unknown', { status: error.status }), hint: error.hint }
  }
}
