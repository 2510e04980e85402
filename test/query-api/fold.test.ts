/** Events that were published in parts are shown as one: pages, exports and context, against a plain telling of the rule. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatTime } from '../../pipeline/record.ts'
import { foldBytesMax, foldPartsMax } from '../../query-api/fold.ts'
import { firstTime, generationOf, lines, originOf, type StoredEvent } from './memory-store.ts'
import { serve } from './serve.ts'

interface Answered {
  readonly id: string
  readonly message: string
  readonly continues?: string
  readonly parts?: readonly string[]
  readonly bytes: number
}

const idOf = ({ origin, offset }: StoredEvent) => `${origin.generation}-${offset}`

/** The bursts of one event, as the shipper publishes them: the same time and level, linked to the first. */
function bursts(messages: readonly string[], { generation = generationOf(0), offset = 0, time = firstTime } = {}) {
  const head = `${generation}-${offset}`
  const events = lines(messages, originOf({}, generation), { time })
  return events.map((event, i) => ({
    ...event,
    offset: event.offset + offset,
    // A blank line is a record of its own until something continues the event.
    ...(i === 0 || event.message.length === 0 ? {} : { continues: head }),
  }))
}

const trace = bursts(['ERROR it broke', '\tat com.foo.Bar(Bar.java:7)\n\tat com.foo.Baz', 'Caused by: timeout'])
const whole = 'ERROR it broke\n\tat com.foo.Bar(Bar.java:7)\n\tat com.foo.Baz\nCaused by: timeout'
const around = [
  ...lines(['before'], originOf({}, generationOf(1)), { time: firstTime - 1 }),
  ...trace,
  ...lines(['after'], originOf({}, generationOf(2)), { time: firstTime }),
]

