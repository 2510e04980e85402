import fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, test } from 'vitest'
import { ShiplogError } from '../../pipeline/errors.ts'
import { formatTime, parseTime } from '../../pipeline/record.ts'
import { createStampReader, learnStamp, type StampShape } from '../../shipper/timestamp.ts'
import { type LineBytes, linesOf, readSample, sampleFiles, textLines, zoneOf } from './samples.ts'

const reference = parseTime('2026-11-22T12:00:00Z')

function shapeOf(lines: LineBytes, zone = 'Asia/Shanghai', referenceUs = reference): StampShape | undefined {
  return learnStamp(lines.bytes, lines.starts, lines.ends, lines.count, { zone, referenceUs })
}

/** The times of the lines, read with the shape that they teach; `-` for a line without one. */
function times(lines: readonly string[], zone = 'Asia/Shanghai', referenceUs = reference, nowUs?: number): string[] {
  const packed = textLines(...lines)
  const shape = shapeOf(packed, zone, referenceUs)
  if (shape === undefined) return lines.map(() => '-')
  // A shape goes through the checkpoint as JSON.
  const read = createStampReader(JSON.parse(JSON.stringify(shape)), { zone, referenceUs })
  return lines.map((_, i) => {
    const us = read(packed.bytes, packed.starts[i] as number, packed.ends[i] as number, nowUs)
    return Number.isNaN(us) ? '-' : formatTime(us).replace(/0{3}Z$/, 'Z')
  })
}

