/** `-B`, `-A` and `-C` as grep has them: lines before, behind and around each line that is found. */
import { ShiplogError } from './errors.ts'

export const aroundFlags = { 'context-before': true, 'context-after': true, context: true }
export const aroundHelp = `  -B N, -A N, -C N        with N lines of its file before, behind, around each line found
                          (also --context-before, --context-after, --context); behind -- a -A is a word`

const longOf = { A: '--context-after', B: '--context-before', C: '--context' } as const

/** Writes the short forms long, `-B 3` and `-B3`; a letter without a number is a word of the query. */
export function longAroundFlags(args: readonly string[]): string[] {
  const long: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') return [...long, ...args.slice(i)]
    const [, letter, written] = /^-([ABC])(\d*)$/.exec(arg) ?? []
    const lines = written === '' ? args[i + 1] : written
    if (letter === undefined || lines === undefined || !/^\d+$/.test(lines)) {
      long.push(arg)
      continue
    }
    long.push(`${longOf[letter as keyof typeof longOf]}=${lines}`)
    if (written === '') i++
  }
  return long
}

/** Lines before and behind; `-C` counts where the other says nothing. Throws CONFIG_INVALID for what is no number. */
export function aroundOf(flags: ReadonlyMap<string, string>): { before: number; after: number } {
  const lines = (name: keyof typeof aroundFlags): number | undefined => {
    const written = flags.get(name)
    if (written === undefined || /^\d{1,6}$/.test(written)) return written === undefined ? undefined : Number(written)
    throw new ShiplogError('CONFIG_INVALID', `--${name} is “${written}”, expected a whole number`, {
      hint: 'It is a number of lines.',
    })
  }
  const both = lines('context') ?? 0
  return { before: lines('context-before') ?? both, after: lines('context-after') ?? both }
}

export function aroundParameters({ before, after }: { before: number; after: number }): [string, string][] {
  const parameters: [string, string][] = []
  if (before > 0) parameters.push(['contextBefore', String(before)])
  if (after > 0) parameters.push(['contextAfter', String(after)])
  return parameters
}
