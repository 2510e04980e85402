/** Files of container runtimes: what is inside, joined by stream, cut anywhere, and their bytes back exactly. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reading } from '../../shipper/events.ts'
import { learn, type Settings, unlearnt, withSettings } from '../../shipper/learn.ts'
import { folded, generation, readWindows, replayed, type Seen, type Step, settings } from './windows.ts'

const iso = { format: 'iso/1', place: 'part', index: 0, key: '', spacedZone: false } as const

type Stream = 'stdout' | 'stderr'
type Kind = 'docker' | 'cri'

interface Piece {
  readonly stream: Stream
  readonly text: string
  /** The next piece of this stream goes on with the text. */
  readonly partial?: boolean
}

let second = 0
function stampOf(): string {
  return new Date(Date.UTC(2026, 10, 22, 10, 0, second++ % 3600)).toISOString().replace('Z', '123456Z')
}

function wrapped(kind: Kind, { stream, text, partial = false }: Piece): string {
  if (kind === 'cri') return `${stampOf()} ${stream} ${partial ? 'P' : 'F'} ${text}\n`
  return `${JSON.stringify({ log: partial ? text : `${text}\n`, stream, time: stampOf() })}\n`
}

function knownAs(kind: Kind, stamp: Reading['stamp'] = undefined, more: Partial<Reading> = {}): Reading {
  return { ...unlearnt({ ...settings, multiline: kind }, 0), encodingSure: true, stamp, wrapper: kind, ...more }
}

function once(content: Buffer, options: Parameters<typeof readWindows>[2] = {}): Seen[] {
  const size = content.length
  const steps: Step[] = [
    { size, take: 'nothing' },
    { size, take: 'rest' },
  ]
  return readWindows(content, steps, options).flatMap((window) => window.seen)
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ')
}

/** What stands in one wrapped line, found in another way. */
function pieceOf(kind: Kind, line: string): Piece | undefined {
  if (kind === 'cri') {
    const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\S+ (stdout|stderr) ([FP])(?: |$)(.*)$/s.exec(line)
    return match === null ? undefined : { stream: match[1] as Stream, text: match[3] ?? '', partial: match[2] === 'P' }
  }
  try {
    const { log, stream } = JSON.parse(line) as { log: string; stream: Stream }
    return { stream, text: log.replace(/\n$/, ''), partial: !log.endsWith('\n') }
  } catch {
    return undefined
  }
}

/** The message of a record from its bytes alone. */
function messageIn(kind: Kind, raw: Buffer): string {
  const lines = raw.toString('utf8').split(/(?<=\n)/)
  const text = lines
    .map((line) => {
      const piece = pieceOf(kind, line.replace(/\r?\n$/, ''))
      return piece === undefined ? line : `${piece.text}${piece.partial ? '' : '\n'}`
    })
    .join('')
  return text.replaceAll('\r\n', '\n').replace(/\n$/, '')
}

function streamOf(kind: Kind, record: Seen): Stream | undefined {
  const [line = ''] = (record.raw as Buffer).toString('utf8').split('\n')
  return pieceOf(kind, line)?.stream
}

