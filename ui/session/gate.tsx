/** Asks who is there before anything else is asked; shows the login instead of the page when that is nobody. */
import { type ReactNode, useEffect, useRef } from 'react'
import { Login } from './login.tsx'
import { isSignedOut, linkAfter, useSession } from './session.ts'

export function Gate({ children }: { readonly children: ReactNode }) {
  const session = useSession()
  const link = session.isSuccess ? linkAfter(location.search) : undefined
  // Now that it comes from the page itself, the cookie comes along.
  useEffect(() => {
    if (link !== undefined) location.replace(link)
  }, [link])
  const wasSignedIn = useRef(false)
  if (session.isSuccess) wasSignedIn.current = true
  if (session.isPending || link !== undefined) return null
  // What else fails here fails for the page's own requests too, which say so in their places.
  return isSignedOut(session.error) ? (
    <Login ended={wasSignedIn.current} onSignedIn={() => session.refetch()} />
  ) : (
    children
  )
}
