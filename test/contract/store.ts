/**
 * What every Store must do, whatever it is made of. An adapter's test calls `storeContract` with a function that opens an
 * empty store; a difference between adapters is a bug in one of them.
 */
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import { type EventBatch, originAt, recordOf, recordsOf } from '../../pipeline/event-batch.ts'
import { fieldsOf } from '../../pipeline/fields.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { type EventKey, type LogRecord, levels, parseTime } from '../../pipeline/record.ts'
import type { FilterField, SearchQuery, Store } from '../../pipeline/store.ts'
import { lowerCase } from '../../pipeline/words.ts'
import { readSample } from '../../query-api/sample.ts'
import {
  dayUs,
  drain,
  generationOf,
  keyOf,
  type Line,
  levelIndex,
  linesOf,
  Model,
  noonUs,
  pages,
  part,
  queryOf,
  secondUs,
} from './store-model.ts'

export interface OpenedStore {
  readonly store: Store
  /** Closes the store and removes what it made. */
  close(): Promise<void>
}

const ids = (records: readonly LogRecord[]): string[] => records.map((record) => record.id)

function numbered(count: number, more: Partial<Line> = {}, text = 'line'): Line[] {
  return Array.from({ length: count }, (_, i) => ({ message: `${text} ${i}`, time: noonUs + i * 1000, ...more }))
}

