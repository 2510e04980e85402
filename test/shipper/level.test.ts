import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { levels, parseTime } from '../../pipeline/record.ts'
import { createLevelReader, type LevelShape, learnLevel } from '../../shipper/level.ts'
import { createStampReader, learnStamp } from '../../shipper/timestamp.ts'
import { type LineBytes, linesOf, readSample, sampleFiles, textLines, zoneOf } from './samples.ts'

const referenceUs = parseTime('2026-11-22T12:00:00Z')

function learnt(lines: LineBytes, zone = 'UTC') {
  const { bytes, starts, ends, count } = lines
  const stamp = learnStamp(bytes, starts, ends, count, { zone, referenceUs })
  return { stamp, level: learnLevel(bytes, starts, ends, count, stamp) }
}

/** The levels of the lines, read with the shape that they teach. */
function levelsOf(...lines: readonly string[]): string[] {
  const packed = textLines(...lines)
  const { level } = learnt(packed)
  if (level === undefined) return lines.map(() => 'none')
  const read = createLevelReader(JSON.parse(JSON.stringify(level)))
  return lines.map((_, i) => levels[read(packed.bytes, packed.starts[i] as number, packed.ends[i] as number)] as string)
}

function levelOf(line: string): string {
  return levelsOf(line, line)[0] as string
}

