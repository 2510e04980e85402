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

/** True when help is asked for: `--help` anywhere, or `-h` alone beside flags. Behind `--` everything is a word. */
export function asksForHelp(args: readonly string[], words: readonly string[]): boolean {
  const ends = args.indexOf('--')
  const before = ends < 0 ? args : args.slice(0, ends)
  return before.includes('--help') || (before.includes('-h') && words.length === 1 && words[0] === '-h')
}
