import { useMantineColorScheme } from '@mantine/core'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useDialogs } from './dialogs.tsx'
import { paletteKey } from './keys/use-keys.ts'
import { PageLink } from './page-link.tsx'
import { SignOut } from './session/sign-out.tsx'
import { pages, type View } from './state/url-state.ts'
import { useView } from './view-context.tsx'

const schemes = ['auto', 'light', 'dark'] as const
const allApps = { page: 'apps', app: [], q: '', level: [], line: undefined } satisfies Partial<View>

export function Header() {
  const { t, i18n } = useTranslation()
  const { view, change } = useView()
  const { open } = useDialogs()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const chinese = i18n.language === 'zh-CN'
  const next = schemes[(schemes.indexOf(colorScheme) + 1) % schemes.length] ?? 'auto'
  // "Search" leads back to what was last searched in this cluster, in the range and the language of now.
  const searched = useRef<View>(undefined)
  if (view.page === 'search') searched.current = view
  const { cluster, app, instance, dir, file, host, level, q, cols } = searched.current ?? view
  const again = cluster === view.cluster ? { app, instance, dir, file, host, level, q, cols } : {}
  const targets: Record<(typeof pages)[number], Partial<View>> = {
    apps: allApps,
    search: { ...again, page: 'search' },
    files: { page: 'files', line: undefined },
    alerts: { page: 'alerts', line: undefined },
  }

  return (
    <header className="header">
      <PageLink className="header-brand" aria-label={t('header.home')} to={allApps}>
        <img src="./favicon.svg" alt="" width="18" height="18" />
        <span>Shiplog</span>
      </PageLink>
      <nav className="header-pages" aria-label={t('header.pages')}>
        {pages.map((page) => (
          <PageLink key={page} to={targets[page]} aria-current={page === view.page ? 'page' : undefined}>
            {t(`page.${page}`)}
          </PageLink>
        ))}
      </nav>
      <div className="header-tools">
        <SignOut />
        <button
          type="button"
          className="icon-button"
          aria-label={t('saved.title')}
          aria-haspopup="dialog"
          title={`${t('saved.title')} (s)`}
          onClick={() => open('saved')}
        >
          <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor">
            <path d="M4 2.5h8v11l-4-3.2-4 3.2z" strokeWidth="1.4" strokeLinejoin="round" />
          </svg>
        </button>
        <button
          type="button"
          className="header-palette"
          aria-label={`${t('palette.title')} ${paletteKey}`}
          title={t('palette.title')}
          onClick={() => open('palette')}
        >
          {paletteKey}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t('keys.help')}
          title={t('keys.help')}
          onClick={() => open('help')}
        >
          ?
        </button>
        <button
          type="button"
          className="header-language"
          aria-label={`中 / EN · ${t('header.switchLanguage')}`}
          title={t('header.switchLanguage')}
          onClick={() => change({ lang: chinese ? 'en' : 'zh-CN' }, 'replace')}
        >
          {chinese ? <b>中</b> : '中'} / {chinese ? 'EN' : <b>EN</b>}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t(`header.theme_${colorScheme}`)}
          title={t(`header.theme_${colorScheme}`)}
          onClick={() => setColorScheme(next)}
        >
          <SchemeIcon scheme={colorScheme} />
        </button>
      </div>
    </header>
  )
}

function SchemeIcon({ scheme }: { readonly scheme: (typeof schemes)[number] }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
    >
      {scheme === 'dark' ? (
        <path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z" fill="currentColor" />
      ) : (
        <circle cx="8" cy="8" r={scheme === 'light' ? 3.2 : 5.6} />
      )}
      {scheme === 'auto' && <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2Z" fill="currentColor" />}
      {scheme === 'light' && (
        <path d="M8 .8v2M8 13.2v2M.8 8h2M13.2 8h2M2.9 2.9l1.4 1.4M11.7 11.7l1.4 1.4M2.9 13.1l1.4-1.4M11.7 4.3l1.4-1.4" />
      )}
    </svg>
  )
}
