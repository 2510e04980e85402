import '@mantine/core/styles/default-css-variables.css'
import '@mantine/core/styles/baseline.css'
import '@mantine/core/styles/global.css'
import '@mantine/core/styles/ScrollArea.css'
import '@mantine/core/styles/UnstyledButton.css'
import '@mantine/core/styles/VisuallyHidden.css'
import '@mantine/core/styles/Paper.css'
import '@mantine/core/styles/Popover.css'
import '@mantine/core/styles/CloseButton.css'
import '@mantine/core/styles/Loader.css'
import '@mantine/core/styles/Overlay.css'
import '@mantine/core/styles/ModalBase.css'
import '@mantine/core/styles/Input.css'
import '@mantine/core/styles/Combobox.css'
import '@mantine/core/styles/Menu.css'
import '@mantine/core/styles/Modal.css'
import './tokens.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { preferredLanguage, startLanguage } from './i18n.ts'
import { keepText, keptText } from './kept-text.ts'
import { pageModules } from './pages.ts'
import { parseView } from './state/url-state.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

// A part that is no longer there belongs to a build that was replaced: the new one is a reload away. Once, not in a loop.
const reloadedKey = 'shiplog.reloadedAt'
const reloadAgainMs = 30_000
window.addEventListener('vite:preloadError', () => {
  if (Date.now() - Number(keptText(reloadedKey) ?? 0) < reloadAgainMs) return
  keepText(reloadedKey, String(Date.now()))
  location.reload()
})

const view = parseView(location.pathname + location.search)
// The part that the address asks for comes while the rest is still being set up.
void pageModules[view.page]()
startLanguage(view.lang ?? preferredLanguage())
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
