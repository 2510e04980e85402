import { useTranslation } from 'react-i18next'
import type { SampleStatement } from './api.ts'
import { countText } from './state/number-text.ts'

/** Says what counts are made from, so that an estimate is not taken for a count. */
export function SampleNote({ sample }: { readonly sample: SampleStatement }) {
  const { t } = useTranslation()
  const lines = countText(sample.lines)
  return (
    <span className="sample-note" data-exact={sample.exact}>
      {sample.exact ? t('sample.all') : t('sample.some', { lines, of: countText(sample.of) })}
    </span>
  )
}