async function search(events: readonly StoredEvent[], query: string): Promise<Answered[]> {
  const { api } = await serve([...events])
  const answer = await api.inject(`/api/v1/search?cluster=prod&${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json().records
}

describe('a search', () => {
  test.each([
    ['', ['after', whole, 'before']],
    ['order=asc', ['before', whole, 'after']],
    // Whichever burst has the word.
    ['q=broke', [whole]],
    ['q=Baz&order=asc', [whole]],
    ['q=timeout', [whole]],
    ['q=foo+OR+timeout+OR+after', ['after', whole]],
    ['level=info&q=caused', [whole]],
    ['q=broke+AND+timeout', []],
    ['q=-broke', ['after', whole, 'before']],
    ['q=nowhere', []],
  ])('%s', async (query, expected) => {
    expect((await search(around, query)).map(({ message }) => message)).toEqual(expected)
  })

  test('the event has the id of its first record, the length of all, and says what was folded', async () => {
    const [event] = await search(around, 'q=timeout')
    const [head, ...parts] = trace as [StoredEvent, ...StoredEvent[]]
    expect(event).toMatchObject({ id: idOf(head), parts: parts.map(idOf), bytes: whole.length + 1 })
    expect(event).not.toHaveProperty('continues')
  })

  test('fold=false gives the records as they are', async () => {
    const records = await search(around, 'fold=false&order=asc')
    expect(records.map(({ message }) => message)).toEqual([
      'before',
      ...trace.map(({ message }) => String(message)),
      'after',
    ])
    expect(records[2]?.continues).toBe(records[1]?.id)
    expect(records.every((record) => record.parts === undefined)).toBe(true)
  })

  test('a line that was cut is put together without a line end', async () => {
    const cut = bursts(['{"half":', '"other"}']).map((event, i) =>
      i === 0 ? { ...event, bytes: event.bytes - 1 } : event,
    )
    const second = { ...(cut[1] as StoredEvent), offset: (cut[1] as StoredEvent).offset - 1 }
    expect((await search([cut[0] as StoredEvent, second], '')).map(({ message }) => message)).toEqual([
      '{"half":"other"}',
    ])
  })

  test.each([
    ['Docker', '{"log":"a long ","stream":"stdout","time":"2016-10-06T00:17:09.669794202Z"}\n'],
    ['CRI', '2016-10-06T00:17:09.669794202Z stdout P a long \n'],
  ])('a piece that %s cut is put together without a line end', async (_, wrapped) => {
    const raw = [wrapped, wrapped.replace('a long ', 'line').replace(' P ', ' F ').replace('line"', 'line\\n"')]
    const [first, second] = bursts(['a long ', 'line'])
    const events = [first, second].map((event, i) => ({ ...event, raw: Buffer.from(raw[i] as string) }) as StoredEvent)
    expect((await search(events, '')).map(({ message }) => message)).toEqual(['a long line'])
  })

  test('an event of more parts or bytes than may be is shown up to there, and each further part by itself', async () => {
    const many = bursts(Array.from({ length: foldPartsMax + 3 }, (_, i) => `burst ${i}`))
    const shown = await search(many, 'order=asc')
    expect(shown.map(({ parts = [] }) => parts.length)).toEqual([foldPartsMax, 0, 0])
    expect(shown.slice(1).map(({ message }) => message)).toEqual([
      `burst ${foldPartsMax + 1}`,
      `burst ${foldPartsMax + 2}`,
    ])
    expect((await search(many, '')).map(({ message }) => message)).toEqual(
      shown.map(({ message }) => message).reverse(),
    )
    const large = bursts(['a', 'b'.repeat(foldBytesMax - 1), 'c'])
    expect((await search(large, 'order=asc')).map(({ message }) => message.length)).toEqual([foldBytesMax + 1, 1])
  })

  test('blank lines between the parts belong to it, those behind it do not', async () => {
    const events = bursts(['ERROR', '', '', ' at', '', ''])
    for (const query of ['order=asc', 'order=asc&limit=1', 'q=at', 'q=error']) {
      const [event, ...others] = (await search(events, query)).map(({ message }) => message)
      expect(event).toBe('ERROR\n\n\n at')
      expect(others).toEqual(query === 'order=asc' ? ['', ''] : [])
    }
  })

  test('a part whose event is gone is shown by itself', async () => {
    expect((await search(trace.slice(1), 'order=asc')).map(({ continues }) => continues)).toEqual(
      trace.slice(1).map(() => idOf(trace[0] as StoredEvent)),
    )
  })
})

describe('pages and exports', () => {
  const letter = fc.constantFrom('a', 'b', 'c')
  const event = fc.record({
    bursts: fc.tuple(letter, fc.array(fc.oneof(letter, letter, fc.constant('')), { maxLength: 5 })),
    generation: fc.nat({ max: 1 }),
    step: fc.nat({ max: 1 }),
  })

  /** Events of two files, each in the order of its time; many have the same. */
  function stored(
    events: readonly { bursts: readonly [string, string[]]; generation: number; step: number }[],
  ): StoredEvent[][] {
    const offsets = [0, 0]
    const times = [firstTime, firstTime]
    return events.flatMap(({ bursts: [first, more], generation, step }) => {
      const messages = [first, ...more]
      const offset = offsets[generation] as number
      const time = (times[generation] as number) + step
      times[generation] = time
      const records = bursts(messages, { generation: generationOf(generation), offset, time })
      offsets[generation] = offset + records.reduce((sum, { bytes }) => sum + bytes, 0)
      const last = messages.findLastIndex((message) => message !== '')
      return [records.slice(0, last + 1), ...records.slice(last + 1).map((blank) => [blank])]
    })
  }

  const wanted = (events: readonly StoredEvent[][], q: string, order: string): string[] => {
    const matching = events.filter((records) => q === '' || records.some(({ message }) => String(message) === q))
    const sorted = matching.sort(([a], [b]) => {
      const [one, other] = [a as StoredEvent, b as StoredEvent]
      return one.time - other.time || idOf(one).localeCompare(idOf(other), 'en', { numeric: true })
    })
    const texts = sorted.map((records) => records.map(({ message }) => String(message)).join('\n'))
    return order === 'asc' ? texts : texts.reverse()
  }

  test('give each event once and whole, in order, wherever pages end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 12 }),
        fc.constantFrom('', 'a', 'b'),
        fc.constantFrom('asc', 'desc'),
        fc.integer({ min: 1, max: 4 }),
        async (events, q, order, limit) => {
          const records = stored(events)
          const { api, store } = await serve(records.flat())
          store.batchEvents = limit
          const expected = wanted(records, q, order)
          const query = `cluster=prod&order=${order}&q=${q}&limit=${limit}`

          const found: Answered[] = []
          let cursor = ''
          for (;;) {
            const page = (await api.inject(`/api/v1/search?${query}${cursor}`)).json()
            expect(page.records.length).toBe(Math.min(limit, expected.length - found.length))
            found.push(...page.records)
            if (page.next === null) break
            cursor = `&cursor=${page.next}`
          }
          expect(found.map(({ message }) => message)).toEqual(expected)

          const exported: Answered[] = []
          for (cursor = ''; ; ) {
            const answer = await api.inject(`/api/v1/export?${query}&format=ndjson${cursor}`)
            exported.push(
              ...answer.body
                .split('\n')
                .slice(0, -1)
                .map((line) => JSON.parse(line) as Answered),
            )
            const next = answer.trailers['shiplog-next'] as string
            if (next === 'end') break
            cursor = `&cursor=${next}`
          }
          expect(exported).toEqual(found)
          const text = (await api.inject(`/api/v1/export?${query.replace(/&limit.*/, '')}`)).body
          expect(text).toBe(expected.map((message) => `10.3.11.18 : ${message}\n`).join(''))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('many large parts: none is left out, whichever of them are held at once', async () => {
    const size = 5000
    const events = Array.from({ length: 300 }, (_, i) =>
      bursts([`head ${i}`, 'x'.repeat(size)], { offset: i * 2 * size, time: firstTime + i }),
    )
    for (const order of ['asc', 'desc']) {
      const { api, store } = await serve(events.flat())
      store.batchEvents = 1000
      const answer = await api.inject(`/api/v1/export?cluster=prod&order=${order}&q=head&format=ndjson`)
      const records = answer.body
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Answered)
      expect(records.filter(({ parts = [] }) => parts.length === 1)).toHaveLength(300)
      expect(answer.trailers['shiplog-records']).toBe('300')
    }
  })

  test('raw and fold=false are not folded, csv is', async () => {
    const { api } = await serve([...trace])
    const of = async (query: string) => (await api.inject(`/api/v1/export?cluster=prod&${query}`)).body
    expect(await of('format=raw&app=2048&instance=2048-5f9c&dir=/nginx&file=error.log')).toBe(`${whole}\n`)
    expect((await of('format=csv')).split('\r\n')).toHaveLength(3)
    expect((await of('format=ndjson&fold=false')).split('\n')).toHaveLength(4)
  })
})

describe('context', () => {
  const file = [
    ...lines(['one'], originOf(), { time: firstTime - 1 }),
    ...bursts(['two', ' more', ' most'], { offset: 4 }),
    ...bursts(['three', ' and'], { offset: 20, time: firstTime + 1 }),
  ]
  const ask = async (event: StoredEvent, more = '') => {
    const { api } = await serve([...file])
    const time = formatTime(event.time)
    const answer = await api.inject(`/api/v1/context?cluster=prod&id=${idOf(event)}&time=${time}${more}`)
    expect(answer.statusCode, answer.body).toBe(200)
    const { before, record, after } = answer.json() as { before: Answered[]; record: Answered; after: Answered[] }
    return [before.map(({ message }) => message), record.message, after.map(({ message }) => message)]
  }

  test('is made of whole events, also around a part', async () => {
    const expected = [['one'], 'two\n more\n most', ['three\n and']]
    for (const event of file.slice(1, 4)) expect(await ask(event)).toEqual(expected)
    expect(await ask(file[4] as StoredEvent, '&before=1')).toEqual([['two\n more\n most'], 'three\n and', []])
    expect(await ask(file[0] as StoredEvent, '&after=1')).toEqual([[], 'one', ['two\n more\n most']])
    expect(await ask(file[2] as StoredEvent, '&fold=false&before=1&after=1')).toEqual([['two'], ' more', [' most']])
  })
})
