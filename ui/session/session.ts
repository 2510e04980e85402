/** Who is signed in, signing in and out. */
import { useQuery } from '@tanstack/react-query'
import { getJson, Problem, problemIn } from '../api.ts'
import { operatorPages, type PageName, pages } from '../state/url-state.ts'

export interface Session {
  readonly name: string
  readonly role: 'reader' | 'operator'
  /** False where everybody who gets here is answered. */
  readonly rights: boolean
}

export const sessionKey = ['session'] as const

export function useSession() {
  return useQuery({
    queryKey: sessionKey,
    queryFn: ({ signal }) => getJson<Session>('api/v1/session', signal),
    retry: false,
  })
}

/** Those that the server answers to whoever is signed in. */
export function usePages(): readonly PageName[] {
  const { data } = useSession()
  return data?.role === 'operator' ? pages : pages.filter((page) => !operatorPages.includes(page))
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof Problem && error.status === 401
}

/** Throws a Problem when the token does not hold. */
export async function signIn(token: string): Promise<void> {
  await change('POST', { 'content-type': 'application/json' }, JSON.stringify({ token }))
}

export async function signOut(): Promise<void> {
  await change('DELETE', {}, null)
}

/** What no other site can send: see docs/security.md. */
async function change(method: string, headers: Record<string, string>, body: string | null): Promise<void> {
  let response: Response
  try {
    response = await fetch('api/v1/session', { method, body, headers: { ...headers, 'x-shiplog-request': '1' } })
  } catch {
    throw new Problem(0, {})
  }
  if (!response.ok) throw await problemIn(response)
}

/** The link that led here before one was signed in: `s/…` or `l/…`, nothing else. */
export function linkAfter(search: string): string | undefined {
  const after = new URLSearchParams(search).get('after') ?? ''
  return /^[sl]\/[\w-]+$/.test(after) ? after : undefined
}
