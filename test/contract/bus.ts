/**
 * What every Bus must do, whatever it is made of. An adapter's test calls `busContract` with a function that opens an empty
 * bus; a difference between adapters is a bug in one of them.
 */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Bus, BusHandlers, FileState, Follower } from '../../pipeline/bus.ts'
import { ShiplogError } from '../../pipeline/errors.ts'
import { batchOf, type EventBatch, type NewEvent, recordOf } from '../../pipeline/event-batch.ts'
import type { LogRecord, Source } from '../../pipeline/record.ts'
import { waitFor } from '../system/process.ts'

export interface OpenedBus {
  readonly bus: Bus
  /** What was rejected so far, as it is kept. */
  rejects(): Promise<readonly { readonly reason: string; readonly record: LogRecord }[]>
  /** Closes the bus and removes what it made. */
  close(): Promise<void>
}

export interface BusKind {
  readonly open: (options?: { readonly followMaxSmall?: boolean }) => Promise<OpenedBus>
}

const source: Source = { cluster: 'prod', app: 'a', instance: 'i', host: 'h', dir: '/d', file: 'f' }
const generation = '01jd8rq4e2k5v9x7m3n6p8t0wz'

export function batch(from: number, count: number, file = 'f', more: Partial<NewEvent> = {}): EventBatch {
  const events = Array.from({ length: count }, (_, i) => ({
    message: Buffer.from(`line ${from + i} of ${file}`),
    offset: (from + i) * 100,
    bytes: 100,
    time: 1_700_000_000_000_000 + (from + i) * 1000,
    timeFrom: i % 3,
    level: i % 7,
    ...more,
  }))
  const readAt = 1_700_000_000_000_000 + from
  return batchOf({ source: { ...source, file }, generation, encoding: 'utf-8', readAt }, events)
}

export function recordsIn(batches: readonly EventBatch[]): LogRecord[] {
  return batches.flatMap((one) => Array.from({ length: one.count }, (_, i) => recordOf(one, i, one.origin)))
}

/** Handlers that remember. */
function remembering() {
  const seen: LogRecord[] = []
  const states: FileState[] = []
  const handlers: BusHandlers = {
    events: async (batches) => void seen.push(...recordsIn(batches)),
    files: async (list) => void states.push(...list),
  }
  return { seen, states, handlers }
}

function following() {
  const seen: LogRecord[] = []
  const positions: string[] = []
  const follower = {
    missedEvents: 0,
    events: (batches, position) => {
      seen.push(...recordsIn(batches))
      positions.push(position)
    },
    missed: (events) => {
      follower.missedEvents += events
    },
  } as Follower & { missedEvents: number }
  return { seen, positions, follower }
}

