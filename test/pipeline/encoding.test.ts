import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeText,
  type Encoding,
  encodeText,
  encodings,
  isEncoding,
  needsRaw,
  originalBytes,
  toUtf8,
} from '../../pipeline/encoding.ts'
import { ShiplogError } from '../../pipeline/errors.ts'

const lineEnds = ['', '\n', '\r\n'] as const

/** The message of an event as the shipper makes it from the event's bytes: line ends off the end, joints as `\n`. */
function messageOf(original: Buffer, encoding: Encoding): Buffer {
  const text = toUtf8(original, 0, original.length, encoding).toString('utf8')
  return Buffer.from(text.replace(/\r?\n$/, '').replaceAll('\r\n', '\n'))
}

function givesBack(original: Buffer, encoding: Encoding): { raw: boolean; bytes: Buffer } {
  const message = messageOf(original, encoding)
  const raw = needsRaw(message, original, encoding)
  return {
    raw,
    bytes: originalBytes({ message, bytes: original.length, encoding, raw: raw ? original : undefined }),
  }
}

describe.each(encodings)('%s', (encoding) => {
  test.each([
    ['one line', ['a 连接失败 b'], '\n', false],
    ['one line with CRLF', ['a 连接失败 b'], '\r\n', false],
    ['three lines', ['a', '\tat b', '连接'], '\n', false],
    ['three lines with CRLF', ['a', '\tat b', '连接'], '\r\n', false],
    ['an empty line', [''], '\n', false],
    ['empty lines in the middle', ['a', '', '', 'b'], '\r\n', false],
    ['a character outside the BMP', ['😀 𠮷'], '\n', false],
    ['NULs at the head', ['\0\0\0a'], '\n', false],
    ['a CR inside a line', ['a\rb'], '\n', false],
  ] as const)('%s', (_, parts, joint, raw) => {
    const whole = encodeText(parts.join(joint) + joint, encoding)
    expect(givesBack(whole, encoding)).toEqual({ raw, bytes: whole })
    const cut = encodeText(parts.join(joint), encoding)
    expect(givesBack(cut, encoding)).toEqual({ raw, bytes: cut })
  })

  test('CRLF between two lines and no end looks like a line feed at the end, so it is kept', () => {
    const original = encodeText('a\r\nb', encoding)
    expect(givesBack(original, encoding)).toEqual({ raw: true, bytes: original })
  })

  test.each([
    ['a CRLF and a LF', 'a\r\nb\n'],
    ['a LF and a CRLF', 'a\nb\r\n'],
    ['three, mixed', 'a\nb\r\nc\n'],
  ])('mixed line ends are kept: %s', (_, text) => {
    const original = encodeText(text, encoding)
    expect(givesBack(original, encoding)).toEqual({ raw: true, bytes: original })
  })

  test('every text is read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeText(encodeText(text, encoding), encoding)).toBe(text)
      }),
    )
  })

  test('any bytes are given back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (content) => {
        const original = Buffer.from(content)
        expect(givesBack(original, encoding).bytes).toEqual(original)
      }),
      { numRuns: 1000 },
    )
  })

  test('any lines with any line ends are given back', () => {
    const line = fc.tuple(
      fc.string({ unit: fc.constantFrom(...'ab 连接\r\0😀\ufffd\ufeff') }),
      fc.constantFrom(...lineEnds),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (parts) => {
        const original = encodeText(parts.map(([text, end]) => text + end).join(''), encoding)
        expect(givesBack(original, encoding).bytes).toEqual(original)
      }),
      { numRuns: 1000 },
    )
  })
})

test.each([
  ['utf-8', [0x61, 0xff, 0x62]],
  ['utf-8', [0xe4, 0xb8]],
  ['utf-16le', [0x61, 0x00, 0x62]],
  ['utf-16le', [0x00, 0xd8, 0x61, 0x00]],
  ['utf-16be', [0xd8, 0x00, 0x00, 0x61]],
  ['gb18030', [0x61, 0xff]],
  // The euro of code page 936 has another code in GB18030.
  ['gb18030', [0x80]],
] as const)(
  'bytes that are not valid %s are shown as U+FFFD or another character, and kept: %j',
  (encoding, content) => {
    const original = Buffer.from(content)
    expect(givesBack(original, encoding)).toEqual({ raw: true, bytes: original })
  },
)

test('a byte order mark is in the bytes, not in the message, so the first event keeps its bytes', () => {
  const original = Buffer.from('\ufeffa\n')
  expect(needsRaw(Buffer.from('a'), original, 'utf-8')).toBe(true)
  const wide = Buffer.from('\ufeffa\n', 'utf16le')
  expect(needsRaw(Buffer.from('a'), wide, 'utf-16le')).toBe(true)
})

test('a message that is not the original needs it, also at the same length', () => {
  expect(needsRaw(Buffer.from('abc'), Buffer.from('abd\n'), 'utf-8')).toBe(true)
  expect(needsRaw(Buffer.from('abc'), Buffer.from('abc\r'), 'utf-8')).toBe(true)
  expect(needsRaw(Buffer.from('abc'), Buffer.from('abc\n'), 'utf-8')).toBe(false)
})

test('valid UTF-8 is not copied', () => {
  const bytes = Buffer.from('xx连接xx')
  const part = toUtf8(bytes, 2, 8, 'utf-8')
  expect(part.toString()).toBe('连接')
  expect(part.buffer).toBe(bytes.buffer)
})

test('a record of another length without its bytes is refused', () => {
  expect(() => originalBytes({ message: Buffer.from('a'), bytes: 9, encoding: 'utf-8' })).toThrow(ShiplogError)
})

test('names of encodings', () => {
  expect(isEncoding('gb18030')).toBe(true)
  expect(isEncoding('latin1')).toBe(false)
})
