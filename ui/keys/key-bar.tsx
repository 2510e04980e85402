import { useTranslation } from 'react-i18next'
import { type KeyName, keyNames } from './key-names.ts'
import './keys.css'

/** The keys that work here, always in view. */
export function KeyBar({ keys }: { readonly keys: readonly KeyName[] }) {
  const { t } = useTranslation()
  return (
    <footer className="key-bar">
      {keys.map((name) => (
        <span key={name} className="key-bar-item">
          <KeyCaps name={name} />
          {t(`keys.${name}`)}
        </span>
      ))}
    </footer>
  )
}

export function KeyCaps({ name }: { readonly name: KeyName }) {
  const keys = name === 'palette' ? [keyNames.palette] : keyNames[name].split(' ')
  return keys.map((key) => <kbd key={key}>{key}</kbd>)
}
