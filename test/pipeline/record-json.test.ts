import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteWriter, putDigits } from '../../pipeline/byte-writer.ts'
import { columnsOf, type NewEvent, type Origin, recordOf } from '../../pipeline/event-batch.ts'
import { createRecordJsonWriter } from '../../pipeline/record-json.ts'

const generation = '01jd0000000000000000000000'
const origin: Origin = {
  source: { cluster: 'prod', app: '2048', instance: '2048-5f9c', host: '10.3.11.18', dir: '/nginx', file: 'error.log' },
  generation,
  encoding: 'utf-8',
  readAt: 1463402830412000,
}

function event(message: string | Uint8Array, more: Partial<NewEvent> = {}): NewEvent {
  const bytes = typeof message === 'string' ? Buffer.from(message) : message
  return { message: bytes, offset: 0, bytes: bytes.length + 1, time: 1463402830000000, ...more }
}

/** What the writer makes of one event, and what JSON.stringify makes of the record. */
function both(one: NewEvent, from = origin): [written: string, expected: string] {
  const columns = columnsOf([one])
  const writer = createRecordJsonWriter(new ByteWriter(16))
  writer.append(columns, 0, from)
  return [writer.out.view().toString('utf8'), JSON.stringify(recordOf(columns, 0, from))]
}

describe('record JSON', () => {
  test.each<[string, NewEvent]>([
    ['plain', event('2016/05/16 20:47:10 [info] recv() failed', { offset: 18233, level: 3 })],
    ['empty', event('')],
    ['every control character', event(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))],
    ['quotes, backslashes, DEL', event('"\\"\\\\ \u007f /')],
    ['lines joined', event('a\n\tb\r\nc')],
    ['line separators', event('\u2028\u2029\ufeff')],
    ['Chinese and emoji', event('连接失败 😀 café')],
    ['invalid bytes', event(Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xe8, 0xbf, 0x22, 0x01]))],
    ['an encoded surrogate', event(Buffer.from([0xed, 0xa0, 0x80, 0x41]))],
    ['a cut character', event(Buffer.from('连').subarray(0, 2))],
    ['large numbers', event('x', { offset: 2 ** 53 - 1, bytes: 2 ** 32 - 1 })],
    ['before 1970', event('x', { time: -1 })],
    ['an encoding of its own', event('x', { encoding: 'gb18030' })],
    ['a part with raw', event('x', { continues: `${generation}-12`, raw: Buffer.from([255, 0, 13, 10]) })],
  ])('%s', (_, one) => {
    const [written, expected] = both(one)
    expect(written).toBe(expected)
  })

  test('a file that is not UTF-8, with a line that is', () => {
    const gbk = { ...origin, encoding: 'gb18030' }
    for (const one of [event('连'), event('x', { encoding: 'utf-8' }), event('y', { encoding: 'utf-16le' })]) {
      const [written, expected] = both(one, gbk)
      expect(written).toBe(expected)
    }
  })

  test('is JSON.stringify of the record, for any event', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 60 })
    const anyMessage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      anyText.map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom(0, 9, 10, 13, 34, 92, 65, 0xc3, 0xe8, 0xbf, 0x9e, 0xf0, 0x9f), { maxLength: 80 })
        .map((bytes) => Buffer.from(bytes)),
    )
    const anyEvent = fc.record(
      {
        message: anyMessage,
        offset: fc.maxSafeNat(),
        bytes: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        time: fc.integer({ min: 0, max: 4e15 }),
        timeFrom: fc.integer({ min: 0, max: 2 }),
        level: fc.integer({ min: 0, max: 6 }),
        continues: fc.constant(`${generation}-7`),
        raw: fc.uint8Array({ maxLength: 20 }),
        encoding: fc.constantFrom('gb18030', 'utf-16le'),
      },
      { requiredKeys: ['message', 'offset', 'bytes', 'time'] },
    )
    const anyOrigin = fc.record({
      source: fc.record({
        cluster: anyText,
        app: anyText,
        instance: anyText,
        host: anyText,
        dir: anyText,
        file: anyText,
      }),
      generation: fc.constant(generation),
      encoding: fc.constantFrom('utf-8', 'gb18030'),
      readAt: fc.integer({ min: 0, max: 4e15 }),
    })
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 8 }),
        fc.array(anyOrigin, { minLength: 1, maxLength: 3 }),
        (events, origins) => {
          const columns = columnsOf(events)
          const writer = createRecordJsonWriter(new ByteWriter(16))
          const expected: string[] = []
          for (let i = 0; i < columns.count; i++) {
            const from = origins[i % origins.length] as Origin
            writer.append(columns, i, from)
            writer.out.byte(10)
            expected.push(`${JSON.stringify(recordOf(columns, i, from))}\n`)
          }
          expect(writer.out.view().toString('utf8')).toBe(expected.join(''))
        },
      ),
      { numRuns: 400 },
    )
  })

  test('further members stand behind the record’s own', () => {
    const columns = columnsOf([event('status=200')])
    const writer = createRecordJsonWriter()
    writer.append(columns, 0, origin, () => writer.out.text(',"fields":{"status":["200"]}'))
    const expected = { ...recordOf(columns, 0, origin), fields: { status: ['200'] } }
    expect(writer.out.view().toString()).toBe(JSON.stringify(expected))
  })

  test('what was detached stays as it is while the writer goes on', () => {
    const columns = columnsOf([event('first'), event('second', { offset: 6 })])
    const writer = createRecordJsonWriter()
    writer.append(columns, 0, origin)
    const first = writer.out.detach()
    writer.append(columns, 1, origin)
    expect(JSON.parse(first.toString())).toMatchObject({ message: 'first' })
    expect(JSON.parse(writer.out.view().toString())).toMatchObject({ message: 'second', offset: 6 })
  })
})

test('digits are those of String()', () => {
  const bytes = Buffer.alloc(16)
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(0, 9, 10, 999999999, 1e9, 1e15, 2 ** 53 - 1)),
      (n) => {
        expect(bytes.toString('latin1', 0, putDigits(bytes, 0, n))).toBe(String(n))
      },
    ),
  )
})
