/** The parts of the page that have an address of their own. Each is loaded when it is first looked at. */
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { PageName } from './state/url-state.ts'

type PageModule = () => Promise<{ default: ComponentType }>

export const pageModules: { readonly [page in PageName]: PageModule } = {
  apps: () => import('./apps/apps-page.tsx').then(({ AppsPage }) => ({ default: AppsPage })),
  search: () => import('./results/search-page.tsx').then(({ SearchPage }) => ({ default: SearchPage })),
  files: () => import('./files/files-page.tsx').then(({ FilesPage }) => ({ default: FilesPage })),
  alerts: () => import('./alerts/alerts-page.tsx').then(({ AlertsPage }) => ({ default: AlertsPage })),
}

export const pageComponents: { readonly [page in PageName]: LazyExoticComponent<ComponentType> } = {
  apps: lazy(pageModules.apps),
  search: lazy(pageModules.search),
  files: lazy(pageModules.files),
  alerts: lazy(pageModules.alerts),
}