describe('formats (zone Asia/Shanghai where none is written)', () => {
  const local = '2026-11-22T21:13:28.000Z'
  const local123 = '2026-11-22T21:13:28.123Z'
  const utc = '2026-11-23T05:13:28.000Z'
  test.each([
    // ISO 8601 and its relatives
    ['2026-11-23 05:13:28 INFO x', local],
    ['2026-11-23 05:13:28,123 INFO x', local123],
    ['2026-11-23 05:13:28.123 INFO x', local123],
    ['2026-11-23 05:13:28.123456 x', '2026-11-22T21:13:28.123456Z'],
    ['2026-11-23 05:13:28.123456789 x', '2026-11-22T21:13:28.123456Z'],
    ['2026-11-23 05:13:28.1 x', '2026-11-22T21:13:28.100Z'],
    ['2026-11-23T05:13:28Z x', utc],
    ['2026-11-23T05:13:28.123Z x', '2026-11-23T05:13:28.123Z'],
    ['2026-11-23T05:13:28+08 x', local],
    ['2026-11-23T05:13:28+0800 x', local],
    ['2026-11-23T05:13:28.123+08:00 x', local123],
    ['2026-11-23T05:13:28-05:30', '2026-11-23T10:43:28.000Z'],
    ['2026-11-23 05:13:28.123 +0000 x', '2026-11-23T05:13:28.123Z'],
    ['2026-11-23 05:13:28.123 +08:00 [INF] x', local123],
    ['2026-11-23 05:13:28.295 +03 [25413] LOG:  x', '2026-11-23T02:13:28.295Z'],
    ['2026-11-23 05:13:28.295 CST [25413] LOG:  x', '2026-11-22T21:13:28.295Z'],
    ['2026-11-23 05:13:28 UTC x', utc],
    ['2026-11-23 05:13:28 EST x', '2026-11-23T10:13:28.000Z'],
    ['2026-11-23 05:13:28 GMT+8 x', local],
    ['2026-11-23 05:13:28 PM x', '2026-11-23T09:13:28.000Z'],
    ['2026/11/23 05:13:28 [error] 1#1: x', local],
    ['2026.11.23 05:13:28 x', local],
    ['2026-11-23_05:13:28 x', local],
    ['2026-11-23, 05:13:28 x', local],
    ['2026-1-2 5:03:09 x', '2026-01-01T21:03:09.000Z'],
    ['2026-11-23 05:13:28:123 x', local123],
    ['2026-11-23 05:13:28,42,INFO', local],
    ['[2026-11-23 05:13:28,123] INFO x', local123],
    ['[2026-11-23T05:13:28,123][INFO ][o.e.n.Node] x', local123],
    ['[GIN] 2026/11/23 - 05:13:28 | 200 | GET', local],
    ['I, [2026-11-23T05:13:28.123456 #1234]  INFO -- : x', '2026-11-22T21:13:28.123456Z'],
    ['2026-11-23T05:13:28.123456789Z stdout F 2026-11-23 05:13:28,123 INFO x', '2026-11-23T05:13:28.123456Z'],
    ['INFO 2026-11-23 05:13:28,123 x', local123],
    ['<38>1 2026-11-23T05:13:31.237962+08:00 db sshd 1 - - x', '2026-11-22T21:13:31.237962Z'],
    ['web_1  | 2026-11-23 05:13:28 x', local],
    ['# Time: 2026-11-23T05:13:28.123456Z', '2026-11-23T05:13:28.123456Z'],
    // day, month by name
    ['10.0.0.1 - - [23/Nov/2026:05:13:28 +0800] "GET / HTTP/1.1" 200 7', local],
    ['::1 - "a b" [23/Nov/2026:05:13:28 +0000] "GET / HTTP/1.1" 200 7', utc],
    ['[::1] - - [23/Nov/2026:05:13:28 +0000] "GET /"', utc],
    ['23-Nov-2026 05:13:28.123 INFO [main] x', local123],
    ['23-十一月-2026 05:13:28.123 信息 [main] x', local123],
    ['23-11月-2026 05:13:28.123 信息 [main] x', local123],
    ['23 Nov 2026 05:13:28,123 INFO x', local123],
    ['Mon, 23 Nov 2026 05:13:28 GMT x', utc],
    ['Mon, 23 Nov 2026 05:13:28 +0800 x', local],
    ['=INFO REPORT==== 23-Nov-2026::05:13:28 ===', local],
    ['25371:M 23 Nov 2026 05:13:28.216 # x', '2026-11-22T21:13:28.216Z'],
    ['[4018] 23 Nov 05:13:28.216 * x', '2026-11-22T21:13:28.216Z'],
    // month by name, day
    ['Nov 23 05:13:28 host sshd[1]: x', local],
    ['Nov  3 05:13:28 host sshd[1]: x', '2026-11-02T21:13:28.000Z'],
    ['<34>Nov 23 05:13:28 host su: x', local],
    ['Nov 23 2026 05:13:28: %ASA-6-1: x', local],
    ['Nov 23, 2026 5:13:28 AM org.apache.catalina.core.X log', local],
    ['Nov 23, 2026 12:13:28 AM a.B c', '2026-11-22T16:13:28.000Z'],
    ['Nov 23, 2026 5:13:28\u202fPM a.B c', '2026-11-23T09:13:28.000Z'],
    ['十一月 23, 2026 5:13:28 下午 a.B c', '2026-11-23T09:13:28.000Z'],
    ['11月 23, 2026 5:13:28 上午 a.B c', local],
    ['Mon Nov 23 05:13:28 2026 x', local],
    ['[Mon Nov 23 05:13:28.123456 2026] [core:error] [pid 1] x', '2026-11-22T21:13:28.123456Z'],
    ['Mon Nov 23 05:13:28 CST 2026 x', local],
    ['November 23, 2026 5:13:28 AM x', local],
    // digits only, klog, short years
    ['20261123 051328 x', local],
    ['20261123T051328Z x', utc],
    ['20261123T051328.123+0800 x', local123],
    ['20261123 05:13:28 x', local],
    ['20261123051328 x', local],
    ['20261123051328123 x', local123],
    ['I1123 05:13:28.158637   25360 main.go:50] x', '2026-11-22T21:13:28.158637Z'],
    ['I20261123 05:13:28.158637 25360 main.cc:50] x', '2026-11-22T21:13:28.158637Z'],
    ['26/11/23 05:13:28 INFO SparkContext: x', local],
    ['261123  5:13:28 [Note] x', local],
    ['261123 051328 143 INFO dfs.DataNode: x', local],
    ['11-23 05:13:28.123  1234  5678 I Tag: x', local123],
    // numbers in another order
    ['11/23/2026 5:13:28 AM x', local],
    ['[11/23/26 5:13:28:123 CST] 0000000a x', local123],
    ['23.11.2026 05:13:28 x', local],
    ['23/11/2026 05:13:28,123 x', local123],
    // Chinese
    ['2026年11月23日 05:13:28 x', local],
    ['2026年11月23日 下午5:13:28 x', '2026-11-23T09:13:28.000Z'],
    ['2026年11月23日 5时13分28秒 x', local],
    // since the epoch
    ['1795382008 x', '2026-11-22T21:13:28.000Z'],
    ['1795382008.352    345 10.0.0.1 TCP_MISS/200', '2026-11-22T21:13:28.352Z'],
    ['1795382008352 x', '2026-11-22T21:13:28.352Z'],
    ['1795382008352861 x', '2026-11-22T21:13:28.352861Z'],
    ['1795382008352861999 x', '2026-11-22T21:13:28.352861Z'],
    ['type=SYSCALL msg=audit(1795382008.352:24287): x', '2026-11-22T21:13:28.352Z'],
    // JSON and logfmt
    ['{"level":30,"time":1795382008352,"msg":"x"}', '2026-11-22T21:13:28.352Z'],
    ['{"ts":1795382008.3528614,"msg":"x"}', '2026-11-22T21:13:28.352861Z'],
    ['{"ts":1.7953820083528614e+09,"msg":"x"}', '2026-11-22T21:13:28.352861Z'],
    ['{"timestamp":"2026-11-23 05:13:28.295 CST","pid":1}', '2026-11-22T21:13:28.295Z'],
    ['{"@timestamp":"2026-11-22T21:13:28+00:00","msec":1795382008.992}', '2026-11-22T21:13:28.992Z'],
    ['{"t":{"$date":"2026-11-23T05:13:28.123+08:00"},"s":"I","c":"NETWORK"}', local123],
    ['{"instant":{"epochSecond":1795382008,"nanoOfSecond":352861999},"level":"INFO"}', '2026-11-22T21:13:28.352861Z'],
    ['{"req":{"time":"2001-01-01T00:00:00Z"},"msg":"\\"time\\":1","time":"2026-11-23T05:13:28Z"}', utc],
    [
      '{"log":"2026-01-01 00:00:00 x\\n","stream":"stdout","time":"2026-11-23T05:13:28.123456789Z"}',
      '2026-11-23T05:13:28.123456Z',
    ],
    ['ts=2026-11-22T21:13:28.753Z level=info msg=x', '2026-11-22T21:13:28.753Z'],
    ['time="2026-11-23T05:13:28+08:00" level=info msg="time=1"', local],
    ['level=info msg="a time=2001-01-01T00:00:00Z" ts=1795382008.352', '2026-11-22T21:13:28.352Z'],
    // in front of the stamp
    ['\u001b[90m2026-11-23T05:13:28Z\u001b[39m \u001b[32minfo\u001b[39m: x', utc],
    ['\u001b[32m[\u001b[90m2026-11-23 05:13:28\u001b[39m] x', local],
    ['\0\0\0\0\x002026-11-23 05:13:28,123 INFO x', local123],
    // none
    ['2026-13-23 05:13:28 x', '-'],
    ['2026-02-29 05:13:28 x', '-'],
    ['2026-11-23 24:13:28 x', '-'],
    ['2026-11-23 05:60:28 x', '-'],
    ['2026-11-23 05:13:2', '-'],
    ['1970-01-01 00:00:00 x', '-'],
    ['at java.base/sun.nio.ch.Net.pollConnect(Net.java:672)', '-'],
    ['12345678901 x', '-'],
    ['', '-'],
  ])('%s', (line, expected) => {
    expect(times([line, line])).toEqual([expected, expected])
  })
})

