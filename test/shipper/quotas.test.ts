/** Quotas: what is read of them, how they count (with a clock that is given), and what a slowed app does to its files. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import type { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newColumns } from '../../pipeline/event-batch.ts'
import { quotaOf, readQuotaSettings } from '../../pipeline/quota-settings.ts'
import { Meter } from '../../shipper/quota-meter.ts'
import { linesIn } from '../../shipper/quotas.ts'
import type { Shipper } from '../../shipper/shipper.ts'
import { temporaryFolder, waitFor } from '../system/process.ts'
import { openBelow, type RememberingBus, rememberingBus, startTestShipper, testConfig } from './harness.ts'

const none = Number.POSITIVE_INFINITY

describe('as they are written', () => {
  test('an app has its own limits, and the default’s where it says nothing', () => {
    const settings = readQuotaSettings({
      shipper: { bytesPerDay: { hard: 9 } },
      default: { 'lines-per-second': { warn: 5, hard: 10 }, 'bytes-per-day': { hard: 100 } },
      apps: { shop: { 'lines-per-second': { hard: 20 } }, free: { linesPerSecond: { hard: 0 } } },
    })
    expect(settings.shipper).toEqual({ bytesPerDay: { warn: none, hard: 9 } })
    const bytesPerDay = { warn: none, hard: 100 }
    expect(quotaOf(settings, 'shop')).toEqual({ linesPerSecond: { warn: none, hard: 20 }, bytesPerDay })
    expect(quotaOf(settings, 'free')).toEqual({ linesPerSecond: { warn: none, hard: none }, bytesPerDay })
    expect(quotaOf(settings, 'toString')).toEqual({ linesPerSecond: { warn: 5, hard: 10 }, bytesPerDay })
  })

  test('as the documentation has them', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8')
    const [, yaml = ''] = /```yaml\nquotas:\n([\s\S]*?)```/.exec(page) ?? []
    const { quotas } = testConfig('/nowhere', ['--quotas', yaml])
    const bytesPerDay = { warn: 1_000_000_000, hard: none }
    expect(quotaOf(quotas, 'audit')).toEqual({ linesPerSecond: { warn: none, hard: none }, bytesPerDay })
    expect(quotaOf(quotas, 'order-service')).toEqual({ linesPerSecond: { warn: none, hard: 50_000 } })
    expect(quotaOf(quotas, 'other')).toEqual({ linesPerSecond: { warn: 5000, hard: 10_000 } })
    expect(quotas.shipper.bytesPerDay?.warn).toBe(80_000_000_000)
  })

  test.each([
    ['nothing is no quota', undefined, ''],
    ['a list', [], 'expected keys and values'],
    ['a part that is not known', { app: {} }, 'did you mean apps?'],
    ['a unit that is not known', { default: { 'lines-per-minute': { hard: 1 } } }, '“lines-per-minute”'],
    ['a level that is not known', { default: { bytesPerDay: { max: 1 } } }, 'one of warn, hard'],
    ['a text', { apps: { a: { bytesPerDay: { hard: '5GB' } } } }, 'not "5GB" (quota of a)'],
    ['a fraction', { default: { linesPerSecond: { warn: 0.5 } } }, 'whole number'],
    ['a warning beyond the limit', { default: { linesPerSecond: { warn: 6, hard: 5 } } }, 'warn below hard'],
  ])('%s', (_, written, expected) => {
    const args = ['--quotas', JSON.stringify(written ?? null)]
    if (expected === '') expect(testConfig('/nowhere', args).quotas).toEqual({ shipper: {}, default: {}, apps: {} })
    else expect(() => testConfig('/nowhere', args)).toThrow(expected.replace('expected ', ''))
  })
})

describe('a meter', () => {
  const dayMs = 86_400_000
  let steady = 0
  let world = 0
  const clock = { steadyMs: () => steady, worldMs: () => world }
  const pass = (ms: number): void => {
    steady += ms
    world += ms
  }
  beforeEach(() => {
    steady = 1e6
    world = 20_000 * dayMs
  })

  test('lines: one second of them at once, then as fast as they may come; a debt is waited for', () => {
    const meter = new Meter({ linesPerSecond: { warn: none, hard: 100 } }, clock, undefined)
    expect(meter.holdsBack()).toBe(false)
    meter.charge(350, 1)
    pass(2500)
    expect(meter.holdsBack()).toBe(true)
    pass(10)
    expect(meter.holdsBack()).toBe(false)
    // Nothing is saved up beyond a second.
    pass(3_600_000)
    meter.charge(100, 1)
    expect(meter.holdsBack()).toBe(true)
  })

  test('over an hour a source that always wants more gets its limit, whatever its windows are', () => {
    const meter = new Meter({ linesPerSecond: { warn: none, hard: 1000 } }, clock, undefined)
    let lines = 0
    for (const endMs = steady + 3_600_000; steady < endMs; pass(40)) {
      while (!meter.holdsBack()) {
        const window = 1 + ((lines * 7919) % 5000)
        meter.charge(window, 1)
        lines += window
      }
    }
    expect(Math.abs(lines - 3_600_000)).toBeLessThan(6000)
  })

  test('bytes: until the day in UTC ends; a clock that is set back gives none anew', () => {
    const meter = new Meter({ bytesPerDay: { warn: none, hard: 1000 } }, clock, { day: 20_000, bytes: 400 })
    meter.charge(1, 599)
    expect(meter.holdsBack()).toBe(false)
    meter.charge(1, 1)
    expect(meter.holdsBack()).toBe(true)
    world -= dayMs
    expect([meter.holdsBack(), meter.bytesToday]).toEqual([true, 1000])
    world += 2 * dayMs
    expect([meter.holdsBack(), meter.bytesToday]).toEqual([false, 0])
  })

  test('what was remembered of another day does not count', () => {
    expect(new Meter({ bytesPerDay: { warn: 1, hard: 2 } }, clock, { day: 19_999, bytes: 5 }).bytesToday).toBe(0)
  })

  test('a portion is what is left of both, and enough to learn from', () => {
    const quota = { linesPerSecond: { warn: none, hard: 10_000 }, bytesPerDay: { warn: none, hard: 500_000 } }
    const meter = new Meter(quota, clock, undefined)
    expect(meter.portionBytes).toBe(500_000)
    meter.charge(8000, 1)
    expect(meter.portionBytes).toBe(128_000)
    meter.charge(2000, 1)
    expect(meter.portionBytes).toBe(65_536)
  })

  test('its state holds for ten seconds, so that it is told once', () => {
    const meter = new Meter({ linesPerSecond: { warn: 50, hard: 100 } }, clock, undefined)
    const states: string[] = []
    const run = (linesASecond: number, seconds: number): void => {
      for (let i = 0; i < seconds * 10; i++) {
        pass(100)
        if (!meter.holdsBack()) meter.charge(linesASecond / 10, 1)
        meter.tick(false, 100)
        if (states.at(-1) !== meter.state) states.push(meter.state)
      }
    }
    run(40, 30)
    run(80, 30)
    expect(meter.limitText).toBe('50 lines/s')
    run(1000, 30)
    expect(meter.limitText).toBe('100 lines/s')
    run(40, 60)
    expect(states).toEqual(['ok', 'warned', 'slowed', 'warned', 'ok'])
  })

  test('a limit that is read again holds at once, also where there was none', () => {
    const meter = new Meter({ linesPerSecond: { warn: none, hard: none } }, clock, undefined)
    meter.charge(1e9, 1)
    expect(meter.holdsBack()).toBe(false)
    meter.quota = { linesPerSecond: { warn: none, hard: 10 } }
    meter.charge(11, 1)
    expect(meter.holdsBack()).toBe(true)
  })
})

test('the lines of joined events count one by one', () => {
  const text = Buffer.from('a\n b\n c\n\nd\ne no feed')
  const columns = newColumns(text, 3)
  columns.start.set([0, 9, 11])
  columns.length.set([7, 1, 9])
  expect(linesIn(columns)).toBe(5)
})

describe('a shipper', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let bus: RememberingBus
  let shipper: Shipper | undefined
  let registry: Registry
  const log: string[] = []

  beforeEach(() => {
    folder = temporaryFolder('quotas')
    bus = rememberingBus()
    log.length = 0
  })
  afterEach(async () => {
    bus.gate = () => {}
    await shipper?.close(100)
    folder.cleanUp()
  })

  const small = ['--read-bytes-max', '4096', '--event-bytes-max', '1024']
  const pathOf = (name: string): string => join(folder.path, 'logs', name)
  function write(name: string, from: number, count: number): number {
    mkdirSync(dirname(pathOf(name)), { recursive: true })
    const lines = Array.from({ length: count }, (_, i) => `2026-11-22 10:00:00.000 INFO line ${from + i} of ${name}\n`)
    appendFileSync(pathOf(name), lines.join(''))
    return lines.join('').length
  }
  async function start(quotas: string): Promise<void> {
    const warnings = pino({ level: 'info' }, { write: (line) => void log.push(JSON.parse(line).msg) })
    ;({ shipper, registry } = await startTestShipper(folder.path, bus, [...small, '--quotas', quotas], warnings))
  }
  async function metric(name: string): Promise<number> {
    const text = await registry.metrics()
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    )
  }
  const of = (app: string): string[] => bus.records.filter((record) => record.app === app).map(({ message }) => message)
  const isSlowed = async (app: string) =>
    (await metric(`shiplog_quota_slowed{scope="app",cluster="prod",app="${app}"}`)) === 1
  const lift = (): void => shipper?.reload(testConfig(folder.path, small))

  test('an app that floods is slowed to its quota; the others go on, and nothing of it is lost or twice', async () => {
    write('flood/0/a.log', 0, 1500)
    write('flood/1/b.log', 0, 1500)
    write('calm/0/c.log', 0, 10)
    const began = performance.now()
    await start('{ apps: { flood: { lines-per-second: { hard: 1000 } } } }')
    await waitFor(() => isSlowed('flood'))
    for (let i = 0; i < 20; i++) {
      const there = of('calm').length
      write('calm/0/c.log', 10 + i, 1)
      await waitFor(() => of('calm').length > there, 2000, 'a line of another app')
    }
    await waitFor(() => bus.records.length === 3030, 15_000)
    // A second's lines come at once; what was in flight and the last window may be ahead of the limit.
    expect(performance.now() - began).toBeGreaterThan(1500)
    expect(new Set(of('flood')).size).toBe(3000)
    expect(bus.messages('a.log')).toEqual(of('flood').filter((line) => line.endsWith('a.log')))
    expect(log.filter((line) => line.includes('over its quota'))).toEqual([
      'prod/flood is over its quota of 1000 lines/s: what is more waits in its files, nothing is dropped',
    ])
    expect(await metric('shiplog_quota_slowed_seconds_total{scope="app",cluster="prod",app="flood"}')).toBeGreaterThan(
      1,
    )
    expect(await metric('shiplog_bytes_lost_total')).toBe(0)
    expect(await registry.metrics()).not.toContain('app="calm"')
  })

  test('files say why they are behind, until a reload lifts the quota', async () => {
    write('flood/0/a.log', 0, 2000)
    await start('{ default: { lines-per-second: { warn: 1, hard: 5 } } }')
    await waitFor(() => [...bus.states.values()].some(({ warning }) => warning === 'slowed by its quota: 5 lines/s'))
    expect(
      await metric('shiplog_quota_limit{scope="app",cluster="prod",app="flood",unit="lines_per_second",level="hard"}'),
    ).toBe(5)
    lift()
    await waitFor(() => of('flood').length === 2000)
    await waitFor(() => [...bus.states.values()].every(({ warning }) => warning === undefined))
    expect(await registry.metrics()).not.toContain('shiplog_quota_limit{')
  })

  test('the whole shipper has a quota, too', async () => {
    write('a/0/a.log', 0, 300)
    write('b/0/b.log', 0, 300)
    await start('{ shipper: { lines-per-second: { hard: 5 } } }')
    const warning = 'slowed by the quota of the whole shipper: 5 lines/s'
    await waitFor(() => [...bus.states.values()].some((state) => state.warning === warning))
    expect(bus.records.length).toBeLessThan(600)
    lift()
    await waitFor(() => bus.records.length === 600)
  })

  test('what rotation renames and deletes while its app is slowed is still read', async () => {
    write('flood/0/a.log', 0, 500)
    await start('{ apps: { flood: { lines-per-second: { hard: 1 } } } }')
    await waitFor(() => isSlowed('flood'))
    const files = async (): Promise<number> => metric('shiplog_files')
    for (let i = 1; i <= 3; i++) {
      renameSync(pathOf('flood/0/a.log'), pathOf(`flood/0/a.log.${i}`))
      write('flood/0/a.log', i * 500, 500)
      await waitFor(async () => (await files()) === i + 1)
    }
    // Held open as soon as they were found.
    await waitFor(() => openBelow(join(folder.path, 'logs')).length === 4)
    for (let i = 1; i <= 3; i++) unlinkSync(pathOf(`flood/0/a.log.${i}`))
    expect(bus.records.length).toBeLessThan(500)
    lift()
    await waitFor(() => bus.records.length === 2000)
    expect(new Set(of('flood')).size).toBe(2000)
    expect(await metric('shiplog_bytes_lost_total')).toBe(0)
  })

  test('the bytes of a day are counted on behind restarts, a window that is read again once', async () => {
    const bytes = write('flood/0/a.log', 0, 1000)
    const used = (): Promise<number> =>
      metric('shiplog_quota_used{scope="app",cluster="prod",app="flood",unit="bytes_per_day"}')
    const quotas = '{ apps: { flood: { bytes-per-day: { hard: 20000 } } } }'
    // The first process dies with its first windows written ahead and never acknowledged.
    let reached = 0
    bus.gate = () => {
      reached++
      return new Promise(() => {})
    }
    await start(quotas)
    await waitFor(() => reached > 0)
    await shipper?.close(0)
    bus.gate = () => {}
    await start(quotas)
    await waitFor(() => isSlowed('flood'))
    const shipped = (): number => bus.records.reduce((sum, record) => sum + record.bytes, 0)
    await waitFor(
      async () => (await used()) === shipped() && shipped() >= 20_000,
      5000,
      'the count is what was shipped',
    )
    expect(shipped()).toBeLessThan(20_000 + 4 * 5120)
    const before = await used()
    await shipper?.close()
    await start(quotas)
    await waitFor(async () => (await isSlowed('flood')) && (await used()) === before)
    expect(shipped()).toBe(before)
    lift()
    await waitFor(() => of('flood').length === 1000)
    expect([shipped(), new Set(of('flood')).size]).toEqual([bytes, 1000])
  })

  // Holding one open had another closed, which was held open then: nothing else happened in the process any more.
  test('more files are held back than may be open: those that are open stay so, and the process lives', async () => {
    for (let i = 0; i < 60; i++) {
      const file = join(folder.path, `logs/app${i}/one/a.log`)
      mkdirSync(dirname(file), { recursive: true })
      appendFileSync(file, `2026-11-24 10:00:00 line of ${i}\n`.repeat(3))
    }
    const written = { shipper: { 'bytes-per-day': { hard: 1 } } }
    const args = ['--open-files-max', '20', '--quotas', JSON.stringify(written)]
    ;({ shipper } = await startTestShipper(folder.path, bus, args))
    const beganMs = performance.now()
    await waitFor(() => performance.now() - beganMs > 500)
    expect(openBelow(join(folder.path, 'logs')).length).toBeLessThanOrEqual(20)
  })
})
