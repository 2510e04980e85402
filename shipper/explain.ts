/** Why a file is or is not shipped, from its path, the layout and the checkpoint; also while a shipper runs. */
import { existsSync, lstatSync, realpathSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { Explained } from '../pipeline/cli-doctor.ts'
import type { Config } from '../pipeline/config.ts'
import { type Check, type Finding, fail, ok, warn } from '../pipeline/doctor.ts'
import { messageOf, systemCodeOf } from '../pipeline/errors.ts'
import { quotaOf } from '../pipeline/quota-settings.ts'
import type { Source } from '../pipeline/record.ts'
import { archiveSuffix } from './archive.ts'
import { createDiscovery, shownPath } from './discover.ts'
import { identityOf } from './identity.ts'
import { dayOf } from './quota-meter.ts'
import { compileLayout } from './source.ts'

/** The checkpoint can be read, and holds so many incarnations. */
export const checkCheckpoint: Check = ({ data }) => {
  const path = join(data, 'shipper/checkpoint.db')
  if (!existsSync(path)) return [ok('checkpoint', 'there is none yet: files are read from their start')]
  try {
    const row = read(path, (db) => db.prepare('SELECT count(*) AS files, sum(lost) AS lost FROM generation').get())
    const lost = Number(row?.lost ?? 0)
    const text = `${row?.files} incarnations of files`
    if (lost === 0) return [ok('checkpoint', text)]
    return [warn('checkpoint', `${text}, ${lost} bytes lost`, 'GET /api/v1/files?lost=true says where and why.')]
  } catch (error) {
    const hint = `Restore ${path} from a backup. Moved away, every file is read again from its start.`
    return [fail('checkpoint', `${path} cannot be read: ${messageOf(error)}`, hint)]
  }
}

/** `path` is absolute, or relative to where one stands, or to the root. */
export async function explainFile(config: Config, path: string): Promise<Explained> {
  const given = isAbsolute(path) || existsSync(path) ? resolve(path) : join(config.root, path)
  const findings: Finding[] = []
  const end = (finding: Finding): Explained => ({ findings: [...findings, finding] })
  let root: string
  try {
    root = realpathSync(config.root)
  } catch (error) {
    return end(fail('root', `${config.root}: ${systemCodeOf(error)}`, 'Give the folder of the logs as --root.'))
  }
  const stat = lstatOf(given)
  if (typeof stat === 'string') return end(fail('file', `${given}: ${stat}`, hints[stat] ?? 'Is the name right?'))
  if (stat.isSymbolicLink()) {
    const text = `it is a symbolic link to ${realpathOf(given) ?? 'nowhere'}`
    return end(warn('file', text, 'Links are not shipped, their targets under the root are.'))
  }
  const real = realpathOf(given) ?? given
  const inside = relative(root, real)
  if (inside.startsWith('..') || isAbsolute(inside))
    return end(fail('root', `it does not lie under ${root}`, 'Only what is under --root is shipped.'))
  if (!stat.isFile()) return end(fail('file', 'it is no regular file', 'Only files are shipped.'))
  findings.push(ok('root', `${inside} under ${root}`))

  // On disk names are bytes: they are compared as such.
  const name = Buffer.from(inside.split(sep).join('/')).toString('latin1')
  const { files, unreadable } = await createDiscovery(config.root).list()
  const why = reasonFor(name, unreadable)
  if (why !== undefined) return end(fail('found', `it is left out: ${why}`, hints[why] ?? 'See the reason.'))
  if (!files.has(name)) return end(fail('found', 'the listing of the root does not show it', 'Was it made just now?'))
  findings.push(ok('found', 'the listing of the root shows it'))
  try {
    await (await open(real, 'r')).close()
    findings.push(ok('open', 'it can be read'))
  } catch (error) {
    const code = systemCodeOf(error) ?? messageOf(error)
    findings.push(fail('open', `it cannot be read: ${code}`, hints[code] ?? 'It is tried again and again.'))
  }

  const shown = shownPath(name)
  const place = compileLayout(config.layout, config)
  const { source, fits } = place(shown.endsWith(archiveSuffix) ? shown.slice(0, -archiveSuffix.length) : shown)
  const text = `app ${source.app}, instance ${source.instance}, dir ${source.dir}, file ${source.file}`
  findings.push(
    fits
      ? ok('layout', text)
      : warn('layout', `it does not fit ${config.layout}: shipped as ${text}`, 'Move it, or give another --layout.'),
  )
  findings.push(...checkpointFindings(config.data, identityOf(lstatSync(given, { bigint: true })), stat.size, shown))
  findings.push(...quotaFindings(config, source))
  return { findings, source, path: shown }
}

/** What its app may send, and has sent today. Whether it waits for that now the process says. */
function quotaFindings({ quotas, data }: Config, source: Source): Finding[] {
  const { linesPerSecond, bytesPerDay } = quotaOf(quotas, source.app)
  const limits: string[] = []
  if (Number.isFinite(linesPerSecond?.hard)) limits.push(`${linesPerSecond?.hard} lines/s`)
  if (Number.isFinite(bytesPerDay?.hard)) {
    try {
      limits.push(`${bytesPerDay?.hard} bytes/day, ${takenToday(data, source)} taken today (UTC)`)
    } catch (error) {
      const hint = 'See shiplog doctor without --file.'
      return [fail('quota', `what was taken today cannot be read: ${messageOf(error)}`, hint)]
    }
  }
  return limits.length === 0 ? [] : [ok('quota', `app ${source.app}: at most ${limits.join('; ')}`)]
}

function takenToday(data: string, { cluster, app }: Source): number {
  const path = join(data, 'shipper/checkpoint.db')
  if (!existsSync(path)) return 0
  return read(path, (db) => {
    // One of an older version does not have it before its next start.
    const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'day_bytes'").get() !== undefined
    const sql = 'SELECT bytes FROM day_bytes WHERE cluster = ? AND app = ? AND day = ?'
    return isThere ? Number(db.prepare(sql).get(cluster, app, dayOf(Date.now()))?.bytes ?? 0) : 0
  })
}

function checkpointFindings(data: string, identity: string, size: number, shown: string): Finding[] {
  const path = join(data, 'shipper/checkpoint.db')
  const hint = 'It is, as soon as its first line is shipped.'
  if (!existsSync(path)) return [warn('checkpoint', 'no shipper has worked on this --data yet', hint)]
  let rows: Record<string, unknown>[]
  try {
    rows = read(path, (db) =>
      db.prepare('SELECT * FROM generation WHERE identity = ? ORDER BY generation').all(identity),
    )
  } catch (error) {
    return [fail('checkpoint', `${path} cannot be read: ${messageOf(error)}`, 'See shiplog doctor without --file.')]
  }
  if (rows.length === 0) return [warn('checkpoint', 'it is not known to the checkpoint', hint)]
  return rows.map((row, i) => {
    const { offset } = JSON.parse(String(row.position)) as { offset: number }
    const isNow = i === rows.length - 1 && row.live === 1 && !shown.endsWith(archiveSuffix)
    const behind = isNow && size > offset ? `, behind by ${size - offset} bytes` : ''
    const ended = row.live === 1 ? '' : ', ended'
    const lost = Number(row.lost)
    const text = `generation ${row.generation}: acknowledged up to ${offset}${isNow ? ` of ${size}` : ''}${behind}${ended}`
    if (lost === 0) return ok('checkpoint', text)
    return fail('checkpoint', `${text}, ${lost} bytes lost`, 'docs/delivery.md says what losses remain.')
  })
}

/** The reason for the file, or for the nearest folder that it lies in. */
function reasonFor(path: string, unreadable: ReadonlyMap<string, string>): string | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const why = unreadable.get(at)
    if (why !== undefined) return why
  }
  return unreadable.get('')
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file: is the name right?',
  EACCES: 'Give the user that runs Shiplog the right to read it, and to enter the folders above it.',
  ELOOP: 'Links lead in a circle there.',
  EIO: 'The disk or mount does not answer.',
  ESTALE: 'The network mount is stale: mount it again.',
}

function lstatOf(path: string): Stats | string {
  try {
    return lstatSync(path)
  } catch (error) {
    return systemCodeOf(error) ?? messageOf(error)
  }
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Never writes, and never waits for the shipper that may be writing. Without a log beside it the file is as it stands. */
function read<T>(path: string, query: (db: DatabaseSync) => T): T {
  const url = pathToFileURL(path)
  url.searchParams.set('mode', 'ro')
  if (!existsSync(`${path}-wal`)) url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url)
  try {
    db.exec('PRAGMA busy_timeout = 2000')
    return query(db)
  } finally {
    db.close()
  }
}
