import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteWriter } from '../../pipeline/byte-writer.ts'
import { columnsOf } from '../../pipeline/event-batch.ts'
import { fieldNameUnitsMax, fieldsMax, fieldsOf, fieldValueUnitsMax } from '../../pipeline/fields.ts'
import { type FieldsForm, FieldsMember } from '../../pipeline/fields-member.ts'
import { lowerCase } from '../../pipeline/words.ts'

/** What is said to be meant: the values of each name, names in the order in which they come first. */
function expected(message: Uint8Array, form: FieldsForm): string {
  const fields = fieldsOf(Buffer.from(message).toString('utf8'))
  if (fields.length === 0) return ''
  if (form === 'pairs') {
    return `,"fields":${JSON.stringify(fields.map(([name, value]) => `${lowerCase(name)}=${value}`))}`
  }
  const byName: Record<string, string[]> = Object.create(null)
  for (const [name, value] of fields) (byName[name] ??= []).push(value)
  return `,"fields":${JSON.stringify(byName)}`
}

/** All messages lie behind each other in one text, as in an export: none may look at its neighbour. */
function expectSame(messages: readonly (string | Uint8Array)[]): void {
  const bytes = messages.map((message) => Buffer.from(message as Uint8Array))
  const columns = columnsOf(bytes.map((message, i) => ({ message, offset: i, bytes: 0, time: 0 })))
  for (const form of ['by-name', 'pairs'] as const) {
    const out = new ByteWriter(16)
    const member = new FieldsMember(out, form)
    for (const [i, message] of bytes.entries()) {
      out.reset()
      member.put(columns, i)
      const written = out.view().toString('utf8')
      const wanted = expected(message, form)
      if (written !== wanted) expect(written, message.toString('utf8')).toBe(wanted)
    }
  }
}

