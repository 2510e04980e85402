/** How lines become events: tables of what programs write, bounds, what comes late, and any text cut anywhere. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Encoding, encodeText, encodings, originalBytes } from '../../pipeline/encoding.ts'
import type { Multiline } from '../../pipeline/path-settings.ts'
import type { Reading } from '../../shipper/events.ts'
import { learn, type Settings, unlearnt, withSettings } from '../../shipper/learn.ts'
import { folded, type ReadWindow, readWindows, replayed, type Seen, type Step, settings } from './windows.ts'

const stampAt = (second: number): string => `2026-11-22 10:00:${String(second).padStart(2, '0')}`
const iso = { format: 'iso/1', place: 'part', index: 0, key: '', spacedZone: false } as const

/** A file whose shapes are known: nothing is learnt. */
function knownAs(stamp: Reading['stamp'], more: Partial<Reading> = {}): Reading {
  return { ...unlearnt(settings, 0), encodingSure: true, stamp, ...more }
}

function once(content: Buffer | string, options: Parameters<typeof readWindows>[2] = {}): Seen[] {
  const bytes = Buffer.from(content)
  const steps: Step[] = [
    { size: bytes.length, take: 'nothing' },
    { size: bytes.length, take: 'rest' },
  ]
  return readWindows(bytes, steps, options).flatMap((window) => window.seen)
}

/** Each group is one event; the file is their lines. */
function expectEvents(groups: readonly string[], reading: Reading): void {
  const seen = once(`${groups.join('\n')}\n`, { reading })
  expect(seen.map((event) => event.message)).toEqual(groups)
}

const java = `java.lang.IllegalStateException: no lease
\tat com.acme.Order.place(Order.java:12) ~[app.jar:1.2]
\tat com.acme.Main.main(Main.java)
\tSuppressed: java.io.IOException: closed
\t\tat com.acme.Pool.close(Pool.java:3)
\t\t... 2 more
Caused by: java.net.ConnectException: refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\t... 12 more`
const trimmedJava = `java.lang.Error: x
at com.acme.Order.place(Order.java:12)
at com.acme.Main.main(Main.java:1)
Caused by: y
at z.Z.z(Unknown Source)`
const python = `Traceback (most recent call last):
  File "app.py", line 3, in <module>
    run()
    ~~~^^
  File "app.py", line 2, in run
    raise ValueError("x")
ValueError: x`
const chainedPython = `Traceback (most recent call last):
  File "a.py", line 1, in f
    int("a")
ValueError: invalid literal

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in g
    raise KeyError(1)
KeyError: 1

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 9, in <module>
    g()
RuntimeError: gone`
const goPanic = `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x6c3f1e]

goroutine 1 [running]:
main.(*Job).run(0x1fe911a35db8, 0x0?)
\tscheduler/main.go:61 +0xc6
main.main()
\tscheduler/main.go:145 +0x187e

goroutine 7 [chan receive]:
created by net/http.(*Server).Serve in goroutine 21
\tnet/http/server.go:3464 +0x485
exit status 2`
const node = `/srv/app.js:10
    throw new TypeError('boom')
    ^

TypeError: boom
    at Object.<anonymous> (/srv/app.js:10:9)
    at async main (file:///srv/main.js:3:1) {
  code: 'ECONNREFUSED',
  [cause]: Error: refused
      at connect (node:net:1)
}

Node.js v24.21.0`
const prettyJson = `{
  "level": "info",
  "nested": {
    "a": [
      1
    ]
  }
}`

