import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patternQuery, patternText } from '../../pipeline/pattern-text.ts'
import { firstWordsMax, type Pattern, PatternTree, patternsMax } from '../../pipeline/pattern-tree.ts'
import { matches } from '../../pipeline/query-matches.ts'
import { parseQuery } from '../../pipeline/query-parser.ts'

const samples = fileURLToPath(new URL('../fixtures/samples/', import.meta.url))

function treeOf(lines: readonly string[]): readonly Pattern<string>[] {
  const tree = new PatternTree<string>()
  for (const [i, line] of lines.entries()) tree.add(line, 3, i, 1, 0, () => line)
  return tree.finish()
}

/** Each pattern with the number of its lines, most first. */
function shapes(lines: readonly string[]): [string, number][] {
  return treeOf(lines)
    .map((pattern): [string, number] => [patternText(pattern), pattern.seen[0]?.lines ?? 0])
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
}

test('lines that differ in what varies are one pattern, those that say another thing are not', () => {
  expect(
    shapes([
      'user alice logged in from 10.0.0.1',
      'user bob logged in from 10.0.0.2',
      'user carol logged in from 10.0.0.3',
      'connection refused',
      'connection accepted',
    ]),
  ).toEqual([
    ['user <*> logged in from <ip>', 3],
    ['connection accepted', 1],
    ['connection refused', 1],
  ])
})

test('what stands behind stamp, level, thread and class decides, not the header', () => {
  const header = '2026-11-24 10:00:00,123 INFO [http-nio-8080-exec-3] com.acme.order.service.OrderService - '
  expect(shapes([`${header}place order id=1 qty=2`, `${header}cancel order id=3 qty=4`])).toHaveLength(2)
})

test('Chinese: a name that varies is one gap, another verb is another pattern', () => {
  expect(
    shapes(['用户张三登录成功,来源10.0.0.1', '用户李四登录成功,来源10.0.0.2', '订单9981支付失败', '订单17支付失败']),
  ).toEqual([
    ['用户<*>登录成功,来源<ip>', 2],
    ['订单<num>支付失败', 2],
  ])
  expect(shapes(['用户支付成功', '用户登录成功'])).toHaveLength(2)
})

test('a first word that is another one each time varies, those that came first with it', () => {
  const names = Array.from({ length: firstWordsMax * 3 }, (_, i) =>
    String.fromCharCode(97 + (i % 26)).repeat(2 + i / 26),
  )
  expect(shapes(names.map((name) => `${name} has logged in again`))).toEqual([
    ['<*> has logged in again', firstWordsMax * 3],
  ])
})

test('levels are apart, and ranges are counted apart', () => {
  const tree = new PatternTree<string>(2)
  tree.add('same', 3, 1, 2.5, 0, () => 'before')
  tree.add('same', 3, 2, 1, 1, () => 'now')
  tree.add('same', 5, 3, 1, 1, () => 'error')
  const [info, error] = tree.finish()
  expect(info).toMatchObject({
    level: 3,
    example: 'now',
    seen: [
      { weight: 2.5, lines: 1 },
      { lines: 1, first: 2, last: 2 },
    ],
  })
  expect(error).toMatchObject({ level: 5, example: 'error', seen: [{ lines: 0 }, { lines: 1 }] })
})

test('there are never more patterns than the bound; the lines beyond it are counted', () => {
  const tree = new PatternTree<number>()
  const word = (i: number): string => [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
  for (let i = 0; i < patternsMax + 300; i++) tree.add(`${'- '.repeat(i % 40)}${word(i)}`, i % 7, i, 1, 0, () => i)
  const found = tree.finish()
  expect(found.length).toBeLessThanOrEqual(patternsMax)
  const lines = found.reduce((sum, { seen }) => sum + (seen[0]?.lines ?? 0), 0)
  expect(lines + (tree.others[0]?.lines ?? 0)).toBe(patternsMax + 300)
})

const anyLine = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'user',
        'order',
        'failed',
        '用户',
        '登录成功',
        '“引号”',
        'naïve',
        'サーバー',
        '👍',
        '\\n',
        '"',
        '<num>',
      ),
      fc.constantFrom(' ', ' ', ': ', '=', ',', ', ', '[', ']', '/', '-', '_', '.', '\u001b[32m'),
      fc.nat(99_999).map(String),
      fc.constantFrom('10.0.0.1', '/var/log/x.log', '2026-11-24 10:00:00', '0xff', '12ms', 'a1b2c3d4', 'k8s', 'INV-7'),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''))

test('every line is counted once, the same lines give the same, and the query of a pattern finds all its lines', () => {
  fc.assert(
    fc.property(fc.array(anyLine, { minLength: 1, maxLength: 40 }), (lines) => {
      const own = new Map<Pattern<string>, string[]>()
      const tree = new PatternTree<string>()
      // A line that comes again falls into the pattern that it fell into: that tells which one it is.
      for (const line of lines) tree.add(line, 0, 0, 1, 0, () => line)
      const found = tree.finish()
      expect(found.reduce((sum, { seen }) => sum + (seen[0]?.lines ?? 0), 0)).toBe(lines.length)
      expect(shapes(lines)).toEqual(shapes(lines))
      for (const line of lines) {
        const before = found.map(({ seen }) => seen[0]?.lines ?? 0)
        tree.add(line, 0, 0, 1, 0, () => line)
        const pattern = found.find(({ seen }, i) => seen[0]?.lines !== before[i])
        if (pattern !== undefined) own.set(pattern, [...(own.get(pattern) ?? []), line])
      }
      const nothing = { level: 'none', app: '', instance: '', host: '', dir: '', file: '', fields: [] } as const
      for (const [pattern, its] of own) {
        const query = patternQuery(pattern)
        if (query === undefined) continue
        for (const message of its) {
          expect([query, message, matches(parseQuery(query), { ...nothing, message })]).toEqual([query, message, true])
        }
      }
    }),
    { numRuns: 400 },
  )
})

test('the samples, as they have always been', async () => {
  const text: string[] = []
  for (const app of ['2048', 'order-service', 'billing', 'scheduler', 'gateway', 'shop-tomcat', 'cache', 'db']) {
    const lines: string[] = []
    const entries = readdirSync(join(samples, app), { recursive: true, withFileTypes: true })
    for (const path of entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()) {
      if (path.includes('gbk')) continue
      lines.push(
        ...readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => /^\S/.test(line)),
      )
    }
    text.push(`# ${app}: ${lines.length} lines`)
    for (const [shape, count] of shapes(lines).filter(([, lines]) => lines >= 5)) text.push(`${count}\t${shape}`)
  }
  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot('../fixtures/patterns.txt')
})