export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: the contract of a store`, () => {
    let opened: OpenedStore
    let store: Store
    let model: Model

    const openStore = async (): Promise<void> => {
      opened = await open()
      store = opened.store
      model = new Model()
    }
    const storePerTest = (): void => {
      beforeEach(openStore)
      afterEach(() => opened.close())
    }
    /** Where tests only read. */
    const oneStoreWith = (fill: () => Promise<void>): void => {
      beforeAll(async () => {
        await openStore()
        await fill()
      })
      afterAll(() => opened.close())
    }

    const write = async (...batches: EventBatch[]): Promise<void> => {
      expect(await store.write(batches)).toEqual([])
      model.write(batches)
    }
    /** Pages and a scan give exactly what the model gives. */
    const agree = async (query: SearchQuery, limit = 100): Promise<void> => {
      const expected = model.search(query)
      expect(await pages(store, query, limit)).toEqual(expected)
      expect(ids(await drain(store.scan(query)))).toEqual(ids(expected))
    }

    describe('writing', () => {
      storePerTest()

      test('a record comes back as it was written, with all that is sparse', async () => {
        const raw = new Uint8Array([0xff, 0x00, 0x0a])
        await write(
          linesOf(
            [
              { message: 'plain', time: noonUs + 1, level: 3 },
              { message: '', time: noonUs + 2 },
              { message: 'with raw \u0000 and 连接失败', time: noonUs + 3, raw, encoding: 'gb18030' },
              { message: 'goes on', time: noonUs + 4, continues: `${generationOf(1)}-0`, level: 6 },
            ],
            { encoding: 'gbk', readAt: noonUs + 7 },
          ),
        )
        await agree(queryOf())
      })

      test('what is written twice is there once: again, in other pieces, overlapping by half, within one call', async () => {
        const batch = linesOf(numbered(100))
        await write(part(batch, 0, 60))
        await write(part(batch, 0, 60))
        await write(part(batch, 30, 80), part(batch, 30, 80))
        await write(part(batch, 10, 20), part(batch, 75, 100))
        expect(ids(await drain(store.scan(queryOf('', { order: 'asc' }))))).toHaveLength(100)
        await agree(queryOf('', { order: 'asc' }))
      })

      test('a batch over several days is written to each, and a replay of any piece adds nothing', async () => {
        const lines = Array.from({ length: 90 }, (_, i) => ({
          message: `day ${i}`,
          time: noonUs + (((i * 7) % 5) - 2) * dayUs + i,
        }))
        const batch = linesOf(lines, { readAt: noonUs + 3 * dayUs })
        await write(part(batch, 0, 50))
        await write(part(batch, 20, 90))
        await write(batch)
        await agree(queryOf('', { order: 'asc' }), 7)
      })

      test('what a reading left out is taken when it comes', async () => {
        const batch = linesOf(numbered(30))
        await write(part(batch, 0, 10))
        await write(part(batch, 20, 30))
        await write(part(batch, 10, 20))
        await agree(queryOf())
      })

      test('many calls at the same time', async () => {
        const batches = Array.from({ length: 40 }, (_, n) =>
          linesOf(numbered(25, { time: noonUs + n }), {
            generation: generationOf(n % 8),
            offset: Math.floor(n / 8) * 1000,
          }),
        )
        await Promise.all(batches.map((batch) => store.write([batch])))
        model.write(batches)
        await agree(queryOf())
      })

      test('the same id in two clusters is two events', async () => {
        await write(linesOf(numbered(3)))
        await write(linesOf(numbered(3), { source: { cluster: 'stage' } }))
        await agree(queryOf())
        await agree(queryOf('', { cluster: 'stage' }))
      })

      test('an event that can never be stored is refused with its place and a reason; the others are stored', async () => {
        const good = linesOf(numbered(2))
        const bad = linesOf([{ message: 'no time', time: Number.NaN }, ...numbered(1)], { generation: generationOf(2) })
        const refused = await store.write([good, bad])
        expect(refused).toEqual([{ batch: bad, index: 0, reason: expect.stringContaining('time') }])
        expect((await store.search(queryOf(), 10)).records.count).toBe(3)
      })

      test.each([
        { what: 'before 1970', line: { time: -1 } },
        { what: 'after 9999', line: { time: Date.UTC(10_000, 0, 1) * 1000 } },
        { what: 'never', line: { time: Number.POSITIVE_INFINITY } },
        { what: 'beyond what a Date holds', line: { time: 1e300 } },
        { what: 'of no level', line: { level: 99 } },
        { what: 'at no offset', options: { offset: -5 } },
        { what: 'at an offset beyond 2^53', options: { offset: 2 ** 60 } },
        { what: 'of a cluster outside of its folder', options: { source: { cluster: '../prod' } } },
        { what: 'of a cluster without a name', options: { source: { cluster: '' } } },
      ])('an event $what is refused, never a failure: it would come again for ever', async ({ line, options }) => {
        const bad = linesOf([{ message: 'bad', time: noonUs, ...line }], { generation: generationOf(9), ...options })
        expect(await store.write([bad, linesOf(numbered(1))])).toEqual([
          { batch: bad, index: 0, reason: expect.any(String) },
        ])
        expect((await store.search(queryOf(), 10)).records.count).toBe(1)
      })

      test('old lines that are read late lie in their time', async () => {
        const readAt = noonUs + 200 * dayUs
        await write(linesOf(numbered(5), { readAt }))
        await write(linesOf(numbered(5, { time: noonUs + 2 }), { generation: generationOf(2) }))
        await write(linesOf(numbered(5, { time: noonUs + 31 * dayUs }), { generation: generationOf(3), readAt }))
        await agree(queryOf('', { order: 'asc' }), 2)
        await agree(queryOf('', { order: 'desc' }), 3)
        await agree(queryOf('', { from: noonUs + 1, to: noonUs + 3000 }), 3)
      })

      test('large messages', async () => {
        const big = `start ${'x'.repeat(300_000)} needle ${'连'.repeat(60_000)} end`
        await write(linesOf([{ message: big, time: noonUs }, ...numbered(3), { message: `${big}2`, time: noonUs + 9 }]))
        await agree(queryOf('needle'))
        await agree(queryOf('end2'))
      })
    })

    describe('order and pages', () => {
      storePerTest()

      test('ties: one time for 3,000 events of several files, in pages, in both orders', async () => {
        for (let n = 0; n < 3; n++) {
          await write(linesOf(numbered(1000, { time: noonUs }), { generation: generationOf(9 - n) }))
        }
        await agree(queryOf(), 700)
        await agree(queryOf('', { order: 'asc' }), 999)
      })

      test('a page says whether more follows, exactly at its edge', async () => {
        await write(linesOf(numbered(10)))
        expect((await store.search(queryOf(), 9)).more).toBe(true)
        expect((await store.search(queryOf(), 10)).more).toBe(false)
        expect((await store.search(queryOf(), 11)).more).toBe(false)
        expect(await store.search(queryOf('nothing'), 5)).toMatchObject({ more: false, records: { count: 0 } })
      })

      test('files that overlap in time, written in any order', async () => {
        const batches: EventBatch[] = []
        for (let file = 0; file < 6; file++) {
          const lines = Array.from({ length: 700 }, (_, i) => ({
            message: `f${file} n${i}`,
            time: noonUs + i * 7919 + file,
          }))
          const whole = linesOf(lines, { generation: generationOf(file), source: { file: `${file}.log` } })
          for (let at = 0; at < 700; at += 100) batches.push(part(whole, at, at + 100))
        }
        // Files in a mixed order, each file in its own.
        const order = batches
          .map((batch, i) => ({ batch, rank: (i % 7) * 100 + ((i * 31) % 11) }))
          .sort((a, b) => a.rank - b.rank)
        for (const { batch } of order) await write(batch)
        await agree(queryOf(), 500)
        await agree(queryOf('', { order: 'asc', from: noonUs + 2e6, to: noonUs + 3e6 }), 250)
      })

      test('pages go on behind a key while others write', async () => {
        const whole = linesOf(numbered(60))
        await write(part(whole, 0, 50))
        const first = await store.search(queryOf(), 20)
        await write(
          part(whole, 50, 60),
          linesOf(numbered(9, { time: noonUs - secondUs }), { generation: generationOf(2) }),
        )
        const after = keyOf(recordsOf(first.records).at(-1) as LogRecord)
        expect(await pages(store, queryOf('', { after }), 20)).toEqual(model.search(queryOf('', { after })))
        expect(ids(recordsOf(first.records))).not.toContain(ids(model.search(queryOf()))[0])
      })

      // Once small pieces were merged under a reader that still held the first one, and the rows behind it were not found.
      test('many small writes, each searched at once, by time and by text', async () => {
        const whole = linesOf(numbered(600))
        for (let at = 0; at < 600; at += at < 500 ? 20 : 3) {
          await write(part(whole, at, Math.min(600, at + (at < 500 ? 20 : 3))))
          if (at % 40 === 0 || at > 500) {
            const query = queryOf('*ine* line')
            expect((await store.search(query, 1000)).records.count).toBe(model.search(query).length)
          }
        }
        await agree(queryOf(), 200)
      })

      test('from is inclusive, to is not', async () => {
        await write(linesOf(numbered(10)))
        await agree(queryOf('', { from: noonUs + 2000, to: noonUs + 5000 }))
      })
    })

    describe('records that continue an event', () => {
      storePerTest()

      test('are found among the others, in either order, with filters and words, also while blocks fill up', async () => {
        const head = `${generationOf(1)}-0`
        let offset = 0
        for (let round = 0; round < 6; round++) {
          const lines = numbered(300, { level: 3 }).map((line, i) =>
            i % 97 === round ? { ...line, message: `part ${i} of ${round}`, continues: head } : line,
          )
          const batch = linesOf(lines, { offset })
          await write(batch, linesOf(numbered(50, {}, 'whole'), { generation: generationOf(2), offset }))
          offset += 100_000
        }
        for (const order of ['asc', 'desc'] as const) {
          expect(model.search(queryOf('', { order, parts: true })).length).toBe(24)
          await agree(queryOf('', { order, parts: true }), 5)
          await agree(queryOf('of', { order, parts: true, from: noonUs + 90_000 }))
          await agree(queryOf('', { order, parts: true, filters: { level: ['info'], app: ['shop'] } }))
          await agree(queryOf('', { order, parts: true, filters: { app: ['other'] } }))
        }
      })
    })

    describe('filters and queries', () => {
      const apps = ['shop', 'Shop', '2048']
      const messages = [
        'GET /index.html HTTP/1.1 200',
        'recv() failed (104: Connection reset by peer) while reading',
        'java.lang.NullPointerException: Error at com.foo.Bar.baz(Bar.java:17)',
        '数据库连接失败,正在重试 timeout=30',
        'TimeoutException 超时 timeouts Timeout',
        '{"level":"info","msg":"placed","status":500,"user":{"name":"Ünï"},"tags":["a","b"]}',
        '{"msg":"esc\\u0061ped\\ttab","status":"ok"}',
        'level=warn status=503 path="/a b" took=17ms',
        'カタカナ ひらがな mixed 漢字 text',
        'naïve café ÉCOLE Straße İstanbul K',
        '',
        'a_b-c.d:e 10.3.11.18:80',
        'xerrorx errors error Error rror',
        '\x1b[31merror\x1b[0m: \x1b[1;38;5;196mrefused\x1b[m \x1b[2m连接\x1b[22m失败',
      ]

      oneStoreWith(async () => {
        for (const [n, app] of apps.entries()) {
          const lines = messages.map((message, i) => ({
            message,
            time: noonUs + i * 1000 + n,
            level: (i + n) % levels.length,
          }))
          const source = {
            app,
            instance: `${app}-${n}`,
            host: n === 0 ? 'a' : 'b',
            dir: n === 1 ? '/var' : '/',
            file: `${n}.log`,
          }
          await write(linesOf(lines, { generation: generationOf(n), source }))
        }
      })

      test.each([
        '',
        '*',
        'timeout',
        'TIMEOUT',
        'refused',
        '31merror',
        '"error refused"',
        '*efuse*',
        'time*',
        't*',
        '*Exception',
        '*rror*',
        'e*r',
        '连接失败',
        '连接',
        '败连',
        '数据*',
        '连*',
        'カタカナ',
        'カタ*',
        'ひら',
        '漢字',
        'café',
        'caf*',
        '*cole',
        'istanbul',
        'k',
        '*k',
        '10.3.11.18:80',
        'com.foo.Bar',
        'com.foo.Ba*',
        '"connection reset by peer"',
        '"reset connection"',
        '"null*" error',
        '"*foo bar"',
        'error -timeout',
        '-error',
        'NOT (error OR timeout)',
        '-error -timeout',
        'error OR 连接失败 OR .status:500',
        'level:error',
        'level>=warn',
        'level<info error',
        'level:none OR level:fatal',
        'app:shop',
        'app:SHOP level>=info',
        'app:2*',
        'host:b -app:2048',
        'dir:"/var"',
        'file:*.log',
        'instance:*-1',
        '.status:500',
        '.status:5*',
        'fields.status:ok',
        '.msg:"escaped\ttab"',
        '.msg:esc*',
        '.user.name:ünï',
        '.tags:b',
        '.path:"/a b"',
        '.nosuch:*',
        '-.status:500',
        '(timeout OR error) level>=info -host:a',
        'com -(foo bar)',
        'nosuchword',
      ])('%s', async (text) => {
        await agree(queryOf(text), 4)
      })

      test.each<{ filters: SearchQuery['filters'] }>([
        { filters: { app: ['shop'] } },
        { filters: { app: ['shop', '2048'], level: ['error', 'none'] } },
        { filters: { instance: ['Shop-1'] } },
        { filters: { host: ['b'], dir: ['/'] } },
        { filters: { file: ['0.log', 'no.log'], level: [] } },
        { filters: { level: ['nosuch'] } },
        { filters: { app: ['SHOP'] } },
      ])('filters $filters', async ({ filters }) => {
        await agree(queryOf('', { filters }), 5)
        await agree(queryOf('error OR time*', { filters, order: 'asc' }), 5)
      })

      test('an unknown cluster has nothing, and is no error; a name that is none never becomes a path', async () => {
        for (const cluster of ['nosuch', '../prod', '', 'Prod']) {
          expect((await store.search(queryOf('', { cluster }), 5)).records.count).toBe(0)
          expect(await drain(store.scan(queryOf('', { cluster })))).toEqual([])
          expect((await store.histogram({ ...queryOf('', { cluster }), from: 0, to: 100 }, 4)).total).toBe(0)
          expect(await store.retain(cluster, noonUs)).toEqual([])
        }
      })
    })

    describe('at random', () => {
      storePerTest()

      test('any query over any lines, against the naive evaluator', async () => {
        const word = fc.constantFrom(
          ...[
            'error',
            'Error',
            'timeout',
            'time',
            'err',
            'a',
            'b',
            'x1',
            '42',
            '连接',
            '失败',
            '连',
            'été',
            'カタカナ',
            'ς',
            'k',
            'K',
          ],
        )
        const separator = fc.constantFrom(' ', '.', '_', ', ', '', '=', '"', '\\')
        const message = fc.array(fc.tuple(word, separator), { maxLength: 8 }).map((parts) => parts.flat().join(''))
        const json = fc.record({ a: word, b: fc.integer({ max: 99, min: 0 }) }).map((value) => JSON.stringify(value))
        const line = fc.record({
          message: fc.oneof({ weight: 4, arbitrary: message }, json),
          time: fc.integer({ min: -40, max: 40 }).map((n) => noonUs + n * secondUs * 1800),
          level: fc.integer({ min: 0, max: levels.length - 1 }),
        })
        const leaf = fc.oneof(
          word,
          word.map((text) => `${text}*`),
          word.map((text) => `*${text}`),
          word.map((text) => `*${text}*`),
          fc.tuple(word, word).map(([one, other]) => `"${one} ${other}"`),
          fc.tuple(word, word).map(([one, other]) => `"${one} ${other}*"`),
          fc.constantFrom(...levels).map((level) => `level>=${level}`),
          fc.constantFrom('app:app-0', 'app:*1', 'file:f*', '-app:app-1'),
          fc
            .tuple(fc.constantFrom('a', 'b'), fc.oneof(word, fc.constantFrom('4*', '*2', '*')))
            .map(([key, text]) => `.${key}:${text}`),
        )
        const text = fc.letrec<{ query: string }>((tie) => ({
          query: fc.oneof(
            { depthSize: 'small' },
            leaf,
            fc.tuple(tie('query'), tie('query')).map(([one, other]) => `(${one} ${other})`),
            fc.tuple(tie('query'), tie('query')).map(([one, other]) => `(${one} OR ${other})`),
            tie('query').map((inner) => `-(${inner})`),
          ),
        })).query
        let generation = 100
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.array(line, { minLength: 1, maxLength: 12 })), {
              maxLength: 4,
            }),
            fc.array(text, { minLength: 1, maxLength: 6 }),
            fc.integer({ min: 1, max: 9 }),
            fc.constantFrom('asc' as const, 'desc' as const),
            async (batches, texts, limit, order) => {
              // Lines pile up over the runs, so that later queries meet many blocks.
              await write(
                ...batches.map(([n, lines]) =>
                  linesOf(lines, {
                    generation: generationOf(generation++),
                    source: { app: `app-${n}`, file: `f${n}` },
                  }),
                ),
              )
              for (const query of texts) {
                const searched = queryOf(query, { order })
                const expected = model.search(searched)
                const page = await store.search(searched, limit)
                expect(recordsOf(page.records)).toEqual(expected.slice(0, limit))
                expect(page.more).toBe(expected.length > limit)
                expect(ids(await drain(store.scan(searched)))).toEqual(ids(expected))
              }
            },
          ),
          { numRuns: 60 },
        )
        // Thousands of requests, for a store that is a server.
      }, 60_000)
    })

    describe('scans', () => {
      storePerTest()

      const spread = async (count: number): Promise<void> => {
        for (let at = 0; at < count; at += 2500) {
          const lines = Array.from({ length: 2500 }, (_, i) => ({
            message: `event ${at + i} of the scan ${(at + i) % 3 === 0 ? 'third' : 'other'}`,
            time: noonUs + (((at + i) * 7919) % 100_000) * 1000,
          }))
          await write(linesOf(lines, { generation: generationOf(at), source: { file: `${at % 7}.log` } }))
        }
      }

      test('a scan gives what pages give, in either order, also behind a key', async () => {
        await spread(10_000)
        await agree(queryOf('third'), 1000)
        const after = keyOf(model.search(queryOf('third', { order: 'asc' }))[700] as LogRecord)
        await agree(queryOf('third', { order: 'asc', after }), 1000)
      })

      test('a slow reader and writers at the same time: what was there is given once, in order', async () => {
        await spread(10_000)
        const expected = ids(model.search(queryOf('', { order: 'asc' })))
        const seen: string[] = []
        let n = 0
        for await (const batch of store.scan(queryOf('', { order: 'asc' }))) {
          seen.push(...ids(recordsOf(batch)))
          if (n++ < 3)
            await store.write([linesOf(numbered(300, { time: noonUs + 1 }), { generation: generationOf(90_000 + n) })])
        }
        const written = new Set(expected)
        expect(seen.filter((id) => written.has(id))).toEqual(expected)
        expect(new Set(seen).size).toBe(seen.length)
      })

      test('an aborted scan ends with ABORTED, a left one just ends; so do pages', async () => {
        await spread(10_000)
        const abort = new AbortController()
        const scan = async (): Promise<void> => {
          for await (const _batch of store.scan(queryOf(), { signal: abort.signal })) abort.abort()
        }
        await expect(scan()).rejects.toMatchObject({ code: 'ABORTED' })
        for await (const _batch of store.scan(queryOf())) break
        await expect(store.search(queryOf(), 10, { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: 'ABORTED',
        })
        const late = new AbortController()
        const page = store.search(queryOf('*nosuch* OR *neither*'), 10, { signal: late.signal })
        late.abort()
        await expect(page).rejects.toMatchObject({ code: 'ABORTED' })
        expect((await store.search(queryOf('third'), 10)).records.count).toBe(10)
      })

      test.each(['asc', 'desc'] as const)(
        'a search that runs out of time says how far it came, or is refused: pages that go on from there are all of it (%s)',
        async (order) => {
          await spread(10_000)
          const query = queryOf('*hird* OR *nosuch*', { order })
          const expected = ids(await drain(store.scan(query)))
          const seen: string[] = []
          let after: EventKey | undefined
          let timeMsMax = 0.1
          for (;;) {
            const asked = after === undefined ? query : { ...query, after }
            const page = await store.search(asked, 10_000, { timeMsMax }).catch((error: unknown) => {
              if (!(error instanceof ShiplogError && error.code === 'QUERY_TOO_COSTLY')) throw error
              timeMsMax *= 2
              return undefined
            })
            if (page === undefined) continue
            const records = recordsOf(page.records)
            seen.push(...ids(records))
            if (!page.more) break
            const last = records.at(-1)
            // What sorts before every generation: everything at the edge is behind it for asc, before it for desc.
            if (page.partial !== undefined) after = { time: page.partial.edge, generation: '-', offset: 0 }
            else if (last !== undefined) after = keyOf(last)
          }
          expect(seen).toEqual(expected)
          expect(seen.length).toBeGreaterThan(1000)
        },
      )

      test('a search that takes too long is refused with what to do', async () => {
        await spread(10_000)
        const failure = store.search(queryOf('*nosuch* OR .a:nosuch'), 10, { timeMsMax: 0 })
        await expect(failure).rejects.toMatchObject({ code: 'QUERY_TOO_COSTLY', hint: expect.any(String) })
        await expect(failure).rejects.toBeInstanceOf(ShiplogError)
      })
    })

    describe('one file', () => {
      const source = { cluster: 'prod', app: 'shop', instance: 'shop-1', dir: '/', file: 'a.log' }

      oneStoreWith(async () => {
        // The clock goes back in the middle, days change, and three incarnations follow each other.
        for (let n = 1; n <= 3; n++) {
          const lines = Array.from({ length: 1200 }, (_, i) => ({
            message: `${n}/${i}`,
            time: noonUs + n * dayUs + (i % 400 < 200 ? i : -i) * 100 * secondUs,
          }))
          await write(linesOf(lines, { generation: generationOf(n), readAt: noonUs + 5 * dayUs }))
        }
        await write(
          linesOf(numbered(50), { generation: generationOf(2), source: { file: 'b.log' }, offset: 1_000_000 }),
        )
        await write(linesOf(numbered(50), { generation: generationOf(4), source: { host: 'h2' } }))
      })

      test.each(['asc', 'desc'] as const)('%s, whole and from a place', async (order) => {
        const everything = { source, order, from: 0, to: Number.POSITIVE_INFINITY }
        expect(await drain(store.scanFile(everything))).toEqual(model.file(everything))
        const middle = model.file({ ...everything, order: 'asc' })[1800] as LogRecord
        const { generation, offset } = middle
        for (const start of [
          { generation, offset },
          { generation, offset: offset + 1 },
          { generation, offset: 0 },
        ]) {
          const query = { ...everything, start }
          expect(ids(await drain(store.scanFile(query)))).toEqual(ids(model.file(query)))
        }
        const hosted = { ...everything, source: { ...source, host: 'h2' }, from: noonUs + 5000, to: noonUs + 20_000 }
        expect(ids(await drain(store.scanFile(hosted)))).toEqual(ids(model.file(hosted)))
      })

      test.each([1, 2, 7, 511, 513, 1500, 5000])('%d events at most are the first ones of all', async (most) => {
        for (const order of ['asc', 'desc'] as const) {
          const everything = { source, order, from: 0, to: Number.POSITIVE_INFINITY }
          const { generation, offset } = model.file({ ...everything, order: 'asc' })[1190] as LogRecord
          for (const start of [undefined, { generation, offset }]) {
            const query = { ...everything, ...(start === undefined ? {} : { start }) }
            const expected = ids(model.file(query)).slice(0, most)
            expect(ids(await drain(store.scanFile({ ...query, most })))).toEqual(expected)
          }
        }
      })

      test('a reader may leave it, and abort it', async () => {
        const query = { source, order: 'asc' as const, from: 0, to: Number.POSITIVE_INFINITY }
        for await (const _batch of store.scanFile(query)) break
        const scan = store.scanFile(query, { signal: AbortSignal.abort() })
        await expect(drain(scan)).rejects.toMatchObject({ code: 'ABORTED' })
      })
    })

    describe('counting', () => {
      oneStoreWith(async () => {
        for (let n = 0; n < 4; n++) {
          const lines = Array.from({ length: 900 }, (_, i) => ({
            message:
              i % 3 === 0
                ? `{"status":${200 + (i % 5)},"Kind":["k${n}","k${n}","x"]}`
                : `plain ${i % 2 === 0 ? 'even' : 'odd'}`,
            time: noonUs + n * dayUs + i * 60 * secondUs,
            level: (i + n) % levels.length,
          }))
          const source = { app: `app-${n % 2}`, instance: `i-${n}`, file: 'a.log' }
          await write(linesOf(lines, { generation: generationOf(n), source, readAt: noonUs + 5 * dayUs }))
        }
      })

      test.each([
        { text: '', filters: {} },
        { text: 'even', filters: {} },
        { text: 'level>=warn -odd', filters: {} },
        { text: '', filters: { app: ['app-1'] } },
        { text: '', filters: { level: ['error', 'fatal'] } },
        { text: '.status:201', filters: { instance: ['i-0', 'i-3'] } },
      ])('a histogram of $text $filters is what naive counting gives', async ({ text, filters }) => {
        for (const [from, to, buckets] of [
          [noonUs, noonUs + 4 * dayUs, 60],
          [noonUs + 5_000_001, noonUs + 2 * dayUs, 7],
          [noonUs - 1000, noonUs + 1000, 1],
        ] as const) {
          const selection = { ...queryOf(text), filters, from, to }
          const histogram = await store.histogram(selection, buckets)
          expect(histogram.counts.length).toBeGreaterThan(0)
          expect(histogram.counts.length).toBeLessThanOrEqual(buckets)
          expect(histogram.from).toBeLessThanOrEqual(from)
          expect(histogram.from + histogram.bucketUs * histogram.counts.length).toBeGreaterThanOrEqual(to)
          const counts = histogram.counts.map(() => new Array<number>(levels.length).fill(0))
          const records = model.select(selection)
          for (const record of records) {
            const bucket = counts[
              Math.floor((parseTime(record.time) - histogram.from) / histogram.bucketUs)
            ] as number[]
            bucket[levelIndex(record)] = (bucket[levelIndex(record)] as number) + 1
          }
          expect(histogram.counts.map((bucket) => [...bucket])).toEqual(counts)
          expect(histogram.total).toBe(records.length)
        }
      })

      test('a sample stands for all: every stretch in proportion, the same lines each time, none that does not match', async () => {
        const selection = { ...queryOf('even'), from: noonUs + 1, to: Number.POSITIVE_INFINITY }
        const all = new Set(ids(model.select(selection)))
        const read = async (linesMax: number) => {
          const taken: string[] = []
          let weight = 0
          const bounds = { signal: new AbortController().signal, timeMsMax: 60_000 }
          const sample = await readSample(store, selection, linesMax, bounds, (batch, i, share) => {
            taken.push((recordOf(batch, i, originAt(batch, i)) satisfies LogRecord).id)
            weight += share
          })
          return { sample, taken, weight: Math.round(weight) }
        }
        const some = await read(150)
        expect(some.sample).toMatchObject({ total: all.size, lines: some.taken.length })
        expect(some.sample.stretches).toBeGreaterThan(20)
        expect([some.weight, new Set(some.taken).size]).toEqual([all.size, some.taken.length])
        expect(some.taken.filter((id) => !all.has(id))).toEqual([])
        expect(await read(150)).toEqual(some)
        const whole = await read(10_000)
        expect(whole.sample).toEqual({ total: all.size, lines: all.size, stretches: 0 })
        expect(new Set(whole.taken)).toEqual(all)
      })

      test('a histogram needs an end', async () => {
        await expect(store.histogram(queryOf(), 10)).rejects.toMatchObject({ code: 'QUERY_INVALID' })
      })

      test.each([1e9, Number.POSITIVE_INFINITY, Number.NaN])(
        '%s buckets are refused, and the store goes on',
        async (n) => {
          const range = { ...queryOf(), to: noonUs + dayUs }
          await expect(store.histogram(range, n)).rejects.toMatchObject({ code: 'QUERY_INVALID' })
          expect((await store.histogram(range, 10)).counts.length).toBeGreaterThan(0)
        },
      )

      test.each(['app', 'instance', 'host', 'dir', 'file', 'level', 'cluster', 'fields.status', 'fields.kind'])(
        'the values of %s',
        async (field) => {
          for (const more of [
            {},
            { where: parseQuery('even OR .status:202') },
            { from: noonUs + 7, to: noonUs + dayUs },
          ]) {
            const selection = { ...queryOf(), ...more }
            expect(await store.values(field, selection, { limit: 100 })).toEqual(
              naiveValues(model.select(selection), field),
            )
          }
          const top = await store.values(field, queryOf(), { limit: 1 })
          expect(top).toHaveLength(1)
          const prefix = (top[0] as { value: string }).value.slice(0, 2).toUpperCase()
          const expected = naiveValues(model.select(queryOf()), field).filter(({ value }) =>
            value.toUpperCase().startsWith(prefix),
          )
          expect(await store.values(field, queryOf(), { limit: 100, prefix })).toEqual(expected)
        },
      )

      test('the values of cluster look at every cluster; an unknown field is refused', async () => {
        await write(linesOf(numbered(3), { source: { cluster: 'stage' } }))
        const { cluster: _any, ...selection } = queryOf()
        const found = await store.values('cluster', selection, { limit: 10 })
        expect(found.map(({ value, count }) => [value, count])).toEqual([
          ['prod', 3600],
          ['stage', 3],
        ])
        await expect(store.values('nosuch', queryOf(), { limit: 1 })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
      })
    })

    describe('what cannot be parsed', () => {
      storePerTest()

      const odd: readonly (readonly [text: string, found: string])[] = [
        ['{"level":"info","user":"alice","took', 'alice'],
        ['{"a":{"b":[1,2,{"c":"deepest"}', 'deepest'],
        ['user=bob msg="never closed', '"never closed"'],
        ['==broken== a=b=c =nothing', 'nothing'],
        [`{"n":${'['.repeat(2000)}`, 'n'],
        ['\u0000\u0001binary\u001b[31mred', 'binary'],
        ['<Event><Data>half', 'half'],
        ['{"__proto__":{"x":1},"constructor":"odd"}', 'constructor'],
      ]

      test('is found as the text that it is', async () => {
        await write(linesOf(odd.map(([message], i) => ({ message, time: noonUs + i }))))
        const all = await drain(store.scan(queryOf('', { order: 'asc' })))
        expect(all.map(({ message }) => message)).toEqual(odd.map(([message]) => message))
        for (const [message, words] of odd) {
          const { records } = await store.search(queryOf(words), 10)
          const found = recordsOf(records).map((record) => record.message)
          expect(found, words).toContain(message)
        }
      })
    })

    describe('keeping', () => {
      storePerTest()

      test('retention drops what is old by date and by when it was read, and says so', async () => {
        const days = [0, 1, 2, 3]
        for (const n of days) {
          const time = noonUs + n * dayUs
          await write(
            linesOf(numbered(10, { time }), {
              generation: generationOf(n),
              readAt: n === 1 ? noonUs + 9 * dayUs : time,
            }),
          )
        }
        await write(linesOf(numbered(4), { source: { cluster: 'stage' }, readAt: noonUs }))
        const dropped = await store.retain('prod', noonUs + 2 * dayUs + dayUs / 2)
        expect(dropped.map(({ partition, events }) => [partition, events])).toEqual([
          ['2026-05-16', 10],
          ['2026-05-18', 10],
        ])
        const left = await drain(store.scan(queryOf('', { order: 'asc' })))
        expect(new Set(left.map((record) => record.generation))).toEqual(new Set([generationOf(1), generationOf(3)]))
        expect((await store.search(queryOf('', { cluster: 'stage' }), 10)).records.count).toBe(4)
        // What comes again for that day makes the partition anew.
        await store.write([linesOf(numbered(10), { generation: generationOf(0), readAt: noonUs })])
        expect(await drain(store.scan(queryOf('', { to: noonUs + dayUs / 2 })))).toHaveLength(10)
      })

      test('stats count events, bytes and times by partition', async () => {
        const newestReadAt = noonUs + 3 * dayUs
        await write(
          linesOf(numbered(10), { readAt: newestReadAt }),
          linesOf(numbered(5, { time: noonUs + dayUs }), { generation: generationOf(2), readAt: newestReadAt }),
        )
        const stats = await store.stats()
        expect(stats).toMatchObject({ events: 15, damaged: [] })
        expect(stats.bytes).toBeGreaterThan(0)
        expect(stats.partitions.map(({ bytes: _bytes, ...rest }) => rest)).toEqual([
          { cluster: 'prod', partition: '2026-05-16', events: 10, from: noonUs, to: noonUs + 9000, newestReadAt },
          {
            cluster: 'prod',
            partition: '2026-05-17',
            events: 5,
            from: noonUs + dayUs,
            to: noonUs + dayUs,
            newestReadAt,
          },
        ])
      })

      test('one day is dropped whatever its age, and nothing else', async () => {
        for (const n of [0, 1]) {
          await write(linesOf(numbered(10, { time: noonUs + n * dayUs }), { generation: generationOf(n) }))
        }
        await write(linesOf(numbered(4), { source: { cluster: 'prod-eu' } }))
        // A reader has the file open.
        expect((await store.search(queryOf(), 100)).records.count).toBe(20)
        expect(await store.remove('prod', '2026-05-16')).toMatchObject({ partition: '2026-05-16', events: 10 })
        expect((await store.search(queryOf(), 100)).records.count).toBe(10)
        expect((await store.search(queryOf('', { cluster: 'prod-eu' }), 100)).records.count).toBe(4)
        expect((await store.stats()).partitions.map(({ cluster, partition }) => [cluster, partition])).toEqual([
          ['prod', '2026-05-17'],
          ['prod-eu', '2026-05-16'],
        ])
        for (const [cluster, partition] of [
          ['prod', '2026-05-16'],
          ['prod', '2026-05'],
          ['nowhere', '2026-05-17'],
          ['prod', '*'],
          ['prod', '../prod-eu/2026-05-16'],
          ['.', 'state'],
          ['*', '2026-05-17'],
        ] as const) {
          expect(await store.remove(cluster, partition), `${cluster}/${partition}`).toBeUndefined()
        }
        expect((await store.stats()).events).toBe(14)
        // What comes again for that day makes it anew.
        await store.write([linesOf(numbered(10), { generation: generationOf(0) })])
        expect(await drain(store.scan(queryOf('', { to: noonUs + dayUs / 2 })))).toHaveLength(10)
      })

      test('after close every call is refused with CLOSED', async () => {
        await store.close()
        await store.close()
        for (const call of [store.write([linesOf(numbered(1))]), store.search(queryOf(), 1), store.stats()]) {
          await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
        }
      })
    })
  })
}

function naiveValues(records: readonly LogRecord[], field: string): { value: string; count: number; last: number }[] {
  const counts = new Map<string, { value: string; count: number; last: number }>()
  for (const record of records) {
    const time = parseTime(record.time)
    // Events are counted: a line that has a value twice has it.
    const values = field.startsWith('fields.')
      ? new Set(fieldsOf(record.message).flatMap(([key, value]) => (lowerCase(key) === field.slice(7) ? [value] : [])))
      : [record[field as FilterField | 'cluster']]
    for (const value of values) {
      const known = counts.get(value)
      if (known === undefined) counts.set(value, { value, count: 1, last: time })
      else counts.set(value, { value, count: known.count + 1, last: Math.max(known.last, time) })
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
}
