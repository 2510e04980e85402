/** What every command reads of its arguments before their meaning. Pure. */
import { flagOf, type OptionName, options } from './config.ts'
import { ShiplogError } from './errors.ts'

/** Flags beside the table of options: true where they take a value. */
export type ExtraFlags = Readonly<Record<string, boolean>>

/**
 * Throws CONFIG_INVALID where the value of a flag would be another flag: `--out --resume` is a value that was forgotten, no
 * file called `--resume`. Who means that writes `--out=--resume`.
 */
export function refuseMissingValues(args: readonly string[], extra: ExtraFlags = {}): void {
  const names = Object.keys(options) as OptionName[]
  const takesValue = new Map(names.map((name): [string, boolean] => [flagOf(name), options[name].value !== '']))
  for (const [flag, takes] of Object.entries(extra)) takesValue.set(flag, takes)
  const known = (arg: string | undefined): string | undefined => {
    const flag = arg?.startsWith('--') ? (arg.slice(2).split('=', 1)[0] as string) : ''
    return takesValue.has(flag) ? flag : undefined
  }
  for (let i = 0; i < args.length && args[i] !== '--'; i++) {
    const arg = args[i] as string
    const flag = known(arg)
    if (flag === undefined || arg.includes('=') || takesValue.get(flag) !== true) continue
    if (known(args[i + 1]) === undefined) {
      i++
      continue
    }
    throw new ShiplogError('CONFIG_INVALID', `--${flag} needs a value`, { hint: `Write --${flag} VALUE.` })
  }
}

/** Takes the flags that may repeat out of the arguments; parseCommandLine keeps the last of each only. */
export function takeRepeated<Flag extends string>(
  args: readonly string[],
  flags: readonly Flag[],
): { taken: [Flag, string][]; rest: string[] } {
  const taken: [Flag, string][] = []
  const rest: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') {
      rest.push(...args.slice(i))
      break
    }
    const name = flags.find((flag) => arg === `--${flag}` || arg.startsWith(`--${flag}=`))
    const value = name === undefined || arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : args[++i]
    if (name === undefined) rest.push(arg)
    else if (value !== undefined) taken.push([name, value])
    else throw new ShiplogError('CONFIG_INVALID', `--${name} needs a value`, { hint: `Write --${name} VALUE.` })
  }
  return { taken, rest }
}

/** True when help is asked for: `--help` anywhere, or `-h` alone beside flags. Behind `--` everything is a word. */
export function asksForHelp(args: readonly string[], words: readonly string[]): boolean {
  const ends = args.indexOf('--')
  const before = ends < 0 ? args : args.slice(0, ends)
  return before.includes('--help') || (before.includes('-h') && words.length === 1 && words[0] === '-h')
}
