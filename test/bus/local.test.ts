import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLocalBus } from '../../bus/local.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batch, busContract } from '../contract/bus.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'

busContract('bus/local', {
  open: async ({ followMaxSmall = false } = {}) => {
    const folder = temporaryFolder('bus')
    const rejectsPath = join(folder.path, 'rejects', 'rejects.ndjson')
    const bus = createLocalBus({ rejectsPath, ...(followMaxSmall ? { followBytesMax: 30_000 } : {}) })
    return {
      bus,
      rejects: async () =>
        readFileSync(rejectsPath, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      async close() {
        await bus.close()
        folder.cleanUp()
      },
    }
  },
})

test('what the ring no longer has behind a position is counted', async () => {
  const bus = createLocalBus({ rejectsPath: '/nowhere', followBytesMax: 20_000 })
  await bus.subscribe('indexer', { events: async () => {}, files: async () => {} })
  const positions: string[] = []
  const before = await bus.follow({ events: (_, position) => void positions.push(position), missed: () => {} })
  await bus.publish([batch(0, 10)])
  await waitFor(() => positions.length > 0)
  await before.close()
  for (let i = 1; i <= 50; i++) await bus.publish([batch(i * 100, 100)])
  let missed = 0
  let seen = 0
  const after = await bus.follow(
    {
      events: (batches) => {
        for (const { count } of batches) seen += count
      },
      missed: (events) => {
        missed += events
      },
    },
    positions[0],
  )
  await waitFor(() => seen + missed >= 5000)
  expect(seen + missed).toBe(5000)
  expect(seen).toBeLessThan(500)
  await after.close()
  await bus.close()
})

test('half a line that a crash has left swallows none of those behind it, and a replay counts it', async () => {
  const folder = temporaryFolder('bus')
  const rejectsPath = join(folder.path, 'rejects.ndjson')
  const bus = createLocalBus({ rejectsPath })
  let seen = 0
  const events = async (batches: readonly { count: number }[]) => {
    seen += batches.length
  }
  await bus.subscribe('indexer', { events, files: async () => {} })
  await bus.reject([{ batch: batch(0, 2), reason: 'odd' }])
  truncateSync(rejectsPath, statSync(rejectsPath).size - 10)
  await bus.reject([{ batch: batch(0, 2), reason: 'odd' }])
  expect(await bus.replay()).toEqual({ records: 3, unreadable: 1, lost: 0 })
  expect(seen).toBe(3)
  writeFileSync(`${rejectsPath}.replayed`, 'nonsense')
  await expect(bus.replay()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', hint: expect.stringContaining('start') })
  await bus.close()
  folder.cleanUp()
})

test('a replay of more than fits into one piece goes on where a handler failed', async () => {
  const folder = temporaryFolder('bus')
  const rejectsPath = join(folder.path, 'rejects.ndjson')
  const bus = createLocalBus({ rejectsPath })
  let pieces = 0
  const events = async () => {
    if (++pieces === 2) throw new ShiplogError('STORE_UNAVAILABLE', 'down', { retryable: true })
  }
  await bus.subscribe('indexer', { events, files: async () => {} })
  await bus.reject([{ batch: batch(0, 10_000), reason: 'odd' }])
  await expect(bus.replay()).rejects.toThrow('down')
  const { records } = await bus.replay()
  expect(records).toBeGreaterThan(0)
  expect(records).toBeLessThan(10_000)
  await bus.close()
  folder.cleanUp()
})
