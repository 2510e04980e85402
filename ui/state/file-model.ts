/** Files as the files page orders them: what needs somebody first. Pure. */
import type { FileRow } from '../api.ts'

/** Worst first. A state that is not named here is neither good nor bad. */
const severityOf: Readonly<Record<string, number>> = { unreadable: 0, behind: 2, following: 4, rotated: 4, gone: 4 }
const lostSeverity = 1
const otherSeverity = 3

/** Bytes on disk that are not yet safe behind the shipper. What is gone has none. */
export function behindBytes({ size, acknowledged, state }: FileRow): number {
  return state === 'gone' ? 0 : Math.max(0, size - acknowledged)
}

export function severity(file: FileRow): number {
  const byState = severityOf[file.state] ?? otherSeverity
  return file.lost > 0 ? Math.min(byState, lostSeverity) : byState
}

export interface FileTotals {
  readonly files: number
  readonly behindBytes: number
  readonly lostBytes: number
  readonly unreadable: number
  /** How many are in each state, worst state first. */
  readonly states: readonly (readonly [state: string, count: number])[]
}

export function totalsOf(files: readonly FileRow[]): FileTotals {
  const states = new Map<string, number>()
  for (const { state } of files) states.set(state, (states.get(state) ?? 0) + 1)
  const rank = (state: string) => severityOf[state] ?? otherSeverity
  return {
    files: files.length,
    behindBytes: files.reduce((sum, file) => sum + behindBytes(file), 0),
    lostBytes: files.reduce((sum, { lost }) => sum + lost, 0),
    unreadable: states.get('unreadable') ?? 0,
    states: [...states].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)),
  }
}

export const fileOrders = ['state', 'file', 'size', 'behind', 'lost', 'updated'] as const
export type FileOrder = (typeof fileOrders)[number]

const byName = (a: FileRow, b: FileRow) => compare(nameOf(a), nameOf(b)) || compare(a.generation, b.generation)
/** Each in the order in which it is asked for: the most, the newest, the worst first. */
const orders: Readonly<Record<FileOrder, (a: FileRow, b: FileRow) => number>> = {
  state: (a, b) => severity(a) - severity(b) || behindBytes(b) - behindBytes(a) || b.lost - a.lost,
  file: () => 0,
  size: (a, b) => b.size - a.size,
  behind: (a, b) => behindBytes(b) - behindBytes(a),
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
    const where = `${nameOf(file)} ${file.host} ${file.path} ${file.state} ${file.reason ?? ''}`.toLowerCase()
    return words.every((word) => where.includes(word))
  })
}

function nameOf({ app, instance, dir, file }: FileRow): string {
  return `${app}/${instance}${dir === '/' ? '' : dir}/${file}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
