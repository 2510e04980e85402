/**
 * Three small apps that write logs as real ones do, so that a newcomer sees life at once: an nginx called `2048`, a
 * Tomcat with stack traces, and a JSON service with Chinese messages. Each has two instances under its own host name.
 */
import { appendFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gatewayLine } from './gateway.ts'
import { nginxAccessLine, nginxErrorLine } from './nginx.ts'
import { createRandom, type Random } from './random.ts'
import { tomcatEvent } from './tomcat.ts'

/** Makes the next event of a file, line end included, as it would be written at `at`. */
export type Writer = (random: Random, at: Date) => string

interface DemoFile {
  readonly path: string
  readonly write: Writer
  /** Events a second on average. */
  readonly rate: number
}

const demoFiles: readonly DemoFile[] = [
  { path: '2048/2048-7d9c6b5f4-kx2lm/nginx/access.log', write: nginxAccessLine, rate: 2 },
  { path: '2048/2048-7d9c6b5f4-kx2lm/nginx/error.log', write: nginxErrorLine, rate: 0.4 },
  { path: '2048/2048-7d9c6b5f4-zt8qw/nginx/access.log', write: nginxAccessLine, rate: 1.5 },
  { path: '2048/2048-7d9c6b5f4-zt8qw/nginx/error.log', write: nginxErrorLine, rate: 0.2 },
  { path: 'shop-tomcat/shop-tomcat-0/logs/catalina.out', write: tomcatEvent, rate: 0.7 },
  { path: 'shop-tomcat/shop-tomcat-1/logs/catalina.out', write: tomcatEvent, rate: 0.5 },
  { path: 'gateway/gateway-66d5c8f7bd-hj5rt/gateway.log', write: gatewayLine, rate: 1.5 },
  { path: 'gateway/gateway-66d5c8f7bd-w8n4c/gateway.log', write: gatewayLine, rate: 1 },
]

const tickMs = 250
/** What the files hold before the first real moment: the page has something to show from the start. */
const historyMs = 3_600_000
/** A file that is larger is renamed to `.1`, over the one before: the demo never fills a disk. */
const rotateBytes = 4 * 1024 * 1024

/** Begins to write under `root`; the answer stops it. `onTrouble` is told when a disk does not take a line. */
export function startDemo(root: string, onTrouble: (error: unknown) => void): () => void {
  const random = createRandom(Date.now())
  const write = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      onTrouble(error)
    }
  }
  for (const file of demoFiles) write(() => writeHistory(join(root, file.path), file, random))
  const timer = setInterval(() => {
    for (const file of demoFiles) {
      const count = random.poisson((file.rate * tickMs) / 1000)
      if (count > 0) write(() => append(join(root, file.path), file, random, count))
    }
  }, tickMs)
  return () => clearInterval(timer)
}

function writeHistory(path: string, file: DemoFile, random: Random): void {
  if (existsSync(path)) return
  mkdirSync(dirname(path), { recursive: true })
  const nowMs = Date.now()
  let text = ''
  for (let ms = nowMs - historyMs; ms < nowMs; ms += (1000 / file.rate) * 2 * random.fraction()) {
    text += file.write(random, new Date(ms))
  }
  appendFileSync(path, text)
}

function append(path: string, file: DemoFile, random: Random, count: number): void {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > rotateBytes) renameSync(path, `${path}.1`)
  const text = Array.from({ length: count }, () => file.write(random, new Date())).join('')
  appendFileSync(path, text)
}
