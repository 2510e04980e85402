/** The file of `--tokens`: `shiplog token` changes it, the query API follows it. It holds hashes, no secrets. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { messageOf, ShiplogError, systemCodeOf } from './errors.ts'
import { grantPattern, roles, type Token, tokenNamePattern } from './token.ts'

const fileVersion = 1
/** How soon a change of the file is seen: a token that was removed is refused within this. */
const lookMs = 1000

/** What the query API asks. */
export interface Tokens {
  /** The token with this id, expired or not. */
  find(id: string): Token | undefined
  /** What is wrong with the file now; undefined = nothing. */
  trouble(): string | undefined
}

/**
 * The tokens of the file, read anew when it changes. Throws STATE_UNREADABLE when it cannot be read. When that happens later,
 * what was read before holds: nobody is let in by it who was not before. `tell` hears of it once, `trouble` says it on.
 */
export function openTokens(path: string, tell: (trouble: string) => void, now: () => number = Date.now): Tokens {
  let known = byId(readTokenFile(path))
  let stamp = stampOf(path)
  let looked = now()
  let trouble: string | undefined
  const look = (): void => {
    if (Math.abs(now() - looked) < lookMs) return
    looked = now()
    try {
      const seen = stampOf(path)
      if (seen === stamp && trouble === undefined) return
      known = byId(readTokenFile(path))
      stamp = seen
      trouble = undefined
    } catch (error) {
      const before = trouble
      trouble = `${messageOf(error)}; the tokens that were read before still hold`
      if (before === undefined) tell(trouble)
    }
  }
  return {
    find(id) {
      look()
      return known.get(id)
    },
    trouble() {
      look()
      return trouble
    },
  }
}

/** Throws STATE_UNREADABLE with what to do. */
export function readTokenFile(path: string): Token[] {
  try {
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; tokens?: unknown }
    if (parsed.version !== fileVersion) throw new Error(`its version is ${String(parsed.version)}, not ${fileVersion}`)
    if (!Array.isArray(parsed.tokens)) throw new Error('it has no list of tokens')
    return parsed.tokens.map(tokenOf)
  } catch (cause) {
    throw new ShiplogError('STATE_UNREADABLE', `the tokens in ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'shiplog token add makes the file; restore it from a copy, or move it away and add the tokens anew.',
      cause,
    })
  }
}

/**
 * Changes the file as a whole or not at all, whenever the process dies: what is new is durable beside it before it takes its
 * name. Two at once cannot lose each other's change, because both want to make the same new file.
 */
export function changeTokenFile(path: string, change: (tokens: readonly Token[]) => readonly Token[]): void {
  const fresh = `${path}.new`
  let file: number
  try {
    file = openSync(fresh, 'wx', 0o600)
  } catch (cause) {
    const taken = systemCodeOf(cause) === 'EEXIST'
    throw new ShiplogError('DATA_UNWRITABLE', `cannot make ${fresh}: ${messageOf(cause)}`, {
      hint: taken
        ? `If no other shiplog token is at work, remove ${fresh}.`
        : 'Give --tokens a path that can be written.',
      cause,
    })
  }
  try {
    const before = statSync(path, { throwIfNoEntry: false })
    const tokens = change(before === undefined ? [] : readTokenFile(path))
    // Who could read it shall go on reading it: a server that cannot would not see that a token was removed.
    if (before !== undefined) {
      fchmodSync(file, before.mode & 0o777)
      fchownSync(file, before.uid, before.gid)
    }
    writeSync(file, `${JSON.stringify({ version: fileVersion, tokens }, undefined, 2)}\n`)
    fsyncSync(file)
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function stampOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true })
  return `${ino}/${size}/${mtimeNs}`
}

function byId(tokens: readonly Token[]): Map<string, Token> {
  return new Map(tokens.map((token) => [token.id, token]))
}

/** What people may have edited by hand is checked as a whole: half a right is worse than an error. */
export function tokenOf(entry: unknown, index: number): Token {
  const { id, name, role, grants, hash, createdAt, expiresAt } = (entry ?? {}) as Partial<Record<keyof Token, unknown>>
  const bad = (what: string): Error => new Error(`token ${index + 1} has no valid ${what}`)
  if (typeof id !== 'string' || !/^[0-9a-f]{12}$/.test(id)) throw bad('id')
  if (typeof name !== 'string' || !tokenNamePattern.test(name)) throw bad('name')
  const known = roles.find((one) => one === role)
  if (known === undefined) throw bad(`role (${roles.join(', ')})`)
  if (!Array.isArray(grants) || !grants.every((grant) => typeof grant === 'string' && grantPattern.test(grant)))
    throw bad('grants (cluster/app)')
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw bad('hash')
  if (typeof createdAt !== 'string') throw bad('createdAt')
  if (expiresAt !== undefined && (typeof expiresAt !== 'string' || Number.isNaN(Date.parse(expiresAt))))
    throw bad('expiresAt')
  return { id, name, role: known, grants: grants as string[], hash, createdAt, ...(expiresAt && { expiresAt }) }
}
