import { MantineProvider } from '@mantine/core'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Problem } from './api.ts'
import { Crash } from './crash.tsx'
import { DialogProvider } from './dialogs.tsx'
import { preferredLanguage, setLanguage } from './i18n.ts'
import { Screen } from './screen.tsx'
import { Gate } from './session/gate.tsx'
import { isSignedOut, sessionKey } from './session/session.ts'
import { theme, variables } from './theme.ts'
import { useView, ViewProvider } from './view-context.tsx'

const retriesMax = 1

const queryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session has ended while the page was open: the gate finds out, and asks to sign in.
    onError: (error, { queryKey }) => {
      if (isSignedOut(error) && queryKey[0] !== sessionKey[0])
        void queryClient.invalidateQueries({ queryKey: sessionKey })
    },
  }),
  defaultOptions: {
    queries: {
      // A list that changes while it is read is worse than one that is a minute old: the reader says when to search.
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // What was asked wrongly stays wrong; what was not reached or is overloaded may be there a moment later.
      retry: (count, error) =>
        count < retriesMax && error instanceof Problem && (error.status === 0 || error.status === 503),
      networkMode: 'always',
    },
  },
})

function Language() {
  const { view } = useView()
  useEffect(() => setLanguage(view.lang ?? preferredLanguage(), view.lang !== undefined), [view.lang])
  return null
}

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <Crash>
        <QueryClientProvider client={queryClient}>
          <ViewProvider>
            <Language />
            <Gate>
              <DialogProvider>
                <Screen />
              </DialogProvider>
            </Gate>
          </ViewProvider>
        </QueryClientProvider>
      </Crash>
    </MantineProvider>
  )
}
