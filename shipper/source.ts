/** Path → where a file belongs, by the layout. Pure. */
import { ShiplogError } from '../pipeline/errors.ts'
import { clusterPattern, type Source } from '../pipeline/record.ts'

const placeholders = ['cluster', 'app', 'instance', 'host', 'dir'] as const

export interface SourceDefaults {
  readonly cluster: string
  readonly host: string
}

/** What a path says; `fits` is false for a file outside the layout, which is shipped as app `unknown`. */
export interface Placed {
  readonly source: Source
  readonly fits: boolean
}

/**
 * Reads a layout such as `{app}/{instance}/{dir}` once. The answer places a path relative to the root (`/` between
 * folders): each placeholder stands for one folder, `{dir}` for any number of them, the file name follows by itself.
 * Throws CONFIG_INVALID for a layout that cannot be used.
 */
export function compileLayout(layout: string, { cluster, host }: SourceDefaults): (path: string) => Placed {
  const pattern = new RegExp(`^${layoutPattern(layout)}/(?<file>[^/]+)$`, 'u')
  return (path) => {
    const groups = pattern.exec(`/${path}`)?.groups
    if (groups === undefined) {
      const slash = path.lastIndexOf('/')
      const source = {
        cluster,
        host,
        app: 'unknown',
        instance: host,
        dir: `/${path.slice(0, Math.max(0, slash))}`,
        file: path.slice(slash + 1),
      }
      return { source, fits: false }
    }
    const instance = groups.instance ?? host
    const source: Source = {
      cluster: groups.cluster ?? cluster,
      app: groups.app ?? 'unknown',
      instance,
      host: groups.host ?? host,
      dir: groups.dir === undefined || groups.dir === '' ? '/' : groups.dir,
      file: groups.file as string,
    }
    return { source, fits: true }
  }
}

function layoutPattern(layout: string): string {
  const seen = new Set<string>()
  return layout
    .replace(/^\/+|\/+$/g, '')
    .split('/')
    .map((segment) => segmentPattern(segment, layout, seen))
    .join('')
}

function segmentPattern(segment: string, layout: string, seen: Set<string>): string {
  if (segment === '{dir}') {
    claim('dir', layout, seen)
    return '(?<dir>(?:/[^/]+)*)'
  }
  const parts = segment.split(/(\{[^}]*\})/).map((part) => {
    if (!part.startsWith('{')) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    const name = part.slice(1, -1)
    if (name === 'dir') throw badLayout(layout, '{dir} must be a folder of its own')
    claim(name, layout, seen)
    return name === 'cluster' ? `(?<cluster>${clusterPattern.source.replace(/^\^|\$$/g, '')})` : `(?<${name}>[^/]+)`
  })
  return `/${parts.join('')}`
}

function claim(name: string, layout: string, seen: Set<string>): void {
  if (!placeholders.some((known) => known === name)) throw badLayout(layout, `{${name}} is not known`)
  if (seen.has(name)) throw badLayout(layout, `{${name}} stands twice`)
  seen.add(name)
}

function badLayout(layout: string, why: string): ShiplogError {
  return new ShiplogError('CONFIG_INVALID', `--layout “${layout}”: ${why}`, {
    hint: `Use ${placeholders.map((name) => `{${name}}`).join(' ')} between slashes, for example {app}/{instance}/{dir}.`,
  })
}
