import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fieldDepthMax,
  fieldNameUnitsMax,
  fieldsMax,
  fieldsMessageUnitsMax,
  fieldsOf,
  fieldValueUnitsMax,
} from '../../pipeline/fields.ts'

const table: [title: string, message: string, fields: [string, string][]][] = [
  ['a plain line', '2016/05/16 20:47:10 [info] 9#0: *886 recv() failed', []],
  ['nothing', '', []],
  [
    'one object',
    '{"level":"info","status":500}',
    [
      ['level', 'info'],
      ['status', '500'],
    ],
  ],
  ['white space around', ' \n{ "a" : 1 }\n', [['a', '1']]],
  ['several lines', '{\n  "a": {\n    "b": "x"\n  }\n}', [['a.b', 'x']]],
  [
    'scalars',
    '{"n":1.5,"t":true,"f":false,"z":null,"s":""}',
    [
      ['n', '1.5'],
      ['t', 'true'],
      ['f', 'false'],
      ['z', 'null'],
      ['s', ''],
    ],
  ],
  [
    'numbers as they are written',
    '{"a":1.0,"b":1e3,"c":12345678901234567890,"d":-0,"e":0.0000001,"f":12345678.123456789}',
    [
      ['a', '1.0'],
      ['b', '1e3'],
      ['c', '12345678901234567890'],
      ['d', '-0'],
      ['e', '0.0000001'],
      ['f', '12345678.123456789'],
    ],
  ],
  [
    'an array repeats its name',
    '{"tag":["a","b",{"c":1}]}',
    [
      ['tag', 'a'],
      ['tag', 'b'],
      ['tag.c', '1'],
    ],
  ],
  ['empty insides', '{"a":{},"b":[]}', []],
  ['an empty object', '{}', []],
  ['Chinese', '{"消息":"连接失败"}', [['消息', '连接失败']]],
  ['a name with a dot', '{"a.b":1}', [['a.b', '1']]],
  ['a name with = is left out', '{"a=b":1,"c":2}', [['c', '2']]],
  ['__proto__ is a name', '{"__proto__":{"a":1}}', [['__proto__.a', '1']]],
  ['text before the object', 'INFO {"a":1,"b":2}', []],
  ['text behind the object', '{"a":1} x', []],
  ['broken JSON', '{"a":1,}', []],
  ['an array', '[{"a":1}]', []],
  ['not JSON', '{a=1, b=2}', []],
  [
    'logfmt',
    'level=info msg="connection reset" took=12ms',
    [
      ['level', 'info'],
      ['msg', 'connection reset'],
      ['took', '12ms'],
    ],
  ],
  [
    'pairs behind text',
    '2016-05-16 INFO login user=7 ip=10.0.0.1, ok',
    [
      ['user', '7'],
      ['ip', '10.0.0.1'],
    ],
  ],
  ['one pair is no logfmt', 'retry count=3', []],
  [
    'escapes',
    'a="x \\"y\\" \\\\ \\n \\w" b=1',
    [
      ['a', 'x "y" \\ \n \\w'],
      ['b', '1'],
    ],
  ],
  [
    'an empty quoted value',
    'a="" b=1',
    [
      ['a', ''],
      ['b', '1'],
    ],
  ],
  [
    'commas and brackets',
    '(a=1, b=[1,2], c={x};d=f(2)) e=5',
    [
      ['a', '1'],
      ['b', '[1,2]'],
      ['c', '{x}'],
      ['d', 'f(2)'],
      ['e', '5'],
    ],
  ],
  [
    'pairs without spaces',
    'a=1,b=2|c=3',
    [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ],
  ],
  [
    '= inside a value',
    'a=x=1 b=y==',
    [
      ['a', 'x=1'],
      ['b', 'y=='],
    ],
  ],
  ['the parameters of an address', 'GET /search?q=1&r=2 HTTP/1.1', []],
  ['code', 'if (a == b && c => d) x= y', []],
  [
    'an unclosed quote',
    'a="x b=1 c=2',
    [
      ['b', '1'],
      ['c', '2'],
    ],
  ],
  [
    'dotted and dashed names',
    'http.status=500 x-id=7 @t=1',
    [
      ['http.status', '500'],
      ['x-id', '7'],
      ['@t', '1'],
    ],
  ],
  ['names that begin with a digit', '1a=1 2b=2', []],
]

describe('fieldsOf', () => {
  it.each(table)('%s', (_title, message, fields) => {
    expect(fieldsOf(message)).toEqual(fields)
  })

  it('holds its bounds', () => {
    const many = Object.fromEntries(Array.from({ length: fieldsMax + 9 }, (_, index) => [`k${index}`, index]))
    expect(fieldsOf(JSON.stringify(many))).toHaveLength(fieldsMax)
    expect(
      fieldsOf(
        Object.keys(many)
          .map((key) => `${key}=1`)
          .join(' '),
      ),
    ).toHaveLength(fieldsMax)
    const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    expect(fieldsOf(deep(fieldDepthMax))).toHaveLength(1)
    expect(fieldsOf(deep(fieldDepthMax + 1))).toEqual([])
    const sized = (name: number, value: number) =>
      fieldsOf(JSON.stringify({ ['n'.repeat(name)]: 'v'.repeat(value) })).length
    expect(sized(fieldNameUnitsMax, fieldValueUnitsMax)).toBe(1)
    expect(sized(fieldNameUnitsMax + 1, 1)).toBe(0)
    expect(sized(1, fieldValueUnitsMax + 1)).toBe(0)
    expect(fieldsOf(`{"a":"${' '.repeat(fieldsMessageUnitsMax)}"}`)).toEqual([])
  })

  it.each([
    ['nested arrays', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['nested arrays with a number to keep', `{"x":1.0,"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['pairs without a space', 'a=1,'.repeat(120_000)],
    ['equals signs', '='.repeat(500_000)],
    ['commas in a value', `a=${','.repeat(250_000)}x b=${','.repeat(250_000)}x`],
    ['unclosed quotes', 'a="\\" '.repeat(80_000)],
    ['brackets', `a=${')'.repeat(500_000)}=`],
  ])('ends soon with %s', (_title, message) => {
    const begun = performance.now()
    fieldsOf(message)
    // Milliseconds in practice; a walk that is quadratic takes minutes.
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it('never throws, and reads back flat objects', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json(),
          fc.string({ unit: fc.constantFrom('{', '}', '"', '=', 'a', ' ', ':', '1', ',', '\\') }),
        ),
        (text) => {
          for (const [name, value] of fieldsOf(text)) {
            expect(name.length).toBeLessThanOrEqual(fieldNameUnitsMax)
            expect(value.length).toBeLessThanOrEqual(fieldValueUnitsMax)
          }
        },
      ),
      { numRuns: 1000 },
    )
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,9}$/)
    fc.assert(
      fc.property(
        fc.dictionary(
          name,
          fc.oneof(fc.string(), fc.integer(), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.boolean()),
          { minKeys: 1 },
        ),
        (object) => {
          const expected = Object.entries(object).map(([key, value]) => [
            key,
            typeof value === 'string' ? value : JSON.stringify(value),
          ])
          expect(fieldsOf(JSON.stringify(object))).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })
})
