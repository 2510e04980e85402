/** What a caller may see, as its grants say it. Pure. */
import type { Role } from '../pipeline/token.ts'

/** The apps of one cluster that may be seen. */
export interface AppRule {
  /** Every app, also those that come later. */
  readonly all: boolean
  /** Names without a wildcard: they need not be looked up. */
  readonly named: readonly string[]
  readonly patterns: readonly RegExp[]
}

export interface Rights {
  readonly role: Role
  appsOf(cluster: string): AppRule
  mayRead(cluster: string, app: string): boolean
}

/** Nothing but what a grant names may be seen: no grants, no logs. */
export function rightsOf(role: Role, grants: readonly string[]): Rights {
  const parsed = grants.map((grant) => {
    const slash = grant.indexOf('/')
    return { cluster: patternOf(grant.slice(0, slash)), app: grant.slice(slash + 1) }
  })
  const appsOf = (cluster: string): AppRule => {
    const apps = parsed.filter((grant) => grant.cluster.test(cluster)).map((grant) => grant.app)
    return {
      all: apps.includes('*'),
      named: apps.filter((app) => !app.includes('*')),
      patterns: apps.filter((app) => app.includes('*')).map(patternOf),
    }
  }
  return { role, appsOf, mayRead: (cluster, app) => allows(appsOf(cluster), app) }
}

export function allows({ all, named, patterns }: AppRule, app: string): boolean {
  return all || named.includes(app) || patterns.some((pattern) => pattern.test(app))
}

/** `*` is any characters, also none; all else is itself, in its case. */
function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'su')
}
