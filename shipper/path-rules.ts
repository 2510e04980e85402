/** What the configuration says of each file: whether it is shipped, how it is read, and what its path means. Pure. */
import type { Config } from '../pipeline/config.ts'
import { globMatcher } from '../pipeline/path-settings.ts'
import type { Settings } from './learn.ts'
import { compileLayout, type Placed } from './source.ts'

export type PathConfig = Pick<
  Config,
  'include' | 'exclude' | 'paths' | 'layout' | 'cluster' | 'host' | 'timezone' | 'eventBytesMax' | 'eventLinesMax'
>

export interface PathRule {
  readonly included: boolean
  readonly settings: Settings
  readonly place: (path: string) => Placed
}

/** Takes paths relative to the root, as they are shown. */
export type PathRules = (path: string) => PathRule

/** Of entries that match the same file, each thing is said by the last one that says it. Throws CONFIG_INVALID. */
export function createPathRules(config: PathConfig): PathRules {
  const { timezone, eventBytesMax, eventLinesMax } = config
  const isIncluded = config.include.length === 0 ? () => true : globMatcher(config.include)
  const isExcluded = globMatcher(config.exclude)
  const place = compileLayout(config.layout, config)
  const entries = config.paths.map((entry) => ({
    ...entry,
    matches: globMatcher(entry.match),
    place: entry.layout === undefined ? undefined : compileLayout(entry.layout, config),
  }))
  return (path) => {
    let included = isIncluded(path) && !isExcluded(path)
    let settings: Settings = { timezone, eventBytesMax, eventLinesMax, multiline: 'auto' }
    let placed = place
    for (const entry of entries) {
      if (!entry.matches(path)) continue
      included = entry.included ?? included
      placed = entry.place ?? placed
      settings = {
        ...settings,
        timezone: entry.timezone ?? settings.timezone,
        multiline: entry.multiline ?? settings.multiline,
        encoding: entry.encoding === 'auto' ? undefined : (entry.encoding ?? settings.encoding),
      }
    }
    return { included, settings, place: placed }
  }
}