describe('where a level stands', () => {
  test.each([
    // words behind the stamp
    ['2026-11-23 05:13:28,123 INFO [main] c.a.A - no ERROR here', 'info'],
    ['2026-11-23 05:13:28.123  WARN 1234 --- [main] c.e.A : x', 'warn'],
    ['2026-11-23 05:13:28,123 - billing.worker - CRITICAL - x', 'fatal'],
    ['2026-11-23 05:13:28,123 [pool 1 thread 2] ERROR c.a.A - x', 'error'],
    ['2026/11/23 05:13:28 [error] 1#1: *2 x', 'error'],
    ['2026/11/23 05:13:28 [emerg] 1#1: x', 'fatal'],
    ['[2026-11-22T21:13:28.527+0000] [INFO    ] [1:Main] x', 'info'],
    ['[2026-11-23T05:13:28,123][WARN ][o.e.n.Node] x', 'warn'],
    ['[Mon Nov 23 05:13:28.123456 2026] [error] [pid 1] x', 'error'],
    ['[2026-11-23 05:13:28.123][1][warning][main] x', 'warn'],
    ['I, [2026-11-23T05:13:28.123456 #1234]  INFO -- : x', 'info'],
    ['2026-11-23 05:13:28 +08:00 [WRN] x', 'warn'],
    ['2026-11-23T05:13:28.123+0800 [DEBUG] agent: x', 'debug'],
    ['22-Nov-2026 21:13:32.026 SEVERE [exec-4] o.a.c x', 'error'],
    ['23-Nov-2026 05:13:29.777 信息 [main] x', 'info'],
    ['23-Nov-2026 05:13:29.777 警告 [main] x', 'warn'],
    ['23-Nov-2026 05:13:29.777 严重 [main] x', 'error'],
    ['23-Nov-2026 05:13:29.777 详细 [main] x', 'debug'],
    ['23-Nov-2026 05:13:29.777 较详细 [main] x', 'trace'],
    ['23-Nov-2026 05:13:29.777 非常详细 [main] x', 'trace'],
    ['23-Nov-2026 05:13:29.777 配置 [main] x', 'info'],
    ['\u001b[90m2026-11-22T21:15:02.509Z\u001b[39m \u001b[31merror\u001b[39m: x', 'error'],
    ['[21:15:02.329] \u001b[34mDEBUG\u001b[39m (collector/26478): x', 'debug'],
    ['INFO: 2026/11/23 05:13:28 x', 'info'],
    ['ERROR 2026-11-23 05:13:28,123 x', 'error'],
    ['2026-11-23 05:13:28 <Error> Application: x', 'error'],
    ['2026-11-23 05:13:28 | WARNING  | m:f:1 - x', 'warn'],
    ['WARNING:root:no stamp at all', 'warn'],
    // single letters
    ['I1122 21:13:28.158637   25360 main.go:50] "ERROR"', 'info'],
    ['F1122 21:13:28.158637   25360 main.go:50] x', 'fatal'],
    ['11-23 05:13:28.123  1234  5678 W Tag: x', 'warn'],
    ['2026-11-23T05:13:28.123+0800 E NETWORK  [conn1] x', 'error'],
    // syslog
    ['<27>1 2026-11-23T05:13:31.654768+08:00 db app 1 - -  INFO x', 'error'],
    ['<12>Nov 23 05:13:31 db app: x', 'warn'],
    ['<0>Nov 23 05:13:31 db app: x', 'fatal'],
    ['<191>Nov 23 05:13:31 db app: x', 'debug'],
    ['Nov 23 05:13:31 db app: ok', 'none'],
    // Redis
    ['25371:M 23 Nov 2026 05:13:28.216 # x', 'warn'],
    ['25371:M 23 Nov 2026 05:13:28.216 * x', 'info'],
    ['25371:M 23 Nov 2026 05:13:28.216 - x', 'debug'],
    ['25371:M 23 Nov 2026 05:13:28.216 . x', 'debug'],
    ['[4018] 14 Nov 07:01:22.119 * x', 'info'],
    // PostgreSQL
    ['2026-11-23 05:13:28.295 CST [25413] LOG:  starting', 'info'],
    ['2026-11-23 05:13:28.295 CST [25413] u@db ERROR:  division by zero', 'error'],
    ['2026-11-23 05:13:28.295 CST [25413] PANIC:  x', 'fatal'],
    ['2026-11-23 05:13:28.295 CST [25413] DEBUG2:  x', 'debug'],
    ['2026-11-23 05:13:28.295 CST [25413] NOTICE:  x', 'info'],
    [
      '2026-11-23 05:13:28.295 CST,"u","db",1,"h:1",2.3,1,"SELECT",2026-11-23 05:13:28 CST,4/2,0,ERROR,22012,"x"',
      'error',
    ],
    // JSON
    ['{"level":10,"time":1795382008352}', 'trace'],
    ['{"level":20,"time":1795382008352}', 'debug'],
    ['{"level":35,"time":1795382008352}', 'info'],
    ['{"level":50,"time":1795382008352,"msg":"level"}', 'error'],
    ['{"level":60,"time":1795382008352}', 'fatal'],
    ['{"time":"2026-11-23T05:13:28Z","level":"ERROR+4","msg":"x"}', 'error'],
    ['{"time":"2026-11-23T05:13:28Z","level":"DEBUG-4","msg":"x"}', 'trace'],
    ['{"time":"2026-11-23T05:13:28Z","level":"INFO+2","msg":"x"}', 'info'],
    ['{"ts":1795382008.3,"level":"dpanic","msg":"x"}', 'fatal'],
    ['{"@timestamp":"2026-11-23T05:13:28Z","log.level":"WARN"}', 'warn'],
    ['{"@timestamp":"2026-11-23T05:13:28Z","log":{"level":"error"}}', 'error'],
    ['{"timestamp":"2026-11-23 05:13:28 CST","error_severity":"LOG"}', 'info'],
    ['{"timestamp":"2026-11-23 05:13:28 CST","error_severity":"FATAL"}', 'fatal'],
    ['{"version":"1.1","host":"h","timestamp":1795382008.3,"level":3}', 'error'],
    ['{"asctime":"2026-11-23 05:13:28,123","levelname":"WARNING"}', 'warn'],
    ['{"asctime":"2026-11-23 05:13:28,123","levelno":40}', 'error'],
    ['{"t":{"$date":"2026-11-23T05:13:28.123+08:00"},"s":"E","c":"NETWORK"}', 'error'],
    ['{"req":{"level":"error"},"time":1795382008352,"level":"info"}', 'info'],
    ['{"time":1795382008352,"msg":"\\"level\\":\\"error\\""}', 'none'],
    // logfmt
    ['ts=2026-11-22T21:13:28.753Z level=warn msg="level=error"', 'warn'],
    ['time="2026-11-23T05:13:28+08:00" level="error" msg=x', 'error'],
    ['time=2026-11-23T05:13:28.152+08:00 level=ERROR+4 msg=x', 'error'],
    ['ts=2026-11-22T21:13:28.753Z caller=a.go:1 lvl=dbug msg=x', 'debug'],
    // no level at all
    ['10.0.0.1 - - [23/Nov/2026:05:13:28 +0800] "GET /error HTTP/1.1" 500 7', 'none'],
    ['2026/11/23 05:13:28.152432 main.go:96: ERROR is a word', 'error'],
  ])('%s', (line, expected) => {
    expect(levelOf(line)).toBe(expected)
  })
})

