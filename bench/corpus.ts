/**
 * Log files of the samples' kind in any number: real lines from test/fixtures/samples, each with a new stamp and with
 * new numbers in it, so that the vocabulary grows as it does in life. A seed repeats it.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRandom, type Random } from '../demo/random.ts'

const samples = fileURLToPath(new URL('../test/fixtures/samples/', import.meta.url))

interface Kind {
  /** Part of all lines; together they average 140 bytes a line. */
  readonly share: number
  /** Where it is written: `#` becomes the number of the instance. */
  readonly path: string
  readonly sample: string
  /** The stamp in a line; a line without one follows the line before it. */
  readonly stamp: RegExp
  readonly format: (at: Date) => string
}

const iso = (at: Date): string => at.toISOString()
const comma = (at: Date): string => `${iso(at).slice(0, 10)} ${iso(at).slice(11, 19)},${iso(at).slice(20, 23)}`
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const clf = (at: Date): string =>
  `${iso(at).slice(8, 10)}/${months[at.getUTCMonth()]}/${iso(at).slice(0, 4)}:${iso(at).slice(11, 19)} +0000`
const slashes = (at: Date): string => `${iso(at).slice(0, 10).replaceAll('-', '/')} ${iso(at).slice(11, 19)}`

const kinds: readonly Kind[] = [
  {
    share: 0.2,
    path: '2048/2048-#/nginx/access.log',
    sample: '2048/2048-7d9c6b5f4-kx2lm/nginx/access.log',
    stamp: /\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/,
    format: clf,
  },
  {
    share: 0.1,
    path: '2048/2048-#/nginx/error.log',
    sample: '2048/2048-7d9c6b5f4-zt8qw/nginx/error.log',
    stamp: /\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/,
    format: slashes,
  },
  {
    share: 0.3,
    path: 'order-service/order-service-#/logs/order.log',
    sample: 'order-service/order-service-5f6d8c7b9-9ttcv/logs/order.log',
    stamp: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/,
    format: comma,
  },
  {
    share: 0.24,
    path: 'billing/billing-worker-#/logs/billing.log',
    sample: 'billing/billing-worker-0/logs/billing.log',
    stamp: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}/,
    format: comma,
  },
  {
    share: 0.1,
    path: 'scheduler/scheduler-#/logs/scheduler.log',
    sample: 'scheduler/scheduler-1/logs/scheduler.log',
    stamp: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/,
    format: iso,
  },
  {
    share: 0.06,
    path: 'gateway/gateway-#/logs/gateway.log',
    sample: 'gateway/gateway-66d5c8f7bd-hj5rt/logs/gateway.log',
    stamp: /(?<="time":)\d{13}/,
    format: (at) => String(at.getTime()),
  },
]

export interface Corpus {
  readonly lines: number
  /** Lines with a stamp, to which the lines below them belong, and blank lines between two events. */
  readonly events: number
  readonly bytes: number
  readonly files: readonly string[]
}

export interface CorpusOptions {
  readonly lines: number
  /** The stamps of every file run from here to there, ms. */
  readonly fromMs: number
  readonly toMs: number
  readonly instances: number
  readonly seed: number
  /** Put before the file names, so that a second corpus lies beside the first. */
  readonly prefix?: string
}

/** What the benches read by default: stamps of the 19 hours before the last one. */
export function dayOfLines(nowMs: number): CorpusOptions {
  const lines = Number(process.env.BENCH_LINES ?? 1_000_000)
  return { lines, fromMs: nowMs - 20 * hourMs, toMs: nowMs - hourMs, instances: 2, seed: 1 }
}

const hourMs = 3_600_000

/** A word that stands in one of 20,000 lines, and nowhere in the samples. */
export const rareWord = 'needlefish'

/** Writes about `lines` lines in `instances` instances of each kind under `root`. */
export function writeCorpus(root: string, options: CorpusOptions): Corpus {
  const random = createRandom(options.seed)
  const files: string[] = []
  let bytes = 0
  let lines = 0
  let events = 0
  for (const kind of kinds) {
    const linesOfFile = Math.ceil((options.lines * kind.share) / options.instances)
    const sample = readFileSync(join(samples, kind.sample), 'utf8').trimEnd().split('\n')
    for (let instance = 0; instance < options.instances; instance++) {
      const name = kind.path.replace('#', String(instance)).replace(/([^/]+)$/, `${options.prefix ?? ''}$1`)
      const path = join(root, name)
      mkdirSync(dirname(path), { recursive: true })
      const written = writeFile(path, sample, kind, linesOfFile, options, random)
      bytes += written.bytes
      events += written.events
      lines += linesOfFile
      files.push(path)
    }
  }
  return { lines, events, bytes, files }
}

function writeFile(
  path: string,
  sample: readonly string[],
  kind: Kind,
  count: number,
  options: CorpusOptions,
  random: Random,
): { bytes: number; events: number } {
  const file = openSync(path, 'w')
  const stepMs = (options.toMs - options.fromMs) / count
  let bytes = 0
  let text = ''
  let events = 0
  let blanks = 0
  for (let i = 0; i < count; i++) {
    const line = varied(sample[i % sample.length] as string, kind, new Date(options.fromMs + i * stepMs), random)
    text += `${line}\n`
    if (line === '') blanks++
    else {
      if (kind.stamp.test(line)) events += 1 + blanks
      blanks = 0
    }
    if (text.length > 1 << 20 || i === count - 1) {
      bytes += writeSync(file, text)
      text = ''
    }
  }
  closeSync(file)
  return { bytes, events: events + blanks }
}

/** The line at another time: its longer numbers are new ones, as ids, ports and durations are. */
function varied(line: string, kind: Kind, at: Date, random: Random): string {
  const stamp = kind.stamp.exec(line)
  const renumber = (text: string): string =>
    text.replace(/\b\d{4,9}\b/g, (digits) => String(random.below(10 ** digits.length)).padStart(digits.length, '1'))
  const rare = random.below(20_000) === 0 ? ` ${rareWord}` : ''
  if (stamp === null) return renumber(line) + rare
  const end = stamp.index + stamp[0].length
  return line.slice(0, stamp.index) + kind.format(at) + renumber(line.slice(end)) + rare
}

/** One more line as the running service would write it now. */
export function freshLine(random: Random): string {
  return `${comma(new Date())} INFO [http-nio-8080-exec-${random.below(10)}] com.acme.order.service.OrderService - place order id=${random.below(1e9)} sku=SKU-${random.below(5000)} qty=${random.below(9)}\n`
}
