import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import { firstTime, generationOf, lines, originOf, type StoredEvent } from './memory-store.ts'
import { config, serve, until } from './serve.ts'

const path = '/api/v1/export?cluster=prod'
const file = lines(Array.from({ length: 30 }, (_, i) => (i % 10 === 5 ? `hit ${i}` : `line ${i}`)))
const other = lines(
  ['other a', 'other hit b', 'other c'],
  originOf({ host: '10.3.11.19', instance: 'x' }, generationOf(1)),
  {
    time: firstTime + 7_500,
  },
)

/** What GNU grep prints of a file: `host : ` in front of hits, `host - ` in front of the lines around them. */
function grep(all: readonly string[], wanted: (line: string) => boolean, before: number, after: number): string {
  const shown = all.map((_, i) => all.some((line, hit) => wanted(line) && i >= hit - before && i <= hit + after))
  let text = ''
  let last = -1
  for (const [i, line] of all.entries()) {
    if (!shown[i]) continue
    if (last !== -1 && last !== i - 1) text += '--\n'
    last = i
    text += `10.3.11.18 ${wanted(line) ? ':' : '-'} ${line}\n`
  }
  return text
}

describe('GET /export with context', () => {
  test('is what grep -B -A prints: groups apart, overlaps merged, hits marked', async () => {
    const { api } = await serve(file)
    const answer = await api.inject(`${path}&q=hit&contextBefore=1&contextAfter=2`)
    expect(answer.body).toBe(
      [5, 15, 25]
        .map(
          (n) =>
            `10.3.11.18 - line ${n - 1}\n10.3.11.18 : hit ${n}\n10.3.11.18 - line ${n + 1}\n10.3.11.18 - line ${n + 2}\n`,
        )
        .join('--\n'),
    )
    expect(answer.trailers).toEqual({ 'shiplog-records': '3', 'shiplog-next': '' })
  })

  test('any hits, any numbers of lines around them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 25 }),
        fc.nat(4),
        fc.nat(4),
        fc.integer({ min: 1, max: 5 }),
        async (hits, before, after, batchEvents) => {
          const all = hits.map((hit, i) => `${hit ? 'hit' : 'line'} ${i}`)
          const { api, store } = await serve(lines(all))
          store.batchEvents = batchEvents
          const answer = await api.inject(`${path}&q=hit&contextBefore=${before}&contextAfter=${after}`)
          const wanted = (line: string) => line.startsWith('hit')
          const expected =
            before + after === 0
              ? all
                  .filter(wanted)
                  .map((line) => `10.3.11.18 : ${line}\n`)
                  .join('')
              : grep(all, wanted, before, after)
          expect(answer.body).toBe(expected)
          await api.close()
        },
      ),
      { numRuns: 150 },
    )
  })

  test('lines of another file never come between', async () => {
    const { api } = await serve([...file, ...other])
    const { body } = await api.inject(`${path}&q=hit&contextBefore=1&contextAfter=1`)
    const host = '10.3.11.18'
    expect(body).toBe(
      [
        `${host} - line 4\n${host} : hit 5\n${host} - line 6\n`,
        '10.3.11.19 - other a\n10.3.11.19 : other hit b\n10.3.11.19 - other c\n',
        `${host} - line 14\n${host} : hit 15\n${host} - line 16\n`,
        `${host} - line 24\n${host} : hit 25\n${host} - line 26\n`,
      ].join('--\n'),
    )
  })

  test('goes over the end of an incarnation, also where the clock went back', async () => {
    const older = lines(['a', 'b', 'hit old'])
    const newer = lines(['c', 'hit new', 'd'], originOf({}, generationOf(1)), { time: firstTime - 1000 })
    const { api } = await serve([...newer, ...older])
    const { body } = await api.inject(`${path}&q=hit&contextBefore=2&contextAfter=1&from=now-1d`)
    // Both are hits of one group: the one in the newer incarnation comes first by its time, and takes the other along.
    expect(body.split('\n').map((line) => line.slice(11))).toEqual(
      ['', ': hit old', '- c', ': hit new', '- d', ''].slice(1),
    )
  })

  test('what lies outside of the range, or does not match a filter, is context and no hit', async () => {
    const events = [...file.slice(0, 5), ...lines(['hit with error'], originOf({}, generationOf(3)), { level: 5 })]
    const { api } = await serve([...events])
    const answer = await api.inject(`${path}&level=error&contextBefore=2`)
    expect(answer.body).toBe('10.3.11.18 - line 3\n10.3.11.18 - line 4\n10.3.11.18 : hit with error\n')
    const ranged = await serve(file)
    const from = new Date(firstTime / 1000 + 10).toISOString()
    const to = new Date(firstTime / 1000 + 20).toISOString()
    const { body } = await ranged.api.inject(`${path}&q=hit&from=${from}&to=${to}&contextBefore=11&contextAfter=10`)
    expect(body.split('\n').filter((line) => line.includes(' : '))).toEqual(['10.3.11.18 : hit 15'])
    expect(body.split('\n')).toHaveLength(23)
  })

  test('ndjson and csv say group and hit; the limit counts hits', async () => {
    const { api } = await serve(file)
    const url = `${path}&q=hit&contextAfter=1&limit=2`
    const records = (await api.inject(`${url}&format=ndjson`)).body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records.map(({ message, group, hit }) => [message, group, hit])).toEqual([
      ['hit 5', 1, true],
      ['line 6', 1, false],
      ['hit 15', 2, true],
      ['line 16', 2, false],
    ])
    const csv = await api.inject(`${url}&format=csv`)
    const rows = csv.body.trimEnd().split('\r\n')
    expect(rows[0]).toBe('time,cluster,app,instance,host,dir,file,level,message,group,hit')
    expect(rows.slice(1).map((row) => row.slice(row.indexOf('"')))).toEqual([
      '"hit 5",1,true',
      '"line 6",1,false',
      '"hit 15",2,true',
      '"line 16",2,false',
    ])
    expect(csv.trailers['shiplog-records']).toBe('2')
  })

  test.each(['&order=desc', '&format=raw&app=a&instance=b&dir=/c&file=d', '&contextBefore=101', '&contextAfter=-1'])(
    '%s is refused',
    async (more) => {
      const { api } = await serve(file)
      const once = more.includes('contextAfter') ? '' : '&contextAfter=1'
      expect((await api.inject(`${path}${once}${more}`)).statusCode).toBe(400)
    },
  )

  test('every line is a hit: still one scan at a time, and each line once', async () => {
    const { api, store } = await serve(file)
    const { body } = await api.inject(`${path}&contextBefore=3&contextAfter=3`)
    expect(body.split('\n')).toHaveLength(31)
    expect(body).not.toContain('--')
    expect(store.scans.begun).toBe(store.scans.ended)
    // The search, the lines before, and pieces of the file of which each is larger than the one before.
    expect(store.scans.begun).toBeLessThanOrEqual(5)
  })

  test('a failure around a hit ends the export; nothing stays open', async () => {
    const { api, store } = await serve(file)
    store.before = ({ batch }) => {
      if (batch === 2) throw new ShiplogError('STORE_UNAVAILABLE', 'away')
    }
    const answer = await api.inject(`${path}&contextBefore=3&contextAfter=20`)
    expect([answer.statusCode, answer.json().detail]).toEqual([503, 'away'])
    await until(() => store.scans.begun === store.scans.ended)
  })
})

