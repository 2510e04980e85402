import { Combobox } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { shortCount } from '../state/number-text.ts'
import { KeywordText } from './keyword-text.tsx'
import type { Completion } from './use-completion.ts'

export function KeywordOffers({ completion: { kind, offers } }: { readonly completion: Completion }) {
  const { t } = useTranslation()
  if (kind === 'none') return null
  return (
    <Combobox.Dropdown className="offers">
      <div className="offers-title">{t(`keyword.${kind}`)}</div>
      <Combobox.Options aria-label={t(`keyword.${kind}`)}>
        {offers.map(({ text, count }, index) => (
          <Combobox.Option key={text} value={String(index)} className="offers-option">
            <span className="offers-text">{kind === 'value' ? text : <KeywordText text={text} />}</span>
            {count !== undefined && <span className="muted">{shortCount(count)}</span>}
          </Combobox.Option>
        ))}
      </Combobox.Options>
      {kind !== 'history' && <div className="offers-hint">{t('keyword.take')}</div>}
    </Combobox.Dropdown>
  )
}
