/**
 * Random histories of files, a bus and a process that dies, against a model of the files: nothing is lost that could
 * have been read, nothing comes twice, nothing is torn, everything in order, and what is lost is counted.
 * `SEED=n npx vitest run test/model` repeats one run and tells its steps; `RUNS=n` sets how many there are.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { giveClockBack, streams, takeClock } from './clock.ts'
import { opened, runModel } from './run.ts'

vi.mock('../../shipper/checkpoint.ts', () => ({ openCheckpoint: async () => opened.remains?.checkpoint() }))
// Names that come and go are found by the timer, so that a run depends on nothing but its seed.
vi.mock('../../shipper/watch.ts', () => ({ watchFolders: () => async () => {} }))
vi.mock('../../shipper/archive.ts', async (original) => {
  const archive = await original<typeof import('../../shipper/archive.ts')>()
  const counted =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      streams.underWay++
      try {
        return await work(...args)
      } finally {
        streams.underWay--
      }
    }
  return { ...archive, unpack: counted(archive.unpack), contentHead: counted(archive.contentHead) }
})
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, value: unknown, options?: { signal?: AbortSignal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms, value)
      options?.signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(options.signal?.reason)
      })
    }),
}))

const only = process.env.SEED === undefined ? undefined : Number(process.env.SEED)
const runs = only === undefined ? Number(process.env.RUNS ?? 100) : 1
/** `npm test` repeats the same histories, so that a change is to blame when one fails; `npm run test:model` draws others. */
const first = only ?? (process.env.RUNS === undefined ? 1 : Math.floor(Math.random() * 1e9))

beforeAll(takeClock)
afterAll(giveClockBack)

test(`${runs} random histories: lost = 0, repeated = 0, torn = 0, in order, losses counted`, {
  timeout: 60_000 + runs * 2000,
}, async () => {
  console.log(`model: ${runs} runs from seed ${first}`)
  const failed: string[] = []
  let events = 0
  let losses = 0
  for (let seed = first; seed < first + runs && failed.length < Number(process.env.FAILURES ?? 5); seed++) {
    const outcome = await runModel(seed).catch((error: unknown) => ({
      wrongs: [String(error instanceof Error ? error.stack : error)],
      steps: [],
      events: 0,
      lostBytes: 0,
    }))
    events += outcome.events
    if (outcome.lostBytes > 0) losses++
    if (only !== undefined) console.log(outcome.steps.join('\n'))
    if (outcome.wrongs.length > 0) {
      failed.push(
        `SEED=${seed} npx vitest run test/model\n${outcome.wrongs
          .slice(0, 6)
          .map((wrong) => `  ${wrong}`)
          .join('\n')}`,
      )
    }
  }
  console.log(`model: ${events} events, losses counted in ${losses} runs`)
  expect(failed.join('\n\n')).toBe('')
  if (only === undefined) expect(events).toBeGreaterThan(runs * 10)
})
