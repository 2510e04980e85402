/** The two stores against each other: any query over the sample logs gives the same events in the same order. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageOf, ShiplogError } from '../../pipeline/errors.ts'
import { batchOf, type EventBatch, originAt, type RecordBatch } from '../../pipeline/event-batch.ts'
import { fieldsOf } from '../../pipeline/fields.ts'
import { type Expression, QuerySyntaxError } from '../../pipeline/query.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'
import { type LogRecord, levels } from '../../pipeline/record.ts'
import type { SearchQuery, Store } from '../../pipeline/store.ts'
import { wordsOf } from '../../pipeline/words.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { generationOf, queryOf, recordsOfBatch } from '../contract/store-model.ts'
import { queryText } from '../pipeline/query-arbitraries.ts'
import { readSample, sampleFiles, zoneOf } from '../shipper/samples.ts'
import { readWindows } from '../shipper/windows.ts'
import { temporaryFolder } from '../system/process.ts'
import { elasticsearch, openStore } from './elasticsearch-place.ts'

const queries = Number(process.env.QUERIES ?? 200)
/** Records of one scan that are compared; of one whole scan for each order, all. */
const scanned = 600

/** Every event of every sample, as the shipper reads it. */
function sampleBatches(): EventBatch[] {
  const readAt = Date.UTC(2026, 10, 23, 6) * 1000
  return sampleFiles.map((file, n) => {
    const steps = [{ size: file.bytes, take: 'rest' as const }]
    const settings = { timezone: zoneOf(file) }
    const windows = readWindows(readSample(file), steps, { settings, referenceUs: readAt, readAt })
    const events = windows.flatMap((window) => window.seen)
    const { app, instance, directory } = file
    const source = { cluster: 'prod', app, instance, host: `h${n % 3}`, dir: directory, file: file.path }
    return batchOf(
      { source, generation: generationOf(n), encoding: 'utf-8', readAt },
      events.map(({ message, level, encoding, raw, continues: _none, ...event }) => ({
        ...event,
        message: Buffer.from(message),
        level: (levels as readonly string[]).indexOf(level),
        encoding,
        ...(raw === undefined ? {} : { raw }),
      })),
    )
  })
}

const quoted = (text: string): string => `"${text.replace(/["\\*]/g, '\\$&')}"`

/** Queries about what is there: words, beginnings, phrases, fields and sources of the lines themselves. */
function queriesAbout(records: readonly LogRecord[]): fc.Arbitrary<string> {
  const record = fc.constantFrom(...records)
  const word = fc.tuple(record, fc.nat()).map(([{ message }, n]) => {
    const words = wordsOf(message.slice(0, 2000))
    return words[n % words.length] ?? 'nothing'
  })
  const phrase = fc.tuple(record, fc.nat(), fc.integer({ min: 2, max: 4 })).map(([{ message }, n, length]) => {
    const words = wordsOf(message.slice(0, 2000))
    const from = n % Math.max(1, words.length)
    return words.slice(from, from + length).join(' ')
  })
  const piece = fc.tuple(word, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }))
  const field = fc.tuple(record, fc.nat()).chain(([{ message }, n]) => {
    const fields = fieldsOf(message)
    const [name = 'none', value = ''] = fields[n % Math.max(1, fields.length)] ?? []
    const short = value.slice(0, 40)
    const texts = [quoted(short), `${quoted(short.slice(0, 2))}*`, `*${quoted(short.slice(1))}`, '*']
    return fc.constantFrom(...texts.map((text) => `.${quoted(name)}:${text}`))
  })
  const leaf = fc.oneof(
    { weight: 4, arbitrary: word },
    { weight: 2, arbitrary: phrase.map(quoted) },
    { weight: 1, arbitrary: phrase.map((text) => `${quoted(text).slice(0, -2)}*"`) },
    { weight: 3, arbitrary: piece.map(([text, length]) => `${text.slice(0, length)}*`) },
    { weight: 2, arbitrary: piece.map(([text, length, from]) => `*${text.slice(from, from + length + 1)}*`) },
    { weight: 1, arbitrary: piece.map(([text, length]) => `*${text.slice(-length)}`) },
    { weight: 3, arbitrary: field },
    { weight: 2, arbitrary: fc.constantFrom(...levels).map((level) => `level>=${level}`) },
    {
      weight: 2,
      arbitrary: record.map(({ app, instance }) => (app < 'k' ? `app:${quoted(app)}` : `instance:${quoted(instance)}`)),
    },
    { weight: 1, arbitrary: record.map(({ file }) => `file:*${quoted(file.slice(-6).toUpperCase())}`) },
  )
  return fc.letrec<{ query: string }>((tie) => ({
    query: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.tuple(tie('query'), tie('query')).map(([one, other]) => `(${one}) (${other})`),
      fc.tuple(tie('query'), tie('query')).map(([one, other]) => `(${one}) OR (${other})`),
      tie('query').map((inner) => `-(${inner})`),
    ),
  })).query
}

