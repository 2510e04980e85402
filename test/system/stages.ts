/**
 * The pipeline as it runs beside Kafka and Elasticsearch: a shipper, indexers and a query API as processes of their own, with a
 * topic and indices of their own; a program that writes logs; and the books: what was written against what is found.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import type { Random } from '../../demo/random.ts'
import type { LogRecord } from '../../pipeline/record.ts'
import { readTopic } from '../bus/read-topic.ts'
import { newPrefix, removeAll } from '../store/elasticsearch-place.ts'
import {
  exportAll,
  exportText,
  type ShiplogProcess,
  search,
  startShiplog,
  temporaryFolder,
  waitFor,
} from './process.ts'

const schema = JSON.parse(readFileSync(new URL('../../docs/record.schema.json', import.meta.url), 'utf8')) as object
const isRecord = new Ajv2020({ strict: false }).compile(schema)

const rotated = 'shop/shop-0/logs/a.log'
const unrotated = 'billing/b-0/c.log'
const paths = [rotated, unrotated, '2048/2048-0/nginx/error.log', 'shop/shop-1/logs/d.log']
const linesEachTick = 10
const tickMs = 20
const foundMsMax = 120_000

type Role = 'shipper' | 'indexer' | 'query-api'

export interface Servers {
  readonly kafka: string
  readonly elasticsearch: string
}

export class Stages {
  readonly topic: string
  readonly #prefix = newPrefix().replaceAll('-', '')
  readonly #folder = temporaryFolder('stages')
  readonly #servers: Servers
  readonly #running = new Map<string, ShiplogProcess>()
  /** All that was written under each path, a text for each file that had the name. */
  readonly #written = new Map(paths.map((path) => [path, ['']]))
  #writing: Promise<void> | undefined
  #isWriting = false
  /** Where indexers write to, when not to Elasticsearch itself. */
  indexTo: string | undefined

  constructor(servers: Servers) {
    this.#servers = servers
    this.topic = this.#prefix
    for (const path of paths) mkdirSync(join(this.#root, path, '..'), { recursive: true })
  }

  get #root(): string {
    return join(this.#folder.path, 'logs')
  }

  /** `name`: which of several. */
  async start(role: Role, name: string = role): Promise<ShiplogProcess> {
    const { kafka, elasticsearch } = this.#servers
    const bus = ['--bus', kafka, '--topic', this.topic, '--topic-replicas', '1', '--topic-partitions', '4']
    const store = role === 'indexer' ? (this.indexTo ?? elasticsearch) : elasticsearch
    const indices = ['--store-index-prefix', this.#prefix, '--store-replicas', '0', '--retention-days', '0']
    const folders = ['--root', this.#root, '--data', this.#data]
    const stored = role === 'shipper' ? [] : ['--store', store, ...indices]
    const started = await startShiplog([...bus, ...folders, ...stored, '--log-level', 'warn'], role)
    this.#running.set(name, started)
    return started
  }

  get #data(): string {
    return join(this.#folder.path, 'data')
  }

  of(name: string): ShiplogProcess {
    const found = this.#running.get(name)
    if (found === undefined) throw new Error(`${name} does not run`)
    return found
  }

  async kill(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.of(name).kill()))
  }

  /** What a shipper remembers is gone, as with the disk that it was on. */
  loseData(): void {
    rmSync(this.#data, { recursive: true })
  }

  /** Writes to all files until `finish`: lines, some of them with a trace behind; one file is renamed now and then. */
  write(random: Random): void {
    this.#isWriting = true
    this.#writing = (async () => {
      for (let number = 0; this.#isWriting; number++) {
        for (const path of paths) {
          const events = Array.from({ length: linesEachTick }, (_, i) => eventText(number * linesEachTick + i, random))
          this.#append(path, events.join(''))
        }
        if (random.percent(1)) this.#rotate()
        await sleep(tickMs)
      }
    })()
  }

  #append(path: string, text: string): void {
    appendFileSync(join(this.#root, path), text)
    const texts = this.#texts(path)
    texts.push(texts.pop() + text)
  }

  #rotate(): void {
    const texts = this.#texts(rotated)
    // Numbers that grow, so that no name is used twice.
    renameSync(join(this.#root, rotated), join(this.#root, `${rotated}.${texts.length}`))
    texts.push('')
  }

  #texts(path: string): string[] {
    return this.#written.get(path) as string[]
  }

  get lines(): number {
    return [...this.#written.values()].flat().reduce((sum, text) => sum + text.split('\n').length - 1, 0)
  }

  /** Ends the writing with a line in each file that a search has to find, and waits until it does. */
  async finish(): Promise<void> {
    this.#isWriting = false
    await this.#writing
    const marker = `ended${this.#prefix}`
    for (const path of paths) this.#append(path, `${new Date().toISOString()} INFO ${marker}\n`)
    const { url } = this.of('query-api')
    const isFound = async () => (await search(url, { q: marker })).length >= paths.length
    await waitFor(isFound, foundMsMax, 'finding the last line of each file').catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await this.#howTheyAre()}`)
    })
  }

  /** For when something does not come: what each process says of itself. */
  async #howTheyAre(): Promise<string> {
    const about = async ([name, { url, log }]: [string, ShiplogProcess]): Promise<string> => {
      const read = async (path: string): Promise<string> => {
        const answer = await fetch(url + path, { signal: AbortSignal.timeout(5000) }).catch(String)
        return typeof answer === 'string' ? answer : answer.text()
      }
      const counts = (await read('/metrics')).match(/^shiplog_events_\w+ .*/gm) ?? []
      return [`── ${name}`, await read('/health'), ...counts, ...log().split('\n').slice(-20)].join('\n')
    }
    return (await Promise.all([...this.#running].map(about))).join('\n')
  }

  /** Fails unless what was written is what lies on the topic, and what is exported: each byte once and in order. */
  async expectExactly(): Promise<{ readonly events: number; readonly repeated: number }> {
    const { onTopic, found, repeated } = await this.#records()
    for (const path of paths) {
      const written = this.#texts(path).join('')
      expectText(textOf(onTopic.filter(isOf(path))), written, `${path} on the topic`)
      expectText(textOf(found.filter(isOf(path))), written, `${path} found`)
    }
    expectText(await this.#raw(), this.#texts(unrotated).join(''), 'the raw export')
    return { events: found.length, repeated }
  }

  /**
   * Fails unless each file was read whole once by somebody who knew nothing of it, beside what somebody else had read of it
   * from its beginning. Returns how many events are there because of that.
   */
  async expectTwice(): Promise<number> {
    const { found } = await this.#records()
    let again = 0
    for (const path of paths) {
      const readings = [...Map.groupBy(found.filter(isOf(path)), ({ generation }) => generation).values()]
      for (const written of this.#texts(path).filter((text) => text !== '')) {
        const whole = readings.findIndex((reading) => textOf(reading) === written)
        expect(whole, `a reading of all ${written.length} characters of ${path}`).toBeGreaterThanOrEqual(0)
        readings.splice(whole, 1)
        const before = readings.findIndex((reading) => written.startsWith(textOf(reading)))
        if (before >= 0) again += readings.splice(before, 1).flat().length
      }
      expect(readings, `nothing else of ${path}`).toEqual([])
    }
    const readings = Map.groupBy(found.filter(isOf(unrotated)), ({ generation }) => generation)
    const texts = [...readings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => textOf(reading))
    expectText(await this.#raw(), texts.join(''), 'the raw export, one incarnation behind the other')
    return again
  }

  #raw(): Promise<string> {
    const [app, instance, file] = unrotated.split('/') as [string, string, string]
    return exportText(this.of('query-api').url, { format: 'raw', app, instance, dir: '/', file })
  }

  /** What lies on the topic, one of each id, and what is found. Fails where one id is two messages, or no record. */
  async #records(): Promise<{ onTopic: LogRecord[]; found: LogRecord[]; repeated: number }> {
    const messages = await readTopic(this.#servers.kafka, this.topic)
    const byId = new Map<string, string>()
    for (const { value } of messages) {
      const record = JSON.parse(value) as LogRecord
      if (!isRecord(record)) expect.fail(`${JSON.stringify(isRecord.errors)}: ${value.slice(0, 1000)}`)
      const known = byId.get(record.id)
      if (known !== undefined) expect(value).toBe(known)
      byId.set(record.id, value)
    }
    const onTopic = [...byId.values()].map((value) => JSON.parse(value) as LogRecord)
    const found = await exportAll(this.of('query-api').url, { fold: 'false' })
    expect(new Set(found.map(({ id }) => id)).size, 'no record is found twice').toBe(found.length)
    expect(found.length, 'found, of those on the topic').toBe(byId.size)
    return { onTopic, found, repeated: messages.length - byId.size }
  }

  async close(): Promise<void> {
    this.#isWriting = false
    await this.#writing
    await Promise.all([...this.#running.values()].map((one) => one.kill()))
    await removeAll(this.#servers.elasticsearch, this.#prefix)
    this.#folder.cleanUp()
  }
}

function eventText(number: number, random: Random): string {
  const line = `${new Date().toISOString()} INFO line ${number} 连接 ${random.below(1e9)}\n`
  if (!random.percent(4)) return line
  const frames = Array.from({ length: 1 + random.below(8) }, (_, i) => `\tat com.shop.Cart.add${i}(Cart.java:${i})\n`)
  return `${line}java.lang.IllegalStateException: ${random.below(1e6)}\n${frames.join('')}`
}

/** A file that was renamed before anyone saw it has the name that it was first seen with. */
function isOf(path: string): (record: LogRecord) => boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return ({ app, instance, file }) => path.startsWith(`${app}/${instance}/`) && file.startsWith(name)
}

/** What the records say was in their files, the older one first. */
function textOf(records: readonly LogRecord[]): string {
  return records
    .toSorted((a, b) => (a.generation === b.generation ? a.offset - b.offset : a.generation < b.generation ? -1 : 1))
    .map(({ message }) => `${message}\n`)
    .join('')
}

/** As toBe, with the place where they part: megabytes are no message. */
function expectText(actual: string, expected: string, what: string): void {
  if (actual === expected) return
  let at = 0
  while (at < expected.length && actual[at] === expected[at]) at++
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 100), at + 300))
  const sizes = `${actual.length} characters, written were ${expected.length}`
  expect.fail(`${what}: ${sizes}; from ${at} on\n  ${around(actual)}\ninstead of\n  ${around(expected)}`)
}