describe('a file without stamps', () => {
  const stampless = knownAs(undefined)
  test.each<[string, readonly string[]]>([
    ['lines', ['one', 'two', 'three']],
    ['Java', ['starting', java, 'going on', java]],
    ['Java without indentation', ['starting', trimmedJava, 'at noon the job began', 'at 10:30']],
    ['Python', ['starting', python, 'going on', python, python]],
    ['Python, chained', ['starting', chainedPython, 'going on']],
    ['Go', ['starting', goPanic, 'going on']],
    [
      'Go, a panic that was recovered',
      ['http: panic serving 127.0.0.1\ngoroutine 8 [running]:\nmain.f()\n\ta.go:1', 'x y(1)'],
    ],
    ['Node', ['starting', node, 'going on']],
    ['JSON over several lines', [prettyJson, prettyJson, '{"a":1}', '[\n  1\n]', 'text']],
    ['a text with details', ['usage:\n  -a  all\n\n  -b  none', 'next']],
    ['a file that is indented throughout', [' one', ' two\n   more', ' three']],
  ])('%s', (_name, groups) => expectEvents(groups, stampless))

  test('a preset knows its own language only', () => {
    const joined = (multiline: Multiline, text: string): number =>
      once(`${text}\n`, { reading: knownAs(undefined, { multiline }) }).filter((event) => event.message !== '').length
    const table: Record<string, readonly number[]> = {}
    for (const mode of ['java', 'python', 'go', 'node', 'off'] as const)
      table[mode] = [trimmedJava, python, goPanic, node].map((text) => joined(mode, text))
    expect(table).toEqual({
      java: [1, 2, 8, 4],
      python: [5, 1, 8, 4],
      go: [5, 2, 1, 4],
      node: [2, 2, 8, 1],
      off: [5, 7, 11, 11],
    })
  })

  test('an event that holds a panic of Go is an error where no level is written', () => {
    const levels = once(`a\n${goPanic}\nb\n`, { reading: stampless }).map((event) => event.level)
    expect(levels).toEqual(['none', 'error', 'none'])
  })
})

describe('a file with stamps', () => {
  const stamped = knownAs(iso)
  test.each<[string, readonly string[]]>([
    ['every line', [`${stampAt(1)} a`, `${stampAt(2)} b`]],
    ['whatever has no stamp goes on', [`${stampAt(1)} a\nselect 1\nfrom t\n\n${java}`, `${stampAt(2)} b`]],
    ['a preamble is an event', ['created at\nby root', `${stampAt(2)} b`]],
    ['a panic is an event', [`${stampAt(1)} a\nmore`, goPanic, `${stampAt(2)} b`]],
    ['blank lines between events are records', [`${stampAt(1)} a`, '', '', `${stampAt(2)} b\n\nc`, '']],
    ['blank lines above the first', ['', '', `${stampAt(1)} a`]],
  ])('%s', (_name, groups) => expectEvents(groups, stamped))

  test('whole JSON objects wait for nothing and join nothing', () => {
    const reading = knownAs({ ...iso, place: 'json', key: 'time' })
    const line = `{"time":"${stampAt(1)}","msg":"a"}`
    expectEvents([line, '{"no":"stamp"}', line, 'TypeError: x\n    at y (z.js:1:1)', line], reading)
    const bytes = Buffer.from(`${line}\n${line}\n`)
    expect(readWindows(bytes, [{ size: bytes.length, take: 'nothing' }], { reading })[0]?.to).toBe(bytes.length)
  })

  test('off: every line is an event', () => {
    const text = `${stampAt(1)} a\n\tat b.C.d(E.java:1)\n\n${stampAt(2)} b`
    expect(once(text, { reading: knownAs(iso, { multiline: 'off' }) }).map((event) => event.message)).toEqual(
      text.split('\n'),
    )
  })

  test('java.util.logging: the level of the second line is the event’s', () => {
    const text = ['INFO: fine', 'SEVERE: 连接失败\njava.lang.Error: x\n\tat a.B.c(D.java:1)', 'WARNING: w']
      .map((rest, i) => `Nov 22, 2026 10:00:0${i} AM com.acme.Main run\n${rest}\n`)
      .join('')
    expect(once(text).map((event) => event.level)).toEqual(['info', 'error', 'warn'])
    expect(once(text.replaceAll('\n', '\r\n')).map((event) => event.level)).toEqual(['info', 'error', 'warn'])
  })

  test('the stamp of the first line counts, not one further down', () => {
    const seen = once(`${stampAt(1)} a\n  ${stampAt(9)} inner\n${stampAt(2)} b\n`, { reading: stamped })
    expect(seen.map((event) => new Date(event.time / 1000).getUTCSeconds())).toEqual([1, 2])
  })
})