describe('Docker json-file', () => {
  test('the text inside is the message, the wrapper’s time its time, and the bytes are kept', () => {
    const line =
      '{"log":"2026-11-22 18:00:00 ERROR \\u8fde接 \\"x\\" \\ud83d\\ude00\\ta\\r\\n","stream":"stderr","time":"2026-11-22T10:00:01.123456789Z"}\n'
    const [event] = once(Buffer.from(line)) as [Seen]
    expect(event).toMatchObject({
      message: '2026-11-22 18:00:00 ERROR 连接 "x" 😀\ta',
      level: 'error',
      timeFrom: 0,
      time: Date.UTC(2026, 10, 22, 10, 0, 1) * 1000 + 123456,
      offset: 0,
      bytes: Buffer.byteLength(line),
    })
    expect(event.raw?.toString()).toBe(line)
  })

  test('with labels; what looks different is kept as it stands', () => {
    const labelled =
      '{"log":"a\\n","stream":"stdout","attrs":{"tag":"b\\",\\"time\\":\\"c"},"time":"2026-11-22T10:00:01Z"}'
    const others = [
      '{"log":"a\\n","stream":"stdin","time":"2026-11-22T10:00:01Z"}',
      '{"log":"a\\x","stream":"stdout","time":"2026-11-22T10:00:01Z"}',
      '{"log":"a\\n","stream":"stdout","more":1,"time":"2026-11-22T10:00:01Z"}',
      '{"log":"a\\n","stream":"stdout"}',
      '{"log":"half a li',
    ]
    const content = Buffer.from([labelled, ...others, ''].join('\n'))
    const seen = once(content, { settings: { multiline: 'docker' } })
    expect(seen.map((event) => event.message)).toEqual(['a', ...others])
    expect(new Set(seen.map((event) => event.time)).size).toBe(1)
  })

  test('pieces of a long text are one, also around a line of the other stream, which is linked', () => {
    const long = 'x'.repeat(16384)
    const pieces: Piece[] = [
      { stream: 'stdout', text: long, partial: true },
      { stream: 'stdout', text: long, partial: true },
      { stream: 'stdout', text: 'end' },
      { stream: 'stdout', text: 'half', partial: true },
      { stream: 'stderr', text: 'between' },
      { stream: 'stdout', text: ' whole' },
      { stream: 'stdout', text: 'next' },
    ]
    const content = Buffer.from(pieces.map((piece) => wrapped('docker', piece)).join(''))
    const seen = once(content)
    expect(seen.map((event) => event.message)).toEqual([`${long}${long}end`, 'half', 'between', ' whole', 'next'])
    expect(seen[3]?.continues).toBe(`${generation}-${seen[1]?.offset}`)
    expect(seen[3]?.time).toBe(seen[1]?.time)
  })

  test('a trace is one event although the error stream writes into it', () => {
    const content = Buffer.from(
      [
        { stream: 'stdout', text: 'java.lang.Error: x' },
        { stream: 'stdout', text: '\tat a.B.c(D.java:1)' },
        { stream: 'stderr', text: 'warning' },
        { stream: 'stdout', text: '\tat a.B.d(D.java:2)' },
        { stream: 'stderr', text: '  details' },
      ]
        .map((piece) => wrapped('docker', piece as Piece))
        .join(''),
    )
    const seen = once(content)
    expect(seen.map(({ message, continues }) => [message, continues])).toEqual([
      ['java.lang.Error: x\n\tat a.B.c(D.java:1)', undefined],
      ['warning', undefined],
      ['\tat a.B.d(D.java:2)', `${generation}-0`],
      ['  details', `${generation}-${seen[1]?.offset}`],
    ])
  })
})

describe('CRI', () => {
  test('lines of Kubernetes, full and in pieces, in its zone', () => {
    const content = Buffer.from(
      [
        '2016-10-06T00:17:09.669794202Z stdout F ',
        '2016-10-06T08:17:10.669794202+08:00 stderr P 连接',
        '2016-10-06T08:17:11.669794202+08:00 stderr F:x 失败',
        '',
      ].join('\n'),
    )
    const seen = once(content)
    expect(seen.map(({ message, time }) => [message, time])).toEqual([
      ['', Date.UTC(2016, 9, 6, 0, 17, 9) * 1000 + 669794],
      ['连接失败', Date.UTC(2016, 9, 6, 0, 17, 10) * 1000 + 669794],
    ])
  })

  test('a character that the runtime cut in two is whole again, and GBK inside is read', () => {
    const text = Buffer.from('连接')
    const head = '2016-10-06T00:17:09.669794202Z stdout'
    const content = Buffer.concat([
      Buffer.from(`${head} P `),
      text.subarray(0, 4),
      Buffer.from(`\n${head} F `),
      text.subarray(4),
      Buffer.from(`\n${head} F `),
      Buffer.from([0xc1, 0xac, 0xbd, 0xd3]),
      Buffer.from('\n'),
    ])
    const seen = once(content, { reading: knownAs('cri') })
    expect(seen.map(({ message, encoding }) => [message, encoding])).toEqual([
      ['连接', 'utf-8'],
      ['连接', 'gb18030'],
    ])
  })
})

