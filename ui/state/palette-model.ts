/** Which entries of the palette are meant by what was typed. Pure. */

export const paletteGroups = ['pages', 'saved', 'apps', 'instances', 'dirs', 'actions'] as const
export type PaletteGroup = (typeof paletteGroups)[number]

export interface Findable {
  readonly group: PaletteGroup
  readonly name: string
  /** What else it may be looked for by: its name in the other language. */
  readonly also?: string
}

/** Of one group: a list is read, not scrolled. Without anything typed even fewer say what there is. */
const perGroupMax = 8
const perGroupAtFirst = 5

/** Every typed word must be in the name. Names that begin with what was typed come first, groups stay together. */
export function findEntries<Entry extends Findable>(entries: readonly Entry[], typed: string): Entry[] {
  const text = typed.trim().toLowerCase()
  const words = text.split(/\s+/).filter(Boolean)
  const found = entries.filter(({ name, also = '' }) => {
    const where = `${name} ${also}`.toLowerCase()
    return words.every((word) => where.includes(word))
  })
  const rank = ({ name }: Entry) => (name.toLowerCase().startsWith(text) ? 0 : 1)
  const most = text === '' ? perGroupAtFirst : perGroupMax
  return paletteGroups.flatMap((group) => {
    const ofGroup = found.filter((entry) => entry.group === group)
    if (text !== '') ofGroup.sort((a, b) => rank(a) - rank(b))
    // Actions are few and each is another one: all of them, always.
    return group === 'actions' ? ofGroup : ofGroup.slice(0, most)
  })
}
