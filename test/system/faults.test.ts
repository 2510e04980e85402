/**
 * Faults under load, end to end on the real Kafka and Elasticsearch, with exact accounting behind each of them. `npm test` has
 * what can be had quickly on the servers that all tests share; `npm run test:faults` has every case by itself, also those that
 * stop the servers, which are its own then.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createRandom, type Random } from '../../demo/random.ts'
import { type ElasticsearchService, startElasticsearch } from '../services/elasticsearch.ts'
import { randomFaults, startFaultProxy } from '../services/fault-proxy.ts'
import { whyNoServers } from '../services/java.ts'
import { type KafkaService, startKafka } from '../services/kafka.ts'
import { serviceUrl, whySkipped } from '../services/urls.ts'
import { exportAll, temporaryFolder, waitFor } from './process.ts'
import { Stages } from './stages.ts'

const all = process.env.FAULTS === 'all'
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
/** How long a server is away, ms. */
const awayMs = Number(process.env.AWAY_MS ?? 30_000)

interface Servers {
  readonly kafka: Pick<KafkaService, 'url' | 'stop' | 'start'>
  readonly elasticsearch: Pick<ElasticsearchService, 'url' | 'stop' | 'start'>
}

interface Scene {
  readonly stages: Stages
  readonly random: Random
  readonly servers: Servers
}

type Case = (scene: Scene) => Promise<void>

/** So that nothing happens twice at the same moment of its work. */
function pause(random: Random, msMax = 1500): Promise<void> {
  return sleep(random.below(msMax))
}

async function killShipper({ stages, random }: Scene): Promise<void> {
  await pause(random)
  await stages.kill('shipper')
  await pause(random)
  await stages.start('shipper')
}

async function killIndexer({ stages, random }: Scene, name: string): Promise<void> {
  await pause(random)
  await stages.kill(name)
  await pause(random)
  await stages.start('indexer', name)
}

async function killAll({ stages, random }: Scene): Promise<void> {
  await pause(random)
  await stages.kill('shipper', 'one', 'two')
  await pause(random)
  await Promise.all([stages.start('shipper'), stages.start('indexer', 'one'), stages.start('indexer', 'two')])
}

/** A third one comes, one of the first goes, and comes again as the third goes. */
async function joinAndLeave({ stages, random }: Scene): Promise<void> {
  await stages.start('indexer', 'three')
  await pause(random)
  expect(await stages.of('one').stop()).toBe(0)
  await pause(random)
  const [code] = await Promise.all([stages.of('three').stop(), stages.start('indexer', 'one')])
  expect(code).toBe(0)
}

async function away(server: Servers['kafka'], signal: NodeJS.Signals): Promise<void> {
  await server.stop(signal)
  await sleep(awayMs)
  await server.start()
}

const quickCases: Readonly<Record<string, Case>> = {
  'every process is killed, and indexers join and leave': async (scene) => {
    await joinAndLeave(scene)
    await killShipper(scene)
    await killAll(scene)
  },
}

const allCases: Readonly<Record<string, Case>> = {
  'the shipper is killed': async (scene) => {
    for (let i = 0; i < 5; i++) await killShipper(scene)
  },
  'each indexer is killed': async (scene) => {
    for (const name of ['one', 'two', 'one']) await killIndexer(scene, name)
  },
  'the shipper and both indexers are killed': async (scene) => {
    for (let i = 0; i < 3; i++) await killAll(scene)
  },
  'indexers join and leave': async (scene) => {
    for (let i = 0; i < 3; i++) await joinAndLeave(scene)
  },
  'the broker is stopped and started': ({ servers }) => away(servers.kafka, 'SIGTERM'),
  'the broker is killed and started': ({ servers }) => away(servers.kafka, 'SIGKILL'),
  'Elasticsearch is stopped and started': ({ servers }) => away(servers.elasticsearch, 'SIGTERM'),
  'Elasticsearch is killed and started': ({ servers }) => away(servers.elasticsearch, 'SIGKILL'),
  'the broker is away while the shipper is killed, and Elasticsearch while the indexers are': async (scene) => {
    const { servers } = scene
    await Promise.all([away(servers.kafka, 'SIGKILL'), killShipper(scene)])
    await Promise.all([
      away(servers.elasticsearch, 'SIGKILL'),
      // What comes up without its store waits for it.
      scene.stages.kill('one'),
    ])
    await scene.stages.start('indexer', 'one')
  },
}

