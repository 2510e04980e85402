/**
 * Terminal colours in a message, as ranges of it: the text itself stays what was written. Pure.
 * Source: ECMA-48 (CSI sequences, SGR), xterm's 256 colours.
 */
import type { Styled } from './line-model.ts'

/** `ESC [ … final`, `ESC ] … BEL`, and the two-character ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
const sequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g
const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const effects: Readonly<Record<number, readonly [on: boolean, ...names: string[]]>> = {
  1: [true, 'bold'],
  2: [true, 'dim'],
  3: [true, 'italic'],
  4: [true, 'underline'],
  9: [true, 'strike'],
  22: [false, 'bold', 'dim'],
  23: [false, 'italic'],
  24: [false, 'underline'],
  29: [false, 'strike'],
}

interface Style {
  colour: string | undefined
  ground: string | undefined
  readonly effects: Set<string>
}

/** In order, apart; the control sequences themselves have no class. Plain text has none of either. */
export function styledRanges(message: string): Styled[] {
  if (!message.includes('\u001b')) return []
  const ranges: Styled[] = []
  const style: Style = { colour: undefined, ground: undefined, effects: new Set() }
  let at = 0
  for (const { 0: found, index } of message.matchAll(sequence)) {
    const className = classOf(style)
    if (className !== '' && index > at) ranges.push({ start: at, end: index, className })
    at = index + found.length
    ranges.push({ start: index, end: at, className: undefined })
    if (found.endsWith('m') && found.startsWith('[', 1)) apply(style, found.slice(2, -1))
  }
  const className = classOf(style)
  if (className !== '' && message.length > at) ranges.push({ start: at, end: message.length, className })
  return ranges
}

/** The text without its control sequences. */
export function visibleText(text: string): string {
  return text.includes('\u001b') ? text.replace(sequence, '') : text
}

function classOf({ colour, ground, effects }: Style): string {
  const classes = [...effects].map((name) => `ansi-${name}`)
  if (colour !== undefined) classes.push(`ansi-${colour}`)
  if (ground !== undefined) classes.push(`ansi-on-${ground}`)
  return classes.join(' ')
}

function apply(style: Style, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number)
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number
    const effect = effects[code]
    if (effect !== undefined) {
      const [on, ...names] = effect
      for (const name of names) on ? style.effects.add(name) : style.effects.delete(name)
    } else if (code === 0) {
      style.colour = style.ground = undefined
      style.effects.clear()
    } else if (code === 38 || code === 48) {
      const [name, used] = codes[at + 1] === 5 ? [indexed(codes[at + 2]), 2] : [nearest(codes.slice(at + 2, at + 5)), 4]
      if (code === 38) style.colour = name
      else style.ground = name
      at += used
    } else if (code >= 30 && code <= 37) style.colour = colours[code - 30]
    else if (code >= 90 && code <= 97) style.colour = colours[code - 90]
    else if (code >= 40 && code <= 47) style.ground = colours[code - 40]
    else if (code >= 100 && code <= 107) style.ground = colours[code - 100]
    else if (code === 39) style.colour = undefined
    else if (code === 49) style.ground = undefined
  }
}

/** One of xterm's 256: the eight and their bright ones, a cube of 6 × 6 × 6, greys. */
function indexed(index = 7): string {
  if (index < 16) return colours[index % 8] as string
  if (index >= 232) return index < 238 ? 'black' : 'white'
  const cube = index - 16
  return nearest([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((part) => part * 51))
}

/** Only the eight have a form that can be read on both grounds of the page. */
function nearest(rgb: readonly number[]): string {
  const most = Math.max(...rgb)
  if (most < 64) return 'black'
  const bits = rgb.reduce((sum, part, place) => sum + (part > most * 0.6 ? 1 << place : 0), 0)
  return colours[bits] as string
}