test('a leap second is the first of the next minute', () => {
  expect(times(['2016-12-31T23:59:60Z x'])).toEqual(['2017-01-01T00:00:00.000Z'])
})

describe('zones', () => {
  test.each([
    // Berlin leaves summer time on 2026-10-25 at 3:00: 2:30 happens twice, the earlier one counts.
    ['Europe/Berlin', '2026-10-25 01:59:59', '2026-10-24T23:59:59.000Z'],
    ['Europe/Berlin', '2026-10-25 02:30:00', '2026-10-25T00:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25 03:00:00', '2026-10-25T02:00:00.000Z'],
    // … and an abbreviation says which one it is.
    ['Europe/Berlin', '2026-10-25 02:30:00 CEST', '2026-10-25T00:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25 02:30:00 CET', '2026-10-25T01:30:00.000Z'],
    // On 2026-03-29 there is no 2:30: it is moved to 3:30.
    ['Europe/Berlin', '2026-03-29 01:59:59', '2026-03-29T00:59:59.000Z'],
    ['Europe/Berlin', '2026-03-29 02:30:00', '2026-03-29T01:30:00.000Z'],
    ['Europe/Berlin', '2026-03-29 03:00:00', '2026-03-29T01:00:00.000Z'],
    ['America/New_York', '2026-03-08 02:30:00', '2026-03-08T07:30:00.000Z'],
    ['America/New_York', '2026-11-01 01:30:00', '2026-11-01T05:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-05 01:45:00', '2026-04-04T14:45:00.000Z'],
    ['Asia/Kathmandu', '2026-11-23 05:13:28', '2026-11-22T23:28:28.000Z'],
    ['Pacific/Apia', '2011-12-31 00:00:00', '2011-12-30T10:00:00.000Z'],
    // CST is the zone's own where the zone has it, else Chicago's.
    ['Asia/Shanghai', '2026-11-23 05:13:28 CST', '2026-11-22T21:13:28.000Z'],
    ['America/Chicago', '2026-11-23 05:13:28 CST', '2026-11-23T11:13:28.000Z'],
    ['America/Havana', '2026-11-23 05:13:28 CST', '2026-11-23T10:13:28.000Z'],
    ['UTC', '2026-11-23 05:13:28 CST', '2026-11-23T11:13:28.000Z'],
    ['Asia/Kolkata', '2026-11-23 05:13:28 IST', '2026-11-22T23:43:28.000Z'],
    ['Asia/Jerusalem', '2026-11-23 05:13:28 IST', '2026-11-23T03:13:28.000Z'],
    // Letters that name no zone are no zone.
    ['Asia/Shanghai', '2026-11-23 05:13:28 INFO', '2026-11-22T21:13:28.000Z'],
  ])('%s %s', (zone, line, expected) => {
    expect(times([line], zone)).toEqual([expected])
  })

  test('an unknown zone is refused', () => {
    const shape: StampShape = { format: 'iso/1', place: 'part', index: 0, key: '', spacedZone: false }
    expect(() => createStampReader(shape, { zone: 'Asia/Nowhere', referenceUs: 0 })).toThrow(ShiplogError)
  })

  test('random local times are what luxon says, transitions aside', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'Australia/Lord_Howe', 'America/St_Johns']
    const shape: StampShape = { format: 'iso/1', place: 'part', index: 0, key: '', spacedZone: false }
    const readers = new Map(zones.map((zone) => [zone, createStampReader(shape, { zone, referenceUs: reference })]))
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1990, 0, 3), max: Date.UTC(2037, 0, 1) }),
        (zone, ms) => {
          const time = DateTime.fromMillis(ms, { zone })
          const line = Buffer.from(time.toFormat('yyyy-MM-dd HH:mm:ss.SSS'))
          const us = readers.get(zone)?.(line, 0, line.length) ?? Number.NaN
          const expected = Math.min(...time.getPossibleOffsets().map((possible) => possible.toMillis()))
          expect(us).toBe(expected * 1000)
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('stamps without a year or a date', () => {
  test.each([
    // reference, line, time
    ['2027-01-01T00:10:00Z', 'Dec 31 23:59:59 h x', '2026-12-31T23:59:59.000Z'],
    ['2026-12-31T23:50:00Z', 'Jan  1 00:00:01 h x', '2027-01-01T00:00:01.000Z'],
    ['2026-12-31T23:50:00Z', 'Dec 31 23:59:59 h x', '2026-12-31T23:59:59.000Z'],
    ['2026-06-30T00:00:00Z', 'Jan  1 00:00:00 h x', '2026-01-01T00:00:00.000Z'],
    ['2026-03-05T00:00:00Z', 'Feb 29 12:00:00 h x', '2028-02-29T12:00:00.000Z'],
    ['2025-03-01T00:00:00Z', 'Feb 29 12:00:00 h x', '2024-02-29T12:00:00.000Z'],
    ['2024-01-10T00:00:00Z', 'I0229 12:00:00.123456 1 a.go:1] x', '2024-02-29T12:00:00.123456Z'],
    ['2026-11-22T12:00:00Z', '[21:15:02.329] INFO x', '2026-11-22T21:15:02.329Z'],
    ['2026-11-22T23:00:00Z', '01:00:00 x', '2026-11-23T01:00:00.000Z'],
    ['2026-11-22T01:00:00Z', '23:00:00 x', '2026-11-21T23:00:00.000Z'],
    ['2026-11-22T12:00:00Z', '3:04:05 PM x', '2026-11-22T15:04:05.000Z'],
  ])('%s: %s', (from, line, expected) => {
    expect(times([line, line], 'UTC', parseTime(from))).toEqual([expected, expected])
  })

  test('the year is never one of the future', () => {
    const now = parseTime('2026-01-02T00:00:00Z')
    expect(times(['May  1 00:00:00 h x'], 'UTC', now, now)).toEqual(['2025-05-01T00:00:00.000Z'])
    expect(times(['Jan  2 10:00:00 h x'], 'UTC', now, now)).toEqual(['2026-01-02T10:00:00.000Z'])
  })

  test('a clock without a date goes past midnight, and back only a little', () => {
    const lines = ['22:00:00 a', '23:59:59 b', '00:00:01 c', '23:59:58 d', '00:00:02 e', '18:00:00 f', '09:00:00 g']
    expect(times(lines, 'UTC')).toEqual([
      '2026-11-22T22:00:00.000Z',
      '2026-11-22T23:59:59.000Z',
      '2026-11-23T00:00:01.000Z',
      '2026-11-22T23:59:58.000Z',
      '2026-11-23T00:00:02.000Z',
      '2026-11-23T18:00:00.000Z',
      '2026-11-24T09:00:00.000Z',
    ])
  })

  test('a replay from the time before answers the same', () => {
    const packed = textLines('22:00:00 a', '03:00:00 b', '21:00:00 c', '19:30:00 d')
    const shape = shapeOf(packed, 'UTC') as StampShape
    const at = (read: ReturnType<typeof createStampReader>, i: number) =>
      read(packed.bytes, packed.starts[i] as number, packed.ends[i] as number)
    const whole = createStampReader(shape, { zone: 'UTC', referenceUs: reference })
    let previousUs = Number.NaN
    for (let i = 0; i < packed.count; i++) {
      const again = createStampReader(shape, { zone: 'UTC', referenceUs: reference })
      again.previousUs = previousUs
      previousUs = at(whole, i)
      expect(at(again, i)).toBe(previousUs)
      expect(whole.previousUs).toBe(previousUs)
    }
  })
})

test('a stamp more than a day ahead of the time of reading is none', () => {
  const now = parseTime('2026-11-22T00:00:00Z')
  expect(times(['2026-11-22T23:59:59Z x', '2026-11-23T00:00:01Z y'], 'UTC', now, now)).toEqual([
    '2026-11-22T23:59:59.000Z',
    '-',
  ])
})

test('a shape of an unknown version is refused, with what to do', () => {
  const shape: StampShape = { format: 'iso/9', place: 'part', index: 0, key: '', spacedZone: false }
  expect(() =>
    createStampReader(shape, {
      zone: 'UTC',
      referenceUs: Date.UTC(2026, 10, 22) * 1000,
    }),
  ).toThrow(/iso\/9/)
})

describe('learning', () => {
  test('stack frames and messages with dates do not decide', () => {
    const lines = textLines(
      '2026-11-23 05:13:28,123 ERROR x',
      'java.lang.IllegalStateException: no order before 2026-11-23 05:13:28',
      '\tat com.acme.A.b(A.java:1)',
      '\tat com.acme.A.c(A.java:2)',
      'Caused by: x at 2026-11-23 05:13:28',
      '2026-11-23 05:13:29,123 INFO next',
    )
    expect(shapeOf(lines)).toMatchObject({ format: 'iso/1', place: 'part', index: 0 })
  })

  test('the preamble of klog teaches nothing, its lines do', () => {
    const preamble = [
      'Log file created at: 2026/11/23 05:13:28',
      'Running on machine: worker-3',
      'Binary: Built with gc go1.26.8 for linux/amd64',
      'Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg',
    ]
    expect(shapeOf(textLines(...preamble))).toBeUndefined()
    expect(shapeOf(textLines(...preamble, 'I1123 05:13:28.153 1 a.go:1] x'))).toMatchObject({ format: 'klog/1' })
  })

  test('a finer stamp of the same moment is taken, one of another moment is not', () => {
    const same = 'Nov 23 05:13:31 db app[1]: 2026-11-23 05:13:31.689 INFO x'
    expect(times([same, same])).toEqual(['2026-11-22T21:13:31.689Z', '2026-11-22T21:13:31.689Z'])
    const other = 'Nov 23 05:13:33 db app[1]: started 2026-11-23 05:13:31.689 INFO x'
    expect(times([other, other])).toEqual(['2026-11-22T21:13:33.000Z', '2026-11-22T21:13:33.000Z'])
  })

  test('the order of day and month is found from the lines', () => {
    expect(times(['11/12/2026 05:00:00 a', '23/12/2026 05:00:00 b'], 'UTC')).toEqual([
      '2026-12-11T05:00:00.000Z',
      '2026-12-23T05:00:00.000Z',
    ])
    // Both fit: the one that is nearer to when the file was written.
    const near = parseTime('2026-11-05T12:00:00Z')
    expect(times(['05/11/2026 05:00:00 a'], 'UTC', near)).toEqual(['2026-11-05T05:00:00.000Z'])
    expect(times(['11/05/2026 05:00:00 a'], 'UTC', near)).toEqual(['2026-11-05T05:00:00.000Z'])
  })

  test('a zone behind a blank is read only in files that have it', () => {
    const lines = ['2026-11-23 05:13:28 a', '2026-11-23 05:13:28 -08 b', '2026-11-23 05:13:28 c']
    expect(new Set(times(lines, 'UTC'))).toEqual(new Set(['2026-11-23T05:13:28.000Z']))
  })

  test('a new shape replaces a learnt one only when it stamps half of the lines', () => {
    const lines = textLines('\tat a', '\tat b', '2026-11-23 05:13:28 x', '\tat c', '\tat d')
    const current: StampShape = { format: 'klog/1', place: 'part', index: 0, key: '', spacedZone: false }
    const context = { zone: 'UTC', referenceUs: reference }
    expect(learnStamp(lines.bytes, lines.starts, lines.ends, 5, { ...context, current })).toBeUndefined()
    expect(learnStamp(lines.bytes, lines.starts, lines.ends, 5, context)).toMatchObject({ format: 'iso/1' })
  })

  test('nothing is learnt from nothing', () => {
    expect(shapeOf(textLines())).toBeUndefined()
    expect(shapeOf(textLines('', '', ''))).toBeUndefined()
  })
})

describe('random times are read back from every format', () => {
  const formats: readonly (readonly [string, number])[] = [
    ['yyyy-MM-dd HH:mm:ss,SSS', 3],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSZZ", 3],
    ['yyyy/MM/dd HH:mm:ss', 0],
    ['dd/MMM/yyyy:HH:mm:ss ZZZ', 0],
    ['dd-MMM-yyyy HH:mm:ss.SSS', 3],
    ['MMM d, yyyy h:mm:ss a', 0],
    ['EEE MMM dd HH:mm:ss.SSS yyyy', 3],
    ['EEE, dd MMM yyyy HH:mm:ss ZZZ', 0],
    ["'I'MMdd HH:mm:ss.SSS", 3],
    ['MMM dd HH:mm:ss', 0],
    ["yyyyMMdd'T'HHmmss", 0],
    ['yy/MM/dd HH:mm:ss', 0],
    ["yyyy'年'M'月'd'日' HH:mm:ss", 0],
    ["'ts='X.SSS", 3],
    ["'{\"time\":'x'}'", 3],
  ]
  test.each(formats)('%s', (format, decimals) => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2026, 5, 1), max: Date.UTC(2027, 3, 1) }),
        fc.constantFrom('Asia/Shanghai', 'UTC', 'America/Sao_Paulo'),
        (ms, zone) => {
          const unit = 10 ** (3 - decimals)
          const written = Math.floor(ms / unit) * unit
          const line = DateTime.fromMillis(written, { zone }).toFormat(format, { locale: 'en-US' })
          const expected = new Date(written).toISOString()
          expect(times([`${line} x`], zone, parseTime('2026-11-22T00:00:00Z'))).toEqual([expected])
        },
      ),
      { numRuns: 150 },
    )
  })
})