describe('time', () => {
  const reading = knownAs(iso, { level: { place: 'word', index: 2, key: '', scale: 'pino', line: 0 } })
  const head = `${stampAt(1)} ERROR failed\n`
  const rest = '\tat a.B.c(D.java:1)\n'

  test('the last event waits; what comes after it was let go is linked, with its time and level', () => {
    const content = Buffer.from(`${head}${rest}\n${rest}${stampAt(2)} INFO b\n`)
    const sizes = [head.length, head.length, head.length + rest.length, head.length + rest.length + 1, content.length]
    const takes = ['nothing', 'lines', 'lines', 'lines', 'rest'] as const
    const windows = readWindows(
      content,
      sizes.map((size, i) => ({ size, take: takes[i] as Step['take'] })),
      { reading },
    )
    const seen = windows.flatMap((window) => window.seen)
    expect(seen.map(({ message, continues, level }) => [message, continues, level])).toEqual([
      [head.trimEnd(), undefined, 'error'],
      [rest.trimEnd(), 'g-0', 'error'],
      ['', undefined, 'none'],
      [rest.trimEnd(), 'g-0', 'error'],
      [`${stampAt(2)} INFO b`, undefined, 'info'],
    ])
    expect(new Set(seen.slice(0, 4).map((event) => event.time)).size).toBe(1)
    for (const window of windows) expect(replayed(content, window)).toEqual(window.seen)
  })

  test('a line that is not finished is not let go with the lines above it', () => {
    const content = Buffer.from(`${head}\tat a.B`)
    const windows = readWindows(content, [{ size: content.length, take: 'lines' }], { reading })
    expect(windows.map((window) => window.to)).toEqual([head.length])
  })

  test('a preamble waits for the first stamp and has its time', () => {
    const content = Buffer.from(`created at\n${head}`)
    const steps: Step[] = [
      { size: content.length, take: 'nothing' },
      { size: content.length, take: 'lines' },
    ]
    const windows = readWindows(content, steps, { reading })
    expect(windows).toHaveLength(1)
    expect(windows[0]?.seen.map((event) => event.timeFrom)).toEqual([1, 0])
  })
})

describe('bounds', () => {
  test('so many lines make a record, the others are linked to it', () => {
    const frames = Array.from({ length: 25 }, (_, i) => `\tat a.B.c(D.java:${i})`)
    const text = [`${stampAt(1)} a`, ...frames, `${stampAt(2)} b`].join('\n')
    const seen = once(text, { reading: knownAs(iso, { eventLinesMax: 10 }) })
    expect(seen.map((event) => event.message.split('\n').length)).toEqual([10, 10, 6, 1])
    expect(seen.map((event) => event.continues)).toEqual([undefined, 'g-0', 'g-0', undefined])
    expect(folded(seen, () => false).map((event) => event.text)).toEqual([
      [`${stampAt(1)} a`, ...frames].join('\n'),
      `${stampAt(2)} b`,
    ])
  })

  test('an event with a line that does not fit ends before it, also when that line is not finished', () => {
    const reading = knownAs(iso, { eventBytesMax: 1024 })
    const content = Buffer.from(`${stampAt(1)} ${'a'.repeat(600)}\n${'b'.repeat(700)}`)
    const windows = readWindows(content, [{ size: content.length, take: 'nothing' }], { reading })
    expect(windows.map((window) => window.to)).toEqual([621])
    const blanks = Buffer.from(`${stampAt(1)} a\n${'\n'.repeat(1500)}${'b'.repeat(700)}`)
    const steps: Step[] = [1000, 1100, 1400, 2000, 2223].map((size) => ({ size, take: 'nothing' }))
    expect(readWindows(blanks, steps, { reading }).length).toBeGreaterThan(0)
  })
})

