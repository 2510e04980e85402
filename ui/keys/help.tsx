import { Modal } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { KeywordText } from '../query-bar/keyword-text.tsx'
import { KeyCaps } from './key-bar.tsx'
import { helpNames } from './key-names.ts'

const syntax = [
  ['timeout', 'word'],
  ['"connection reset"', 'phrase'],
  ['timeout retry', 'and'],
  ['timeout OR 连接失败', 'or'],
  ['-debug', 'not'],
  ['time* *Exception', 'wildcard'],
  ['level>=warn', 'level'],
  ['.status:500', 'field'],
  ['host:10.3.11.18', 'source'],
] as const

export function Help({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('keys.helpTitle')}
      size="lg"
      centered
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <div className="help">
        <dl className="help-keys">
          {helpNames.map((name) => (
            <div key={name} className="help-row">
              <dt>
                <KeyCaps name={name} />
              </dt>
              <dd>{t(`keys.${name}`)}</dd>
            </div>
          ))}
        </dl>
        <dl className="help-syntax" aria-label={t('keys.syntax')}>
          {syntax.map(([example, name]) => (
            <div key={name} className="help-row">
              <dt className="mono">
                <KeywordText text={example} />
              </dt>
              <dd>{t(`syntax.${name}`)}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Modal>
  )
}