test.each([
  ...['TRACE', 'finest', 'Finer', 'silly', 'VRB'].map((word) => [word, 'trace']),
  ...['DEBUG', 'dbg', 'FINE', 'verbose'].map((word) => [word, 'debug']),
  ...['INFO', 'Information', 'notice', 'CONFIG', 'http'].map((word) => [word, 'info']),
  ...['WARN', 'Warning', 'wrn'].map((word) => [word, 'warn']),
  ...['ERROR', 'err', 'SEVERE'].map((word) => [word, 'error']),
  ...['FATAL', 'Critical', 'crit', 'panic', 'alert', 'EMERG', 'emergency'].map((word) => [word, 'fatal']),
  ...['INFORM', 'errors', 'ERROR_CODE', 'warned', 'in', 'log'].map((word) => [word, 'none']),
])('%s is %s', (word, expected) => {
  expect(levelOf(`2026-11-23 05:13:28 ${word} x`)).toBe(expected)
})

test('java.util.logging writes the level on the line behind the stamp', () => {
  const packed = textLines(
    'Nov 23, 2026 5:13:28 AM org.apache.catalina.startup.Catalina start',
    'INFO: Server startup in 812 ms',
    'Nov 23, 2026 5:13:29 AM org.apache.catalina.core.StandardWrapperValve invoke',
    'SEVERE: Servlet.service() threw exception',
    '\tat a.B.c(B.java:1)',
  )
  const { level } = learnt(packed)
  expect(level).toEqual({ place: 'word', index: 0, key: '', scale: 'pino', line: 1 } satisfies LevelShape)
  const read = createLevelReader(level as LevelShape)
  expect(levels[read(packed.bytes, packed.starts[3] as number, packed.ends[3] as number)]).toBe('error')
})

test('lines without a level at the place have none, whatever their message says', () => {
  expect(
    levelsOf(
      '2026-11-23 05:13:28 INFO a',
      '2026-11-23 05:13:28 WARN b',
      '2026-11-23 05:13:28 started ERROR',
      '2026-11-23 05:13:28 INFO 3 errors, level=error',
    ),
  ).toEqual(['info', 'warn', 'none', 'info'])
})

test('a word that only some messages begin with is no level', () => {
  expect(
    levelsOf(
      'Nov 23 05:13:31 db batch[1]: ERROR conversion aborted',
      'Nov 23 05:13:31 db sshd[2]: Accepted publickey',
      'Nov 23 05:13:31 db kernel: x',
    ),
  ).toEqual(['none', 'none', 'none'])
})

test('details of PostgreSQL have no level, their message has', () => {
  expect(
    levelsOf(
      '2026-11-23 05:13:40.978 CST [1] u@d ERROR:  division by zero',
      '2026-11-23 05:13:40.978 CST [1] u@d DETAIL:  ERROR:  x',
      '2026-11-23 05:13:40.978 CST [1] u@d HINT:  x',
      '2026-11-23 05:13:40.978 CST [1] u@d CONTEXT:  x',
      '2026-11-23 05:13:40.978 CST [1] u@d STATEMENT:  SELECT 1/0',
    ),
  ).toEqual(['error', 'none', 'none', 'none', 'none'])
})

test('any bytes are read without an error', () => {
  const places = ['word', 'group', 'letter', 'mark', 'json', 'logfmt', 'csv', 'klog', 'priority', 'postgres'] as const
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(...places),
      fc.nat({ max: 5 }),
      (content, place, index) => {
        const bytes = Buffer.from(content)
        const level = createLevelReader({ place, index, key: 'level', scale: 'syslog', line: 0 })(
          bytes,
          0,
          bytes.length,
        )
        expect(levels[level]).toBeDefined()
      },
    ),
  )
})

describe('the samples have the errors of their manifest', () => {
  const withLevel = sampleFiles.filter((file) => file.errors_how.startsWith('level field'))
  test.each(withLevel.map((file) => [file.path, file] as const))('%s', (_, file) => {
    const lines = linesOf(readSample(file))
    const zone = zoneOf(file)
    const { stamp, level } = learnt(lines, zone)
    let errors = 0
    if (stamp !== undefined && level !== undefined) {
      const time = createStampReader(stamp, { zone, referenceUs })
      const read = createLevelReader(level)
      for (const [i, start] of lines.starts.entries()) {
        const end = lines.ends[i] as number
        if (!Number.isNaN(time(lines.bytes, start, end)) && read(lines.bytes, start, end) >= levels.indexOf('error')) {
          errors++
        }
      }
    }
    expect(errors).toBe(file.errors)
  })

  const without = sampleFiles.filter(
    (file) => file.errors_how.startsWith('no level') || file.path.startsWith('legacy/'),
  )
  test.each(without.filter((file) => !file.path.includes('5424')).map((file) => [file.path, file] as const))(
    'no level in %s',
    (_, file) => {
      expect(learnt(linesOf(readSample(file)), zoneOf(file)).level).toBeUndefined()
    },
  )
})
