/**
 * Which files are there? Folders are listed again on a timer, and that listing is the truth; chokidar only wakes it
 * early. A folder whose modification time stands still has the same names as before, so it is not read again.
 *
 * A link whose target is under the root says nothing new: the target is shipped under its own name. What links lead to
 * outside of the root is shipped only when that is asked for, under the link's name; each folder is visited once, so
 * that links which lead in circles end.
 */
import { type BigIntStats, lstatSync, statSync } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { systemCodeOf } from '../pipeline/errors.ts'
import { identityOf } from './identity.ts'

/** A file as it was when its folder was read. `path` is the name's bytes as latin1 text, so that no name is altered; see `shownPath`. */
export interface Found {
  readonly path: string
  readonly stat: BigIntStats
  /** See identityOf. */
  readonly identity: string
}

export interface Listing {
  /** Every file that was there, by path relative to the root. */
  readonly files: ReadonlyMap<string, Found>
  /** Folders and files that could not be looked at, with the system's error code, and what is never shipped. */
  readonly unreadable: ReadonlyMap<string, string>
  /** How many folders there are. */
  readonly folders: number
}

interface Folder {
  modifiedNs: bigint
  /** When it was read, ms; a change within the clock's grain of that moment would not show in modifiedNs. */
  readAtMs: number
  /** Device and inode: the same folder has the same, whatever leads there. */
  key: string
  files: Found[]
  folders: string[]
  links: string[]
  skipped: Map<string, string>
}

/** Folders nested deeper than this are not entered. */
const depthMax = 32
/** A folder read so soon after its own change is read once more. */
const grainMs = 2000

/** Paths on disk are bytes. */
export function pathBytes(root: string, path: string): Buffer {
  return path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const chinese = new TextDecoder('gb18030')

/** The path as people read it: UTF-8, else GB18030. */
export function shownPath(path: string): string {
  const bytes = Buffer.from(path, 'latin1')
  try {
    return utf8.decode(bytes)
  } catch {
    return chinese.decode(bytes)
  }
}

/** What one listing has come across. */
interface Walk {
  readonly files: Map<string, Found>
  readonly unreadable: Map<string, string>
  /** Paths of the folders. */
  readonly seen: Set<string>
  /** The same folders by their keys. */
  readonly visited: Set<string>
  /** Links, looked at when everything that has a name of its own under the root is listed. */
  readonly links: string[]
}

/** True when one of the folders that `path` lies in is among the unreadable ones; '' is the root. */
export function isBelow(path: string, unreadable: ReadonlyMap<string, string>): boolean {
  if (unreadable.size === 0) return false
  if (unreadable.has('')) return true
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    if (unreadable.has(path.slice(0, slash))) return true
  }
  return false
}

