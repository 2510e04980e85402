/** Which changes of the configuration a running process takes, and which wait for its next start. Pure. */
import { type Config, flagOf, type OptionName } from './config.ts'

/** What holds at once; everything else was handed to its stage when that was built. */
const reloadable: readonly OptionName[] = [
  'include',
  'exclude',
  'paths',
  'quotas',
  'layout',
  'timezone',
  'eventBytesMax',
  'eventLinesMax',
  'logLevel',
]

export interface Reloaded {
  /** What the process runs with from now on. */
  readonly config: Config
  /** Flags of what changed and holds at once. */
  readonly changed: readonly string[]
  /** Flags of what was written differently from what the process was started with, and needs a restart. */
  readonly waiting: readonly string[]
}

/** `started`: what the process was started with; `running`: what it runs with; `written`: what was read just now. */
export function reloaded(started: Config, running: Config, written: Config): Reloaded {
  const names = Object.keys(started) as OptionName[]
  const differs = (a: Config, b: Config, name: OptionName): boolean =>
    JSON.stringify(a[name]) !== JSON.stringify(b[name])
  const taken = Object.fromEntries(reloadable.map((name) => [name, written[name]]))
  return {
    config: Object.freeze({ ...running, ...taken }),
    changed: reloadable.filter((name) => differs(running, written, name)).map(flagOf),
    waiting: names.filter((name) => !reloadable.includes(name) && differs(started, written, name)).map(flagOf),
  }
}