describe('which files are wrapped', () => {
  const docker = wrapped('docker', { stream: 'stdout', text: 'a' })
  const cri = wrapped('cri', { stream: 'stdout', text: 'a' })
  test.each<[string, string, Settings['multiline'], Reading['wrapper']]>([
    ['Docker', docker, 'auto', 'docker'],
    ['CRI', cri, 'java', 'cri'],
    ['a line that is not finished says nothing', docker.trimEnd(), 'auto', undefined],
    ['one other line, and it is none', `${docker}x\n${docker}`, 'auto', undefined],
    ['both, and it is none', docker + cri, 'auto', undefined],
    ['said', 'x\n', 'docker', 'docker'],
    ['off', docker, 'off', undefined],
  ])('%s', (_name, text, multiline, wrapper) => {
    const reading = unlearnt({ ...settings, multiline }, 0)
    expect(learn(reading, Buffer.from(text), 0).wrapper).toBe(wrapper)
  })

  test('other settings forget the shapes only where the text becomes another', () => {
    const reading = knownAs('docker', iso)
    expect(withSettings(reading, { ...settings, multiline: 'auto' })).toMatchObject({ wrapper: 'docker', stamp: iso })
    expect(withSettings(reading, { ...settings, multiline: 'off' }).wrapper).toBeUndefined()
    expect(withSettings(reading, { ...settings, multiline: 'off' }).stamp).toBeUndefined()
    expect(withSettings(reading, { ...settings, multiline: 'cri' })).toMatchObject({ wrapper: 'cri', stamp: undefined })
  })
})

