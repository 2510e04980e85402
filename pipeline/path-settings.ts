/**
 * Settings of single files: the `paths` list of the configuration file, read and checked. Pure.
 *
 *     paths:
 *       - match: 'erp/**'
 *         encoding: gbk
 */
import picomatch from 'picomatch'
import type { Encoding } from './encoding.ts'
import { messageOf } from './errors.ts'
import { nearestOf } from './nearest.ts'

/**
 * Which lines make one event. The languages: whose continuation lines are known in files without stamps. `docker`, `cri`:
 * the lines are wrapped by a container's runtime. `off`: every line of the file is an event as it stands.
 */
export const multilineModes = ['auto', 'java', 'python', 'go', 'node', 'docker', 'cri', 'off'] as const
export type Multiline = (typeof multilineModes)[number]

/** What is written for an encoding, and which that is. */
const encodingNames: Readonly<Record<string, Encoding | 'auto'>> = {
  auto: 'auto',
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  gb18030: 'gb18030',
  gbk: 'gb18030',
  gb2312: 'gb18030',
}

/** One entry: what it says of the files that it matches; what is undefined it says nothing of. */
export interface PathSettings {
  readonly match: readonly string[]
  readonly layout?: string
  readonly encoding?: Encoding | 'auto'
  readonly multiline?: Multiline
  readonly timezone?: string
  /** True: they are shipped, false: they are not, whatever include and exclude say. */
  readonly included?: boolean
}

const keys = ['match', 'layout', 'encoding', 'multiline', 'timezone', 'include', 'exclude'] as const

/** @throws Error with what was expected. */
export function readPathSettings(value: unknown): PathSettings[] {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) throw new Error("a list of entries such as “- match: 'erp/**'”")
  return value.map((entry: unknown, i) => {
    try {
      return readEntry(entry)
    } catch (error) {
      throw new Error(`${messageOf(error)} (entry ${i + 1})`)
    }
  })
}

function readEntry(entry: unknown): PathSettings {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new Error('keys and values')
  const written = new Map<string, unknown>(Object.entries(entry))
  for (const key of written.keys()) {
    if (!keys.some((known) => known === key)) throw new Error(`one of ${keys.join(', ')}${unlike(key, keys)}`)
  }
  const match = written.get('match')
  const globs = (Array.isArray(match) ? match : [match]).map((glob) => readGlob(glob))
  const [include, exclude] = [flagOf(written, 'include'), flagOf(written, 'exclude')]
  if (include !== undefined && exclude !== undefined) throw new Error('either include or exclude')
  const included = include ?? (exclude === undefined ? undefined : !exclude)
  const layout = textOf(written, 'layout')
  const timezone = textOf(written, 'timezone')
  const encoding = textOf(written, 'encoding')
  const multiline = textOf(written, 'multiline')
  return {
    match: globs,
    ...(layout === undefined ? {} : { layout }),
    ...(timezone === undefined ? {} : { timezone: readZone(timezone) }),
    ...(encoding === undefined ? {} : { encoding: readEncoding(encoding) }),
    ...(multiline === undefined ? {} : { multiline: readMultiline(multiline) }),
    ...(included === undefined ? {} : { included }),
  }
}

function textOf(written: ReadonlyMap<string, unknown>, key: string): string | undefined {
  const value = written.get(key)
  if (value === undefined) return undefined
  // YAML reads `off` as text, but older readers as false.
  if (value === false && key === 'multiline') return 'off'
  if (typeof value !== 'string' || value === '') throw new Error(`a text for ${key}`)
  return value
}

function flagOf(written: ReadonlyMap<string, unknown>, key: string): boolean | undefined {
  const value = written.get(key)
  if (value === undefined || typeof value === 'boolean') return value
  throw new Error(`true or false for ${key}`)
}

function readEncoding(written: string): Encoding | 'auto' {
  const found = Object.hasOwn(encodingNames, written.toLowerCase()) ? encodingNames[written.toLowerCase()] : undefined
  if (found !== undefined) return found
  const names = Object.keys(encodingNames)
  throw new Error(`an encoding of ${names.join(', ')}${unlike(written, names)}`)
}

function readMultiline(written: string): Multiline {
  const found = multilineModes.find((mode) => mode === written)
  if (found !== undefined) return found
  throw new Error(`multiline as ${multilineModes.join(', ')}${unlike(written, multilineModes)}`)
}

function unlike(written: string, candidates: readonly string[]): string {
  const nearest = nearestOf(written, candidates)
  return nearest === undefined ? `, not “${written}”` : `, not “${written}”: did you mean ${nearest}?`
}

/** @throws Error with what was expected. */
export function readZone(written: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone
  } catch {
    throw new Error('an IANA time zone such as Asia/Shanghai or UTC')
  }
}

/** A pattern for paths below the root. @throws Error with what was expected. */
export function readGlob(written: unknown): string {
  if (typeof written !== 'string' || written === '') throw new Error('a glob such as erp/** or *.out')
  if (written.startsWith('/') || written.startsWith('./'))
    throw new Error('a glob that is relative to the root, without a slash in front')
  if (written.startsWith('!')) throw new Error('a glob without “!”: what shall not be shipped goes into exclude')
  globMatcher([written])
  return written
}

/**
 * True for paths (relative to the root, as they are shown) that one of the globs matches. A glob without a slash is for
 * file names in any folder, one that ends with a slash for everything below that folder.
 */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((glob) => {
    const whole = glob.endsWith('/') ? `${glob}**` : glob
    const matches = picomatch(whole, { dot: true, nonegate: true, strictBrackets: true })
    return whole.includes('/') ? matches : (path: string) => matches(path.slice(path.lastIndexOf('/') + 1))
  })
  return (path) => matchers.some((matches) => matches(path))
}
