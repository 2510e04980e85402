/** A shape of line that was not seen before: learnt first, told once, known again by the next process. */
import { describe, expect, test } from 'vitest'
import { createMeasure } from '../../alerts/measure.ts'
import { type KnownPatterns, PatternWatch, patternsPrefix } from '../../alerts/watch.ts'
import { policyOf } from '../../pipeline/alert-policy.ts'
import { createMemoryState, createMemoryStore, lines, originOf } from '../query-api/memory-store.ts'
import { waitFor } from '../system/process.ts'
import { startEvaluator } from './evaluator.ts'

const start = 1_700_000_000_000
const windowMs = 60_000
const condition = { kind: 'new-pattern', learnMs: 10_000 } as const

/** Lines at a moment, and what a watch says of them. */
function watched(state = createMemoryState()) {
  const store = createMemoryStore()
  let offset = 0
  let watch: PatternWatch | undefined
  return {
    state,
    write(atMs: number, ...messages: string[]): void {
      for (const event of lines(messages, originOf(), { time: atMs * 1000 })) {
        store.events.push({ ...event, offset: offset++ })
      }
    },
    async look(nowMs: number) {
      watch ??= await PatternWatch.open(state, 'p', 'scope', nowMs)
      const selection = {
        cluster: 'prod',
        filters: {},
        where: undefined,
        from: (nowMs - windowMs) * 1000,
        to: nowMs * 1000,
      }
      return watch.look(store, selection, condition, windowMs, nowMs, {})
    },
    keep: async () => watch?.keep(),
  }
}

describe('a watch', () => {
  test('learns first; then a line of another shape is new for as long as the window is', async () => {
    const { write, look, keep } = watched()
    write(start - 1000, 'paid order 1 in 3 ms', 'user 7 signed in')
    expect(await look(start)).toMatchObject({ holds: undefined, failed: false })
    write(start + 11_000, 'paid order 2 in 12 ms')
    expect(await look(start + 12_000)).toEqual({ holds: false, value: 0 })
    write(start + 13_000, 'disk /dev/sda is failing', 'paid order 3 in 4 ms')
    expect(await look(start + 14_000)).toEqual({ holds: true, value: 1, detail: 'disk <path> is failing' })
    await keep()
    write(start + 15_000, 'disk /dev/sdb is failing')
    expect(await look(start + 16_000)).toMatchObject({ holds: true, value: 1 })
    expect(await look(start + 14_000 + windowMs)).toEqual({ holds: false, value: 0 })
    write(start + 90_000, 'disk /dev/sdc is failing')
    expect(await look(start + 91_000)).toEqual({ holds: false, value: 0 })
  })

  test('what one process has learnt the next one knows, also the words that vary', async () => {
    const first = watched()
    const shape = (word: string) => `the client ${word} was sent away because of its certificate today`
    first.write(start - 1000, shape('anton'), shape('berta'))
    await first.look(start)
    await first.keep()
    const next = watched(first.state)
    next.write(start + 11_000, shape('caesar'))
    expect(await next.look(start + 12_000)).toEqual({ holds: false, value: 0 })
  })

  test('who dies before it kept them finds them new once more', async () => {
    const first = watched()
    await first.look(start)
    first.write(start + 11_000, 'something else')
    expect(await first.look(start + 12_000)).toMatchObject({ holds: true })
    const next = watched(first.state)
    next.write(start + 11_000, 'something else')
    expect(await next.look(start + 13_000)).toMatchObject({ holds: true, value: 1 })
  })

  test('of more shapes than are kept it says so', async () => {
    const { write, look } = watched()
    const letters = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
    write(
      start - 1,
      ...Array.from({ length: 1200 }, (_, i) => Array.from({ length: (i % 50) + 1 }, () => letters(i)).join(' ')),
    )
    await look(start)
    expect(await look(start + 12_000)).toMatchObject({
      holds: undefined,
      reason: expect.stringContaining('narrow the query'),
    })
  })

  test('of another search learning begins anew', async () => {
    const state = createMemoryState()
    const store = createMemoryStore()
    const measure = createMeasure({ store, state, signal: AbortSignal.timeout(60_000) })
    const policy = policyOf({ name: 'n', cluster: 'prod', windowMs, condition: { kind: 'new-pattern', learnMs: 0 } })
    store.events.push(...lines(['one shape here'], originOf(), { time: (Date.now() - 10) * 1000 }))
    expect((await measure.of('p', policy)).found).toMatchObject({ holds: true })
    const other = await measure.of('p', { ...policy, query: 'nothing' })
    expect(other.found).toEqual({ holds: false, value: 0 })
    const entry = await state.get(`${patternsPrefix}p`)
    expect((entry?.value as KnownPatterns | undefined)?.scope).toContain('nothing')
  })
})

test('an alert on new shapes names the shape, and is over when the window is', { timeout: 20_000 }, async () => {
  const store = createMemoryStore()
  const running = await startEvaluator(
    { windowMs: 2000, condition: { kind: 'new-pattern', learnMs: 300 }, app: '2048' },
    { store },
  )
  const write = (text: string) =>
    store.events.push(...lines([text], originOf(), { time: Date.now() * 1000, offset: store.events.length }))
  write('paid order 1')
  await waitFor(async () => (await running.alert())?.state === 'no-data')
  expect((await running.alert())?.reason).toContain('are learnt until')
  await waitFor(async () => (await running.alert())?.state === 'ok')
  // What comes while it fires changes nothing of the alert, and is kept all the same.
  write('a second shape')
  await waitFor(async () => (await running.alert())?.state === 'firing')
  write('and a third one, while it fires')
  await waitFor(async () => {
    const [entry] = await running.state.list(patternsPrefix)
    const kept = entry?.value as KnownPatterns | undefined
    return kept?.patterns.length === 3
  })
  await waitFor(async () => (await running.alert())?.state === 'ok')
  write('paid order 2')
  write('the disk is full')
  await waitFor(async () => (await running.alert())?.state === 'firing')
  expect(await running.alert()).toMatchObject({ value: 1, detail: 'the disk is full' })
  await waitFor(async () => (await running.alert())?.state === 'ok')
  expect(await running.state.list(patternsPrefix)).toHaveLength(1)
})