test('the rest of an ISO date, with which a file may begin, is no date of another order', () => {
  const line = Buffer.from('6-11-22T10:00:00.045Z","level":"info"')
  const shape = learnStamp(line, Uint32Array.of(0), Uint32Array.of(line.length), 1, {
    zone: 'UTC',
    referenceUs: Date.UTC(2026, 10, 22) * 1000,
  })
  expect(shape?.format).not.toBe('day-first/1')
})

test('any bytes are read without an error, and no stamp is outside its bounds', () => {
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    fc
      .string({ unit: fc.constantFrom(...'0123456789-/:., TZ[]{}"=NovAM+'), maxLength: 60 })
      .map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (parts) => {
      const packed = textLines(...parts.map((part) => part.toString('latin1')))
      const shape = shapeOf(packed)
      if (shape === undefined) return
      const read = createStampReader(shape, { zone: 'UTC', referenceUs: reference })
      for (let i = 0; i < packed.count; i++) {
        const us = read(packed.bytes, packed.starts[i] as number, packed.ends[i] as number, reference)
        expect(Number.isNaN(us) || (us >= Date.UTC(1990) * 1000 && us <= reference + 86_400_000_000)).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

describe('the samples have the events and times of their manifest', () => {
  test.each(sampleFiles.map((file) => [file.path, file] as const))('%s', (_, file) => {
    const lines = linesOf(readSample(file))
    expect(lines.count).toBe(file.lines)
    const zone = zoneOf(file)
    const shape = shapeOf(lines, zone)
    if (file.events === 0) {
      expect(shape).toBeUndefined()
      return
    }
    const read = createStampReader(shape as StampShape, { zone, referenceUs: reference })
    const stamps = Array.from(lines.starts, (start, i) => read(lines.bytes, start, lines.ends[i] as number)).filter(
      (us) => !Number.isNaN(us),
    )
    expect(stamps.length).toBe(file.events - (file.events_without_timestamp ?? 0))
    // The manifest cuts to the precision of one of the file's stamps; ours may be finer, never another second.
    expect(second(stamps[0] as number)).toBe(second(parseTime(file.first_event_utc as string)))
    expect(second(stamps.at(-1) as number)).toBe(second(parseTime(file.last_event_utc as string)))
  })
})

function second(us: number): number {
  return Math.floor(us / 1_000_000)
}
