import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { patternParts } from '../state/pattern-model.ts'

/** A pattern as a line with what varies in it as placeholders. */
export function PatternText({ pattern }: { readonly pattern: string }) {
  const { t } = useTranslation()
  const parts = useMemo(() => patternParts(pattern), [pattern])
  return parts.map(({ text, mask }, at) => {
    // The same word may stand in several places, which never move.
    const key = at
    if (mask === undefined) return <span key={key}>{text}</span>
    return (
      <span key={key} className="pattern-mask" data-mask={mask}>
        {t(`patterns.mask_${mask}`)}
      </span>
    )
  })
}
