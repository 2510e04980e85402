import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProblemText } from '../results/problem-notice.tsx'
import { useView } from '../view-context.tsx'
import { isSignedOut, signIn } from './session.ts'
import './session.css'

/** A token for a session. Password managers fill it in: the field is one of theirs. */
interface LoginProps {
  /** Somebody was signed in here a moment ago. */
  readonly ended: boolean
  onSignedIn(): Promise<unknown>
}

export function Login({ ended, onSignedIn }: LoginProps) {
  const { t, i18n } = useTranslation()
  const { change } = useView()
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Error>()
  const chinese = i18n.language === 'zh-CN'

  const submit = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await signIn(token)
      await onSignedIn()
    } catch (thrown) {
      setFailure(thrown instanceof Error ? thrown : new Error(String(thrown)))
    } finally {
      setBusy(false)
    }
  }

  return (
    <main className="login">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <h1>
          <img src="./favicon.svg" alt="" width="24" height="24" />
          Shiplog
        </h1>
        <input type="text" name="username" autoComplete="username" value="shiplog" readOnly hidden />
        {ended && <p role="status">{t('session.ended')}</p>}
        <label htmlFor="login-token">{t('session.token')}</label>
        <input
          id="login-token"
          className="mono"
          type="password"
          autoComplete="current-password"
          placeholder="shiplog_…"
          value={token}
          // biome-ignore lint/a11y/noAutofocus: there is nothing else to do here.
          autoFocus
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        {failure !== undefined && <Failure error={failure} />}
        <button type="submit" disabled={busy || token.trim() === ''}>
          {t('session.signIn')}
        </button>
        <p className="muted">{t('session.hint')}</p>
        <button
          type="button"
          className="login-language"
          onClick={() => change({ lang: chinese ? 'en' : 'zh-CN' }, 'replace')}
        >
          {chinese ? 'English' : '中文'}
        </button>
      </form>
    </main>
  )
}

function Failure({ error }: { readonly error: Error }) {
  const { t } = useTranslation()
  const { text } = useProblemText(error)
  return (
    <p className="login-failure" role="alert">
      {isSignedOut(error) ? t('session.refused') : text}
    </p>
  )
}
