/** What the model's programs write: events whose every first line has a number that no other has. */
import iconv from 'iconv-lite'
import type { Random } from '../../demo/random.ts'

export const kinds = ['stamped', 'crlf', 'gbk', 'json', 'unstamped'] as const
export type Kind = (typeof kinds)[number]

const epochMs = Date.parse('2026-11-22T10:00:00Z')

/** Makes events one after another; their stamps go on by at least a millisecond. */
export class Program {
  readonly kind: Kind
  readonly #random: Random
  readonly #name: string
  #count = 0

  constructor(kind: Kind, name: string, random: Random) {
    this.kind = kind
    this.#name = name
    this.#random = random
  }

  /** The bytes of the next event, its lines and their ends. */
  next(): Buffer {
    const random = this.#random
    const number = ++this.#count
    const token = `#${this.#name}${number};`
    const stamp = new Date(epochMs + number * 3).toISOString()
    const filler = 'x'.repeat(random.percent(4) ? 1000 + random.below(3000) : random.below(60))
    if (this.kind === 'json')
      return Buffer.from(`${JSON.stringify({ time: stamp, level: 'info', msg: `${token} ${filler}` })}\n`)
    if (this.kind === 'unstamped') return Buffer.from(`request ${token} done ${filler}\n`)
    const lines = [`${stamp.slice(0, 23).replace('T', ' ')} INFO ${token} 连接失败 ${filler}`]
    if (random.percent(15)) {
      lines.push('java.lang.IllegalStateException: 连接')
      for (let i = random.below(12); i >= 0; i--) lines.push(`\tat a.b.C${i}.run(C.java:${random.below(900)})`)
    }
    const end = this.kind === 'crlf' ? '\r\n' : '\n'
    const text = lines.map((line) => line + end).join('')
    return this.kind === 'gbk' ? iconv.encode(text, 'gb18030') : Buffer.from(text)
  }
}

/** The number of the first event that is named in `text`. */
export function tokenIn(text: string): string | undefined {
  return /#[a-z]\d+;/.exec(text)?.[0]
}