/** One file of events, each published in so many parts; the part in which `hit` stands, if any. */
function inParts(plan: readonly { readonly parts: number; readonly hit: number | undefined }[]) {
  const pieces = plan.flatMap(({ parts, hit }, n) =>
    Array.from({ length: parts }, (_, part) => ({ n, part, message: `${part === hit ? 'hit' : 'line'} ${n}.${part}` })),
  )
  const stored = lines(pieces.map(({ message }) => message))
  const heads = stored.filter((_, i) => pieces[i]?.part === 0)
  const events = stored.map((event, i): StoredEvent => {
    const { n = 0, part = 0 } = pieces[i] ?? {}
    const { time, offset, origin } = heads[n] as StoredEvent
    return part === 0 ? event : { ...event, time, continues: `${origin.generation}-${offset}` }
  })
  const whole = plan.map((_, n) => pieces.filter((piece) => piece.n === n).map(({ message }) => message))
  return { events, whole: whole.map((messages) => messages.join('\n')) }
}

describe('events that were published in parts', () => {
  const anyPlan = fc.array(
    fc.record({ parts: fc.integer({ min: 1, max: 4 }), hit: fc.option(fc.nat(3), { nil: undefined }) }),
    { maxLength: 14 },
  )

  test('count as one line each, whichever part is found', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPlan,
        fc.nat(3),
        fc.nat(3),
        fc.integer({ min: 1, max: 5 }),
        async (plan, before, after, size) => {
          fc.pre(before + after > 0)
          const { events, whole } = inParts(plan)
          const { api, store } = await serve(events)
          store.batchEvents = size
          const around = `contextBefore=${before}&contextAfter=${after}`
          const exported = await api.inject(`${path}&q=hit&${around}`)
          expect(exported.body).toBe(grep(whole, (text) => text.includes('hit'), before, after))
          const found = whole.filter((text) => text.includes('hit')).length
          expect(exported.trailers['shiplog-records']).toBe(String(found))
          const page = (await api.inject(`/api/v1/search?cluster=prod&q=hit&${around}`)).json()
          const groups: { records: { message: string }[]; hits: number[] }[] = page.groups.toReversed()
          const text = groups.map(({ records, hits }) =>
            records.map(({ message }, i) => `10.3.11.18 ${hits.includes(i) ? ':' : '-'} ${message}\n`).join(''),
          )
          expect(text.join('--\n')).toBe(exported.body)
          expect(page.records).toHaveLength(found)
          await api.close()
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a cursor in the middle of one: the group has all of it', async () => {
    const { events } = inParts([
      { parts: 1, hit: undefined },
      { parts: 3, hit: 2 },
      { parts: 1, hit: undefined },
    ])
    const { api } = await serve(events)
    const search = '/api/v1/search?cluster=prod&order=asc'
    const { next } = (await api.inject(`${search}&limit=2&fold=false`)).json()
    const page = (await api.inject(`${search}&limit=1&cursor=${next}&contextBefore=1`)).json()
    expect(page.records.map(({ message }: { message: string }) => message)).toEqual(['line 1.1'])
    expect(
      page.groups.map(({ records }: { records: { message: string }[] }) => records.map((one) => one.message)),
    ).toEqual([['line 0.0', 'line 1.0\nline 1.1\nhit 1.2']])
  })

  test('fold=false has the records as they are', async () => {
    const { events } = inParts([{ parts: 3, hit: 1 }])
    const { api } = await serve(events)
    const { body } = await api.inject(`${path}&q=hit&contextBefore=1&contextAfter=1&fold=false`)
    expect(body).toBe('10.3.11.18 - line 0.0\n10.3.11.18 : hit 0.1\n10.3.11.18 - line 0.2\n')
  })
})