const samples = fileURLToPath(new URL('../fixtures/samples/', import.meta.url))
const long = 'x'.repeat(fieldValueUnitsMax)
const wide = '连'.repeat(fieldValueUnitsMax)
const pairs = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=${i}`).join(' ')

describe('fields from bytes', () => {
  test.each([
    ['nothing', ['', ' ', '\n', '{', '{}', ' {}', '{"', '{"a', '{"a"', '{"a":', '{"a":1', '{"a":1}']],
    ['plain lines before and behind pairs', ['none', 'a=1 b=2', 'none', 'x = 1', 'one=1', 'c=3 d=4', 'end']],
    ['neighbours that would go on', ['{"a":1', '}', '{"a":"b', '"}', 'a=1 b', '=2', 'a=1 b=', '2', 'a=1 b="', '"']],
    [
      'quoted values',
      ['a="x y" b=1', 'a="\\"\\\\\\n\\t\\x" b=""', 'a="连 \\连" b=2', 'a="open b=1 c=2', 'a="x"b=1 c=2'],
    ],
    ['code', ['a == b c => d e= f', 'a=b=c d=e=f', 'if (a=1, b=2) {c=[1], d=(2)}', '{a=1,b=2}', 'a=,b=2,c=3;d=|e=5']],
    ['brackets', ['a=(1)) b=[2]] c={3}}', 'a=1) b=2,)|', 'a=) b=x', 'a=,, b=1 c=2', 'a=f(x), b=g[1];']],
    [
      'names that come again',
      [
        'A=1 a=2 Bc=3',
        '{"A":1,"Bc":[1,2,3]}',
        'a=1 a=2 b=3',
        '{"a":1,"a":2}',
        '{"a":{"b":1},"a.b":2}',
        '{"a":1,"a":{}}',
        '{"a":{},"a":1}',
      ],
    ],
    [
      'arrays',
      ['{"a":[1,"x",null]}', '{"a":[]}', '{"a":[[1],2]}', '{"a":[{"b":1},{"b":2}]}', '{"a":[1,]}', '{"a":[,1]}'],
    ],
    [
      'names of objects',
      ['{"__proto__":1,"x":2}', '{"b":1,"2":2,"1":3}', '{"":1}', '{"":{"a":1}}', '{"a=b":1}', '{"a\\u0041":1}'],
    ],
    [
      'numbers',
      ['{"a":-0,"b":1.0,"c":1e400,"d":0.1}', '{"a":01}', '{"a":1.}', '{"a":-}', '{"a":1e}', '{"a":+1}', '{"a":.5}'],
    ],
    ['words', ['{"a":true,"b":false,"c":null}', '{"a":nul}', '{"a":truex}', '{"a":NaN}']],
    [
      'escapes in strings',
      ['{"a":"\\"\\\\\\b\\f\\n\\r\\t"}', '{"a":"\\/"}', '{"a":"\\u0001\\ud83d"}', '{"a":"\\x"}', '{"a":"\t"}'],
    ],
    [
      'blanks',
      [
        '\t{ "a" : { "b" : [ 1 , 2 ] } } \n',
        '\u00a0{"a":1}',
        ' \u3000{"a":1}',
        `{"a":1}${' '.repeat(63)}`,
        `{"a":1}${' '.repeat(64)}`,
      ],
    ],
    [
      'blanks beyond ASCII',
      ['x\u00a0a=1\u3000b=2\u2003c=3\ufeffd=4', '连a=1 连b=2', 'a=连\u00a0 b=\u2028 c=\u205f', 'a=éà b=\u00a0x'],
    ],
    [
      'long values',
      [
        `a=${long} b=1 c=2`,
        `a=${long}x b=1 c=2`,
        `a="${long}x" b=1 c=2`,
        `a="${long}${long}xx" b=1 c=2`,
        `a=${long}${long}${long} b=1 c=2`,
      ],
    ],
    [
      'long values beyond ASCII',
      [
        `a=${wide} b=1`,
        `a=${wide}x b=1 c=2`,
        `a="${wide}" b=1`,
        `a="${wide}${wide}x" b=1 c=2`,
        `{"a":"${wide}"}`,
        `{"a":"${wide}x","b":1}`,
      ],
    ],
    [
      'long values in JSON',
      [`{"a":"${long}","b":1}`, `{"a":"${long}x","b":1}`, `{"a":"${long}\\n","b":1}`, `{"a":["${long}x",1]}`],
    ],
    [
      'long names',
      [127, 128, 129, 130]
        .flatMap((units) => ['a'.repeat(units), `x${'连'.repeat(units)}`])
        .flatMap((name) => [`${name}=1 b=2 c=3`, `{"${name}":1}`, `{"${name.slice(2)}":{"b":1}}`]),
    ],
    [
      'many',
      [fieldsMax - 1, fieldsMax, fieldsMax + 1].flatMap((count) => [
        pairs(count),
        `{"a":[${Array.from({ length: count }, () => 1)}]}`,
        `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`)}}`,
      ]),
    ],
    ['deep', [6, 7, 8, 9].map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)],
    [
      'invalid bytes',
      [
        Buffer.from('a=\xff b=\xe3\x80', 'latin1'),
        Buffer.from('{"a":"\xc3("}', 'latin1'),
        Buffer.from(' \xe3"a":1}', 'latin1'),
      ],
    ],
  ] as [string, (string | Uint8Array)[]][])('%s', (_, messages) => {
    expect(fieldNameUnitsMax).toBe(128)
    expectSame(messages)
  })

  test('are those of fieldsOf for every line of the samples', () => {
    const files = readdirSync(samples, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const { parentPath, name } of files) {
      // Lines as bytes, whatever the encoding of the file is.
      const lines = readFileSync(join(parentPath, name)).toString('latin1').split('\n')
      expectSame(lines.map((line) => Buffer.from(line, 'latin1')))
    }
    expect(files.length).toBeGreaterThan(10)
  })

  const name = fc.oneof(
    fc.constantFrom('a', 'b', 'a.b', '_x', '@t', '$', '1', '10', '连', '', '__proto__', 'a-b/c'),
    fc.string({ maxLength: 4 }),
  )
  const blank = fc.constantFrom(
    ' ',
    '',
    '\t',
    '\u00a0',
    '\u3000',
    ', ',
    ';',
    '|',
    '(',
    '[',
    '{',
    '}',
    ')',
    ']',
    '\n',
    '连',
  )
  const value = fc.oneof(
    fc.constantFrom('1', '-1.50', 'x,y=1', '"q \\" z"', '"', '=', '>', 'f(a)', '[1]', '{x}', '连'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  const logfmt = fc
    .array(
      fc.tuple(blank, name, fc.constantFrom('=', '=', '=', ' '), value).map((parts) => parts.join('')),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(' '))
  const json = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(1, -0.5, 1e21, true, null, '', 'x', '\n"\\', '连😀', '\u0000'),
      fc.double({ noNaN: true }),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(name, tie('any'), { maxKeys: 4 }),
    ),
  }))
  const object = fc
    .tuple(fc.dictionary(name, json.any, { maxKeys: 5 }), fc.constantFrom(undefined, 1, '\t'))
    .map(([value, space]) => JSON.stringify(value, null, space))
  /** JSON with one character more, less or another. */
  const broken = fc
    .tuple(
      object,
      fc.nat(),
      fc.nat({ max: 1 }),
      fc.constantFrom('', ',', '"', '}', '{', ']', '\\', ' ', '0', '.', 'e', 'x'),
    )
    .map(([text, at, cut, put]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + put + text.slice(place + cut)
    })
  const soup = fc
    .array(fc.constantFrom(...'{}[]",:=\\ \n.-+019eEabtrufalsn連\u00a0', '"a"', '"b":', 'true', 'a='), {
      maxLength: 30,
    })
    .map((parts) => parts.join(''))

  test('are those of fieldsOf for any message', () => {
    const message = fc.oneof(
      logfmt,
      object,
      broken,
      soup,
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 60 }),
    )
    fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), expectSame), { numRuns: 3000 })
  })
})
