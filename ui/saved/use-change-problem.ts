import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../api.ts'
import { useProblemText } from '../results/problem-notice.tsx'

/** A change under way, and in words what became of it when it failed; `conflict`: what a 409 means for it. */
export function useChangeProblem(conflict: 'saved.changed' | 'saved.full' = 'saved.changed') {
  const { t } = useTranslation()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const { text, hint } = useProblemText(error ?? new Error(''))

  const attempt = async (change: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await change()
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)))
    } finally {
      setBusy(false)
    }
  }
  const said = () => {
    if (error === undefined) return undefined
    const status = error instanceof Problem ? error.status : undefined
    if (status === 409) return t(conflict)
    if (status === 404) return t('saved.gone')
    if (status === 403) return t('saved.forbidden')
    return [text, hint].filter(Boolean).join(' ')
  }
  return { busy, problem: said(), attempt }
}
