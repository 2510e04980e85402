import { useTranslation } from 'react-i18next'
import './keys.css'

export const keyNames = [
  ['/', 'keyword'],
  ['Enter', 'search'],
  ['j k', 'moveShort'],
  ['c', 'context'],
  ['w', 'wrap'],
  ['?', 'help'],
  ['Esc', 'close'],
] as const

export function KeyBar() {
  const { t } = useTranslation()
  return (
    <footer className="key-bar">
      {keyNames.map(([keys, name]) => (
        <span key={name} className="key-bar-item">
          {keys.split(' ').map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
          {t(`keys.${name}`)}
        </span>
      ))}
    </footer>
  )
}