const why = all ? whyNoServers() : (whySkipped('kafka') ?? whySkipped('elasticsearch'))

describe.skipIf(why !== undefined)(`faults under load (SEED=${seed} repeats their moments)`, () => {
  const folder = temporaryFolder('faults')
  let servers: Servers
  const closings: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    console.log(`seed ${seed} (SEED=${seed} repeats the moments of the faults)`)
    servers = all
      ? {
          kafka: await startKafka(join(folder.path, 'kafka')),
          elasticsearch: await startElasticsearch(join(folder.path, 'elasticsearch')),
        }
      : { kafka: shared(await serviceUrl('kafka')), elasticsearch: shared(await serviceUrl('elasticsearch')) }
  }, 400_000)
  afterEach(async () => {
    for (const closing of closings.splice(0).reverse()) await closing()
  }, 60_000)
  afterAll(async () => {
    if (all) await Promise.all([servers?.kafka.stop('SIGKILL'), servers?.elasticsearch.stop('SIGKILL')])
    folder.cleanUp()
  }, 60_000)

  async function open(faultShare: number): Promise<Scene> {
    const stages = new Stages({ kafka: servers.kafka.url, elasticsearch: servers.elasticsearch.url })
    closings.push(() => stages.close())
    if (faultShare > 0) {
      const proxy = await startFaultProxy(servers.elasticsearch.url, randomFaults(seed, faultShare))
      closings.push(() => proxy.close())
      stages.indexTo = proxy.url
    }
    const random = createRandom(seed)
    await Promise.all([
      stages.start('query-api'),
      stages.start('shipper'),
      stages.start('indexer', 'one'),
      stages.start('indexer', 'two'),
    ])
    stages.write(createRandom(seed + 1))
    return { stages, random, servers }
  }

  async function settle({ stages }: Scene): Promise<void> {
    const started = performance.now()
    await stages.finish()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const { events, repeated } = await stages.expectExactly()
    console.log(
      `${stages.lines} lines, ${events} events, ${repeated} repeated on the topic; all found after ${seconds} s`,
    )
    for (const name of ['shipper', 'one', 'two', 'query-api']) expect(await stages.of(name).stop(), name).toBe(0)
  }

  /** Requests to Elasticsearch that are refused, dropped, cut or answered with 429 or 503. */
  const faultShares = all ? [0, 0.2] : [0.1]

  for (const [name, faults] of Object.entries(all ? allCases : quickCases)) {
    test.each(faultShares)(`${name}; %d of the requests to Elasticsearch fail`, { timeout: 400_000 }, async (share) => {
      const scene = await open(share)
      await faults(scene)
      await settle(scene)
    })
  }

  test('the shipper’s --data is lost: what its files hold comes again, whole, under other ids', {
    timeout: 200_000,
  }, async () => {
    const { stages } = await open(0)
    // Only what was shipped can come again.
    await waitFor(async () => (await exportAll(stages.of('query-api').url)).length > 0)
    await stages.kill('shipper')
    stages.loseData()
    await stages.start('shipper')
    await stages.finish()
    const again = await stages.expectTwice()
    console.log(`${stages.lines} lines, ${again} events found a second time`)
    expect(again).toBeGreaterThan(0)
  })
})

function shared(url: string): Servers['kafka'] {
  const refuse = () => Promise.reject(new Error('a server that others use is not stopped'))
  return { url, stop: refuse, start: refuse }
}
