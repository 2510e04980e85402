import { useTranslation } from 'react-i18next'

const known = ['following', 'at-end', 'behind', 'rotated', 'gone', 'unreadable', 'skipped'] as const

/** A state in the page's language; one that a newer shipper tells is shown by its own name. */
export function useStateText(): (state: string) => string {
  const { t } = useTranslation()
  return (state) => {
    const name = known.find((name) => name === state)
    return name === undefined ? state : t(`files.state_${name}`)
  }
}