describe('bytes', () => {
  test.each<[string, string, boolean]>([
    ['LF', `${stampAt(1)} a\nb\nc\n`, false],
    ['CRLF', `${stampAt(1)} a\r\nb\r\nc\r\n`, false],
    ['no line end at the end', `${stampAt(1)} a\nb`, false],
    ['CRLF without the last', `${stampAt(1)} a\r\nb\r\nc`, false],
    ['one CRLF without the last', `${stampAt(1)} a\r\nb`, true],
    ['mixed', `${stampAt(1)} a\r\nb\nc\r\n`, true],
    ['LF, then CRLF', `${stampAt(1)} a\nb\r\n`, true],
    ['a lone CR', `${stampAt(1)} a\rb\nc\n`, false],
  ])('%s: the bytes come back', (_name, text, isRaw) => {
    const [event] = once(text, { reading: knownAs(iso) }) as [Seen]
    expect(event.message).toBe(text.replaceAll('\r\n', '\n').replace(/\n$/, ''))
    expect(event.raw !== undefined).toBe(isRaw)
    expect(bytesOf(event).toString()).toBe(text)
  })

  test.each(encodings)('%s: a byte order mark is in the bytes and not in the message, found or said', (encoding) => {
    const content = encodeText('\ufeffa 连接\r\nb\r\n', encoding)
    for (const said of [undefined, encoding]) {
      const seen = once(content, { settings: { encoding: said, multiline: 'off' } })
      expect(seen.map((event) => event.message)).toEqual(['a 连接', 'b'])
      expect(seen.map((event) => event.encoding)).toEqual([encoding, encoding])
      expect(Buffer.concat(seen.map(bytesOf)).equals(content)).toBe(true)
    }
  })

  test('UTF-16 without a mark and without a character of ASCII is read where it is said', () => {
    for (const encoding of ['utf-16le', 'utf-16be'] as const) {
      const content = encodeText('数据库\n连接失败\n', encoding)
      const seen = once(content, { settings: { encoding } })
      expect(seen.map((event) => event.message)).toEqual(['数据库', '连接失败'])
      expect(Buffer.concat(seen.map(bytesOf)).equals(content)).toBe(true)
    }
  })

  test('an encoding that was said is found again once it is not said any more, and the other way round', () => {
    const said = withSettings(unlearnt(settings, 0), { ...settings, encoding: 'gb18030' })
    expect(said).toMatchObject({ encoding: 'gb18030', encodingSure: true })
    const chunk = Buffer.from('连接失败\n')
    expect(learn(said, chunk, 0).encoding).toBe('gb18030')
    const free = withSettings(said, settings)
    expect(free.encodingSure).toBe(false)
    expect(learn(free, chunk, 100_000)).toMatchObject({ encoding: 'utf-8', encodingSure: true })
    // What was found by itself stays.
    expect(withSettings(learn(free, chunk, 0), settings)).toMatchObject({ encoding: 'utf-8', encodingSure: true })
  })

  test('an event whose lines are in two encodings keeps its bytes', () => {
    const gbk = Buffer.from([0xc1, 0xac, 0xbd, 0xd3])
    const one = Buffer.concat([Buffer.from(`${stampAt(1)} a\n\tat `), gbk, Buffer.from('\n')])
    const [single] = once(one, { reading: knownAs(iso) }) as [Seen]
    expect(single).toMatchObject({ encoding: 'gb18030', message: `${stampAt(1)} a\n\tat 连接`, raw: undefined })
    const two = Buffer.concat([Buffer.from(`${stampAt(1)} 连接\n\tat `), gbk, Buffer.from('\n')])
    const [mixed] = once(two, { reading: knownAs(iso) }) as [Seen]
    expect(mixed.message).toBe(`${stampAt(1)} 连接\n\tat 连接`)
    expect(bytesOf(mixed)).toEqual(two)
  })
})

