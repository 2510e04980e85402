import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf, columnsOf, recordOf } from '../../pipeline/event-batch.ts'
import { compareKeys, formatTime, parseRecordId, parseTime, recordId, sourceKey } from '../../pipeline/record.ts'

const source = { cluster: 'prod', app: '2048', instance: '2048-0', host: 'h1', dir: '/nginx', file: 'error.log' }
const generation = '01jd8rq4e2k5v9x7m3n6p8t0wz'
const schema = JSON.parse(readFileSync(new URL('../../docs/record.schema.json', import.meta.url), 'utf8')) as object
const validate = new Ajv2020({ strict: true, formats: {} }).compile(schema)

test('times go to text and back, to the microsecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (timeUs) => {
      expect(parseTime(formatTime(timeUs))).toBe(timeUs)
    }),
  )
  expect(formatTime(1_463_402_830_412_345)).toBe('2016-05-16T12:47:10.412345Z')
  expect(parseTime('2016-05-16T12:47:10Z')).toBe(1_463_402_830_000_000)
  expect(parseTime('yesterday')).toBeNaN()
})

test('ids go to text and back; anything else is none', () => {
  expect(parseRecordId(recordId(generation, 18_233))).toEqual({ generation, offset: 18_233 })
  for (const id of ['', '-', generation, `${generation}-`, `${generation}-x`, `X${generation}-1`])
    expect(parseRecordId(id)).toBeUndefined()
})

test('the order is total: time, then incarnation, then offset', () => {
  const key = (time: number, offset: number, g = 'a') => ({ time, generation: g, offset })
  const sorted = [key(2, 0), key(1, 5), key(1, 1), key(1, 0, 'b')].sort(compareKeys)
  expect(sorted).toEqual([key(1, 1), key(1, 5), key(1, 0, 'b'), key(2, 0)])
})

test('a source has one key, also in the root of its instance', () => {
  expect(sourceKey(source)).toBe('prod/2048/2048-0/nginx/error.log')
  expect(sourceKey({ ...source, dir: '/' })).toBe('prod/2048/2048-0/error.log')
})

test('a record is made from bytes and keeps to the public schema', () => {
  const origin = { source, generation, encoding: 'gb18030', readAt: 1_463_402_830_412_000 }
  const batch = batchOf(origin, [
    { message: Buffer.from('连接失败'), offset: 7, bytes: 9, time: 1_463_402_830_000_000, level: 5 },
    {
      message: Buffer.from(''),
      offset: 16,
      bytes: 1,
      time: 1_463_402_830_000_001,
      timeFrom: 1,
      continues: recordId(generation, 7),
      raw: Buffer.from([255]),
      encoding: 'utf-8',
    },
  ])
  const records = [0, 1].map((i) => recordOf(batch, i, origin))
  for (const record of records) expect(validate(record), JSON.stringify(validate.errors)).toBe(true)
  expect(records[0]).toMatchObject({
    id: `${generation}-7`,
    message: '连接失败',
    level: 'error',
    timeFrom: 'line',
    encoding: 'gb18030',
  })
  expect(records[1]).toMatchObject({ message: '', continues: `${generation}-7`, raw: '/w==', timeFrom: 'previous' })
  expect(records[1]).not.toHaveProperty('encoding')
  expect(validate({ ...records[0], level: 'loud' })).toBe(false)
})

test('no events make an empty batch', () => {
  expect(columnsOf([])).toMatchObject({ count: 0 })
})
