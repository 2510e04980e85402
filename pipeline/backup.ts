/**
 * The small state as a file: a line of JSON that says what it is, one for each entry by key, one for the tokens where there are
 * any, and last the SHA-256 of all bytes before it. Pure.
 */
import { createHash } from 'node:crypto'
import { policyPrefix } from './alert-policy.ts'
import { messageOf, ShiplogError } from './errors.ts'
import type { Token } from './token.ts'
import { tokenOf } from './token-file.ts'

/** What people made. Sessions, leases, file states and how alerts are now come again by themselves. */
export const backedUpPrefixes = ['search/', policyPrefix] as const

export interface Backup {
  readonly entries: readonly { readonly key: string; readonly value: unknown }[]
  /** Undefined = the backup was made without --tokens. */
  readonly tokens: readonly Token[] | undefined
}

const formatVersion = 1

export function formatBackup({ entries, tokens }: Backup, nowMs: number): string {
  const lines: object[] = [
    { shiplog: 'backup', v: formatVersion, at: new Date(nowMs).toISOString(), entries: entries.length },
    ...entries.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ key, value }) => ({ key, value })),
    ...(tokens === undefined ? [] : [{ tokens }]),
  ]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  return `${text}${JSON.stringify({ sha256: sumOf(text) })}\n`
}

/** Throws STATE_UNREADABLE: nothing of a backup that is not whole is restored. */
export function parseBackup(text: string, path: string): Backup {
  const [first = ''] = text.split('\n', 1)
  const head = objectIn(first)
  if (head?.shiplog !== 'backup') throw unreadable(path, 'it is no backup of Shiplog', 'Give a file of shiplog backup.')
  if (head.v !== formatVersion) {
    throw unreadable(
      path,
      `its version is ${JSON.stringify(head.v)}, this Shiplog reads ${formatVersion}`,
      'Restore it with the version of Shiplog that made it, or a newer one.',
    )
  }
  const end = text.lastIndexOf('\n', text.length - 2) + 1
  const sum = text.endsWith('\n') ? objectIn(text.slice(end))?.sha256 : undefined
  if (sum === undefined || sum !== sumOf(text.slice(0, end)))
    throw unreadable(path, 'it is not as it was written: cut off or changed', 'Take another copy of it.')
  try {
    return contentOf(text.slice(first.length + 1, end), head.entries)
  } catch (cause) {
    throw unreadable(path, messageOf(cause), 'Take another copy of it.')
  }
}

function contentOf(text: string, count: unknown): Backup {
  const entries: { key: string; value: unknown }[] = []
  let tokens: Token[] | undefined
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const { key, value, tokens: listed } = objectIn(line) ?? {}
    if (Array.isArray(listed)) tokens = listed.map(tokenOf)
    else if (
      typeof key === 'string' &&
      backedUpPrefixes.some((prefix) => key.startsWith(prefix)) &&
      value !== undefined
    )
      entries.push({ key, value })
    else throw new Error('there is something in it that belongs in no backup')
  }
  if (entries.length !== count) throw new Error(`it has ${entries.length} entries instead of ${String(count)}`)
  return { entries, tokens }
}

function objectIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function unreadable(path: string, why: string, hint: string): ShiplogError {
  return new ShiplogError('STATE_UNREADABLE', `${path} cannot be restored: ${why}`, { hint })
}