describe('learning', () => {
  test('a file that is seen line by line ends up right: what the preamble seemed to say is forgotten', () => {
    const preamble = [
      'Log file created at: 2026/11/23 05:13:28',
      'Running on machine: a',
      'Binary: gc',
      'Log line format: x',
    ]
    const headers = Array.from({ length: 12 }, (_, i) => `I1123 05:13:${10 + i}.153434   25359 main.go:50] line ${i}`)
    const lines = [...preamble, ...headers]
    let size = 0
    const steps = lines.map((line): Step => ({ size: (size += line.length + 1), take: 'lines' }))
    const windows = readWindows(Buffer.from(`${lines.join('\n')}\n`), steps, {
      referenceUs: Date.UTC(2026, 10, 23) * 1000,
    })
    expect(windows.at(-1)?.reading.stamp?.format).toBe('klog/1')
    expect(windows.at(-1)?.seen.at(-1)).toMatchObject({ level: 'info', timeFrom: 0, continues: undefined })
  })

  test('a long stack trace with dates in it changes nothing', () => {
    const events = Array.from({ length: 80 }, (_, i) => `${stampAt(i % 60)},123 INFO [main] a.B - line ${i}`)
    const trace = Array.from({ length: 3000 }, (_, i) => `\tat a.B.c(D.java:${i}) 2026-11-22 10:00:00 ERROR`)
    const causes = Array.from({ length: 400 }, (_, i) => `Caused by: a.B: at 2026-11-22 10:00:00 ${i}`)
    const text = `${[...events, ...trace, ...causes, ...events].join('\n')}\n`
    const steps: Step[] = []
    for (let size = 8000; size < text.length + 8000; size += 8000) {
      steps.push({ size: Math.min(size, text.length), take: 'lines' })
    }
    const windows = readWindows(Buffer.from(text), steps, { referenceUs: Date.UTC(2026, 10, 23) * 1000 })
    const shapes = new Set(windows.map(({ reading }) => JSON.stringify([reading.stamp, reading.level])))
    expect(shapes.size).toBe(1)
    expect(
      folded(
        windows.flatMap((window) => window.seen),
        () => false,
      ),
    ).toHaveLength(160)
  })
})

test('a program that begins to write in another way in the middle of its file', () => {
  const before = Array.from({ length: 100 }, (_, i) => `22-Nov-2026 10:00:00.${100 + i} INFO [main] a.B.c start ${i}`)
  const after = Array.from({ length: 600 }, (_, i) => `${stampAt(i % 60)},123 ERROR [main] a.B - line ${i}\n\tat d.E`)
  const text = `${[...before, ...after].join('\n')}\n`
  const big = [text.length, text.length].map((size, i): Step => ({ size, take: i === 0 ? 'nothing' : 'rest' }))
  const windows = readWindows(Buffer.from(text), big)
  const seen = windows.flatMap((window) => window.seen)
  expect(seen.map((event) => event.message)).toEqual([...before, ...after])
  expect(seen.filter((event) => event.level === 'error')).toHaveLength(600)
  for (const window of windows) expect(replayed(Buffer.from(text), window)).toEqual(window.seen)
})

// The text of a chunk with CR LF is copied with one line feed a line; pieces of cut lines brought none along, and the
// copy ran over the end of its buffer: the last events lost bytes.
test('lines that are cut beside a line that ends CR LF keep their last bytes', () => {
  const content = Buffer.from(`a\r\n\tb\n${'c'.repeat(640)}\n${'d'.repeat(63)}\n\te\n`)
  const reading = knownAs(undefined, { eventBytesMax: 64 })
  const windows = readWindows(content, [{ size: content.length, take: 'rest' }], { reading })
  expect(Buffer.concat(windows.flatMap((window) => window.seen).map(bytesOf)).equals(content)).toBe(true)
})

function bytesOf(event: Seen): Buffer {
  return originalBytes({
    message: Buffer.from(event.message),
    bytes: event.bytes,
    encoding: event.encoding as Encoding,
    raw: event.raw,
  })
}

