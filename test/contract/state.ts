/** What every State must do. `open` opens the same state again and again: what is put survives a close. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { State } from '../../pipeline/state.ts'

export interface StatePlace {
  open(): Promise<State>
  remove(): Promise<unknown>
}

export function stateContract(name: string, makePlace: () => Promise<StatePlace>): void {
  describe(`${name}: the contract of a state`, () => {
    let place: StatePlace
    let state: State

    beforeEach(async () => {
      place = await makePlace()
      state = await place.open()
    })
    afterEach(async () => {
      await state.close()
      await place.remove()
    })

    test('a value comes back, also after a restart, with a version that grows', async () => {
      expect(await state.get('a')).toBeUndefined()
      expect(await state.put('a', { n: 1, text: '连接', list: [null, true] })).toBe(1)
      expect(await state.put('a', 'two')).toBe(2)
      await state.close()
      state = await place.open()
      expect(await state.get('a')).toEqual({ key: 'a', value: 'two', version: 2 })
    })

    test('with ifVersion a change happens only on what its writer knows', async () => {
      expect(await state.put('a', 1, 0)).toBe(1)
      await expect(state.put('a', 2, 0)).rejects.toMatchObject({ code: 'CONFLICT', retryable: false })
      await expect(state.put('a', 2, 7)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await state.put('a', 2, 1)).toBe(2)
      await expect(state.delete('a', 1)).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await state.delete('a', 2)).toBe(true)
      expect(await state.delete('a')).toBe(false)
      expect(await state.get('a')).toBeUndefined()
      // Gone is version 0; the next one is none that anybody has seen.
      expect(await state.put('a', 3, 0)).toBeGreaterThan(2)
    })

    test('of many who write the same version one wins', async () => {
      const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => state.put('a', i, 0)))
      expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    })

    test('a list has what begins with the prefix, by key, whatever characters it has', async () => {
      for (const key of ['file/b', 'file/a', 'file', 'filed', 'file/a%', 'file/a_c', 'other', 'file/连'])
        await state.put(key, key)
      const keys = async (prefix: string): Promise<string[]> => (await state.list(prefix)).map((entry) => entry.key)
      expect(await keys('file/')).toEqual(['file/a', 'file/a%', 'file/a_c', 'file/b', 'file/连'])
      expect(await keys('file/a%')).toEqual(['file/a%'])
      expect(await keys('')).toHaveLength(8)
      expect(await keys('nothing')).toEqual([])
    })

    test('one holder has a lease until it ends; the same holder renews it', async () => {
      expect(await state.lease('alerts', 'one', 60_000)).toBe(true)
      expect(await state.lease('alerts', 'two', 60_000)).toBe(false)
      expect(await state.lease('alerts', 'one', 1)).toBe(true)
      await expect.poll(() => state.lease('alerts', 'two', 60_000)).toBe(true)
      expect(await state.lease('alerts', 'one', 60_000)).toBe(false)
      expect(await state.lease('other', 'one', 60_000)).toBe(true)
    })

    test('after close every call is refused with CLOSED', async () => {
      await state.close()
      await expect(state.get('a')).rejects.toMatchObject({ code: 'CLOSED' })
    })
  })
}