describe('any text in any pieces, cut anywhere', () => {
  const text = fc.constantFrom(
    ...['plain', 'at noon', '  indented', '}', '{', '', '', '{"a":1}', '连接失败 "quoted" \\ back', 'x\ty'],
    ...['java.lang.Error: x', '\tat a.B.c(D.java:1)', 'Caused by: y', '\t... 12 more', 'goroutine 1 [running]:'],
    ...['Traceback (most recent call last):', '  File "a.py", line 1, in f', 'ValueError: x', 'panic: x', 'f(1)'],
    ...['2026-11-22 10:00:01 INFO line', '2026-11-22 10:00:02 ERROR 😀'],
  )
  const stream = fc.constantFrom<Stream>('stdout', 'stdout', 'stdout', 'stderr')
  const cuts = (takes: readonly Step['take'][]) =>
    fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom(...takes)), { maxLength: 40 })
  const kinds = fc.constantFrom<Kind>('docker', 'cri')
  const stamps = fc.constantFrom<Reading['stamp']>(undefined, iso)
  const piece = fc.record({ stream, text, partial: fc.boolean() })

  function stepsOf(length: number, grown: readonly (readonly [number, Step['take']])[]): Step[] {
    let size = 0
    const steps = grown.map(([more, take]): Step => ({ size: (size = Math.min(length, size + more)), take }))
    return [...steps, { size: length, take: 'nothing' }, { size: length, take: 'rest' }]
  }

  function check(kind: Kind, content: Buffer, windows: ReturnType<typeof readWindows>): Seen[] {
    const seen = windows.flatMap((window) => window.seen)
    let offset = 0
    for (const event of seen) {
      expect(event.offset).toBe(offset)
      offset += event.bytes
    }
    expect(Buffer.concat(seen.map((event) => event.raw as Buffer)).equals(content)).toBe(true)
    for (const event of seen) expect(event.message).toBe(messageIn(kind, event.raw as Buffer))
    for (const window of windows) expect(replayed(content, window)).toEqual(window.seen)
    return seen
  }

  test('every byte is in one record, its message is what is inside, and a window read again is the same', () => {
    const line = fc.oneof(
      { weight: 9, arbitrary: piece },
      { weight: 1, arbitrary: fc.constantFrom('half a line {"log":"', 'no wrapper', '') },
    )
    fc.assert(
      fc.property(
        kinds,
        fc.array(line, { maxLength: 25 }),
        stamps,
        fc.constantFrom(64, 300, 512 * 1024),
        fc.constantFrom(1, 3, 5000),
        cuts(['nothing', 'lines', 'nothing', 'lines', 'rest']),
        (kind, lines, stamp, eventBytesMax, eventLinesMax, grown) => {
          const content = Buffer.from(
            lines.map((one) => (typeof one === 'string' ? `${one}\n` : wrapped(kind, one))).join(''),
          )
          const reading = knownAs(kind, stamp, { eventBytesMax, eventLinesMax })
          const windows = readWindows(content, stepsOf(content.length, grown), { reading })
          // What is cut, or let go, in the middle of a line is no wrapped line any more, and its message not what is inside.
          const isWhole = eventBytesMax > 64 && !grown.some(([, take]) => take === 'rest')
          if (isWhole) check(kind, content, windows)
          else for (const window of windows) expect(replayed(content, window)).toEqual(window.seen)
        },
      ),
      { numRuns: 1200 },
    )
  })

  test('what was never let go early is the same in any windows', () => {
    fc.assert(
      fc.property(kinds, fc.array(piece, { maxLength: 25 }), stamps, cuts(['nothing']), (kind, lines, stamp, grown) => {
        const content = Buffer.from(lines.map((one) => wrapped(kind, one)).join(''))
        const reading = knownAs(kind, stamp)
        const seen = readWindows(content, stepsOf(content.length, grown), { reading }).flatMap((window) => window.seen)
        expect(seen).toEqual(once(content, { reading }))
      }),
      { numRuns: 700 },
    )
  })

  test('the events of each stream are those that its program would have in a file of its own', () => {
    const lines = fc.array(fc.record({ stream, text, cutAt: fc.integer({ min: 0, max: 12 }) }), { maxLength: 25 })
    fc.assert(
      fc.property(kinds, lines, stamps, cuts(['nothing', 'lines']), (kind, written, stamp, grown) => {
        const content = Buffer.from(
          written
            .map(({ stream, text, cutAt }) => {
              const head = text.slice(0, cutAt)
              const whole = wrapped(kind, { stream, text: text.slice(cutAt) })
              return cutAt === 0 ? whole : wrapped(kind, { stream, text: head, partial: true }) + whole
            })
            .join(''),
        )
        const seen = check(
          kind,
          content,
          readWindows(content, stepsOf(content.length, grown), { reading: knownAs(kind, stamp) }),
        )
        for (const one of ['stdout', 'stderr'] as const) {
          const own = seen.filter((record) => streamOf(kind, record) === one)
          const plain = Buffer.from(
            written.flatMap(({ stream, text }) => (stream === one ? [`${text}\n`] : [])).join(''),
          )
          const expected = once(plain, { reading: { ...knownAs(kind, stamp), wrapper: undefined } })
          const texts = (records: readonly Seen[]) => folded(records, () => false).map((event) => event.text)
          expect(texts(own)).toEqual(texts(expected))
        }
      }),
      { numRuns: 1200 },
    )
  })

  test('a chunk as large as a turn reads always gives something, so that no file stands still', () => {
    const long = fc.record({ stream, text: fc.string({ minLength: 200, maxLength: 900 }), partial: fc.boolean() })
    fc.assert(
      fc.property(kinds, fc.array(fc.oneof(piece, long), { minLength: 30, maxLength: 60 }), (kind, lines) => {
        const content = Buffer.from(lines.map((one) => wrapped(kind, { ...one, text: oneLine(one.text) })).join(''))
        const reading = knownAs(kind, undefined, { eventBytesMax: 1024 })
        const chunkBytes = reading.eventBytesMax + 4096
        let offset = 0
        while (content.length - offset >= chunkBytes) {
          const size = offset + chunkBytes
          const part = content.subarray(offset, size)
          const windows = readWindows(part, [{ size: chunkBytes, take: 'nothing' }], { reading })
          expect(windows).toHaveLength(1)
          offset += windows[0]?.to as number
        }
      }),
      { numRuns: 300 },
    )
  })

  test('also while the file is learnt', () => {
    fc.assert(
      fc.property(kinds, fc.array(piece, { maxLength: 25 }), cuts(['nothing', 'lines']), (kind, lines, grown) => {
        const content = Buffer.from(lines.map((one) => wrapped(kind, one)).join(''))
        const windows = readWindows(content, stepsOf(content.length, grown))
        for (const window of windows) expect(replayed(content, window)).toEqual(window.seen)
        expect(windows.every(({ reading }) => reading.wrapper === kind)).toBe(true)
        check(kind, content, windows)
      }),
      { numRuns: 500 },
    )
  })
})
