/** Files as the files page orders them: what needs somebody first. Pure. */
import type { FileRow } from '../api.ts'

/** Worst first. A state that is not named here is neither good nor bad. */
const severityOf: Readonly<Record<string, number>> = {
  ...{ unreadable: 0, behind: 2, following: 4, 'at-end': 4, rotated: 4, gone: 4, skipped: 5 },
}
const lostSeverity = 1
const otherSeverity = 3

export function severity(file: FileRow): number {
  const byState = severityOf[file.state] ?? otherSeverity
  return file.lost > 0 ? Math.min(byState, lostSeverity) : byState
}

/** How many are in each state, the worst state first. */
export function statesOf(counts: { readonly [state: string]: number }): (readonly [state: string, count: number])[] {
  const rank = (state: string) => severityOf[state] ?? otherSeverity
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** What there is to say of a file beside its numbers: why it is not read, what looks wrong, how something was lost. */
export function reasonOf({ reason, warning, loss }: FileRow): string | undefined {
  const said = [reason, warning, loss?.cause].filter((text) => text !== undefined)
  return said.length === 0 ? undefined : said.join(' · ')
}

export const fileOrders = ['state', 'file', 'size', 'behind', 'lost', 'updated'] as const
export type FileOrder = (typeof fileOrders)[number]

const byName = (a: FileRow, b: FileRow) =>
  compare(nameOf(a), nameOf(b)) || compare(a.generation ?? '', b.generation ?? '')
/** Each in the order in which it is asked for: the most, the newest, the worst first. */
const orders: Readonly<Record<FileOrder, (a: FileRow, b: FileRow) => number>> = {
  state: (a, b) => severity(a) - severity(b) || b.behind - a.behind || b.lost - a.lost,
  file: () => 0,
  size: (a, b) => b.size - a.size,
  behind: (a, b) => b.behind - a.behind,
  lost: (a, b) => b.lost - a.lost,
  updated: (a, b) => compare(b.updatedAt, a.updatedAt),
}

export function sortFiles(files: readonly FileRow[], order: FileOrder, reversed: boolean): FileRow[] {
  const sorted = files.toSorted((a, b) => orders[order](a, b) || byName(a, b))
  return reversed ? sorted.reverse() : sorted
}

/** Every word of the text must be somewhere in the file's path, app, instance, host, state or reason. */
export function filterFiles(files: readonly FileRow[], text: string, state: string | undefined): FileRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return files.filter((file) => {
    if (state !== undefined && file.state !== state) return false
    const where = `${nameOf(file)} ${file.host} ${file.path} ${file.state} ${reasonOf(file) ?? ''}`.toLowerCase()
    return words.every((word) => where.includes(word))
  })
}

function nameOf({ app, instance, dir, file }: FileRow): string {
  return `${app}/${instance}${dir === '/' ? '' : dir}/${file}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
