import { describe, expect, test } from 'vitest'
import { countRefused, groupsMax } from '../../indexer/reject-counts.ts'
import { batchOf } from '../../pipeline/event-batch.ts'
import { type RejectGroup, rejectId } from '../../pipeline/reject-group.ts'
import type { Refused } from '../../pipeline/store.ts'
import { createMemoryState, generationOf, originOf } from '../query-api/memory-store.ts'

function refused(reasons: readonly string[], app = '2048', message = 'a line'): Refused[] {
  const events = reasons.map((_, i) => ({
    message: Buffer.from(`${message} ${i}`),
    offset: i * 10,
    bytes: 10,
    time: 1e15,
  }))
  const batch = batchOf(originOf({ app }, generationOf(1)), events)
  return reasons.map((reason, index) => ({ batch, index, reason }))
}

async function groups(state: ReturnType<typeof createMemoryState>): Promise<RejectGroup[]> {
  return (await state.list('reject/')).map(({ value }) => value as RejectGroup)
}

describe('refusals', () => {
  test('are counted by app and reason, whatever numbers and values are in it', async () => {
    const state = createMemoryState()
    await countRefused(state, refused(["field [offset] of id 'a': 128", "field [offset] of id 'b': 129"]), 1000)
    await countRefused(state, refused(["field [offset] of id 'c': 130"]), 5000)
    await countRefused(state, refused(["field [bytes] of id 'c': 130"]), 6000)
    await countRefused(state, refused(["field [offset] of id 'c': 130"], 'order-api'), 7000)
    const found = await groups(state)
    expect(found.map(({ app, reason, count, first, last }) => [app, reason, count, first, last])).toEqual([
      ['2048', "field [offset] of id 'c': 130", 3, 1000, 5000],
      ['2048', "field [bytes] of id 'c': 130", 1, 6000, 6000],
      ['order-api', "field [offset] of id 'c': 130", 1, 7000, 7000],
    ])
    expect(found[0]?.sample).toMatchObject({ id: `${generationOf(1)}-0`, message: 'a line 0', file: 'error.log' })
  })

  test('of two indexers at the same moment are all counted', async () => {
    const state = createMemoryState()
    await Promise.all(Array.from({ length: 8 }, (_, i) => countRefused(state, refused(['odd', 'odd']), i)))
    expect(await groups(state)).toMatchObject([{ count: 16 }])
  })

  test('are bounded: of a batch, in all, and in length', async () => {
    const state = createMemoryState()
    const word = (n: number): string => n.toString(36).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '')
    const reasons = Array.from({ length: 100 }, (_, i) => `reason ${word(i * 7919)}!`)
    await countRefused(state, refused(reasons), 1)
    expect(await groups(state)).toHaveLength(21)
    expect((await groups(state)).find(({ app }) => app === '*')).toMatchObject({ count: 80, cluster: 'prod' })
    for (let i = 0; i < groupsMax; i++) {
      await state.put(`reject/${rejectId('prod', String(i), 'full')}`, { v: 1, cluster: 'prod', app: 'x', count: 1 })
    }
    await countRefused(state, refused(['one that is new']), 2)
    expect((await groups(state)).find(({ app }) => app === '*')?.count).toBe(81)
    const fresh = createMemoryState()
    await countRefused(fresh, refused(['x'.repeat(5000)], '2048', 'y'.repeat(5000)), 3)
    const [long] = await groups(fresh)
    expect([long?.reason.length, long?.sample.message.length]).toEqual([1000, 2000])
  })
})