/** Undefined for a text that is no query: both stores only ever see trees. */
function parsed(text: string): Expression | undefined {
  try {
    return parseQuery(text)
  } catch (error) {
    if (error instanceof QuerySyntaxError) return undefined
    throw error
  }
}

const keysOf = (batch: RecordBatch): string[] =>
  Array.from(batch.time, (time, i) => `${time} ${originAt(batch, i).generation}-${batch.offset[i]}`)

elasticsearch('both stores', (url) => {
  describe('over the sample logs', () => {
    const folder = temporaryFolder('same-answers')
    let ours: Store
    let theirs: Store
    let close: () => Promise<void>
    const batches = sampleBatches()
    const records = batches.flatMap(recordsOfBatch)

    beforeAll(async () => {
      ours = await openSqliteStore({ folder: folder.path })
      const opened = await openStore(url())
      theirs = opened.store
      close = opened.close
      expect(await ours.write(batches)).toEqual([])
      expect(await theirs.write(batches)).toEqual([])
    }, 60_000)
    afterAll(async () => {
      await close()
      await ours.close()
      folder.cleanUp()
    })

    const pageOf = async (store: Store, query: SearchQuery, limit: number): Promise<string[]> => {
      const page = await store.search(query, limit)
      return [...keysOf(page.records), String(page.more)]
    }

    /** What a scan gives first: enough to go over the edges of its requests. */
    const scanOf = async (store: Store, query: SearchQuery, count: number): Promise<string[]> => {
      const keys: string[] = []
      for await (const batch of store.scan(query)) {
        keys.push(...keysOf(batch))
        if (keys.length >= count) break
      }
      return keys.slice(0, count)
    }

    test(`${queries} queries at random: the same pages, the same scans`, async () => {
      const times = records.map(({ time }) => Date.parse(time) * 1000)
      const [first, last] = [Math.min(...times), Math.max(...times)]
      const edge = fc.oneof(fc.constantFrom(0, Number.POSITIVE_INFINITY), fc.integer({ min: first, max: last }))
      let compared = 0
      let refused = 0
      await fc.assert(
        fc.asyncProperty(
          fc.oneof({ weight: 9, arbitrary: queriesAbout(records) }, { weight: 1, arbitrary: queryText }),
          fc.constantFrom('asc' as const, 'desc' as const),
          fc.integer({ min: 1, max: 50 }),
          fc.tuple(edge, edge),
          async (text, order, limit, [one, other]) => {
            const where = parsed(text)
            if (where === undefined || one === other) return
            const query = queryOf('', { where, order, from: Math.min(one, other), to: Math.max(one, other) })
            try {
              expect(await pageOf(theirs, query, limit)).toEqual(await pageOf(ours, query, limit))
              expect(await scanOf(theirs, query, scanned)).toEqual(await scanOf(ours, query, scanned))
              compared++
            } catch (error) {
              // Elasticsearch does not look for phrases with a wildcard that stands for thousands of words, and says so.
              if (!(error instanceof ShiplogError) || error.code !== 'QUERY_TOO_COSTLY') throw error
              expect(text, messageOf(error)).toMatch(/ [^ ]*\*/)
              refused++
            }
          },
        ),
        { numRuns: queries, endOnFailure: true },
      )
      expect(compared).toBeGreaterThan(queries * 0.7)
      expect(refused).toBeLessThan(queries * 0.05)
    }, 240_000)

    test.each(['asc', 'desc'] as const)('all of it, %s', async (order) => {
      const query = queryOf('', { order })
      const all = Number.POSITIVE_INFINITY
      expect(await scanOf(theirs, query, all)).toEqual(await scanOf(ours, query, all))
    })

    test('the same values and histograms', async () => {
      for (const field of ['app', 'instance', 'host', 'dir', 'file', 'level', 'fields.level', 'fields.status']) {
        for (const where of [undefined, parseQuery('error OR level>=warn')]) {
          const selection = { ...queryOf(), where }
          const [a, b] = [ours, theirs].map((store) => store.values(field, selection, { limit: 50 }))
          expect(await b).toEqual(await a)
        }
      }
      const times = records.map(({ time }) => Date.parse(time))
      const range = { from: Math.min(...times) * 1000, to: (Math.max(...times) + 1) * 1000 }
      const width = Math.ceil((range.to - range.from) / 60_000_000) * 60_000_000
      const [a, b] = [ours, theirs].map((store) =>
        store.histogram({ ...queryOf('level>=info'), from: range.from, to: range.from + width }, 60),
      )
      expect(await b).toEqual(await a)
    })
  })
})
