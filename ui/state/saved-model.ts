/** Saved searches and short links: from what the page shows and back to it. Pure. */
import { type Level, levels } from '../../pipeline/record.ts'
import { fromDefault, listFields, type View } from './url-state.ts'

/** What is kept: the parameters of a search with a name. One that another client made may have single values. */
export interface SearchBody {
  readonly name: string
  readonly shared?: boolean
  readonly cluster: string
  readonly app?: string | readonly string[]
  readonly instance?: string | readonly string[]
  readonly dir?: string | readonly string[]
  readonly file?: string | readonly string[]
  readonly host?: string | readonly string[]
  readonly level?: string | readonly string[]
  readonly q?: string
  readonly from?: string
  readonly to?: string
  readonly tz?: string
}

export interface SavedSearch extends SearchBody {
  readonly id: string
  /** Grows with every change; a change names the one that it changes. */
  readonly version: number
  readonly owner: string
  readonly own: boolean
  /** Relative to the folder that the page is served under. */
  readonly link: string
  readonly createdAt: string
  readonly updatedAt: string
}

/** The zone is kept only where somebody chose one: "today" is that of whoever opens it. */
export function searchOf(view: View, cluster: string): Omit<SearchBody, 'name' | 'shared'> {
  const lists = [...listFields, 'level'] as const
  return {
    cluster,
    ...Object.fromEntries(lists.filter((field) => view[field].length > 0).map((field) => [field, view[field]])),
    ...(view.q.trim() === '' ? {} : { q: view.q }),
    from: view.from,
    ...(view.to === '' ? {} : { to: view.to }),
    ...(view.tz === undefined ? {} : { tz: view.tz }),
  }
}

/** The parameters of a saved search alone, to be sent again. */
export function bodyOf(search: SavedSearch): SearchBody {
  const { id: _id, version: _version, owner: _owner, own: _own, link: _link, ...rest } = search
  const { createdAt: _created, updatedAt: _updated, ...body } = rest
  return body
}

/** What the page shows when a saved search is opened. */
export function viewOf(search: SearchBody): Partial<View> {
  const many = (value: string | readonly string[] | undefined): string[] => [value ?? []].flat()
  return {
    page: 'search',
    tab: 'lines',
    line: undefined,
    cluster: search.cluster,
    app: many(search.app),
    instance: many(search.instance),
    dir: many(search.dir),
    file: many(search.file),
    host: many(search.host),
    level: many(search.level).filter((one): one is Level => (levels as readonly string[]).includes(one)),
    q: search.q ?? '',
    from: search.from ?? fromDefault,
    to: search.to ?? '',
    ...(search.tz === undefined ? {} : { tz: search.tz }),
  }
}

/** What it searches in a few words, beside its name. */
export function summaryOf(search: SearchBody): string {
  const places = [search.app, search.instance, search.dir, search.file, search.host].flatMap((value) => value ?? [])
  const levelsText = [search.level ?? []].flat().join(' ')
  return [search.cluster, ...places, levelsText, search.q ?? ''].filter((text) => text !== '').join(' · ')
}

/** A name to begin with. */
export function suggestedName({ app, q, level }: View): string {
  return [app.join(', '), q.trim() || level.join(' ')]
    .filter((text) => text !== '')
    .join(' · ')
    .slice(0, nameUnitsMax)
}

/** As the API bounds it. */
export const nameUnitsMax = 100

/** The short link of a line, relative to the folder that the page is served under: `l/<µs since the epoch>-<id>`. */
export function lineLink({ id, time }: { readonly id: string; readonly time: string }): string {
  const micros = /\.\d{3}(\d{1,3})Z$/.exec(time)?.[1]?.padEnd(3, '0') ?? '000'
  return `l/${Date.parse(time)}${micros}-${id}`
}

/** Which kind of link led nowhere, as the address says it. */
export function lostLink(search: string): 'search' | 'line' | undefined {
  const lost = new URLSearchParams(search).get('lost')
  return lost === 's' ? 'search' : lost === 'l' ? 'line' : undefined
}