/** Remembers folders between listings of one root; while none of them changes, the same object comes back. */
export function createDiscovery(root: string, followLinks = false): { list(): Promise<Listing> } {
  const folders = new Map<string, Folder>()
  let last: Listing | undefined
  /** Something was read again, or could not be. */
  let changed = false

  async function list(): Promise<Listing> {
    if (last !== undefined && isAsItWas(last)) return last
    changed = false
    const walk: Walk = { files: new Map(), unreadable: new Map(), seen: new Set(), visited: new Set(), links: [] }
    await visit('', 0, walk)
    const { files, unreadable, seen, links } = walk
    // A link may lead to a folder with further links, which then stand behind it.
    for (const path of links) await lookBehind(path, walk)
    for (const path of folders.keys()) if (!seen.has(path)) folders.delete(path)
    if (changed || links.length > 0 || last?.folders !== seen.size) {
      last = { files, unreadable, folders: seen.size }
    }
    return last
  }

  /** Mostly nothing has changed: then one question for each folder is all that it costs. */
  function isAsItWas({ folders: count, unreadable }: Listing): boolean {
    if (folders.size !== count || unreadable.size > 0) return false
    for (const [path, folder] of folders) {
      if (folder.links.length > 0 || !isUnchanged(path, folder)) return false
    }
    return true
  }

  function isUnchanged(path: string, { modifiedNs, readAtMs, key }: Folder): boolean {
    try {
      const { mtimeNs, dev, ino } = (path === '' ? statSync : lstatSync)(pathBytes(root, path), { bigint: true })
      return mtimeNs === modifiedNs && `${dev}:${ino}` === key && readAtMs - Number(mtimeNs / 1_000_000n) > grainMs
    } catch {
      // The listing tells why.
      return false
    }
  }

  async function lookBehind(path: string, out: Walk): Promise<void> {
    try {
      const target = await realpath(pathBytes(root, path), 'latin1')
      const top = await realpath(root, 'latin1')
      if (`${target}/`.startsWith(top === '/' ? top : `${top}/`)) return
      if (!followLinks) {
        out.unreadable.set(path, 'a symbolic link that leaves the root; --follow-symlinks reads it')
        return
      }
      const found = await stat(Buffer.from(target, 'latin1'), { bigint: true })
      if (found.isFile()) out.files.set(path, { path, stat: found, identity: identityOf(found) })
      else if (found.isDirectory()) await visit(path, path.split('/').length, out, true)
    } catch (error) {
      // A link that leads nowhere has nothing to read.
      if (systemCodeOf(error) !== 'ENOENT') out.unreadable.set(path, systemCodeOf(error) ?? 'unreadable')
    }
  }

  async function visit(path: string, depth: number, out: Walk, behindLink = false): Promise<void> {
    const folder = await folderAt(path, out.unreadable, behindLink)
    if (folder === undefined) return
    if (behindLink && out.visited.has(folder.key)) return
    out.visited.add(folder.key)
    out.seen.add(path)
    out.links.push(...folder.links)
    for (const [skipped, why] of folder.skipped) out.unreadable.set(skipped, why)
    for (const found of folder.files) out.files.set(found.path, found)
    for (const child of folder.folders) {
      if (depth < depthMax) await visit(child, depth + 1, out, behindLink)
      else out.unreadable.set(child, `nested deeper than ${depthMax} folders`)
    }
  }

  async function folderAt(
    path: string,
    unreadable: Map<string, string>,
    mayBeLink: boolean,
  ): Promise<Folder | undefined> {
    try {
      // The root itself may be a link; a link has a modification time of its own.
      // One of these is asked of every folder all the time: without a promise it costs a tenth.
      const look = path === '' || mayBeLink ? statSync : lstatSync
      const { mtimeNs, dev, ino } = look(pathBytes(root, path), { bigint: true })
      const key = `${dev}:${ino}`
      const known = folders.get(path)
      const settled = known !== undefined && known.readAtMs - Number(mtimeNs / 1_000_000n) > grainMs
      if (known?.modifiedNs === mtimeNs && known.key === key && settled) return known
      changed = true
      const folder = await readFolder(path, mtimeNs, key)
      folders.set(path, folder)
      return folder
    } catch (error) {
      changed = true
      // Below a root that is away nothing is known to be gone.
      if (path === '' || systemCodeOf(error) !== 'ENOENT') unreadable.set(path, systemCodeOf(error) ?? 'unreadable')
      return undefined
    }
  }

  async function readFolder(path: string, modifiedNs: bigint, key: string): Promise<Folder> {
    const readAtMs = Date.now()
    const folder: Folder = { modifiedNs, readAtMs, key, files: [], folders: [], links: [], skipped: new Map() }
    for (const entry of await readdir(pathBytes(root, path), { withFileTypes: true, encoding: 'buffer' })) {
      const name = entry.name.toString('latin1')
      const child = path === '' ? name : `${path}/${name}`
      if (entry.isDirectory()) folder.folders.push(child)
      else if (entry.isSymbolicLink()) folder.links.push(child)
      else if (entry.isFile()) await addFile(folder, child)
    }
    // What several links lead to has the name of the first, at every start.
    folder.links.sort()
    return folder
  }

  async function addFile(folder: Folder, path: string): Promise<void> {
    try {
      const found = await lstat(pathBytes(root, path), { bigint: true })
      if (found.isFile()) folder.files.push({ path, stat: found, identity: identityOf(found) })
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return
      folder.skipped.set(path, systemCodeOf(error) ?? 'unreadable')
      // Permissions may be mended without a change of the folder: it is read again each time.
      folder.readAtMs = 0
    }
  }

  return { list }
}