describe('any text, cut anywhere', () => {
  const piece = fc.constantFrom(
    ...[java, trimmedJava, python, chainedPython, goPanic, node, prettyJson, 'plain', 'at noon', '  indented', '}'],
    ...['', '', '\t', 'x\r', '{"a":1}', '连接失败', 'panic: x', 'goroutine 1 [running]:', 'f(1)', 'Node.js v1'],
    ...[1, 2, 3].map((second) => `${stampAt(second)} INFO line`),
  )
  const text = fc
    .tuple(fc.array(piece, { maxLength: 30 }), fc.boolean())
    .map(([pieces, isCrlf]) => `${pieces.join('\n')}\n`.replaceAll('\n', isCrlf ? '\r\n' : '\n'))
  const known = fc.record({
    stamp: fc.constantFrom<Reading['stamp']>(undefined, iso),
    eventBytesMax: fc.constantFrom(1024, 512 * 1024),
    eventLinesMax: fc.constantFrom(1, 3, 5000),
    multiline: fc.constantFrom<Settings['multiline']>('auto', 'auto', 'auto', 'java', 'python', 'go', 'node', 'off'),
  })
  const cuts = (takes: readonly Step['take'][]) =>
    fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom(...takes)), { maxLength: 40 })

  function stepsOf(length: number, grown: readonly (readonly [number, Step['take']])[]): Step[] {
    let size = 0
    const steps = grown.map(([more, take]): Step => ({ size: (size = Math.min(length, size + more)), take }))
    return [...steps, { size: length, take: 'nothing' }, { size: length, take: 'rest' }]
  }

  /** Every byte is in one record, none is torn inside a line, and each window read again is the same. */
  function checkWindows(content: Buffer, windows: readonly ReadWindow[]): Seen[] {
    const seen = windows.flatMap((window) => window.seen)
    let offset = 0
    for (const event of seen) {
      expect(event.offset).toBe(offset)
      offset += event.bytes
    }
    expect(Buffer.concat(seen.map(bytesOf)).equals(content)).toBe(true)
    for (const window of windows) expect(replayed(content, window)).toEqual(window.seen)
    return seen
  }

  test('no record begins inside a line, and the parts together are what one reading of everything gives', () => {
    fc.assert(
      fc.property(text, known, cuts(['nothing', 'lines']), (whole, more, grown) => {
        const content = Buffer.from(whole)
        const reading = knownAs(more.stamp, more)
        const seen = checkWindows(content, readWindows(content, stepsOf(content.length, grown), { reading }))
        for (const event of seen) if (event.offset > 0) expect(content[event.offset - 1]).toBe(0x0a)
        expect(folded(seen, () => false)).toEqual(folded(once(content, { reading }), () => false))
      }),
      { numRuns: 1500 },
    )
  })

  test('what was never let go early is the same in any windows', () => {
    fc.assert(
      fc.property(text, known, cuts(['nothing']), (whole, more, grown) => {
        const content = Buffer.from(whole)
        const reading = knownAs(more.stamp, more)
        // When it was read decides the time of what has no stamp.
        const shown = ({ time, timeFrom, ...event }: Seen) => event
        const seen = readWindows(content, stepsOf(content.length, grown), { reading }).flatMap((window) => window.seen)
        expect(seen.map(shown)).toEqual(once(content, { reading }).map(shown))
      }),
      { numRuns: 700 },
    )
  })

  test('also where lines are let go before they are finished, in every encoding, and while the file is learnt', () => {
    const wideAndNarrow: readonly Encoding[] = ['utf-8', 'utf-16le']
    fc.assert(
      fc.property(
        text,
        fc.constantFrom(...wideAndNarrow),
        cuts(['nothing', 'lines', 'rest']),
        (whole, encoding, grown) => {
          const content = encoding === 'utf-8' ? Buffer.from(whole) : Buffer.from(`\ufeff${whole}`, 'utf16le')
          // One byte of a byte order mark, let go by itself, would not say that it is one.
          const later = grown.map(([more, take], i) => [i === 0 ? more + 4 : more, take] as const)
          checkWindows(content, readWindows(content, stepsOf(content.length, later)))
          const reading = knownAs(iso, { encoding, eventBytesMax: 64, eventLinesMax: 4 })
          checkWindows(content, readWindows(content, stepsOf(content.length, grown), { reading }))
        },
      ),
      { numRuns: 500 },
    )
  })
})
