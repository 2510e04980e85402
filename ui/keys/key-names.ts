/** What can be pressed, and the key of its text. The order is that of the help. */
import { paletteKey } from './use-keys.ts'

export const keyNames = {
  keyword: '/',
  filter: '/',
  search: 'Enter',
  nextHit: 'n N',
  nextError: 'e E',
  move: 'j k',
  ends: 'g G',
  context: 'c',
  unfold: 'o',
  wrap: 'w',
  patterns: 'P',
  fields: 'F',
  follow: 'f',
  pause: 'p',
  copy: 'y',
  saved: 's',
  palette: paletteKey,
  help: '?',
  close: 'Esc',
} as const

export type KeyName = keyof typeof keyNames

/** The one key with two meanings is explained once. */
export const helpNames = (Object.keys(keyNames) as KeyName[]).filter((name) => name !== 'filter')