export function busContract(name: string, { open }: BusKind): void {
  describe(`${name}: the contract of a bus`, () => {
    let opened: OpenedBus
    let bus: Bus

    beforeEach(async () => {
      opened = await open()
      bus = opened.bus
    })
    afterEach(() => opened.close())

    test('what was published comes to a subscriber, each source in order, unaltered', async () => {
      const { seen, handlers } = remembering()
      const subscription = await bus.subscribe('indexer', handlers)
      const odd: NewEvent[] = [
        '',
        'quotes " and \\ backslashes \\" \\\\',
        `every control character ${String.fromCharCode(...Array(32).keys())}\u007f`,
        '连接失败 😀 café \u2028 \ufeff',
        '2016/05/16 20:47:10 [info]\n\tat com.foo.Bar(Bar.java:1)\r\n\n',
        '","encoding":"gb18030"}',
        'x'.repeat(512 * 1024),
        '\u0000'.repeat(100_000),
      ].map((text, i) => ({ message: Buffer.from(text), offset: i, bytes: 1, time: 1_463_402_830_000_000 + i }))
      const special: NewEvent[] = [
        { continues: `${generation}-12` },
        { raw: randomBytes(300) },
        { encoding: 'gb18030' },
        { time: 0, offset: 2 ** 52, bytes: 2 ** 32 - 1 },
      ].map((more, i) => ({ message: Buffer.from('special'), offset: 100 + i, bytes: 3, time: 1e15, ...more }))
      const origin = { source: { ...source, file: 'odd' }, generation, encoding: 'utf-8', readAt: 1e15 }
      const gbk = { ...origin, source: { ...source, file: 'gbk', dir: '/' }, encoding: 'gb18030' }
      const published = [
        batch(0, 300, 'one'),
        batch(0, 3, 'two'),
        batchOf(origin, [...odd, ...special]),
        batchOf(gbk, [...odd, { ...(special[1] as NewEvent), encoding: 'utf-8' }]),
        batch(300, 5000, 'one'),
      ]
      await bus.publish(published)
      const expected = recordsIn(published)
      await waitFor(() => seen.length >= expected.length, 20_000)
      const filesOf = (records: readonly LogRecord[]) => Map.groupBy(records, (record) => record.file)
      const got = filesOf(seen)
      for (const [file, records] of filesOf(expected)) expect(got.get(file), file).toEqual(records)
      expect(seen).toHaveLength(expected.length)
      await subscription.close()
    })

    test('a handler that fails gets the same events again, before any that follow', async () => {
      const seen: LogRecord[] = []
      let failures = 3
      const subscription = await bus.subscribe('indexer', {
        events: async (batches) => {
          if (failures-- > 0) throw new ShiplogError('STORE_UNAVAILABLE', 'down', { retryable: true })
          seen.push(...recordsIn(batches))
        },
        files: async () => {},
      })
      const [first, second] = [batch(0, 10), batch(10, 10)]
      await untilPublished(bus, [first])
      await untilPublished(bus, [second])
      await waitFor(() => seen.length >= 20)
      expect(seen.map(({ id }) => id)).toEqual(recordsIn([first, second]).map(({ id }) => id))
      expect(failures).toBeLessThan(0)
      await subscription.close()
    })

    test('a subscription that is closed while its handler runs waits for it', async () => {
      const release = Promise.withResolvers<void>()
      let entered = false
      let left = false
      const subscription = await bus.subscribe('indexer', {
        events: async () => {
          entered = true
          await release.promise
          left = true
        },
        files: async () => {},
      })
      const published = bus.publish([batch(0, 1)])
      await waitFor(() => entered, 20_000)
      const closed = subscription.close().then(() => expect(left).toBe(true))
      release.resolve()
      await Promise.all([closed, published])
    })

    test('nothing to publish is published at once', async () => {
      await bus.subscribe('indexer', remembering().handlers)
      await bus.publish([])
    })

    test('the newest state of each file comes to the subscriber', async () => {
      const { states, handlers } = remembering()
      await bus.subscribe('indexer', handlers)
      const state = (size: number): FileState => ({
        source,
        generation,
        path: 'a/i/d/f',
        state: 'following',
        size,
        read: size,
        acknowledged: size,
        lost: 0,
        updatedAt: size,
      })
      await bus.report([state(1)])
      await bus.report([state(2)])
      await waitFor(() => states.at(-1)?.size === 2, 20_000)
      expect(states.at(-1)).toEqual(state(2))
    })

    test('what is rejected is kept with its reason', async () => {
      const refused = batch(7, 2, 'f', { level: 3 })
      await bus.reject([{ batch: refused, reason: 'too odd' }])
      await bus.reject([{ batch: batch(9, 1), reason: 'odd too' }])
      const kept = await opened.rejects()
      expect(kept.map(({ reason }) => reason)).toEqual(['too odd', 'too odd', 'odd too'])
      expect(kept.map(({ record }) => record)).toEqual(recordsIn([refused, batch(9, 1)]))
    })

    test('what is rejected is sent again by a replay, and the next one goes on behind it', async () => {
      const { seen, handlers } = remembering()
      await bus.subscribe('indexer', handlers)
      expect(await bus.replay()).toEqual({ records: 0, unreadable: 0, lost: 0 })
      const odd = batch(7, 2, 'f', { level: 3, message: Buffer.from('a "line" \u0000 连接\n') })
      const part = batch(20, 1, 'g', { continues: `${generation}-1900`, raw: randomBytes(20) })
      await bus.reject([odd, part].map((one) => ({ batch: one, reason: 'too odd' })))
      expect(await bus.replay()).toEqual({ records: 3, unreadable: 0, lost: 0 })
      await waitFor(() => seen.length >= 3, 20_000)
      expect(seen).toEqual(expect.arrayContaining(recordsIn([odd, part])))
      expect(await bus.replay()).toMatchObject({ records: 0 })
      await bus.reject([{ batch: batch(9, 1), reason: 'odd too' }])
      expect(await bus.replay()).toMatchObject({ records: 1 })
      await waitFor(() => seen.length >= 4, 20_000)
      expect(seen.at(-1)).toEqual(recordsIn([batch(9, 1)])[0])
      expect(await bus.replay({ fromStart: true })).toMatchObject({ records: 4 })
      await waitFor(() => seen.length >= 8, 20_000)
      expect(seen).toHaveLength(8)
    })

    test('what is refused again is kept again, for the next replay', async () => {
      let refusals = 0
      await bus.subscribe('indexer', {
        events: async (batches) => {
          await bus.reject(batches.map((one) => ({ batch: one, reason: `refused, ${++refusals}` })))
        },
        files: async () => {},
      })
      await bus.reject([{ batch: batch(0, 3), reason: 'refused' }])
      for (const round of [1, 2]) {
        expect(await bus.replay()).toMatchObject({ records: 3 })
        await waitFor(async () => (await opened.rejects()).length >= 3 + round * 3, 20_000)
      }
      expect((await opened.rejects()).length).toBe(9)
    })

    test('a replay that is given up goes on where it was', async () => {
      const { seen, handlers } = remembering()
      await bus.subscribe('indexer', handlers)
      await bus.reject([{ batch: batch(0, 2), reason: 'odd' }])
      await expect(bus.replay({ signal: AbortSignal.abort() })).rejects.toThrow()
      expect(await bus.replay()).toMatchObject({ records: 2 })
      await waitFor(() => seen.length >= 2, 20_000)
      await bus.close()
      await expect(bus.replay()).rejects.toMatchObject({ code: 'CLOSED' })
    })

    test('a signal that is aborted ends a publish', async () => {
      await bus.subscribe('indexer', { events: (_, signal) => rejectedBy(signal), files: async () => {} })
      const published = bus.publish([batch(0, 1)], AbortSignal.abort())
      await expect(published).rejects.toThrow()
    })

    test('a bus that is closed refuses work', async () => {
      await bus.close()
      await expect(bus.publish([batch(0, 1)])).rejects.toMatchObject({ code: 'CLOSED' })
      await expect(bus.subscribe('indexer', remembering().handlers)).rejects.toMatchObject({ code: 'CLOSED' })
    })

    describe('followers', () => {
      beforeEach(async () => {
        await bus.subscribe('indexer', remembering().handlers)
        await bus.publish([batch(0, 5)])
      })

      test('see what comes from now on, several of them the same', async () => {
        const one = following()
        const two = following()
        const subscriptions = [await bus.follow(one.follower), await bus.follow(two.follower)]
        await bus.publish([batch(5, 3)])
        await waitFor(() => one.seen.length >= 3 && two.seen.length >= 3)
        expect(one.seen).toEqual(recordsIn([batch(5, 3)]))
        expect(two.seen).toEqual(one.seen)
        await Promise.all(subscriptions.map((subscription) => subscription.close()))
        await bus.publish([batch(8, 1)])
        expect(one.seen).toHaveLength(3)
      })

      test('go on from a position without a gap and without a repetition', async () => {
        const before = following()
        const subscription = await bus.follow(before.follower)
        await bus.publish([batch(5, 3)])
        await waitFor(() => before.seen.length >= 3)
        await subscription.close()
        await bus.publish([batch(8, 4)])
        const after = following()
        const resumed = await bus.follow(after.follower, before.positions.at(-1))
        await bus.publish([batch(12, 1)])
        await waitFor(() => after.seen.length >= 5)
        expect(after.seen).toEqual(recordsIn([batch(8, 4), batch(12, 1)]))
        expect(after.follower.missedEvents).toBe(0)
        await resumed.close()
      })

      test('that fail miss those events, and nobody else does', async () => {
        const missed: number[] = []
        const failing = await bus.follow({
          events: () => {
            throw new Error('the client is gone')
          },
          missed: (events) => missed.push(events),
        })
        await bus.publish([batch(5, 3)])
        await waitFor(() => missed.length > 0)
        expect(missed).toEqual([3])
        await failing.close()
      })

      test.each([
        'nonsense',
        '',
        'bm9uc2Vuc2U',
        '00000000-0000-4000-8000-000000000000.5',
        Buffer.from('[["gone",0,1]]').toString('base64url'),
      ])('are told when a position is none of this bus: “%s”', async (position) => {
        await expect(bus.follow(following().follower, position)).rejects.toMatchObject({ code: 'POSITION_GONE' })
      })
    })

    test('a follower that is slow misses events and is told how many; the others do not wait for it', async () => {
      await opened.close()
      opened = await open({ followMaxSmall: true })
      bus = opened.bus
      await bus.subscribe('indexer', remembering().handlers)
      const release = Promise.withResolvers<void>()
      const slow = following()
      const quick = following()
      const { events } = slow.follower
      slow.follower = {
        ...slow.follower,
        events: async (batches, position) => {
          await events(batches, position)
          await release.promise
        },
        missed: (count) => {
          slow.follower.missedEvents += count
        },
      }
      const subscriptions = [await bus.follow(slow.follower), await bus.follow(quick.follower)]
      const batches = Array.from({ length: 20 }, (_, i) => batch(i * 100, 100))
      for (const one of batches) {
        await bus.publish([one])
        // One that keeps up gets everything.
        await waitFor(() => quick.seen.length >= (one.offset.at(-1) as number) / 100 + 1)
      }
      release.resolve()
      await waitFor(() => slow.seen.length + slow.follower.missedEvents >= 2000)
      expect(slow.seen.length + slow.follower.missedEvents).toBe(2000)
      expect(slow.follower.missedEvents).toBeGreaterThan(500)
      expect(new Set(slow.seen.map(({ id }) => id)).size).toBe(slow.seen.length)
      expect(quick.seen).toEqual(recordsIn(batches))
      await Promise.all(subscriptions.map((subscription) => subscription.close()))
    })
  })
}

/** As a shipper does: again, while the error says that it may help. */
async function untilPublished(bus: Bus, batches: readonly EventBatch[]): Promise<void> {
  await waitFor(async () => {
    try {
      await bus.publish(batches)
      return true
    } catch (error) {
      if (error instanceof ShiplogError && error.retryable) return false
      throw error
    }
  })
}

function rejectedBy(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}
