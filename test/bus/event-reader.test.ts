import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventReader } from '../../bus/kafka/event-reader.ts'
import { headerBytes, headerOf, RecordsWriter, readRecords, receivedBatches } from '../../bus/kafka/record-batch.ts'
import { batchOf, type NewEvent } from '../../pipeline/event-batch.ts'
import { createRecordJsonWriter } from '../../pipeline/record-json.ts'
import { recordsIn } from '../contract/bus.ts'

const generation = '01jd8rq4e2k5v9x7m3n6p8t0wz'
const source = { cluster: 'prod', app: 'a', instance: 'i', host: 'h', dir: '/d', file: 'f' }

const anyEvent: fc.Arbitrary<NewEvent> = fc.record(
  {
    message: fc
      .oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom(
          '',
          '"',
          '\\',
          '\\"',
          '"}',
          '","encoding":"gb18030"}',
          '\t\n\u0000\u001f\u007f',
          '连接\ud83d\ude00',
        ),
        fc
          .array(fc.constantFrom('"', '\\', 'u', '0', '}', ',', 'n', '\n', '连'), { maxLength: 20 })
          .map((a) => a.join('')),
      )
      .map((text) => Buffer.from(text)),
    offset: fc.maxSafeNat(),
    bytes: fc.nat(),
    time: fc.oneof(fc.integer({ min: 0, max: 4e15 }), fc.constantFrom(1e15, 1e15 + 1, 1e15 + 999_999)),
    timeFrom: fc.integer({ min: 0, max: 2 }),
    level: fc.integer({ min: 0, max: 6 }),
    continues: fc.constant(`${generation}-7`),
    raw: fc.uint8Array({ maxLength: 20 }),
    encoding: fc.constantFrom('gb18030', 'utf-16le', 'utf-8'),
  },
  { requiredKeys: ['message', 'offset', 'bytes', 'time', 'timeFrom', 'level'] },
)
const anyBatch = fc
  .tuple(
    fc.array(anyEvent, { minLength: 1, maxLength: 8 }),
    fc.constantFrom('f', 'g.log', '日志 "q".log'),
    fc.constantFrom('utf-8', 'gb18030'),
  )
  .map(([events, file, encoding]) =>
    batchOf({ source: { ...source, file }, generation, encoding, readAt: 1e15 }, events),
  )

test('what the record writer writes is read back, whatever it is, through a record batch', () => {
  fc.assert(
    fc.property(fc.array(anyBatch, { minLength: 1, maxLength: 6 }), (batches) => {
      const writer = new RecordsWriter()
      for (const batch of batches) {
        const key = Buffer.from(batch.origin.source.file)
        for (let i = 0; i < batch.count; i++) writer.appendEvent(batch, i, key)
      }
      const header = headerOf(writer.view(), {
        count: writer.count,
        codec: 0,
        timestampMs: 1,
        producerId: 1n,
        producerEpoch: 0,
        sequence: 0,
      })
      const set = Buffer.concat([header, writer.view()])
      const [received, ...rest] = receivedBatches(set)
      expect(rest).toEqual([])
      expect(received).toMatchObject({ count: writer.count, lastOffset: writer.count - 1, isControl: false })
      const reader = new EventReader()
      readRecords(received?.records as Buffer, writer.count, (_delta, _keyStart, _keyEnd, start, end) => {
        expect(reader.read(received?.records as Buffer, start, end)).toBeUndefined()
      })
      expect(recordsIn(reader.take())).toEqual(recordsIn(batches))
      // Cut off anywhere it is no batch, and never a wrong one.
      for (const cut of [headerBytes - 1, headerBytes, set.length - 1])
        expect(receivedBatches(set.subarray(0, cut))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('a damaged batch is found out', () => {
  const writer = new RecordsWriter()
  writer.append(Buffer.from('key'), Buffer.from('value'))
  const fields = { count: 1, codec: 0, timestampMs: 1, producerId: 1n, producerEpoch: 0, sequence: 0 }
  const set = Buffer.concat([headerOf(writer.view(), fields), writer.view()])
  set[set.length - 2] = 0
  expect(() => receivedBatches(set)).toThrow('damaged')
})

test('records of another program are read too: other order, blanks, more fields', () => {
  const record = recordsIn([
    batchOf({ source, generation, encoding: 'utf-8', readAt: 1e15 }, [event('one')]),
  ])[0] as object
  const reader = new EventReader()
  const read = (json: string): string | undefined => reader.read(Buffer.from(json), 0, Buffer.byteLength(json))
  expect(read(JSON.stringify(Object.fromEntries(Object.entries(record).reverse()), null, 2))).toBeUndefined()
  expect(read(JSON.stringify({ ...record, trace: { id: 1 } }))).toBeUndefined()
  expect(recordsIn(reader.take())).toEqual([record, record])
})

test.each<[string, string, RegExp]>([
  ['no JSON', '{"v":1', /no JSON/],
  ['a list', '[]', /no JSON object/],
  ['another version', '{"v":2}', /v is 2/],
  ['nothing in it', '{}', /v is undefined/],
])('%s is told and stops nothing', (_, json, why) => {
  const reader = new EventReader()
  expect(reader.read(Buffer.from(json), 0, json.length)).toMatch(why)
  expect(reader.take()).toEqual([])
})

test.each([
  ['cluster', 'UPPER'],
  ['app', ''],
  ['dir', 'd'],
  ['id', `${generation}-8`],
  ['generation', 'short'],
  ['offset', -1],
  ['bytes', 1.5],
  ['time', 'yesterday'],
  ['readAt', 5],
  ['level', 'loud'],
  ['timeFrom', 'elsewhere'],
  ['message', null],
  ['raw', 7],
])('a record whose %s is %j is refused, also among good ones', (name, value) => {
  const batch = batchOf({ source, generation, encoding: 'utf-8', readAt: 1e15 }, [event('one'), event('two')])
  const writer = createRecordJsonWriter()
  writer.append(batch, 0, batch.origin)
  const good = writer.out.detach()
  const bad = Buffer.from(JSON.stringify({ ...JSON.parse(good.toString()), [name]: value }))
  const reader = new EventReader()
  expect(reader.read(good, 0, good.length)).toBeUndefined()
  expect(reader.read(bad, 0, bad.length)).toContain(name)
  expect(reader.read(good, 0, good.length)).toBeUndefined()
  expect(recordsIn(reader.take()).map(({ message }) => message)).toEqual(['one', 'one'])
})

function event(message: string): NewEvent {
  return { message: Buffer.from(message), offset: 5, bytes: 9, time: 1e15, timeFrom: 0, level: 3 }
}
