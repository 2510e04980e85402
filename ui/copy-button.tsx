import { type ReactNode, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { copyText } from './copy-text.ts'

const shownMs = 1_500

interface CopyButtonProps {
  readonly text: () => string
  readonly className: string
  readonly label?: string
  readonly children: ReactNode
}

/** Says for a moment that it has copied, or that it could not. */
export function CopyButton({ text, className, label, children }: CopyButtonProps) {
  const { t } = useTranslation()
  const [state, setState] = useState<'copied' | 'failed'>()
  useEffect(() => {
    if (state === undefined) return
    const timer = setTimeout(() => setState(undefined), shownMs)
    return () => clearTimeout(timer)
  }, [state])
  const said = state === undefined ? label : t(state === 'copied' ? 'action.copied' : 'action.copyFailed')
  return (
    <button
      type="button"
      className={className}
      aria-label={said}
      title={said}
      data-state={state}
      onClick={(event) => {
        event.stopPropagation()
        copyText(text()).then(
          () => setState('copied'),
          () => setState('failed'),
        )
      }}
    >
      {state === undefined ? children : label === undefined ? said : state === 'copied' ? '✓' : '✗'}
    </button>
  )
}