describe('GET /search with context', () => {
  const search = async (events: StoredEvent[], query: string) => {
    const { api } = await serve(events)
    const answer = await api.inject(`/api/v1/search?cluster=prod&${query}`)
    return { status: answer.statusCode, body: answer.json() }
  }
  const messages = (records: { message: string }[]) => records.map(({ message }) => message)

  test('hits as ever, and groups in the order of the page, ascending inside', async () => {
    const { body } = await search(file, 'q=hit&contextBefore=1&contextAfter=1&limit=2')
    expect(messages(body.records)).toEqual(['hit 25', 'hit 15'])
    expect(body.next).not.toBeNull()
    expect(
      body.groups.map((group: { records: never; hits: number[] }) => [messages(group.records), group.hits]),
    ).toEqual([
      [['line 24', 'hit 25', 'line 26'], [1]],
      [['line 14', 'hit 15', 'line 16'], [1]],
    ])
  })

  test('hits that overlap are one group; a hit of the next page is none here', async () => {
    const { body } = await search(file, 'q=hit&contextBefore=9&contextAfter=10&limit=2')
    expect(body.groups).toHaveLength(1)
    expect(body.groups[0].records).toHaveLength(24)
    expect(body.groups[0].hits.map((i: number) => body.groups[0].records[i].message)).toEqual(['hit 15', 'hit 25'])
    const wide = await search(file, 'q=hit&contextBefore=20&limit=1')
    expect(wide.body.groups[0].hits).toHaveLength(1)
    expect(messages(wide.body.groups[0].records)).toContain('hit 15')
  })

  test('nothing found, nothing asked, too much asked', async () => {
    expect((await search(file, 'q=nowhere&contextAfter=1')).body).toMatchObject({ records: [], groups: [] })
    expect((await search(file, 'q=hit')).body.groups).toBeUndefined()
    const { status, body } = await search(file, 'limit=1000&contextAfter=10')
    expect([status, body.hint]).toEqual([400, expect.stringContaining('/export')])
  })

  test('the time of a search holds for the lines around it too', async () => {
    const quick = { ...config, searchTimeMsMax: 30 }
    const { api, store } = await serve(file, { config: quick })
    store.before = ({ call }) => (call === 'scan' ? new Promise((resolve) => setTimeout(resolve, 20)) : undefined)
    const answer = await api.inject('/api/v1/search?cluster=prod&q=hit&contextBefore=1')
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'QUERY_TOO_COSTLY'])
    await until(() => store.scans.begun === store.scans.ended)
  })
})
