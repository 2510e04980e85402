import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLocalBus } from '../../bus/local.ts'
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
