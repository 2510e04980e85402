/** What the page shows, as the address says it. Pure: the address bar is the only place where this state lives. */
import { type Level, levels } from '../../pipeline/record.ts'

export const languages = ['zh-CN', 'en'] as const
export type Language = (typeof languages)[number]

export const pages = ['apps', 'search', 'files', 'alerts'] as const
export type PageName = (typeof pages)[number]

/** What is shown of what was found. */
export const tabs = ['lines', 'patterns'] as const
export type Tab = (typeof tabs)[number]
export const patternOrders = ['count', 'change'] as const

export interface View {
  readonly page: PageName
  readonly cluster: string | undefined
  readonly app: readonly string[]
  readonly instance: readonly string[]
  readonly dir: readonly string[]
  readonly file: readonly string[]
  readonly host: readonly string[]
  readonly level: readonly Level[]
  readonly q: string
  /** As typed into the address: ISO 8601 or relative (`now-1d`). `to` empty = open. */
  readonly from: string
  readonly to: string
  /** Undefined = the browser's zone. */
  readonly tz: string | undefined
  readonly lang: Language | undefined
  readonly wrap: boolean
  /** Lines are shown as they come; only in a range that is open. */
  readonly follow: boolean
  /** Columns in front of the message (`time`, `level`, `.status` …). Empty = time, host and message. */
  readonly cols: readonly string[]
  /** The event whose context is open: the time tells the store where to look for the id. */
  readonly line: { readonly id: string; readonly time: string } | undefined
  readonly tab: Tab
  /** Of the patterns. */
  readonly sort: (typeof patternOrders)[number]
  /** Whether patterns are compared with the range before. */
  readonly compare: boolean
  /** Whether the fields of what was found stand beside it. */
  readonly fields: boolean
}

export const fromDefault = 'now-1d'
export const listFields = ['app', 'instance', 'dir', 'file', 'host'] as const

export const emptyView: View = {
  page: 'apps',
  cluster: undefined,
  app: [],
  instance: [],
  dir: [],
  file: [],
  host: [],
  level: [],
  q: '',
  from: fromDefault,
  to: '',
  tz: undefined,
  lang: undefined,
  wrap: false,
  follow: false,
  cols: [],
  line: undefined,
  tab: 'lines',
  sort: 'count',
  compare: true,
  fields: false,
}

/**
 * Reads `…/page?…`. What it does not know it leaves alone; what makes no sense it takes as missing. An address without a
 * page that names an app or a keyword is a search: such links are short and get typed.
 */
export function parseView(address: string): View {
  const [path = '', search = ''] = address.split(/\?(.*)/s, 2)
  const params = new URLSearchParams(search)
  const named = pages.find((name) => name === path.slice(path.lastIndexOf('/') + 1))
  const one = (name: string) => params.get(name) || undefined
  const many = (name: string) => [...new Set(params.getAll(name).filter((value) => value !== ''))]
  const line = one('line')
  const time = one('at')
  return {
    page: named ?? (params.get('app') || params.get('q') ? 'search' : 'apps'),
    cluster: one('cluster'),
    app: many('app'),
    instance: many('instance'),
    dir: many('dir'),
    file: many('file'),
    host: many('host'),
    level: many('level').filter((value): value is Level => (levels as readonly string[]).includes(value)),
    q: params.get('q') ?? '',
    from: one('from') ?? fromDefault,
    to: one('to') ?? '',
    tz: knownZone(one('tz')),
    lang: languages.find((language) => language === one('lang')),
    wrap: params.get('wrap') === '1',
    follow: params.get('follow') === '1' && isOpen(one('to') ?? ''),
    cols: (one('cols') ?? '').split(',').filter((name) => name !== ''),
    line: line !== undefined && time !== undefined ? { id: line, time } : undefined,
    tab: tabs.find((tab) => tab === one('tab')) ?? 'lines',
    sort: patternOrders.find((order) => order === one('sort')) ?? 'count',
    compare: params.get('compare') !== '0',
    fields: params.get('fields') === '1',
  }
}

/**
 * The reverse of parseView, in an order that reads well; defaults are left out. Relative to the folder that the page is
 * served under, so that it works behind a proxy with a path of its own.
 */
export function formatView(view: View): string {
  const params = new URLSearchParams()
  if (view.cluster !== undefined) params.append('cluster', view.cluster)
  for (const field of listFields) for (const value of view[field]) params.append(field, value)
  if (view.q !== '') params.append('q', view.q)
  for (const level of view.level) params.append('level', level)
  if (view.from !== fromDefault) params.append('from', view.from)
  if (view.to !== '') params.append('to', view.to)
  if (view.tz !== undefined) params.append('tz', view.tz)
  if (view.lang !== undefined) params.append('lang', view.lang)
  if (view.wrap) params.append('wrap', '1')
  if (view.follow) params.append('follow', '1')
  if (view.cols.length > 0) params.append('cols', view.cols.join(','))
  if (view.tab !== 'lines') params.append('tab', view.tab)
  if (view.sort !== 'count') params.append('sort', view.sort)
  if (!view.compare) params.append('compare', '0')
  if (view.fields) params.append('fields', '1')
  if (view.line !== undefined) {
    params.append('line', view.line.id)
    params.append('at', view.line.time)
  }
  // Colons and slashes are allowed in a query string; escaped they only make times and directories unreadable.
  const text = params.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',')
  return `./${view.page === 'apps' ? '' : view.page}${text === '' ? '' : `?${text}`}`
}

/**
 * What a change drags along: another app has other instances, directories and files, another selection another line.
 * A field that the change names itself is kept as the change says.
 */
export function changeView(view: View, change: Partial<View>): View {
  const next = { ...view, ...change }
  const dropped: { -readonly [field in keyof View]?: View[field] } = {}
  if (change.cluster !== undefined && change.cluster !== view.cluster) {
    Object.assign(dropped, { app: [], instance: [], dir: [], file: [], host: [], level: [] })
  } else if (change.app !== undefined) Object.assign(dropped, { instance: [], dir: [], file: [], host: [] })
  else if (change.instance !== undefined || change.dir !== undefined) Object.assign(dropped, { file: [] })
  const selects: readonly (keyof View)[] = ['cluster', ...listFields, 'level', 'q', 'from', 'to']
  if (selects.some((field) => field in change)) dropped.line = undefined
  // An app is entered by its lines.
  if (change.page === 'apps') dropped.tab = 'lines'
  if (!isOpen(next.to)) dropped.follow = false
  return { ...next, ...dropped, ...change }
}

/** Follows, or follows no more. To follow, the range must be open. */
export function followChange({ follow, to }: View): Partial<View> {
  return follow ? { follow: false } : { follow: true, ...(isOpen(to) ? {} : { to: '' }) }
}

/** Whether lines can still come into a range that ends so. */
export function isOpen(to: string): boolean {
  return to === '' || to === 'now'
}

function knownZone(zone: string | undefined): string | undefined {
  if (zone === undefined) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) && zone
  } catch {
    return undefined
  }
}
