import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { sessionKey, signOut, useSession } from './session.ts'
import './session.css'

/** Who is signed in, and the way out; nothing where nobody needs to be. */
export function SignOut() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const { data } = useSession()
  if (data?.rights !== true) return null
  const leave = async () => {
    // What one has seen is not for who sits here next, also where the server was not reached.
    await signOut().catch(() => undefined)
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] })
    await client.invalidateQueries({ queryKey: sessionKey })
  }
  return (
    <button type="button" className="sign-out" title={t('session.signOut')} onClick={() => void leave()}>
      {data.name} · {t('session.signOut')}
    </button>
  )
}
