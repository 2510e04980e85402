/** What the palette offers: the places that the cluster has, and what can be done where one is. */
import { useMantineColorScheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { getJson, type SearchPage } from '../api.ts'
import { useDialogs } from '../dialogs.tsx'
import { useAllApps, useClusters, useValues } from '../queries.ts'
import { useSavedSearches } from '../saved/use-saved.ts'
import { apiUrl } from '../state/api-params.ts'
import { shortCount } from '../state/number-text.ts'
import type { Findable } from '../state/palette-model.ts'
import { summaryOf, viewOf } from '../state/saved-model.ts'
import { presetRange, presets } from '../state/time-range.ts'
import { followChange, pages, type View } from '../state/url-state.ts'
import { useView } from '../view-context.tsx'

export interface PaletteEntry extends Findable {
  readonly id: string
  readonly hint?: string
  run(): void
}

const offeredMax = 500

export function usePaletteEntries(): PaletteEntry[] {
  const { t } = useTranslation()
  const { view, change, search } = useView()
  const saved = useSavedSearches()
  const apps = useAllApps(view.cluster !== undefined)
  const clusters = useClusters()
  const inCluster = { without: ['app', 'instance', 'dir', 'file', 'host', 'q', 'level'] as const, limit: offeredMax }
  const inApp = { without: ['instance', 'dir', 'file', 'host', 'q', 'level'] as const, limit: offeredMax }
  const instances = useValues('instance', inCluster)
  const dirs = useValues('dir', { ...inApp, enabled: view.app.length > 0 })
  const openInstance = useOpenInstance()
  const several = (clusters.data?.length ?? 0) > 1

  return [
    ...pages.map(
      (page): PaletteEntry => ({
        id: `page ${page}`,
        group: 'pages',
        name: t(`page.${page}`),
        also: page,
        run: () => change({ page, ...(page === 'apps' && { app: [], q: '', level: [] }) }),
      }),
    ),
    ...(several ? (clusters.data ?? []) : []).map(
      ({ value }): PaletteEntry => ({
        id: `cluster ${value}`,
        group: 'pages',
        name: value,
        hint: t('field.cluster'),
        run: () => change({ cluster: value }),
      }),
    ),
    ...(saved.data ?? []).map(
      (saved): PaletteEntry => ({
        id: `saved ${saved.id}`,
        group: 'saved',
        name: saved.name,
        also: summaryOf(saved),
        hint: [saved.app ?? []].flat()[0] ?? saved.cluster,
        run: () => search(viewOf(saved)),
      }),
    ),
    ...(apps.data ?? []).map(
      ({ value, count }): PaletteEntry => ({
        id: `app ${value}`,
        group: 'apps',
        name: value,
        hint: shortCount(count),
        run: () => change({ page: 'search', app: [value] }),
      }),
    ),
    ...(instances.data ?? []).map(
      ({ value, count }): PaletteEntry => ({
        id: `instance ${value}`,
        group: 'instances',
        name: value,
        hint: shortCount(count),
        run: () => openInstance(value),
      }),
    ),
    ...(dirs.data ?? []).map(
      ({ value, count }): PaletteEntry => ({
        id: `dir ${value}`,
        group: 'dirs',
        name: value,
        hint: shortCount(count),
        run: () => change({ page: 'search', dir: [value] }),
      }),
    ),
    ...useActions(),
  ]
}

/** An instance is looked at within its app, which its newest line tells. */
function useOpenInstance(): (instance: string) => void {
  const { view, change } = useView()
  return (instance) => {
    const params = [
      ['cluster', view.cluster ?? ''],
      ['instance', instance],
      ['from', 0],
      ['limit', 1],
    ] as const
    const opened = (app: readonly string[]) => change({ page: 'search', app, instance: [instance] })
    getJson<SearchPage>(apiUrl('search', params), AbortSignal.timeout(5_000)).then(
      ({ records: [newest] }) => opened(newest === undefined ? view.app : [newest.app]),
      // Without the answer the search page says what is wrong with the server, in the same words as always.
      () => opened(view.app),
    )
  }
}

function useActions(): PaletteEntry[] {
  const { t, i18n } = useTranslation()
  const { view, change, search } = useView()
  const { open } = useDialogs()
  const { setColorScheme } = useMantineColorScheme()
  const chinese = i18n.language === 'zh-CN'
  const action = (id: string, name: string, run: () => void, hint?: string): PaletteEntry => ({
    id: `action ${id}`,
    group: 'actions',
    name,
    also: id,
    ...(hint !== undefined && { hint }),
    run,
  })
  const here: Partial<View> | undefined = view.page === 'search' && view.app.length > 0 ? {} : undefined
  return [
    ...(here ? [action('export download', t('export.title'), () => open('export'))] : []),
    ...presets.map((name) =>
      action(`range ${name}`, t(`range.${name}`), () => search(presetRange(name)), t('field.range')),
    ),
    ...(here ? [action('wrap', t('lines.wrap'), () => change({ wrap: !view.wrap }, 'replace'), 'w')] : []),
    action('save search saved', t('saved.title'), () => open('saved'), 's'),
    ...(here ? [action('follow live tail', t('live.title'), () => change(followChange(view), 'replace'), 'f')] : []),
    action('theme light', t('header.theme_light'), () => setColorScheme('light')),
    action('theme dark', t('header.theme_dark'), () => setColorScheme('dark')),
    action('theme system auto', t('header.theme_auto'), () => setColorScheme('auto')),
    action('language english 中文', t('header.switchLanguage'), () =>
      change({ lang: chinese ? 'en' : 'zh-CN' }, 'replace'),
    ),
    action('help keys query language', t('keys.helpTitle'), () => open('help'), '?'),
  ]
}
